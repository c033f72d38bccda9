// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// poolModel is what a pool should do, in the simplest words: first come first served, one borrower per connection.
type poolModel struct {
	max     int
	holding []*borrower
	waiting []*borrower
	since   map[*borrower]time.Time // start of a wait
}

func (m *poolModel) borrow(b *borrower, now time.Time) {
	m.waiting = append(m.waiting, b)
	m.since[b] = now
	m.serve()
}

func (m *poolModel) serve() {
	for len(m.waiting) > 0 && len(m.holding) < m.max {
		m.holding = append(m.holding, m.waiting[0])
		m.waiting = m.waiting[1:]
	}
}

func (m *poolModel) release(b *borrower) {
	m.holding = slices.DeleteFunc(m.holding, func(o *borrower) bool { return o == b })
	m.serve()
}

func (m *poolModel) cancel(b *borrower) {
	m.waiting = slices.DeleteFunc(m.waiting, func(o *borrower) bool { return o == b })
}

// expire takes out those whose wait is over.
func (m *poolModel) expire(now time.Time) (over []*borrower) {
	m.waiting = slices.DeleteFunc(m.waiting, func(b *borrower) bool {
		if now.Sub(m.since[b]) >= time.Second {
			over = append(over, b)
			return true
		}
		return false
	})
	return over
}

// check compares the model with the pool while nothing moves.
func (m *poolModel) check(t *testing.T, d *ldapmgr.Domain, h *host) {
	t.Helper()
	used := map[uint64]bool{}
	for _, b := range m.holding {
		if b.conn == 0 {
			t.Error("a borrower waits who should be served")
		}
		if used[b.conn] {
			t.Errorf("connection %d is lent twice", b.conn)
		}
		used[b.conn] = true
	}
	for _, b := range m.waiting {
		if b.conn != 0 {
			t.Error("a borrower is served out of turn")
		}
	}
	s := d.Status().Pool
	if s.InUse != len(m.holding) || s.Waiting != len(m.waiting) || s.Idle+s.InUse > m.max {
		t.Errorf("pool %+v; the model has %d holding and %d waiting", s, len(m.holding), len(m.waiting))
	}
	if open := int(s.Opened - s.Closed); open != s.Idle+s.InUse || h.open() != open {
		t.Errorf("%d connections by the counters, %d by the pool, %d by the server", open, s.Idle+s.InUse, h.open())
	}
}

func TestPoolModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { runPoolModel(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func runPoolModel(t *testing.T, random *rand.Rand) {
	n := start(t, 1, small)
	c := n.config(1)
	c.Pool.MaxOpen, c.Pool.MaxIdle = 1+random.IntN(4), random.IntN(3)
	c.Pool.MaxUses = random.IntN(4)
	d, _ := domain(t, c)
	m := &poolModel{max: c.Pool.MaxOpen, since: map[*borrower]time.Time{}}
	for step := 0; step < 120 && !t.Failed(); step++ {
		switch action := random.IntN(10); {
		case action < 4:
			b := borrow(t, d)
			m.borrow(b, time.Now())
		case action < 7 && len(m.holding) > 0:
			b := m.holding[random.IntN(len(m.holding))]
			m.release(b)
			finish(t, b, nil)
		case action < 8 && len(m.holding) > 0:
			b := m.holding[random.IntN(len(m.holding))]
			m.release(b)
			finish(t, b, &instrument.OperationError{Err: instrument.ErrConnection})
		case action < 9 && len(m.waiting) > 0:
			b := m.waiting[random.IntN(len(m.waiting))]
			m.cancel(b)
			b.cancel()
			synctest.Wait()
			if err := <-b.done; !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled wait ended with %v", err)
			}
		default:
			pause(time.Duration(random.IntN(700)) * time.Millisecond)
			synctest.Wait()
			for _, b := range m.expire(time.Now()) {
				if err := <-b.done; !errors.Is(err, ldapmgr.ErrPoolExhausted) {
					t.Errorf("a wait of a second ended with %v", err)
				}
			}
		}
		synctest.Wait()
		m.check(t, d, n.host(0))
	}
	for len(m.holding) > 0 {
		b := m.holding[0]
		m.release(b)
		finish(t, b, nil)
	}
}

// finish ends a loan. A broken connection before anything was sent means another try, which is let end at once.
func finish(t *testing.T, b *borrower, err error) {
	t.Helper()
	b.cancel() // no other try
	if got := b.end(err); !errors.Is(got, err) {
		t.Errorf("got %v, want %v", got, err)
	}
}
