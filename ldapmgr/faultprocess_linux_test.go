// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// identities proves by what the server sees that no connection is used by the wrong person, whatever borrowers do to it.
func identities(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			n := start(t, 2, small)
			c := n.config(2)
			c.Pool.MaxOpen = 2
			d, _ := domain(t, c)
			for i := range 2 {
				n.host(i).Dir.SetFault(ldaptest.On(wire.SearchRequest, func(r ldaptest.Request) ldaptest.Action {
					if r.DN != "" && r.Bound != admin {
						t.Errorf("seed %d: a search is made by %q", seed, r.Bound)
					}
					return ldaptest.Action{}
				}))
			}
			var all sync.WaitGroup
			for range 200 {
				switch random.IntN(6) {
				case 0:
					all.Go(func() { _ = d.BindAs(t.Context(), "uid=nobody,"+suffix, "wrong") })
				case 1:
					all.Go(func() {
						_ = d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error { return c.BindAnonymous(ctx) })
					})
				case 2:
					all.Go(func() {
						_ = d.Do(t.Context(), func(_ context.Context, c *instrument.Client) error {
							return c.Conn().Bind("uid=nobody,"+suffix, "wrong")
						})
					})
				case 3:
					all.Go(func() { _ = d.DoAs(t.Context(), "uid=nobody,"+suffix, "wrong", nothing) })
				default:
					all.Go(func() { _ = search(t, d)() })
				}
				if random.IntN(10) == 0 {
					pause(time.Duration(random.IntN(100)) * time.Millisecond)
				}
			}
			all.Wait()
			took(t, search(t, d))
		})
	}
}

func slowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, chaosDirectory)
		c := n.config(1)
		c.Pool.MaxOpen = 2
		d, _ := domain(t, c)
		var all sync.WaitGroup
		all.Go(func() {
			for _, err := range d.Entries(t.Context(), people("(ou=u*)"), 5) {
				if err != nil {
					t.Error(err)
				}
				pause(time.Second)
			}
		})
		pause(100 * time.Millisecond)
		for range 100 {
			if got := took(t, search(t, d)); got != 0 {
				t.Errorf("a call beside the slow reader took %v", got)
			}
			pause(100 * time.Millisecond)
		}
		all.Wait()
	})
}

func noDescriptors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dialed atomic.Int64
		c := bound("ldap://a.test", "ldap://b.test", "ldap://c.test")
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			dialed.Add(1)
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}
		d, _ := domain(t, c)
		for range 6000 {
			begin := time.Now()
			if err := search(t, d)(); err == nil || !strings.Contains(err.Error(), "open no more files") && ldapmgr.Classify(err) != ldapmgr.ClassDescriptors || time.Since(begin) > 10*time.Millisecond {
				t.Fatalf("got %v after %v, want the reason at once", err, time.Since(begin))
			}
			pause(10 * time.Millisecond)
		}
		if got := dialed.Load(); got > 300 {
			t.Errorf("6000 calls in a minute dialled %d times, want at most one in 800 ms for each of 3 servers", got)
		}
	})
}

// stuck is an exporter that takes nothing until it is let go.
type stuck struct{ release chan struct{} }

func (s stuck) ExportSpans(context.Context, []trace.ReadOnlySpan) error { <-s.release; return nil }
func (s stuck) Shutdown(context.Context) error                          { return nil }

func hangingSinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := stuck{make(chan struct{})}
		provider := trace.NewTracerProvider(trace.WithBatcher(sink, trace.WithMaxQueueSize(16), trace.WithMaxExportBatchSize(4)))
		scope := instrument.New(instrument.WithTracerProvider(provider), instrument.WithRecorderLimits(instrument.Limits{Operations: 20}))
		_, stop := scope.Recorder().Watch() // and never read
		defer stop()
		n := start(t, 1, small)
		m, err := ldapmgr.New(ldapmgr.Config{Scope: scope, Domains: map[string]ldapmgr.DomainConfig{"A": n.config(1)}})
		if err != nil {
			t.Fatal(err)
		}
		d, _ := m.Domain("")
		for range 500 {
			if got := took(t, search(t, d)); got != 0 {
				t.Errorf("a call took %v", got)
			}
		}
		close(sink.release)
		if err := errors.Join(m.Close(t.Context()), provider.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
