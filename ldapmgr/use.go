// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// call is one borrowing of a connection, and the rules for another try.
type call struct {
	op        string
	pool      *pool
	changes   string      // DN of the entry that a change is about
	delivered func() bool // part of the answer was handed on already; nil for never
	stream    bool        // as long as answers keep coming, without a bound on the whole
	reads     bool        // a question: sent once more also when no answer came or the server was busy
	writes    bool        // it makes changes, and reads after it should see them
	held      bool        // the application's code runs meanwhile, so that it may keep the connection
	led       string      // the domain whose reference led here; "" for none
}

// maxTries bounds the tries of one call, those included that sent nothing.
const maxTries = 4

// Do lends a connection to f for as long as f runs; it must not be kept. The connection is bound as the service account,
// belongs to f alone, and refuses what it is not for: binds always, changes where the domain is read-only or where
// changes have an account of their own. When nothing was sent because a connection had died, f is called again with
// another one; otherwise its error is returned as it is. A ctx without a deadline gets Timeouts.Call.
func (d *Domain) Do(ctx context.Context, f func(ctx context.Context, client *instrument.Client) error) error {
	return d.call(ctx, call{op: "use", pool: d.service, held: true}, f)
}

// DoWrite is Do with the account for changes. In a read-only domain it fails with ErrReadOnly.
func (d *Domain) DoWrite(ctx context.Context, f func(ctx context.Context, client *instrument.Client) error) error {
	if d.ReadOnly() {
		return &Error{Op: "write", Domain: d.name, Err: d.refuseChange()}
	}
	return d.call(ctx, call{op: "write", pool: d.changer, writes: true, held: true}, f)
}

// call lends a connection to f, again where the rules allow.
func (d *Domain) call(ctx context.Context, c call, f func(context.Context, *instrument.Client) error) error {
	if !c.stream {
		var cancel context.CancelFunc
		ctx, cancel = d.timed(ctx)
		defer cancel()
	}
	d.keeper.stir()
	d.budget.count(time.Now())
	resent := false
	for try := 1; ; try++ {
		m, waited, err := c.pool.borrow(ctx)
		if err == nil && !d.fresh(ctx, c.pool, m) {
			switch {
			case ctx.Err() != nil:
				err = fmt.Errorf("asking whether the connection still works: %w", contextError(ctx))
			case try < maxTries:
				continue
			default:
				err = ErrUnavailable
			}
		}
		if err != nil {
			if errors.Is(err, ErrPoolExhausted) {
				d.tellFault(ctx, nil, err)
			}
			return &Error{Op: c.op, Domain: d.name, Err: err}
		}
		if c.led != "" && m.uses == 0 {
			d.scope.ReferralConnected(c.led)
		}
		sent, err := d.lend(ctx, c.pool, m, waited, c.held, f)
		if resent {
			d.scope.Retried(d.name, err == nil)
		}
		if c.writes && sent && (err == nil || c.changes != "") {
			d.fleet.wrote(m.endpoint, time.Now().Add(d.cfg.OwnWrites))
		}
		if err == nil {
			return nil
		}
		again := (!resent || !sent) && try < maxTries && d.again(ctx, c, m.endpoint, sent, err) // which takes from the budget, so it comes last
		d.tellLoan(ctx, m, sent, again, err)
		if !again {
			return d.explain(c, m, sent, err)
		}
		resent = resent || sent
	}
}

// timed gives a call without a deadline the domain's.
func (d *Domain) timed(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d.cfg.Timeouts.Call)
}

// lend calls f with a connection and gives the connection back. sent tells whether anything left during f.
func (d *Domain) lend(ctx context.Context, p *pool, m *member, waited time.Duration, trace bool, f func(context.Context, *instrument.Client) error) (sent bool, err error) {
	if trace {
		m.remember()
	}
	m.tellWait(waited)
	before := m.gate.sent.Load()
	why := instrument.ClosePoisoned
	defer func() { // also when f panics, with a connection whose state is unknown
		m.used = time.Now()
		m.client.Lent(m.held(m.used))
		p.giveBack(m, why)
	}()
	err = f(ctx, m.client)
	sent = m.gate.sent.Load() != before
	if why = d.observe(ctx, m, sent, err); why == 0 && m.client.Busy() { // what f left open would be in the next borrower's way
		why = instrument.ClosePoisoned
	}
	return sent, err
}

