// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// How long the servers of these tests take to connect to, and to bind at.
const (
	toDial = 30 * time.Millisecond
	toBind = 50 * time.Millisecond
)

// slowly returns a domain of such a server, and what waiting its operations of one kind tell of. Those of the domain itself
// are left out, but for its binds.
func slowly(t *testing.T, change func(*ldapmgr.DomainConfig)) (d *ldapmgr.Domain, waits func(instrument.Kind) []instrument.Timing) {
	t.Helper()
	n := start(t, 1, small)
	c := n.config(1)
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		pause(toDial)
		return n.dial(ctx, network, address)
	}
	n.host(0).Dir.SetFault(func(r ldaptest.Request) ldaptest.Action {
		if r.Op == wire.BindRequest {
			return ldaptest.Action{Delay: toBind}
		}
		return ldaptest.Action{}
	})
	change(&c)
	d, scope := domain(t, c)
	return d, func(kind instrument.Kind) (told []instrument.Timing) {
		for _, op := range scope.Recorder().Latest(1000).Operations {
			if op.Kind == kind && (op.Search == nil || op.Search.Base == suffix) {
				w := op.Timing
				told = append(told, instrument.Timing{WaitPool: w.WaitPool, Dial: w.Dial, TLS: w.TLS, SetupBind: w.SetupBind})
			}
		}
		return told
	}
}

// while runs something while a connection is lent for a time.
func while(t *testing.T, d *ldapmgr.Domain, lent time.Duration, run func() error) {
	t.Helper()
	begun := make(chan struct{})
	go func() {
		_ = d.Do(t.Context(), func(context.Context, *instrument.Client) error { close(begun); pause(lent); return nil })
	}()
	<-begun
	took(t, run)
}

// The first search on a connection tells what it waited for, each part once and in the place where it went.
func TestWaitsAreToldOnce(t *testing.T) {
	t.Parallel()
	made := instrument.Timing{Dial: toDial, SetupBind: toBind}
	for _, test := range []struct {
		name   string
		change func(*ldapmgr.DomainConfig)
		second func(t *testing.T, d *ldapmgr.Domain)
		want   instrument.Timing // of the second search
	}{
		{"on the same connection", func(*ldapmgr.DomainConfig) {}, func(t *testing.T, d *ldapmgr.Domain) { t.Helper(); took(t, search(t, d)) }, instrument.Timing{}},
		{"on one of its own", func(*ldapmgr.DomainConfig) {}, func(t *testing.T, d *ldapmgr.Domain) { t.Helper(); while(t, d, time.Second, search(t, d)) }, made},
		{"on one that was made before", func(c *ldapmgr.DomainConfig) { c.Pool.MinIdle = 2 }, func(t *testing.T, d *ldapmgr.Domain) {
			t.Helper()
			pause(time.Minute)
			while(t, d, time.Second, search(t, d))
		}, instrument.Timing{}},
		{"no place free", func(c *ldapmgr.DomainConfig) { c.Pool.MaxOpen = 1 }, func(t *testing.T, d *ldapmgr.Domain) {
			t.Helper()
			while(t, d, 200*time.Millisecond, search(t, d))
		}, instrument.Timing{WaitPool: 200 * time.Millisecond}},
		{"after a borrower who sent nothing", func(*ldapmgr.DomainConfig) {}, func(t *testing.T, d *ldapmgr.Domain) {
			t.Helper()
			while(t, d, time.Second, func() error { return d.Do(t.Context(), nothing) })
			took(t, search(t, d))
		}, instrument.Timing{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, waits := slowly(t, test.change)
				took(t, search(t, d))
				test.second(t, d)
				if diff := cmp.Diff([]instrument.Timing{made, test.want}, waits(instrument.KindSearch)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// A login is the first operation on its connection, and tells of the making likewise.
func TestLoginTellsItsWaitOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, waits := slowly(t, func(*ldapmgr.DomainConfig) {})
		took(t, func() error { return d.BindAs(t.Context(), admin, password) })
		if diff := cmp.Diff([]instrument.Timing{{Dial: toDial}}, waits(instrument.KindBind)); diff != "" {
			t.Error(diff)
		}
	})
}

// The bind of a new connection is a part of making it, in its trace as in its time.
func TestBindIsPartOfConnecting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewInMemoryExporter()
		tracers := trace.NewTracerProvider(trace.WithSyncer(spans))
		n := start(t, 1, small)
		m, err := ldapmgr.New(ldapmgr.Config{
			Scope:   instrument.New(instrument.WithTracerProvider(tracers)),
			Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": n.config(1)},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(t.Context())
		d, err := m.Domain("")
		if err != nil {
			t.Fatal(err)
		}
		ctx, request := tracers.Tracer("test").Start(t.Context(), "GET /")
		if _, err := d.Search(ctx, people("(ou=people)")); err != nil {
			t.Fatal(err)
		}
		request.End()
		parents := map[string]string{} // by the name of a span, that of its parent
		names := map[string]string{}
		for _, s := range spans.GetSpans() {
			names[s.SpanContext.SpanID().String()] = s.Name
		}
		for _, s := range spans.GetSpans() {
			parents[s.Name] = names[s.Parent.SpanID().String()]
		}
		if parents["bind"] != "connect" || parents["connect"] != "GET /" {
			t.Errorf("parents of spans: %v", parents)
		}
	})
}
