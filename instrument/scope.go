// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Scope is the root of observation: one recorder, one set of telemetry instruments and the usage of every domain. An
// application has one. All methods are safe for concurrent use.
type Scope struct {
	recorder  *Recorder
	telemetry *telemetry
	redact    redactor
	policy    Policy
	wire      wire.Limits
	started   time.Time
	stacks    stacks
	clock     clock

	mu        sync.Mutex // guards the maps
	domains   map[string]*domain
	endpoints map[endpointKey]*endpoint
}

// Policy says what the recorder keeps of an operation.
type Policy struct {
	Level      Level // default LevelValues
	Entries    int   // entries per search; default 50
	EntryBytes int   // bytes of them; default 64 KiB
}

// Option configures a Scope.
type Option func(*options)

type options struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	spans   Level
	policy  Policy
	limits  Limits
	wire    wire.Limits
	db      bool
}

// WithTracerProvider sets where spans go; default is the global provider at the time of New.
func WithTracerProvider(p trace.TracerProvider) Option { return func(o *options) { o.tracers = p } }

// WithMeterProvider sets where metrics go; default is the global provider at the time of New.
func WithMeterProvider(p metric.MeterProvider) Option { return func(o *options) { o.meters = p } }

// WithSpanLevel sets how much of a filter or DN a span may show; default is LevelShapes.
func WithSpanLevel(l Level) Option { return func(o *options) { o.spans = l } }

// WithPolicy sets what the recorder keeps of an operation.
func WithPolicy(p Policy) Option { return func(o *options) { o.policy = p } }

// WithRecorderLimits bounds the recorder.
func WithRecorderLimits(l Limits) Option { return func(o *options) { o.limits = l } }

// answerDepth is how deep answers may nest: those of servers have six levels, and the driver copies what it decodes once for
// each.
const answerDepth = 10

// WithWireLimits bounds the messages that are accepted. What is zero has the default of package wire, but for Depth, which
// is 10.
func WithWireLimits(l wire.Limits) Option { return func(o *options) { o.wire = l } }

// WithDBAttributes gives spans the attributes of database calls too (db.system.name, db.operation.name, db.namespace), for
// backends whose service maps know nothing else.
func WithDBAttributes() Option { return func(o *options) { o.db = true } }

// New returns a Scope. It starts nothing and needs no Close.
func New(opts ...Option) *Scope {
	o := options{spans: LevelShapes, policy: Policy{Level: LevelValues}}
	for _, opt := range opts {
		opt(&o)
	}
	if o.tracers == nil {
		o.tracers = otel.GetTracerProvider()
	}
	if o.meters == nil {
		o.meters = otel.GetMeterProvider()
	}
	if o.policy.Entries <= 0 {
		o.policy.Entries = 50
	}
	if o.policy.EntryBytes <= 0 {
		o.policy.EntryBytes = 64 << 10
	}
	if o.wire.Depth <= 0 {
		o.wire.Depth = answerDepth
	}
	return &Scope{
		recorder: newRecorder(o.limits), telemetry: newTelemetry(o), redact: newRedactor(o.policy.Level),
		policy: o.policy, wire: o.wire.Filled(), started: time.Now(), domains: map[string]*domain{}, endpoints: map[endpointKey]*endpoint{},
	}
}

// Recorder returns what was seen.
func (s *Scope) Recorder() *Recorder { return s.recorder }

// Policy returns what the recorder keeps of an operation.
func (s *Scope) Policy() Policy { return s.policy }

func (s *Scope) domain(name string) *domain {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.domains[name]
	if !ok {
		d = newDomain(name, s.started)
		s.domains[name] = d
	}
	return d
}

// Declare makes a domain known before its first connection; pool reports its connections for snapshots, nil for none. Its
// naming contexts are learned from the first answer about the rootDSE that passes.
func (s *Scope) Declare(name string, pool func() PoolStats) {
	d := s.domain(name)
	d.mu.Lock()
	d.pool = pool
	d.mu.Unlock()
	if pool != nil {
		s.telemetry.pools.Do(func() { s.telemetry.watch(s.pools) })
	}
}

// pools returns the state of the connections of every domain that tells it.
func (s *Scope) pools() map[string]PoolStats {
	s.mu.Lock()
	tellers := map[string]func() PoolStats{}
	for name, d := range s.domains {
		d.mu.Lock()
		if d.pool != nil {
			tellers[name] = d.pool
		}
		d.mu.Unlock()
	}
	s.mu.Unlock()
	all := make(map[string]PoolStats, len(tellers))
	for name, tell := range tellers { // with nothing locked
		all[name] = tell()
	}
	return all
}

// Snapshots returns the counters of every domain at this instant, ordered by name.
func (s *Scope) Snapshots() []Snapshot {
	s.mu.Lock()
	all := make([]*domain, 0, len(s.domains))
	for _, d := range s.domains {
		all = append(all, d)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *domain) int { return cmp.Compare(a.name, b.name) })
	now := time.Now()
	snapshots := make([]Snapshot, len(all))
	for i, d := range all {
		snapshots[i] = d.snapshot(now)
	}
	return snapshots
}

// Retried counts an operation of a domain that was sent a second time: recovered tells whether that gave an answer.
func (s *Scope) Retried(domain string, recovered bool) {
	s.domain(domain).count(func(n *Counters) *uint64 {
		if recovered {
			return &n.RestartableSuccess
		}
		return &n.RestartableFailures
	})
}

// Followed counts a reference to another server that was followed for a domain.
func (s *Scope) Followed(domain string) {
	s.domain(domain).count(func(n *Counters) *uint64 { return &n.ReferralsFollowed })
}

// ReferralConnected counts a connection that had to be made for a reference that was followed for a domain.
func (s *Scope) ReferralConnected(domain string) {
	s.domain(domain).count(func(n *Counters) *uint64 { return &n.ReferralConnections })
}
