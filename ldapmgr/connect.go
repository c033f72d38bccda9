// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// hedge is after how long another server is asked beside one that is slow to connect to.
const hedge = 250 * time.Millisecond

// errConfig marks what another server would not change: a file or a secret that cannot be read.
var errConfig = errors.New("configuration cannot be used")

// errAllDown is ErrUnavailable where no server was asked, because all of them are known to be down.
var errAllDown = fmt.Errorf("%w", ErrUnavailable)

// errOvertaken marks an attempt that was not needed any more.
var errOvertaken = errors.New("another server was faster")

// errUnanswered marks a connection in clear text that ended with its first request. A port that speaks TLS takes LDAP so.
var errUnanswered = errors.New("the connection ended before any answer")

// purpose is what a connection is made for.
type purpose struct {
	bind   *credential // whom to bind as; nil for nobody
	allows func(instrument.Kind, string) error
}

type attempt struct {
	member *member
	err    error
}

// connect makes a connection to the best server that can be had. Servers are asked in order; the next one as soon as one
// fails, or beside it when it takes long.
func (d *Domain) connect(ctx context.Context, to purpose) (*member, error) {
	servers, err := d.candidates(ctx)
	if err != nil {
		return nil, err
	}
	r := &race{d: d, to: to, servers: servers, results: make(chan attempt, len(servers))}
	return r.run(ctx)
}

// candidates returns the servers to try, or says why there is none.
func (d *Domain) candidates(ctx context.Context) ([]*endpoint, error) {
	if err := d.discover(ctx); err != nil {
		return nil, err
	}
	servers := d.fleet.candidates(time.Now())
	if len(servers) > 0 {
		return servers, nil
	}
	d.wake()
	var reasons []string
	for _, e := range d.fleet.servers() {
		reasons = append(reasons, e.address.Address+": "+e.status().Reason)
	}
	return nil, fmt.Errorf("%w: %s", errAllDown, strings.Join(reasons, "; "))
}

// race is one connection in the making, from up to all servers at once.
type race struct {
	d       *Domain
	to      purpose
	servers []*endpoint
	results chan attempt
	started int
	open    int         // attempts without a result
	won     atomic.Bool // by one attempt, or by a failure that no server would change
}

// run returns the first connection. It ends with ctx; attempts that are under way then close what they make.
func (r *race) run(ctx context.Context) (*member, error) {
	var failures []error
	slow := time.NewTimer(hedge)
	defer slow.Stop()
	r.start(ctx)
	for r.open > 0 {
		select {
		case a := <-r.results:
			r.open--
			if a.err == nil {
				return a.member, nil
			}
			failures = append(failures, a.err)
			if errors.Is(a.err, errConfig) || errors.Is(a.err, ErrServiceAccount) || errors.Is(a.err, ErrClosed) {
				r.forsake()
				return nil, a.err
			}
			r.start(ctx)
			slow.Reset(hedge)
		case <-slow.C:
			if r.started < len(r.servers) {
				r.servers[r.started-1].overtaken(time.Now())
				r.start(ctx)
				slow.Reset(hedge)
			}
		case <-ctx.Done():
			r.forsake()
			return nil, fmt.Errorf("connecting: %w", contextError(ctx))
		}
	}
	if len(failures) == 0 {
		return nil, ErrClosed
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(failures...))
}

// forsake ends the race without a winner. An attempt that won in the same moment has sent its connection or is about to,
// and nobody else will take it; all others close theirs.
func (r *race) forsake() {
	if !r.won.Swap(true) {
		return
	}
	for ; r.open > 0; r.open-- {
		if a := <-r.results; a.member != nil {
			r.d.retire(a.member)
			return
		}
	}
}

// start asks the next server, if there is one.
func (r *race) start(ctx context.Context) {
	if r.started == len(r.servers) {
		return
	}
	e := r.servers[r.started]
	r.started++
	if r.d.spawn(func() {
		ctx, cancel := r.d.bounded(ctx, r.d.cfg.Timeouts.Call)
		defer cancel()
		m, err := r.d.attempt(ctx, e, r.to, &r.won)
		if err == nil && !r.won.CompareAndSwap(false, true) {
			r.d.close(m)
			m, err = nil, errOvertaken
		}
		r.results <- attempt{m, err}
	}) {
		r.open++
	}
}

