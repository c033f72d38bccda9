// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// borrower holds a connection until it is told what to do with it.
type borrower struct {
	release chan error // what Do's function returns
	cancel  context.CancelFunc
	done    chan error // what Do returned
	conn    uint64     // 0 while waiting
}

func borrow(t *testing.T, d *ldapmgr.Domain) *borrower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b := &borrower{release: make(chan error), cancel: cancel, done: make(chan error, 1)}
	go func() {
		b.done <- d.Do(ctx, func(_ context.Context, c *instrument.Client) error {
			b.conn = c.ID()
			return <-b.release
		})
	}()
	synctest.Wait()
	return b
}

// end lets the borrower return err from its function.
func (b *borrower) end(err error) error {
	b.release <- err
	synctest.Wait()
	return <-b.done
}

// rests leaves so many connections idle in the pool.
func rests(t *testing.T, d *ldapmgr.Domain, n int) {
	t.Helper()
	all := make([]*borrower, n)
	for i := range all {
		all[i] = borrow(t, d)
	}
	for _, b := range all {
		_ = b.end(nil)
	}
}

func TestWaitTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MaxOpen = 2
		d, scope := domain(t, c)
		a, b := borrow(t, d), borrow(t, d)
		begin := time.Now()
		err := d.Do(t.Context(), nothing)
		if !errors.Is(err, ldapmgr.ErrPoolExhausted) {
			t.Errorf("got %v, want ErrPoolExhausted", err)
		}
		if got := time.Since(begin); got != time.Second {
			t.Errorf("waited %v, want 1s", got)
		}
		pool := scope.Snapshots()[0].Pool
		if pool.Timeouts != 1 || pool.InUse != 2 || pool.Waiting != 0 {
			t.Errorf("pool %+v", pool)
		}
		_, _ = a.end(nil), b.end(nil)
	})
}

// A wait ends with its context, and what it would have been served goes to the next.
func TestWaitCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MaxOpen = 1
		d, _ := domain(t, c)
		holds, gone, next := borrow(t, d), borrow(t, d), borrow(t, d)
		gone.cancel()
		synctest.Wait()
		if err := <-gone.done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		_ = holds.end(nil)
		if next.conn == 0 {
			t.Error("the connection did not go to who waited next")
		}
		_ = next.end(nil)
	})
}

// A connection that is served in the moment in which its waiter gives up is not lost.
func TestCanceledWhileServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MaxOpen = 1
		d, _ := domain(t, c)
		for range 50 {
			holds := borrow(t, d)
			ctx, cancel := context.WithCancel(t.Context())
			var gone sync.WaitGroup
			for range 50 {
				gone.Go(func() { _ = d.Do(ctx, nothing) })
			}
			synctest.Wait()
			cancel() // all of them wake up, and one of them is served before it has left
			_ = holds.end(nil)
			gone.Wait()
			if s := d.Status().Pool; s.InUse != 0 || s.Waiting != 0 {
				t.Fatalf("pool %+v, want nothing in use", s)
			}
		}
	})
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		pool   ldapmgr.Pool
		rest   time.Duration // between two calls
		calls  int
		opened uint64
	}{
		{name: "kept", pool: ldapmgr.Pool{}, rest: time.Second, calls: 5, opened: 1},
		{name: "idle for too long", pool: ldapmgr.Pool{MaxIdleTime: time.Minute}, rest: 2 * time.Minute, calls: 3, opened: 3},
		{name: "idle for not too long", pool: ldapmgr.Pool{MaxIdleTime: time.Minute}, rest: 50 * time.Second, calls: 3, opened: 1},
		{name: "too old", pool: ldapmgr.Pool{MaxLifetime: time.Minute}, rest: 25 * time.Second, calls: 6, opened: 2},
		{name: "used too often", pool: ldapmgr.Pool{MaxUses: 2}, calls: 6, opened: 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := start(t, 1, small)
				c := n.config(1)
				c.Pool = test.pool
				d, scope := domain(t, c)
				for range test.calls {
					took(t, search(t, d))
					pause(test.rest)
				}
				if got := scope.Snapshots()[0].Pool.Opened; got != test.opened {
					t.Errorf("%d connections were opened, want %d", got, test.opened)
				}
			})
		})
	}
}

