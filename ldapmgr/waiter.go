// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// waiter is a call in the queue of a pool.
type waiter struct {
	since  time.Time
	open   func() (*member, error) // makes a connection, traced as part of the call
	served chan served             // receives once
}

type served struct {
	member *member
	err    error
}

// wait waits for a waiter's turn. Its end is served too: the alarm bounds the wait for a free connection, the stages of a
// connection that of one in the making.
func (p *pool) wait(ctx context.Context, w *waiter) (*member, error) {
	select {
	case s := <-w.served:
		return s.member, s.err
	case <-ctx.Done():
		p.leave(w)
		return nil, fmt.Errorf("waiting for a connection: %w", contextError(ctx))
	}
}

// dismiss takes a waiter out of the queue. The caller holds mu.
func (p *pool) dismiss(i int, now time.Time) *waiter {
	w := p.waiting[i]
	p.waiting = slices.Delete(p.waiting, i, i+1)
	p.stats.WaitTime += now.Sub(w.since)
	return w
}

// setAlarm sets the one timer of the queue for the first waiter that nothing is being made for. All wait equally long, so
// that nobody behind can be due before. The caller holds mu.
func (p *pool) setAlarm(now time.Time) {
	p.alarmed = len(p.waiting) > 0 && !p.closed
	if !p.alarmed {
		return
	}
	in := p.limits.WaitTimeout // a waiter whose connection is in the making is looked at again
	if p.opening < len(p.waiting) {
		in = p.waiting[p.opening].since.Add(p.limits.WaitTimeout).Sub(now)
	}
	if p.alarm == nil {
		p.alarm = time.AfterFunc(in, p.expire)
	} else {
		p.alarm.Reset(in)
	}
}

// expire ends the waits that took too long.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for len(p.waiting) > p.opening && now.Sub(p.waiting[p.opening].since) >= p.limits.WaitTimeout {
		p.stats.Timeouts++
		p.dismiss(p.opening, now).served <- served{err: p.exhausted()}
	}
	p.setAlarm(now)
}

// exhausted says why a wait was in vain. The caller holds mu.
func (p *pool) exhausted() error {
	if p.failed != nil {
		return fmt.Errorf("%w: %d are in use, waited %v, and another one cannot be made: %w", ErrPoolExhausted, len(p.all), p.limits.WaitTimeout, p.failed)
	}
	return fmt.Errorf("%w: all %d are in use, waited %v; raise pool.max_open or hold them for shorter",
		ErrPoolExhausted, p.limits.MaxOpen, p.limits.WaitTimeout)
}

// leave takes a waiter that gives up out of the queue. What it was served in the same moment goes to the next.
func (p *pool) leave(w *waiter) {
	p.mu.Lock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.dismiss(i, time.Now())
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	if s := <-w.served; s.member != nil {
		p.giveBack(s.member, 0)
	}
}
