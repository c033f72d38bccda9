// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const (
	keeperBusy  = 100 * time.Millisecond // between two looks while calls are made
	silentAfter = 400 * time.Millisecond // without a sign of life of a server that calls wait for
)

// keeper looks after one domain in the background: it closes connections that are old, tries servers that are down, finds
// servers that stopped answering, and reports connections that are never given back. It starts with the first call.
type keeper struct {
	d      *Domain
	once   sync.Once
	awake  atomic.Bool // it looks again soon by itself
	called atomic.Bool // a call was made since it looked
	bell   chan struct{}
}

func (k *keeper) init(d *Domain) { k.d, k.bell = d, make(chan struct{}, 1) }

// stir tells the keeper that a call is made.
func (k *keeper) stir() {
	for _, flag := range []*atomic.Bool{&k.d.asked, &k.called} {
		if !flag.Load() { // storing always would make all processors share the line
			flag.Store(true)
		}
	}
	if !k.awake.Load() {
		k.d.wake()
	}
}

// wake makes the keeper look now.
func (d *Domain) wake() {
	d.keeper.once.Do(func() { d.spawn(d.keeper.keep) })
	d.keeper.awake.Store(true)
	select {
	case d.keeper.bell <- struct{}{}:
	default:
	}
}

func (k *keeper) keep() {
	timer := time.NewTimer(keeperBusy)
	defer timer.Stop()
	for {
		select {
		case <-k.d.life.Done():
			return
		case <-k.bell:
		case <-timer.C:
		}
		timer.Reset(k.tend(time.Now()))
	}
}

// tend does what is due and returns how long until there may be more.
func (k *keeper) tend(now time.Time) time.Duration {
	wait := time.Hour
	until := func(at time.Time) {
		if !at.IsZero() {
			wait = min(wait, max(at.Sub(now), time.Millisecond))
		}
	}
	lent := false
	for _, p := range k.d.pools() {
		until(k.reap(p, now))
		lent = k.inspect(p, now) || lent
	}
	if k.d.keepReady() {
		until(now.Add(time.Second))
	}
	for _, e := range k.d.fleet.servers() {
		due, next := e.probeDue(k.d.asked.Load(), now)
		if due {
			k.d.spawn(func() { k.d.probe(e) })
		}
		until(next)
	}
	until(k.d.found.next(k.d))
	k.awake.Store(false) // before called is looked at, so that no call goes unnoticed
	if k.called.Swap(false) || lent {
		k.awake.Store(true)
		wait = min(wait, keeperBusy)
	}
	return wait
}

// reap closes idle connections that are too old, and returns when the next one will be.
func (k *keeper) reap(p *pool, now time.Time) (next time.Time) {
	p.dropIdle(func(m *member) instrument.CloseReason {
		ends := m.used.Add(m.maxIdle)
		switch why := m.unfit(now); {
		case why != 0:
			return why
		case m.endpoint.draining(now):
			return instrument.CloseServer
		case !now.Before(ends):
			return instrument.CloseIdle
		}
		if m.expires.Before(ends) {
			ends = m.expires
		}
		if next.IsZero() || ends.Before(next) {
			next = ends
		}
		return 0
	})
	return next
}

// inspect looks at what is lent: reports what is kept for too long, and asks servers that let their callers wait. It
// reports whether anything is lent.
func (k *keeper) inspect(p *pool, now time.Time) (lent bool) {
	for _, m := range p.members() {
		since := m.lent.Load()
		if since == 0 {
			continue
		}
		lent = true
		held := time.Duration(m.endpoint.clock(now) - since)
		if held >= k.d.cfg.Pool.LeakAfter && m.reported.CompareAndSwap(false, true) {
			k.d.reportLeak(m, held)
		}
		if held >= silentAfter {
			k.d.listen(m.endpoint, now)
		}
	}
	return lent
}

// reportLeak tells who keeps a connection.
func (d *Domain) reportLeak(m *member, held time.Duration) {
	d.leaks.Add(1)
	d.log.Warn("a connection is held for long; is its borrower stuck?", slog.Duration("held", held), slog.String("server", m.client.Server()),
		slog.Uint64("conn", m.client.ID()), slog.String("borrower", strings.Join(m.borrower(), " < ")))
}

// borrower returns the functions that led to the loan, innermost first, without this package's own.
func (m *member) borrower() (stack []string) {
	if m.traced.Load() != m.lent.Load() {
		return []string{"one operation of the manager itself, which the server does not end"}
	}
	frames := runtime.CallersFrames(m.stack[:])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.Contains(f.Function, "ldapscope/ldapmgr.(*Domain)") && f.Function != "runtime.goexit" {
			stack = append(stack, fmt.Sprintf("%s (%s:%d)", f.Function, f.File, f.Line))
		}
		if !more {
			return stack
		}
	}
}

// listen finds out whether a server that lets callers wait is slow or frozen: it asks on a new connection. Only where
// another server can take over; otherwise the calls' own limits decide.
func (d *Domain) listen(e *endpoint, now time.Time) {
	silent := time.Duration(e.clock(now) - e.alive.Load())
	if silent < silentAfter || !e.replaceable(now) || !e.startListening(now) {
		return
	}
	if !d.spawn(func() {
		ctx, cancel := context.WithTimeout(d.life, e.probeTimeout())
		defer cancel()
		err := d.ask(ctx, e, false)
		now := time.Now()
		e.listened(err == nil, now)
		if err != nil && d.life.Err() == nil {
			d.tellFault(ctx, e, err)
			e.failed(Reason(err), now)
			d.cut(e)
		}
	}) {
		e.listened(true, now)
	}
}

// cut ends the loans of connections to a frozen server, so that their callers can go elsewhere.
func (d *Domain) cut(e *endpoint) {
	for _, p := range d.pools() {
		for _, m := range p.members() {
			if m.endpoint == e && m.lent.Load() != 0 && m.killed.CompareAndSwap(false, true) {
				d.retire(m)
			}
		}
		p.dropIdle(func(m *member) instrument.CloseReason {
			if m.endpoint == e {
				return instrument.CloseServer
			}
			return 0
		})
	}
}

// probe tries a server that is down, as far as an application would need it.
func (d *Domain) probe(e *endpoint) {
	d.asked.Store(false)
	ctx, cancel := context.WithTimeout(d.life, d.cfg.Timeouts.Call)
	defer cancel()
	err := d.ask(ctx, e, true)
	if errors.Is(err, ErrServiceAccount) || errors.Is(err, errConfig) {
		err = nil // the server is there; the account is another matter
	}
	d.tellFault(ctx, e, err)
	e.probed(err, time.Now())
	d.wake()
}

// ask makes a connection to one server for nothing but to see whether it answers.
func (d *Domain) ask(ctx context.Context, e *endpoint, bind bool) error {
	m := &member{endpoint: e, gate: gate{allows: onlyBinds}}
	var unbound error
	err := d.dial(ctx, m, func(ctx context.Context) error {
		if bind && d.account.state() == nil {
			unbound = d.account.bind(ctx, m.client)
		}
		return unbound
	})
	if err != nil {
		return cmp.Or(unbound, err)
	}
	defer d.close(m)
	return answers(ctx, m)
}

// keepReady makes connections ahead of need, up to MinIdle, while a server can be asked. It reports whether one is being made.
func (d *Domain) keepReady() bool {
	least := d.cfg.Pool.MinIdle
	return least > 0 && len(d.fleet.candidates(time.Now())) > 0 && d.service.openAhead(d.life, least)
}
