// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Domain is one configured directory. All methods are safe for concurrent use.
type Domain struct {
	name   string
	cfg    DomainConfig // effective
	scope  *instrument.Scope
	log    *slog.Logger
	peer   func(name string) (*Domain, error) // other domains of the manager
	fleet  *fleet
	dialer *dialer
	budget retryBudget
	keeper keeper

	identity identity
	rules    rules

	account *credential
	writer  *credential // the same as account where changes have none of their own
	service *pool
	changer *pool // the same as service where changes have no account of their own
	logins  *pool

	life   context.Context // ends with Close
	end    context.CancelFunc
	mu     sync.Mutex // guards closed against running
	closed bool
	run    sync.WaitGroup // every goroutine of the domain

	asked         atomic.Bool // a call was made since the last probe
	blocked       atomic.Uint64
	leaks         atomic.Uint64
	root          atomic.Pointer[RootDSE]
	readingRoot   atomic.Bool
	rootAsked     atomic.Bool // the rootDSE was asked for, even if it is hidden
	schema        atomic.Pointer[Schema]
	readingSchema chan struct{} // holds one token while somebody reads the schema
	ahead         atomic.Bool   // the schema is read ahead, or was
	faults        faults
	unmarked      sync.Once // it was said that the servers do not tell how recent they are
	silence       []string  // codes of warnings, for every domain
	found         discovery
}

func newDomain(name string, c Config) *Domain {
	cfg := c.effective(c.Domains[name])
	d := &Domain{name: name, cfg: cfg, silence: c.Silence, scope: c.Scope, log: domainLogger(c.Logger, name, cfg.LogLevel)}
	d.life, d.end = context.WithCancel(context.Background())
	d.readingSchema = make(chan struct{}, 1)
	now := time.Now()
	d.fleet = &fleet{start: now, wake: d.wake, changed: d.serverChanged}
	d.fleet.set(cfg.Servers, now)
	d.dialer = newDialer(cfg)
	d.keeper.init(d)
	d.rules = newRules(cfg)
	d.account = newCredential(name, cfg.Bind, cfg)
	d.writer, d.service = d.account, d.newPool(purpose{d.account, d.shared(d.ReadOnly() || cfg.Writer != nil)})
	d.changer = d.service
	if cfg.Writer != nil {
		d.writer = newCredential(name, *cfg.Writer, cfg)
		d.changer = d.newPool(purpose{d.writer, d.shared(d.ReadOnly())})
	}
	d.logins = d.newPool(purpose{nil, onlyBinds})
	d.scope.Declare(name, d.poolStats)
	return d
}

func (d *Domain) newPool(to purpose) *pool {
	p := newPool(d.cfg.Pool)
	p.open = func(ctx context.Context) (*member, error) { return d.connect(ctx, to) }
	p.spawn, p.retire = d.spawn, d.retire
	return p
}

// Name returns the domain's name as configured.
func (d *Domain) Name() string { return d.name }

// Format prints the name for every verb. Package fmt would go through the fields by itself and print passwords.
func (d *Domain) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, d.name) }

// Config returns the settings that hold, with everything inherited filled in.
func (d *Domain) Config() DomainConfig {
	c := d.cfg
	c.Extra = maps.Clone(c.Extra)
	return c
}

// Extra returns one of the application's own settings, and false when it is not set.
func (d *Domain) Extra(key string) (any, bool) {
	value, ok := d.cfg.Extra[key]
	return value, ok
}

// Base returns where searches start that name no base: as configured, else the server's default naming context once a
// connection was made, else "".
func (d *Domain) Base() string {
	if d.cfg.Base != "" {
		return d.cfg.Base
	}
	if root := d.root.Load(); root != nil {
		return root.DefaultNamingContext
	}
	return ""
}

// SaveUsage reports whether the domain's usage belongs into the history.
func (d *Domain) SaveUsage() bool { return !isOff(d.cfg.SaveUsage) }

// ReadOnly reports whether changes are refused before they are sent.
func (d *Domain) ReadOnly() bool { return !isOff(d.cfg.ReadOnly) }

func (d *Domain) startTLS() bool { return isOn(d.cfg.StartTLS) }

// pools returns every pool once.
func (d *Domain) pools() []*pool {
	if d.changer == d.service {
		return []*pool{d.service, d.logins}
	}
	return []*pool{d.service, d.changer, d.logins}
}

// poolStats sums the pools. Max and MaxIdle are those of the pools that were used; connections are kept ready in one alone.
func (d *Domain) poolStats() (sum instrument.PoolStats) {
	sum.MinIdle = d.cfg.Pool.MinIdle
	for i, p := range d.pools() {
		s := p.state()
		if i == 0 || s.Opened > 0 {
			sum.Max += s.Max
			sum.MaxIdle += s.MaxIdle
		}
		for reason, n := range s.ClosedFor {
			sum.ClosedFor[reason] += n
		}
		sum.Idle += s.Idle
		sum.InUse += s.InUse
		sum.Waiting += s.Waiting
		sum.Waits += s.Waits
		sum.WaitTime += s.WaitTime
		sum.Timeouts += s.Timeouts
		sum.Opened += s.Opened
		sum.Closed += s.Closed
	}
	return sum
}

// spawn runs f in a goroutine that Close waits for.
func (d *Domain) spawn(f func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.run.Go(f)
	return true
}

// retire closes a connection without making the caller wait for it.
func (d *Domain) retire(m *member) {
	if !d.spawn(func() { d.close(m) }) {
		d.close(m)
	}
}

func (d *Domain) close(m *member) {
	if err := m.client.Err(); Classify(err) == ClassProtocol { // that nobody was waiting for; other ends of a connection at rest are usual
		d.tellFault(d.life, m.endpoint, err)
	}
	_ = m.client.Close(d.life)
}

// Close ends the domain: new calls fail with ErrClosed, connections that are lent may come back until ctx is done, then
// they are cut. It takes leave of the servers and waits for every goroutine.
func (d *Domain) Close(ctx context.Context) error {
	for _, p := range d.pools() {
		p.close()
	}
	var err error
	for _, p := range d.pools() {
		select {
		case <-p.empty: // also when ctx is over as well
			continue
		default:
		}
		select {
		case <-p.empty:
		case <-ctx.Done():
			err = &Error{Op: "close", Domain: d.name, Err: context.Cause(ctx)}
			for _, m := range p.members() {
				d.close(m)
			}
		}
	}
	d.end()
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.run.Wait()
	return err
}

func (d *Domain) serverChanged(e *endpoint, to EndpointState, reason string) {
	level := slog.LevelInfo // why a server is down is told as a fault, with its class
	if to == EndpointUp && e.state == EndpointUnknown {
		level = slog.LevelDebug
	}
	d.log.Log(context.Background(), level, "server is "+string(to), slog.String("server", e.url), slog.String("reason", reason))
}

// domainLogger names the domain in every line and holds back what is below its level.
func domainLogger(log *slog.Logger, name string, level *slog.Level) *slog.Logger {
	if log == nil {
		log = slog.Default()
	}
	if level != nil {
		log = slog.New(&leveled{log.Handler(), *level})
	}
	return log.With(slog.String("domain", name))
}

// leveled is a handler with a level of its own on top.
type leveled struct {
	slog.Handler
	level slog.Level
}

func (l *leveled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= l.level && l.Handler.Enabled(ctx, level)
}

func (l *leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &leveled{l.Handler.WithAttrs(attrs), l.level}
}

func (l *leveled) WithGroup(name string) slog.Handler {
	return &leveled{l.Handler.WithGroup(name), l.level}
}
