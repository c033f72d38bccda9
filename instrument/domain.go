// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// domain is what a Scope keeps about one domain: usage, latency, result codes and shapes. It outlives connections.
type domain struct {
	name    string
	hash    uint64    // of the name, for fingerprints
	started time.Time // of the Scope

	mu       sync.Mutex // guards everything below
	usage    Usage
	open     int // sockets
	server   string
	latency  [Kinds]Latency
	codes    codeCounts
	shapes   map[uint64]*shapeTotal
	contexts []string // naming contexts, longest first
	pool     func() PoolStats
	seq      uint64
}

type shapeTotal struct {
	shape Shape
	total ShapeTotal
}

// shapeLimit bounds the shapes kept per domain; what comes later is counted under one common shape.
const shapeLimit = 2000

var otherShape = Shape{ID: 0, Text: "other shapes"}

func newDomain(name string, now time.Time) *domain {
	return &domain{name: name, hash: foldedHash([]byte(name)), started: now, shapes: map[uint64]*shapeTotal{}}
}

// opened counts a new socket.
func (d *domain) opened(server string, now time.Time, wrapped bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := &d.usage
	if u.InitialConnectionStartTime.IsZero() {
		u.InitialConnectionStartTime = now
	}
	u.OpenSocketStartTime, u.ConnectionStopTime = now, time.Time{}
	u.OpenSockets++
	d.open++
	if d.server != server {
		d.server = server
		u.ServersFromPool++
	}
	if wrapped {
		u.WrappedSockets++
	}
}

func (d *domain) count(field func(*Counters) *uint64) {
	d.mu.Lock()
	*field(&d.usage.Counters)++
	d.mu.Unlock()
}

// closed counts the end of a socket.
func (d *domain) closed(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.usage.ClosedSockets++
	if d.open--; d.open == 0 {
		d.usage.ConnectionStopTime = now
	}
}

// sent counts one request as it leaves and gives it its shape. It returns the sums of that shape, nil for an operation
// without one, and the naming context that holds its target, or "".
func (d *domain) sent(rec *record, v *requestView, now time.Time) (t *shapeTotal, namespace string) {
	p, asks := v.fingerprint(d)
	d.mu.Lock()
	defer d.mu.Unlock()
	if asks {
		t = d.shape(p.shape, v)
		rec.exact, rec.shape = p.exact, &t.shape
	}
	u := &d.usage
	u.LastTransmittedTime = now
	u.BytesTransmitted += uint64(rec.sent)
	u.MessagesTransmitted++
	u.Operations++
	if v.paged {
		u.Pages++
	}
	if field := kindCounters[v.kind]; field != nil {
		*field(&u.Counters)++
	}
	return t, d.namespace(v.dn)
}

var kindCounters = [Kinds]func(*Counters) *uint64{
	KindBind:     func(c *Counters) *uint64 { return &c.BindOperations },
	KindUnbind:   func(c *Counters) *uint64 { return &c.UnbindOperations },
	KindSearch:   func(c *Counters) *uint64 { return &c.SearchOperations },
	KindModify:   func(c *Counters) *uint64 { return &c.ModifyOperations },
	KindAdd:      func(c *Counters) *uint64 { return &c.AddOperations },
	KindDelete:   func(c *Counters) *uint64 { return &c.DeleteOperations },
	KindModifyDN: func(c *Counters) *uint64 { return &c.ModifyDNOperations },
	KindCompare:  func(c *Counters) *uint64 { return &c.CompareOperations },
	KindAbandon:  func(c *Counters) *uint64 { return &c.AbandonOperations },
	KindExtended: func(c *Counters) *uint64 { return &c.ExtendedOperations },
}

// traffic is what came in on a connection and is not counted yet.
type traffic struct {
	messages, bytes uint64
	last            time.Time
}

func (t *traffic) add(bytes int, now time.Time) {
	t.messages++
	t.bytes += uint64(bytes)
	t.last = now
}

// count counts it. The caller holds the domain's mu.
func (t *traffic) count(u *Usage) {
	if t.messages > 0 {
		u.MessagesReceived += t.messages
		u.BytesReceived += t.bytes
		u.LastReceivedTime = t.last
		t.messages, t.bytes = 0, 0
	}
}

// received counts what came in.
func (d *domain) received(came *traffic) {
	d.mu.Lock()
	defer d.mu.Unlock()
	came.count(&d.usage)
}

