// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// pool lends connections of one purpose, each to one borrower at a time, first come first served. It starts openers
// through spawn and closes connections through retire, never while it holds its lock.
type pool struct {
	limits Pool
	open   func(ctx context.Context) (*member, error) // bounded by the stages of a connection
	spawn  func(func()) bool                          // runs a function in a goroutine; false once the domain is closed
	retire func(*member)                              // closes a connection without waiting for it

	mu      sync.Mutex // guards what follows
	all     map[*member]struct{}
	idle    []*member // the last one given back is the last
	waiting []*waiter // the first one is served first
	opening int
	failed  error       // why the newest attempt to make a connection failed; nil after a success
	alarm   *time.Timer // when the wait of the first waiter is over
	alarmed bool        // alarm is set
	closed  bool
	empty   chan struct{} // closed when the pool is closed and nothing is lent
	stats   instrument.PoolStats
}

func newPool(limits Pool) *pool {
	return &pool{limits: limits, all: map[*member]struct{}{}, empty: make(chan struct{})}
}

// borrow returns a connection for the caller alone, and how long it took. The caller gives it back with giveBack.
func (p *pool) borrow(ctx context.Context) (*member, time.Duration, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, 0, ErrClosed
	}
	now := time.Now()
	m, unfit := p.takeIdle(now)
	if m != nil {
		m.lend(now)
		p.mu.Unlock()
		p.retireAll(unfit)
		return m, 0, nil
	}
	w := &waiter{since: now, served: make(chan served, 1)}
	w.open = func() (*member, error) { return p.open(context.WithoutCancel(ctx)) } // goes on for others when this call gives up
	p.waiting = append(p.waiting, w)
	p.stats.Waits++
	p.openMore()
	if !p.alarmed {
		p.setAlarm(now)
	}
	p.mu.Unlock()
	p.retireAll(unfit)
	m, err := p.wait(ctx, w)
	return m, time.Since(now), err
}

// takeIdle takes the idle connection that was used last, and those that are not fit any more. The caller holds mu.
func (p *pool) takeIdle(now time.Time) (m *member, unfit []*member) {
	var shunned *member // of a server that is to be spared, for want of a better one
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		switch {
		case c.unfit(now) != 0:
			unfit = append(unfit, c)
			p.removeIdle(i)
			p.remove(c, c.unfit(now))
		case c.endpoint.spared(now):
			if shunned == nil {
				shunned = c
			}
		default:
			p.removeIdle(i)
			return c, unfit
		}
	}
	if shunned == nil {
		return nil, unfit
	}
	p.removeIdle(slices.Index(p.idle, shunned))
	if shunned.endpoint.replaceable(now) {
		p.remove(shunned, instrument.CloseServer) // makes room for one to another server
		return nil, append(unfit, shunned)
	}
	return shunned, unfit
}

func (p *pool) removeIdle(i int) { p.idle = slices.Delete(p.idle, i, i+1) }

// remove forgets a connection. The caller holds mu and retires it afterwards.
func (p *pool) remove(m *member, why instrument.CloseReason) {
	delete(p.all, m)
	p.closing(why)
}

// closing counts the end of a connection. The caller holds mu.
func (p *pool) closing(why instrument.CloseReason) {
	p.stats.Closed++
	p.stats.ClosedFor[why]++
}

func (p *pool) retireAll(list []*member) {
	for _, m := range list {
		p.retire(m)
	}
}

// openMore starts making connections for those who wait and for whom none is being made yet. The caller holds mu.
func (p *pool) openMore() {
	for p.opening < len(p.waiting) && len(p.all)+p.opening < p.limits.MaxOpen {
		open := p.waiting[p.opening].open
		p.opening++
		if !p.spawn(func() { p.opened(open()) }) {
			p.opening--
			return
		}
	}
}

// openAhead starts making a connection for nobody yet, where fewer than least are idle or in the making and there is room
// for one more. It reports whether that was so.
func (p *pool) openAhead(ctx context.Context, least int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle)+p.opening >= least || len(p.all)+p.opening >= p.limits.MaxOpen {
		return false
	}
	p.opening++
	if !p.spawn(func() { p.opened(p.open(ctx)) }) {
		p.opening--
	}
	return true
}

