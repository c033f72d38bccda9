// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Request is one HTTP request, or one job, with the sums of the operations that it made.
type Request struct {
	ID       string
	Updated  uint64
	Kind     string // http, job or background
	Name     string // of a job; "" otherwise
	Method   string
	Route    string // pattern of the route, "" while unknown
	Path     string
	Status   int // 0 while running
	User     string
	Start    time.Time
	Duration time.Duration // so far, while running
	Running  bool
	TraceID  trace.TraceID

	Operations    int
	Errors        int
	Duplicates    int // operations that repeat an earlier one exactly
	Similar       int // operations that ask as an earlier one with other values; the pages of a search count once
	Shapes        int // distinct shapes
	Entries       int
	BytesReceived int64
	LDAPTime      time.Duration // time during which at least one operation was open
	Dropped       int           // of its operations, those that are not held any more: evicted, or cleared
	Steps         []StepRun
	Domains       []string // the first 8
}

// String describes a request in one line.
func (q Request) String() string {
	switch q.Kind {
	case "http":
		return fmt.Sprintf("%s %s", q.Method, q.Path)
	case "job":
		return "job " + q.Name
	}
	return q.ID
}

// request is a Request in the recorder. Its fields change only under Recorder.mu.
type request struct {
	Request
	held    bool // in the ring; in use without when recording was off as it began, or it was evicted since
	started node // in the list by start
	change  node // in the list by update
	vacant  vacancy
	ops     operations        // held
	bytes   int               // of itself and its operations
	active  int               // operations open now
	since   time.Time         // since when at least one is
	exact   map[uint64]int    // how often each question was asked, bounded
	shapes  map[*Shape]*int32 // how often each was asked, pages aside
	diffs   int               // of all steps
}

// Estimates of memory, and bounds of what a request holds beside its operations.
const (
	requestBytes  = 800 // with its places in maps and lists
	questionBytes = 40  // an entry of exact or shapes
	stepBytes     = 140
	mostQuestions = 10_000
	mostSteps     = 500
)

func newRequest(q Request) *request {
	r := &request{Request: q, bytes: requestBytes + len(q.Path) + len(q.Name)}
	r.started.request, r.change.request, r.vacant.request = r, r, r
	return r
}

// begin counts an operation that starts, and returns by how many bytes the request grew.
func (q *request) begin(rec *record, now time.Time) int {
	before := q.bytes
	q.ops.add(rec)
	q.bytes += rec.bytes
	q.Operations++
	if q.active++; q.active == 1 {
		q.since = now
	}
	if domain := rec.from.domainName; domain != "" && len(q.Domains) < 8 && !slices.Contains(q.Domains, domain) {
		q.Domains = append(q.Domains, domain)
	}
	if rec.shape != nil && q.Kind != Background {
		q.question(rec)
	}
	return q.bytes - before
}

// question counts repeats, exact ones and those of a shape. Of a request that asks very many different questions, only the
// first ones are remembered.
func (q *request) question(rec *record) {
	if q.exact == nil {
		q.exact, q.shapes = map[uint64]int{}, map[*Shape]*int32{}
	}
	asked, known := q.shapes[rec.shape]
	switch {
	case !known:
	case rec.call.N > 1:
		rec.similar = max(*asked-1, 0) // as its first page
	default:
		rec.similar = *asked
		*asked++
	}
	rec.repeat = q.exact[rec.exact]
	switch {
	case rec.repeat > 0:
		q.Duplicates++
	case known && rec.call.N <= 1:
		q.Similar++
	}
	if rec.repeat == 0 {
		if len(q.exact) >= mostQuestions {
			return
		}
		q.bytes += questionBytes
	}
	q.exact[rec.exact]++
	if !known {
		q.bytes += questionBytes
		once := int32(1)
		q.shapes[rec.shape] = &once
		q.Shapes = len(q.shapes)
	}
}

// end counts an operation that ended.
func (q *request) end(e *ending, now time.Time) {
	if q.active--; q.active == 0 {
		q.LDAPTime += now.Sub(q.since)
	}
	if e.result.Failed() {
		q.Errors++
	}
	q.Entries += e.entries
	q.BytesReceived += e.bytes
}

