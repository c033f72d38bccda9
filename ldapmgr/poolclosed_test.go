// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// closings are the ways in which a pool loses one connection, after a first search on it.
var closings = []struct {
	name   string
	config func(*ldapmgr.DomainConfig)
	happen func(t *testing.T, n *network, d *ldapmgr.Domain)
	want   instrument.CloseReason
}{
	{"unused for long", func(c *ldapmgr.DomainConfig) { c.Pool.MaxIdleTime = time.Minute }, func(*testing.T, *network, *ldapmgr.Domain) {
		pause(2 * time.Minute)
	}, instrument.CloseIdle},
	{"enough others are idle", func(c *ldapmgr.DomainConfig) { c.Pool.MaxIdle = 1 }, func(t *testing.T, _ *network, d *ldapmgr.Domain) {
		a, b := borrow(t, d), borrow(t, d)
		_, _ = a.end(nil), b.end(nil)
	}, instrument.CloseIdle},
	{"too old", func(c *ldapmgr.DomainConfig) { c.Pool.MaxLifetime = time.Minute }, func(*testing.T, *network, *ldapmgr.Domain) {
		pause(2 * time.Minute)
	}, instrument.CloseLifetime},
	{"used too often", func(c *ldapmgr.DomainConfig) { c.Pool.MaxUses = 2 }, func(t *testing.T, _ *network, d *ldapmgr.Domain) {
		took(t, search(t, d))
	}, instrument.CloseLifetime},
	{"half an answer", nil, func(t *testing.T, n *network, d *ldapmgr.Domain) {
		judge, _ := once(wire.SearchResultDone, cutHalf)
		n.host(0).judge(judge)
		took(t, search(t, d))
	}, instrument.CloseError},
	{"dead while it rested", nil, func(t *testing.T, n *network, d *ldapmgr.Domain) {
		pause(40 * time.Second)
		n.host(0).lose()
		took(t, search(t, d))
	}, instrument.CloseError},
	{"closed by the server", nil, func(t *testing.T, n *network, d *ldapmgr.Domain) {
		n.host(0).set(refusing)
		n.host(0).set(serving)
		synctest.Wait()
		took(t, search(t, d))
	}, instrument.CloseServer},
	{"given up", nil, func(t *testing.T, n *network, d *ldapmgr.Domain) {
		ctx, cancel := context.WithCancel(t.Context())
		n.host(0).judge(func(toClient bool, _ wire.Message) verdict {
			if toClient {
				cancel()
				return swallow
			}
			return pass
		})
		_ = d.Do(ctx, func(ctx context.Context, c *instrument.Client) error { _, err := c.WhoAmI(ctx); return err })
	}, instrument.ClosePoisoned},
	{"panic", nil, func(t *testing.T, _ *network, d *ldapmgr.Domain) {
		defer func() { _ = recover() }()
		_ = d.Do(t.Context(), func(context.Context, *instrument.Client) error { panic("oh") })
	}, instrument.ClosePoisoned},
	{"left open", nil, func(t *testing.T, _ *network, d *ldapmgr.Domain) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_ = d.Do(ctx, func(ctx context.Context, c *instrument.Client) error {
			c.With(ctx).SearchAsync(ctx, people("(objectClass=*)"), 0).Next()
			return nil
		})
	}, instrument.ClosePoisoned},
	{"the end", nil, func(t *testing.T, _ *network, d *ldapmgr.Domain) { _ = d.Close(t.Context()) }, instrument.CloseShutdown},
}

// Every connection that a pool closes is counted under the reason that an operator would name.
func TestCloseReasons(t *testing.T) {
	t.Parallel()
	for _, test := range closings {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := start(t, 1, small)
				c := n.config(1)
				if test.config != nil {
					test.config(&c)
				}
				d, scope := domain(t, c)
				took(t, search(t, d))
				pause(time.Second) // the connection is at rest
				test.happen(t, n, d)
				synctest.Wait()
				pool := scope.Snapshots()[0].Pool
				for why := instrument.CloseReason(0); int(why) < instrument.CloseReasons; why++ {
					want := uint64(0)
					if why == test.want {
						want = 1
					}
					if got := pool.ClosedFor[why]; got != want {
						t.Errorf("%d connections were closed for the reason %q, want %d", got, why, want)
					}
				}
			})
		})
	}
}

// A loan is measured from the moment in which the borrower has the connection to the moment in which it gives it back.
func TestUseTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MaxOpen = 1
		reader := sdkmetric.NewManualReader()
		m, err := ldapmgr.New(ldapmgr.Config{
			Scope:  instrument.New(instrument.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))),
			Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close(context.WithoutCancel(t.Context())) }()
		d, err := m.Domain("")
		if err != nil {
			t.Fatal(err)
		}
		first := borrow(t, d)
		next := borrow(t, d) // waits, which is no use
		pause(300 * time.Millisecond)
		_ = first.end(nil)
		pause(2 * time.Second)
		_ = next.end(nil)
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		for _, scope := range all.ScopeMetrics {
			for _, metric := range scope.Metrics {
				if metric.Name != "ldap.client.connection.use_time" {
					continue
				}
				points := metric.Data.(metricdata.Histogram[float64]).DataPoints
				if len(points) != 1 || points[0].Count != 2 || points[0].Sum < 2.299 || points[0].Sum > 2.301 {
					t.Errorf("use times %+v, want two loans, of 0.3 and 2 s", points)
				}
				return
			}
		}
		t.Error("no use time was measured")
	})
}