// opened takes a new connection, or the reason why there is none.
func (p *pool) opened(m *member, err error) {
	p.mu.Lock()
	p.opening--
	p.failed = err
	if err != nil {
		// While connections are lent one of them may come back; without any, waiting would be in vain.
		if len(p.waiting) > 0 && len(p.all) == 0 {
			p.serve(served{err: err})
			p.openMore() // for those behind, for whom there was no room
		}
		p.setAlarm(time.Now())
		p.mu.Unlock()
		return
	}
	p.stats.Opened++
	if p.closed {
		p.closing(instrument.CloseShutdown)
		p.mu.Unlock()
		p.retire(m)
		return
	}
	p.all[m] = struct{}{}
	p.put(m, time.Now())
	p.mu.Unlock()
}

// put hands a connection to who waits longest, or keeps it. The caller holds mu.
func (p *pool) put(m *member, now time.Time) {
	if len(p.waiting) > 0 {
		m.lend(now)
		p.serve(served{member: m})
		return
	}
	m.lent.Store(0)
	p.idle = append(p.idle, m)
}

func (p *pool) serve(s served) { p.dismiss(0, time.Now()).served <- s }

// giveBack ends a loan. why tells that the connection is of no more use, and 0 that it is as good as before.
func (p *pool) giveBack(m *member, why instrument.CloseReason) {
	now := time.Now()
	p.mu.Lock()
	m.uses++
	if why = p.unwanted(m, why, now); why != 0 {
		m.lent.Store(0)
		p.remove(m, why)
		p.openMore()
		p.checkEmpty()
		p.mu.Unlock()
		p.retire(m)
		return
	}
	p.put(m, now)
	p.mu.Unlock()
}

// unwanted returns why a connection that comes back is not kept, 0 where it is. The caller holds mu.
func (p *pool) unwanted(m *member, why instrument.CloseReason, now time.Time) instrument.CloseReason {
	switch {
	case p.closed:
		return instrument.CloseShutdown
	case m.killed.Load():
		return instrument.CloseServer
	case why != 0:
		return why
	case m.unfit(now) != 0:
		return m.unfit(now)
	case m.endpoint.draining(now):
		return instrument.CloseServer
	case p.limits.MaxUses > 0 && m.uses >= p.limits.MaxUses:
		return instrument.CloseLifetime
	case len(p.waiting) == 0 && len(p.idle) >= p.limits.MaxIdle:
		return instrument.CloseIdle
	}
	return 0
}

// dropIdle takes out every idle connection for which drop has a reason.
func (p *pool) dropIdle(drop func(*member) instrument.CloseReason) {
	p.mu.Lock()
	var dropped []*member
	for i := len(p.idle) - 1; i >= 0; i-- {
		m := p.idle[i]
		if why := drop(m); why != 0 {
			dropped = append(dropped, m)
			p.removeIdle(i)
			p.remove(m, why)
		}
	}
	p.mu.Unlock()
	p.retireAll(dropped)
}

// members returns every connection, lent or idle.
func (p *pool) members() []*member {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*member, 0, len(p.all))
	for m := range p.all {
		all = append(all, m)
	}
	return all
}

// state returns the counters at this instant.
func (p *pool) state() instrument.PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Max, s.MaxIdle, s.Idle, s.Waiting = p.limits.MaxOpen, p.limits.MaxIdle, len(p.idle), len(p.waiting)
	s.InUse = len(p.all) - len(p.idle)
	return s
}

// close refuses new loans, fails who waits and takes out what is idle.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for len(p.waiting) > 0 {
		p.serve(served{err: ErrClosed})
	}
	if p.alarm != nil {
		p.alarm.Stop()
	}
	p.checkEmpty()
	p.mu.Unlock()
	p.dropIdle(func(*member) instrument.CloseReason { return instrument.CloseShutdown })
}

// checkEmpty tells who waits in Close that everything lent came back. The caller holds mu.
func (p *pool) checkEmpty() {
	if p.closed && len(p.all) == len(p.idle) {
		select {
		case <-p.empty:
		default:
			close(p.empty)
		}
	}
}
