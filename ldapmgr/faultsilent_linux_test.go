// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// This file meets the faults of the list that nobody is told of, because no call had to know.

// meetsDeadAddresses has a server whose name has two addresses before the one that answers.
func meetsDeadAddresses(t *testing.T, told ldapmgr.Class) {
	t.Helper()
	c, _ := byName(t, &names{a: map[string][]netip.Addr{"dc.example.org.": {
		netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.1"),
	}}})
	c.Pool.MaxUses = 1 // each call connects anew
	w := toldDomain(t, c)
	for range 5 {
		if err := w.search(t); err != nil {
			t.Error(err)
		}
	}
	w.want(t, told)
}

// asleep lets a day pass at once, as a machine does that sleeps, and then a second that is none.
func asleep(_ *network, w *witness) {
	pause(24 * time.Hour)
	_, _ = w.domain.Search(context.Background(), people("(ou=people)"))
	pause(time.Second)
}

// otherIdentities tries to leave connections bound as somebody else.
func otherIdentities(_ *network, w *witness) {
	ctx := context.Background()
	for range 20 {
		_ = w.domain.BindAs(ctx, "uid=nobody,"+suffix, "wrong")
		_ = w.domain.DoAs(ctx, "uid=nobody,"+suffix, "wrong", nothing)
		_ = w.domain.DoAs(ctx, admin, password, nothing)
		_ = w.domain.Do(ctx, func(ctx context.Context, c *instrument.Client) error { return c.BindAnonymous(ctx) })
		_ = w.domain.Do(ctx, func(_ context.Context, c *instrument.Client) error {
			return c.Conn().Bind("uid=nobody,"+suffix, "wrong")
		})
	}
}

// meetsSlowReader reads a stream at its leisure, and ends another one early.
func meetsSlowReader(t *testing.T, told ldapmgr.Class) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, chaosDirectory)
		c := n.config(1)
		c.Pool.MaxOpen = 3
		w := toldDomain(t, c)
		var all sync.WaitGroup
		for _, most := range []int{1000, 3} {
			all.Go(func() {
				_ = w.within(t, func(ctx context.Context) error {
					read := 0
					for _, err := range w.domain.Entries(ctx, people("(ou=u*)"), 5) {
						if read++; err != nil || read == most {
							return err
						}
						pause(4 * time.Second) // longer than Timeouts.Idle
					}
					return nil
				})
			})
		}
		for range 20 {
			_ = w.search(t)
			pause(time.Second)
		}
		all.Wait()
		w.want(t, told)
	})
}

// meetsHangingSinks has telemetry whose export hangs, and a reader of the recorder that reads nothing.
func meetsHangingSinks(t *testing.T, told ldapmgr.Class) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sink := stuck{make(chan struct{})}
		n := start(t, 3, small)
		w := toldDomain(t, n.config(3), trace.WithBatcher(sink, trace.WithMaxQueueSize(16), trace.WithMaxExportBatchSize(4)))
		_, stop := w.scope.Recorder().Watch()
		defer stop()
		for range 200 {
			_ = w.search(t)
		}
		close(sink.release)
		if err := w.tracer.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		w.want(t, told)
	})
}