// contextKey carries the request, the innermost step and other facts of a call.
type contextKey struct{}

// origin is what a context knows about the operations that are made under it. It is immutable.
type origin struct {
	recorder *Recorder
	request  *request
	redact   *redactor
	step     string
	at       int // place of the step in Request.Steps, from 1; 0 for a step that is not listed
}

func originOf(ctx context.Context) *origin {
	o, _ := ctx.Value(contextKey{}).(*origin)
	return o
}

// Job starts a request that is no HTTP request: operations under the returned context belong to it until end is called.
func (s *Scope) Job(ctx context.Context, name string) (_ context.Context, end func()) {
	q := Request{ID: randomID(), Kind: "job", Name: name, Start: time.Now(), Running: true, TraceID: traceID(ctx)}
	ctx, open := s.begin(ctx, q)
	return ctx, func() { s.recorder.close(open, func(*Request) {}) }
}

// begin stores a request and puts it into the context.
func (s *Scope) begin(ctx context.Context, q Request) (context.Context, *request) {
	r := s.recorder
	open := newRequest(q)
	r.mu.Lock()
	r.running[open] = struct{}{}
	if r.recording() {
		r.hold(open)
		r.publish(open)
	}
	r.mu.Unlock()
	return context.WithValue(ctx, contextKey{}, &origin{recorder: r, request: open, redact: &s.redact}), open
}

// close ends a request; last sets what is only known now.
func (r *Recorder) close(q *request, last func(*Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, q)
	if q.Operations == 0 && q.held {
		r.vacant.add(q)
	}
	r.change(q, func() {
		q.Running, q.Duration = false, time.Since(q.Start)
		last(&q.Request)
	})
}

// change changes a request and publishes it where it is held. The caller holds mu.
func (r *Recorder) change(q *request, apply func()) {
	apply()
	if q.held {
		r.publish(q)
	}
}

// RequestID returns the id of the HTTP request or job that operations under ctx belong to, or "".
func RequestID(ctx context.Context) string {
	if o := originOf(ctx); o != nil && o.request != nil {
		return o.request.ID
	}
	return ""
}

// WithUser names the application's user of the current request, once it is known.
func WithUser(ctx context.Context, user string) {
	amend(ctx, func(q *Request) { q.User = bounded(user, 256) })
}

// WithRoute sets the route pattern of the current request, for routers that do not fill http.Request.Pattern.
func WithRoute(ctx context.Context, pattern string) {
	amend(ctx, func(q *Request) { q.Route = bounded(pattern, 512) })
}

// amend changes the request of a context, if there is one.
func amend(ctx context.Context, apply func(*Request)) {
	o := originOf(ctx)
	if o == nil || o.request == nil {
		return
	}
	o.recorder.mu.Lock()
	defer o.recorder.mu.Unlock()
	o.recorder.change(o.request, func() { apply(&o.request.Request) })
}

// Summary returns the request of a context as it stands, for example for a Server-Timing header; ok is false without one.
func Summary(ctx context.Context) (q Request, ok bool) {
	o := originOf(ctx)
	if o == nil || o.request == nil {
		return Request{}, false
	}
	o.recorder.mu.Lock()
	defer o.recorder.mu.Unlock()
	return o.request.view(time.Now()), true
}

// view returns a copy that shares nothing, with the running durations filled.
func (q *request) view(now time.Time) Request {
	v := q.Request
	v.Steps, v.Domains = slices.Clone(v.Steps), slices.Clone(v.Domains)
	for i := range v.Steps {
		if v.Steps[i].Running {
			v.Steps[i].Duration = now.Sub(v.Steps[i].Start)
		}
	}
	if v.Running {
		v.Duration = now.Sub(v.Start)
	}
	if q.active > 0 {
		v.LDAPTime += now.Sub(q.since)
	}
	return v
}

// bounded returns valid text of at most the given number of bytes, and a sign where it was cut. It is a copy: a part of a
// request line would keep all of it in memory.
func bounded(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.Clone(strings.ToValidUTF8(text, "?"))
}
