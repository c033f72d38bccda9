// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// A connection that cannot be made fails everybody who waits for it, also those for whom there was no room to make one.
func TestWaitersBehindFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MaxOpen, c.Pool.WaitTimeout, c.Timeouts.Connect = 1, 4*time.Second, time.Second
		d, _ := domain(t, c)
		n.host(0).set(blackHole)
		const waiters = 5
		failed := make(chan error, waiters)
		begin := time.Now()
		for range waiters {
			go func() { failed <- search(t, d)() }()
		}
		for range waiters {
			if err := <-failed; !errors.Is(err, ldapmgr.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
		}
		if got := time.Since(begin); got != time.Second {
			t.Errorf("failing took %v, want the 1s of the attempt", got)
		}
	})
}

// A call that is over before it begins says nothing about the connections that rest, neither that they are dead nor that
// they are alive.
func TestProbeOfCallThatIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, scope := domain(t, n.config(1))
		rests(t, d, 3)
		pause(40 * time.Second)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Search(over, people("(ou=people)")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		synctest.Wait()
		if s := scope.Snapshots()[0].Pool; s.Idle != 3 || s.Closed != 0 {
			t.Fatalf("a call that was over before it began leaves the pool at %+v, want 3 idle", s)
		}
		n.host(0).lose()
		if got := took(t, search(t, d)); got > 500*time.Millisecond {
			t.Errorf("a dead connection cost %v: it was not asked, as if the call before had used it", got)
		}
	})
}

// What a borrower left open is in nobody else's way.
func TestLeftOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MaxOpen = 1
		d, scope := domain(t, c)
		took(t, search(t, d))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := d.Do(ctx, func(ctx context.Context, c *instrument.Client) error {
			if r := c.With(ctx).SearchAsync(ctx, people("(objectClass=*)"), 0); !r.Next() {
				t.Errorf("no entry came: %v", r.Err())
			}
			return nil // enough seen
		})
		if err != nil {
			t.Error(err)
		}
		if got := took(t, search(t, d)); got != 0 {
			t.Errorf("the next call took %v, want nothing", got)
		}
		synctest.Wait()
		if s := scope.Snapshots()[0].Pool; s.Closed != 1 || s.Idle != 1 {
			t.Errorf("pool %+v, want the connection with the open stream closed and another one idle", s)
		}
	})
}

// A server far away is not taken for a frozen one when a search lasts.
func TestFarServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const away = 210 * time.Millisecond
		n := start(t, 2, small)
		c := n.config(2)
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			pause(away)
			return n.dial(ctx, network, address)
		}
		for i := range 2 {
			n.host(i).Dir.SetFault(func(r ldaptest.Request) ldaptest.Action {
				if r.Op == wire.SearchRequest && r.DN != "" {
					return ldaptest.Action{Delay: away + time.Second}
				}
				return ldaptest.Action{Delay: away}
			})
		}
		d, _ := domain(t, c)
		for range 3 {
			took(t, search(t, d))
		}
		for _, e := range d.Status().Endpoints[:1] {
			if e.State != ldapmgr.EndpointUp {
				t.Errorf("%s is shown as %s: %s", e.URL, e.State, e.Reason)
			}
		}
		if got := n.host(1).Dir.Requests(wire.SearchRequest); got != 0 {
			t.Errorf("%d searches went to the second server, want none", got)
		}
	})
}

// Connecting for one call ends with its context, and nothing stays open that is made too late.
func TestConnectingEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			pause(300 * time.Millisecond)
			return n.dial(context.WithoutCancel(ctx), network, address)
		}
		d, _ := domain(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begin := time.Now()
		err := d.DoAs(ctx, admin, password, nothing)
		if !errors.Is(err, instrument.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrTimeout", err)
		}
		if got := time.Since(begin); got != 50*time.Millisecond {
			t.Errorf("took %v, want the 50ms of the context", got)
		}
		pause(time.Second)
		if n.host(0).dialed.Load() != 1 || n.host(0).open() != 0 {
			t.Errorf("%d connections were made and %d are open; want the one that came too late, closed", n.host(0).dialed.Load(), n.host(0).open())
		}
		took(t, func() error { return d.DoAs(t.Context(), admin, password, nothing) })
	})
}

// A retry takes one from the budget, also when it fails.
func TestRetryCostsOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, scope := domain(t, n.config(1))
		took(t, search(t, d))
		n.host(0).judge(func(_ bool, m wire.Message) verdict {
			if m.Op == wire.SearchResultDone {
				return cut
			}
			return pass
		})
		const floor = 3 // retries that need no calls
		before := scope.Snapshots()[0].Usage.SearchOperations
		for range floor {
			if search(t, d)() == nil {
				t.Fatal("a search without an answer succeeded")
			}
		}
		if got := scope.Snapshots()[0].Usage.SearchOperations - before; got < 2*floor {
			t.Errorf("%d searches were sent for %d calls, want each sent again once", got, floor)
		}
	})
}

// Close with a context that is over succeeds where there is nothing to wait for.
func TestCloseIdleWithoutTime(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"A": bound("ldap://a.test")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(over); err != nil {
			t.Fatalf("nothing was lent, and Close says %v", err)
		}
	}
}