// observe tells the server's state how a loan ended, and returns why the connection is of no more use, 0 where it is good.
func (d *Domain) observe(ctx context.Context, m *member, sent bool, err error) instrument.CloseReason {
	now := time.Now()
	cause := m.client.Err()
	if err == nil && cause == nil {
		if sent {
			m.endpoint.breathed(now)
		}
		return 0
	}
	var operation *instrument.OperationError
	fromServer := errors.As(err, &operation)
	switch {
	case !fromServer:
	case saysBusy(err):
		m.endpoint.overloaded(Reason(err), now)
	case errors.Is(err, instrument.ErrTimeout) && ctx.Err() == nil:
		m.endpoint.stalled(Reason(err), now)
	case ctx.Err() == nil && errors.As(err, new(*instrument.DisconnectError)):
		m.endpoint.overloaded(Reason(err), now)
	}
	if _, answered := instrument.ResultCode(err); answered {
		m.endpoint.breathed(now)
	}
	switch {
	case cause == nil && !(fromServer && instrument.Broken(err)):
		return 0
	case ctx.Err() != nil: // given up while it was under way
		return instrument.ClosePoisoned
	case cause != nil:
		return ended(cause)
	}
	return instrument.CloseError
}

// again decides whether a failed call may be tried once more.
func (d *Domain) again(ctx context.Context, c call, e *endpoint, sent bool, err error) bool {
	if ctx.Err() != nil || errors.Is(err, instrument.ErrNotSent) || errors.Is(err, instrument.ErrLimit) || errors.Is(err, instrument.ErrRepeatedCookie) {
		return false
	}
	var operation *instrument.OperationError
	if !errors.As(err, &operation) {
		return false // the application's own error
	}
	if _, answered := instrument.ResultCode(err); answered {
		return c.reads && saysBusy(err) && !c.handedOn() && e.replaceable(time.Now()) && d.budget.take(time.Now())
	}
	if !sent {
		return true
	}
	return c.reads && !c.handedOn() && d.budget.take(time.Now())
}

func (c call) handedOn() bool { return c.delivered != nil && c.delivered() }

// explain adds to an error what the caller cannot see.
func (d *Domain) explain(c call, m *member, sent bool, err error) error {
	if m.killed.Load() {
		err = fmt.Errorf("%w: the server stopped answering", err)
	}
	_, answered := instrument.ResultCode(err)
	if c.changes != "" && sent && !answered && !errors.Is(err, instrument.ErrNotSent) {
		return &OutcomeError{Domain: d.name, DN: c.changes, Err: err, domain: d}
	}
	return err
}

// OutcomeError is a change that was sent and never answered. ReadBack tells what is there now.
type OutcomeError struct {
	Domain string
	DN     string
	Err    error
	domain *Domain
}

func (e *OutcomeError) Error() string {
	return fmt.Sprintf("%v of a change in %s: read the entry back before another try: %v", ErrOutcomeUnknown, e.Domain, e.Err)
}

// Unwrap returns what errors.Is should find.
func (e *OutcomeError) Unwrap() []error { return []error{ErrOutcomeUnknown, e.Err} }

// ReadBack reads the entry that the change was about, as it is now. It is ErrNotFound when there is none.
func (e *OutcomeError) ReadBack(ctx context.Context, attributes ...string) (*ldap.Entry, error) {
	return e.domain.Read(ctx, e.DN, attributes...)
}

// fresh reports whether a connection still works, by asking the server when it rested for long. One that does not is
// given back as broken, with the others that rested as long. When the call is over meanwhile, nothing is known of the
// connection, and it is given back as it was. Connections for logins send nothing but logins, so that one that rested is
// replaced.
func (d *Domain) fresh(ctx context.Context, p *pool, m *member) bool {
	now := time.Now()
	if now.Sub(m.used) < d.cfg.Pool.ProbeAfter {
		return true
	}
	if ctx.Err() == nil && p != d.logins {
		err := answers(ctx, m)
		if err == nil {
			return true
		}
		if ctx.Err() == nil && Classify(err) != ClassClosed { // which servers do to connections that rest
			d.tellFault(ctx, m.endpoint, err)
		}
	}
	if ctx.Err() != nil {
		why := instrument.CloseReason(0)
		if m.client.Err() != nil {
			why = instrument.ClosePoisoned
		}
		p.giveBack(m, why)
		return false
	}
	why := instrument.CloseError
	if p == d.logins {
		why = instrument.CloseIdle
	}
	p.giveBack(m, why)
	p.dropIdle(func(o *member) instrument.CloseReason {
		if o.endpoint == m.endpoint && now.Sub(o.used) >= d.cfg.Pool.ProbeAfter {
			return why
		}
		return 0
	})
	return false
}

// answers asks the server something cheap. Any answer but busy is good: the account may not be allowed to read the rootDSE.
func answers(ctx context.Context, m *member) error {
	ctx, cancel := context.WithTimeout(ctx, m.endpoint.probeTimeout())
	defer cancel()
	_, err := m.client.Search(ctx, ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 1, false,
		"(objectClass=*)", []string{"1.1"}, nil))
	_, answered := instrument.ResultCode(err)
	if answered && !saysBusy(err) {
		return nil
	}
	return err
}