// Idle connections end by themselves, at different times.
func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, _ := domain(t, n.config(1))
		rests(t, d, 8)
		pause(8 * time.Minute)
		synctest.Wait()
		if got := n.host(0).open(); got != 8 {
			t.Errorf("%d connections are open after 8 minutes, want 8", got)
		}
		ends := map[time.Duration]bool{}
		for last, begin := 8, time.Now(); last > 0 && time.Since(begin) < 3*time.Minute; pause(time.Second) {
			if now := n.host(0).open(); now < last {
				ends[time.Since(begin)] = true
				last = now
			}
		}
		if got := n.host(0).open(); got != 0 {
			t.Errorf("%d connections are open after 11 minutes, want none", got)
		}
		if len(ends) < 3 {
			t.Errorf("the connections ended at %d instants, want them spread", len(ends))
		}
	})
}

// A connection that went dead while it rested costs a bounded wait, never an error.
func halfOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, _ := domain(t, n.config(1))
		rests(t, d, 4)
		pause(40 * time.Second)
		n.host(0).lose()
		if got := took(t, search(t, d)); got > 500*time.Millisecond {
			t.Errorf("the call took %v, want at most 500ms", got)
		}
		if got := took(t, search(t, d)); got != 0 {
			t.Errorf("the next call took %v; the other dead connections should be gone", got)
		}
	})
}

// A server that closes idle connections is never the caller's problem.
func serverClosesIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, _ := domain(t, n.config(1))
		for range 5 {
			took(t, search(t, d))
			n.host(0).set(refusing) // ends the connections
			n.host(0).set(serving)
			synctest.Wait()
		}
		if s := d.Status().Endpoints[0]; s.State != ldapmgr.EndpointUp {
			t.Errorf("the server is %s: %s", s.State, s.Reason)
		}
	})
}

func TestMinIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MinIdle = 3
		d, _ := domain(t, c)
		took(t, search(t, d))
		pause(5 * time.Second)
		if got := d.Status().Pool.Idle; got != 3 {
			t.Errorf("%d connections are ready, want 3", got)
		}
	})
}

// A function that panics or fails for reasons of its own.
func TestBorrowerFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Pool.MaxOpen = 1
		d, scope := domain(t, c)
		own := errors.New("the application's own")
		if err := d.Do(t.Context(), func(context.Context, *instrument.Client) error { return own }); err != own { //nolint:errorlint // as it is
			t.Errorf("got %v, want the function's error as it is", err)
		}
		if got := scope.Snapshots()[0].Pool; got.Opened != 1 || got.Idle != 1 {
			t.Errorf("an error of the application cost the connection: %+v", got)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Do(t.Context(), func(context.Context, *instrument.Client) error { panic("oh") })
		}()
		synctest.Wait()
		if got := scope.Snapshots()[0].Pool; got.InUse != 0 || got.Closed != 1 {
			t.Errorf("a panic leaves the pool at %+v, want the connection closed", got)
		}
		took(t, search(t, d))
	})
}

// A shared connection stays bound as it is, whoever borrows it and however it tries.
func TestSharedConnectionStaysBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, scope := domain(t, n.config(1))
		err := d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error { return c.BindAnonymous(ctx) })
		if !errors.Is(err, ldapmgr.ErrMisuse) {
			t.Errorf("got %v for a bind, want ErrMisuse", err)
		}
		_ = d.Do(t.Context(), func(_ context.Context, c *instrument.Client) error { return c.Conn().UnauthenticatedBind("") })
		err = d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error {
			who, err := c.WhoAmI(ctx)
			if who != "dn:"+admin {
				t.Errorf("the connection is bound as %q", who)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if got := scope.Snapshots()[0].Usage.BindOperations; got != 1 {
			t.Errorf("%d binds were sent, want 1", got)
		}
	})
}