// attempt makes one connection to one server and binds it. It tells the server's state what it learns.
func (d *Domain) attempt(ctx context.Context, e *endpoint, to purpose, won *atomic.Bool) (*member, error) {
	m := &member{endpoint: e, gate: gate{allows: to.allows}}
	var unprepared error
	err := d.dial(ctx, m, func(ctx context.Context) error {
		if !won.Load() {
			unprepared = d.prepare(ctx, m, to)
		}
		return unprepared
	})
	switch {
	case unprepared != nil:
		return nil, unprepared
	case err != nil:
		if !errors.Is(err, errConfig) && d.life.Err() == nil {
			e.failed(Reason(err), time.Now())
		}
		d.tellFault(ctx, e, err)
		return nil, err
	case won.Load():
		e.connected(time.Now())
		d.close(m)
		return nil, errOvertaken
	}
	now := time.Now()
	e.connected(now)
	m.used, m.expires, m.maxIdle = now, now.Add(jitter(d.cfg.Pool.MaxLifetime)), jitter(d.cfg.Pool.MaxIdleTime)
	m.gate.sealed.Store(true)
	return m, nil
}

// dial opens and encrypts one connection, and sets it up as a part of it.
func (d *Domain) dial(ctx context.Context, m *member, setup func(context.Context) error) error {
	t, h := d.cfg.Timeouts, &tlsAttempt{TLS: d.cfg.TLS}
	options := []instrument.DialOption{
		instrument.WithDomain(d.name), instrument.WithGuard(m.gate.check), instrument.WithDialer(d.dialer.dial),
		instrument.WithTimeouts(instrument.Timeouts{Write: t.Write, Idle: t.Idle, Total: t.Operation}),
		instrument.WithStages(instrument.Stages{Connect: d.dialer.budget(), TLS: t.TLS}),
	}
	if m.endpoint.address.TLS || d.startTLS() && m.endpoint.address.Network == "tcp" {
		config, err := d.cfg.TLS.config(ctx, d.name, m.endpoint.address.Host)
		if err != nil {
			return fmt.Errorf("%w: %w", errConfig, err)
		}
		h.notes(config)
		options = append(options, instrument.WithTLS(config))
	}
	if d.startTLS() {
		options = append(options, instrument.WithStartTLS())
	}
	start := time.Now()
	options = append(options, instrument.WithSetup(func(ctx context.Context, c *instrument.Client) error {
		m.client = c
		m.endpoint.reach.Store(int64(time.Since(start)))
		m.endpoint.shook(c)
		return setup(ctx)
	}))
	_, err := d.scope.Dial(ctx, m.endpoint.url, options...)
	m.making = time.Since(start)
	if err != nil {
		return h.explain(err)
	}
	return nil
}

// prepare binds a new connection, reads once what kind of server answers, and lets the application set up what it needs.
func (d *Domain) prepare(ctx context.Context, m *member, to purpose) error {
	if to.bind != nil {
		if err := to.bind.bind(ctx, m.client); err != nil {
			if _, secured := m.client.TLS(); !secured && slices.Contains([]Class{ClassClosed, ClassReset, ClassProtocol}, Classify(err)) {
				err = fmt.Errorf("%w: %w", errUnanswered, err)
			}
			d.noteBind(m.endpoint, err)
			d.tellFault(ctx, m.endpoint, err)
			return err
		}
		d.readRootDSE(ctx, m.client)
		d.readAhead()
	}
	if d.cfg.Connected != nil && to.bind != nil {
		if err := d.cfg.Connected(ctx, d.name, m.client); err != nil {
			return fmt.Errorf("setting the connection up: %w", err)
		}
	}
	return nil
}

// noteBind tells the server's state why a bind failed, where that is about the server.
func (d *Domain) noteBind(e *endpoint, err error) {
	now := time.Now()
	switch {
	case errors.Is(err, ErrServiceAccount), errors.Is(err, errConfig), d.life.Err() != nil:
	case saysBusy(err):
		e.overloaded(Reason(err), now)
	default:
		e.failed(Reason(err), now)
	}
}

// bounded gives the making of a connection its own time: it goes on when the call that asked for it gives up, and ends
// when the domain is closed.
func (d *Domain) bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	stop := context.AfterFunc(d.life, cancel)
	return ctx, func() { stop(); cancel() }
}
