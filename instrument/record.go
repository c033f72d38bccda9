// SPDX-License-Identifier: MIT

package instrument

import (
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// record is an Operation as the ring keeps it: what nearly every one has is here, in half the memory, and the rest behind one
// pointer; row translates. It changes only under Recorder.mu once it is started.
type record struct {
	change  node
	request *request
	place   uint64 // in Recorder.ops
	bytes   int    // see size

	seq        uint64
	from       *source
	kind       Kind
	state      State
	inferred   bool
	security   Security
	successful bool // the answer was a success and nothing else, unless details know more
	similar    int32
	messageID  int64
	call       Call
	step       string
	start      time.Time
	duration   time.Duration
	first      time.Duration
	stream     time.Duration
	search     Search // but for its filter while that is unread
	unread     unread
	raw        []string // entries, decoded when somebody looks
	entries    int
	references int
	sent       int64
	received   int64
	shape      *Shape
	exact      uint64
	repeat     int
	traceID    trace.TraceID
	spanID     trace.SpanID
	stack      *callStack
	details    *details // nil for none
}

// source is the connection of an operation, as it is shown. It outlives the connection.
type source struct {
	domainName string
	server     string
	id         uint64
}

// details are what few operations have.
type details struct {
	waited   Timing // before the start
	dn       string
	bind     *Bind
	extended *Extended
	changes  []Change
	controls []Control
	result   *Result // nil until it has one
}

// more returns the details to be written to.
func (rec *record) more() *details {
	if rec.details == nil {
		rec.details = &details{}
	}
	return rec.details
}

// traced makes it part of a trace.
func (rec *record) traced(span trace.Span) {
	sc := span.SpanContext()
	rec.traceID, rec.spanID = sc.TraceID(), sc.SpanID()
}

// records are used again: an operation that has left the ring makes room for the next one without work for the collector.
var records = sync.Pool{New: func() any { return &record{} }}

func newRecord() *record { return records.Get().(*record) }

// recycle gives a record back. Copies of its operation stay as they are: what they point to is not the record's, see row.
func (rec *record) recycle() {
	room := rec.unread[:0]
	*rec = record{}
	rec.unread = room
	records.Put(rec)
}

// row returns the operation without its entries. Nothing in it is the record's own, because that is used again. The caller
// holds mu.
func (r *Recorder) row(rec *record, now time.Time) Operation {
	if len(rec.unread) > 0 {
		rec.search.Filter = rec.unread.text()
		rec.unread = rec.unread[:0]
		r.grow(rec.request, rec.resize())
	}
	op := Operation{
		Seq: rec.seq, Updated: rec.change.updated, RequestID: rec.request.ID, Call: rec.call, Step: rec.step,
		Domain: rec.from.domainName, Server: rec.from.server, Conn: rec.from.id, MessageID: rec.messageID, Kind: rec.kind, State: rec.state,
		Inferred: rec.inferred, Security: rec.security, Similar: rec.similar, Start: rec.start, Duration: rec.duration,
		Entries: rec.entries, References: rec.references, BytesSent: rec.sent, BytesReceived: rec.received,
		Shape: rec.shape, Exact: rec.exact, Repeat: rec.repeat, TraceID: rec.traceID, SpanID: rec.spanID, stack: rec.stack,
	}
	if rec.state == StateRunning {
		op.Duration = now.Sub(op.Start)
	}
	if rec.kind == KindSearch {
		search := rec.search
		op.Search = &search
	}
	if rec.successful {
		op.Result = success
	}
	if d := rec.details; d != nil {
		op.Timing, op.DN, op.Bind, op.Extended, op.Changes, op.Controls = d.waited, d.dn, d.bind, d.extended, d.changes, d.controls
		if d.result != nil {
			op.Result = *d.result
		}
	}
	op.Timing.First, op.Timing.Stream = rec.first, rec.stream
	return op
}

// success is the result of nearly every operation.
var success = Result{Received: true, Name: CodeName(0), Hint: Hint(0, "")}

// recordBytes is what one operation takes in the ring without what hangs on it: the record, its place among the others and in
// its request, and what the allocator rounds up.
const recordBytes = 560

// detailsBytes and resultBytes are what details and a result take, without what hangs on them.
const (
	detailsBytes = 144
	resultBytes  = 192
)

// size estimates the memory that the operation holds, for the bound of the recorder. It leans to the high side.
func (rec *record) size() int {
	n := recordBytes + cap(rec.unread)
	if rec.kind == KindSearch {
		s := &rec.search
		n += len(s.Base) + len(s.Filter) + 16*cap(s.Attributes)
		for _, a := range s.Attributes {
			n += 2 + len(a)
		}
	}
	for _, raw := range rec.raw {
		n += 32 + len(raw)
	}
	if rec.details != nil {
		n += rec.details.size()
	}
	return n
}

func (d *details) size() int {
	n := detailsBytes + len(d.dn) + 56*len(d.controls)
	if d.bind != nil {
		n += 80 + len(d.bind.Name)
	}
	if d.extended != nil {
		n += 80
	}
	for _, c := range d.changes {
		n += 96 + len(c.Attribute)
		for _, v := range c.Values {
			n += 32 + len(v.Text)
		}
	}
	if r := d.result; r != nil {
		n += resultBytes + len(r.Diagnostic) + len(r.MatchedDN)
		for _, uri := range r.Referrals {
			n += 24 + len(uri)
		}
	}
	return n
}

// resize estimates again and returns the difference.
func (rec *record) resize() int {
	before := rec.bytes
	rec.bytes = rec.size()
	return rec.bytes - before
}