// ended counts the outcome of a call, and what came in with it, if anything.
func (d *domain) ended(k *call, e *ending, came *traffic) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := &d.usage
	if came != nil {
		came.count(u)
	}
	u.Entries += uint64(e.entries)
	u.References += uint64(e.refs)
	if e.result.Received {
		d.codes.add(e.result.Code)
		if e.result.Code == ldap.LDAPResultReferral || e.refs > 0 {
			u.ReferralsReceived++
		}
	}
	if e.result.Failed() {
		u.Errors++
		if k.seen == KindBind {
			u.BindFailures++
		}
	}
	switch e.state {
	case StateAbandoned:
		u.Abandoned++
	case StateTimeout:
		u.Timeouts++
	}
	if k.seen != KindUnbind && k.seen != KindAbandon {
		d.latency[k.seen].Observe(e.duration)
	}
	if k.shape != nil {
		k.shape.add(k.start, e)
	}
}

func (t *shapeTotal) add(start time.Time, e *ending) {
	s := &t.total
	s.Count++
	s.Total += e.duration
	s.Max = max(s.Max, e.duration)
	s.Entries += uint64(e.entries)
	s.Bytes += uint64(e.bytes)
	s.LastSeen = start
	if e.result.Failed() {
		s.Errors++
	}
}

// shape returns the one Shape of an id with its sums; a new one is described. The caller holds mu.
func (d *domain) shape(id uint64, v *requestView) *shapeTotal {
	t, ok := d.shapes[id]
	if !ok {
		s := Shape{ID: id}
		if len(d.shapes) >= shapeLimit {
			s = otherShape
		} else {
			v.describe(&s)
		}
		if t, ok = d.shapes[s.ID]; !ok {
			t = &shapeTotal{shape: s, total: ShapeTotal{Domain: d.name, ID: shapeID(s.ID), Text: s.Text, Kind: v.kind.String()}}
			d.shapes[s.ID] = t
		}
	}
	return t
}

func shapeID(id uint64) string { return fmt.Sprintf("%016x", id) }

// namespace returns the naming context that holds a DN, or "". The caller holds mu.
func (d *domain) namespace(dn []byte) string {
	if len(dn) == 0 {
		return ""
	}
	for _, c := range d.contexts {
		at := len(dn) - len(c)
		if at >= 0 && (at == 0 || dn[at-1] == ',') && equalFold(dn[at:], c) {
			return c
		}
	}
	return ""
}

// equalFold compares without regard to the case of ASCII letters.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if d := s[i]; c != d && (c^d != 0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// learn keeps the naming contexts of a rootDSE answer that passes.
func (d *domain) learn(rootDSE *ldap.Entry) {
	if contexts := rootDSE.GetEqualFoldAttributeValues("namingContexts"); len(contexts) > 0 {
		d.setContexts(contexts)
	}
}

// bounds of what is learned: naming contexts become span names, and the server chooses them.
const (
	mostContexts  = 32
	longestSuffix = 128
)

func (d *domain) setContexts(contexts []string) {
	contexts = slices.DeleteFunc(slices.Clone(contexts), func(c string) bool { return c == "" || len(c) > longestSuffix })
	contexts = contexts[:min(len(contexts), mostContexts)]
	slices.SortFunc(contexts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	d.mu.Lock()
	d.contexts = contexts
	d.mu.Unlock()
}

// snapshotShapes bounds the shapes of one snapshot.
const snapshotShapes = 200

// snapshot returns the domain's counters at now.
func (d *domain) snapshot(now time.Time) Snapshot {
	d.mu.Lock()
	pool := d.pool
	d.seq++
	s := Snapshot{
		Domain: d.name, Server: d.server, Seq: d.seq, At: now, Elapsed: now.Sub(d.started), Usage: d.usage,
		Latency: map[string]Latency{}, Codes: d.codes.all(),
	}
	for k, l := range d.latency {
		if l.Count > 0 {
			s.Latency[Kind(k).String()] = l
		}
	}
	for _, t := range d.shapes {
		if t.total.Count > 0 {
			s.Shapes = append(s.Shapes, t.total)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(s.Shapes, func(a, b ShapeTotal) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.ID, b.ID))
	})
	s.Shapes = s.Shapes[:min(len(s.Shapes), snapshotShapes)]
	if pool != nil {
		s.Pool = pool()
		s.Usage.PoolWaits, s.Usage.PoolTimeouts = s.Pool.Waits, s.Pool.Timeouts
		s.Usage.PoolWaitMicros = uint64(s.Pool.WaitTime.Microseconds())
	}
	return s
}
