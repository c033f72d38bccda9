// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// call is one operation on its way: from the moment an application asks for it, or from the moment the wire sees it when
// nobody announced it. Until it is sent it belongs to the goroutine that asks, then to the connection. Calls are used again,
// see recycle.
type call struct {
	task
	mu sync.Mutex // guards progress from the moment the wire has seen the request
	progress
	view requestView // until the end of begin; its scratch stays
}

// task is what is to be done.
type task struct {
	ctx      context.Context //nolint:containedctx // of the application's call, for as long as it lasts
	kind     Kind            // what was announced; 0 when nobody did
	id       int64           // of its message, set before it is tracked
	target   string          // the DN or OID that its message names; "" for any
	record   *record
	stack    callStack // of the caller, zero without one
	link     Call
	page     int
	wait     Timing // what was waited for before
	userBind bool
	turn     *turn                                 // the sender's, given back when the message has left; nil when it is not ours to give
	divert   func(*ldap.Entry, wire.Message) error // takes entries instead of the driver; called by the reading goroutine
	inform   func(raw []byte) error                // takes intermediate responses; likewise
	refer    func(uri string)                      // takes the first address of each reference; likewise
	secure   func() error                          // encrypts the connection when the answer is success; likewise
	limit    int                                   // entries that the caller asked for at most; 0 is no limit
	patient  bool                                  // silence does not end it
	given    bool                                  // up, by an abandon
	steps    *steps                                // of a bind in several messages; nil otherwise
	reply    *reply                                // of a search that the observer sends itself; nil when the driver does
}

// progress is what the wire has seen of it.
type progress struct {
	seen      Kind          // of its message; 0 before begin
	published atomic.Bool   // begin is done: seen may be read without mu
	begun     chan struct{} // closed by begin, for an answer that waits for it; nil when none does
	op        *record       // its record, from begin to end: then it is the recorder's
	cut       ErrorType     // why it ended before begin
	shape     *shapeTotal   // to which it counts; nil without one, guarded by domain.mu
	recorded  uint64        // seq of the operation; 0 when it is not recorded
	span      trace.Span
	said      []attribute.KeyValue // of the request, for the end of the span
	start     time.Time
	first     time.Time
	last      time.Time
	bytes     int64
	entries   int
	refs      int
	kept      []string // raw entries for the recorder
	size      int      // bytes of kept
	ended     bool
	answered  bool  // a last answer came
	ntlm      bool  // a bind of NTLM, in steps of its own
	generates bool  // a password may come with the answer, which the driver then decodes
	settled   bool  // it alone took the call off the list of those that wait
	refused   error // why the request was kept back, when the connection did so
	code      int64
	paged     bool   // the answer has a paging control
	cookie    []byte // of it
	unknown   bool   // the answer has a control that nobody here reads
	policy    PasswordPolicy
	urls      []string
}

// steps is what the messages of one bind share.
type steps struct {
	last atomic.Pointer[call]
	sent atomic.Int32
	over atomic.Bool
}

// alone reports whether nothing else may be sent until it is over: between the messages of a bind (RFC 4511 section 4.2.1)
// and before StartTLS has encrypted the connection (section 4.14.1).
func (k *call) alone() bool { return k.steps != nil || k.secure != nil }

// longestBind bounds the messages of one bind: the driver would go on for as long as the server asks for more.
const longestBind = 20

var calls = sync.Pool{New: func() any { return &call{} }}

func newCall(ctx context.Context, kind Kind) *call {
	k := calls.Get().(*call)
	k.ctx, k.kind, k.record = ctx, kind, newRecord()
	return k
}

// recycle gives a call back for the next one. Only who is certain that nobody else holds it any more may do so: the
// goroutine that reads when nobody announced the call, else the one that asked. The mutex stays as it is, because who
// left it last may not be quite out of it.
func (k *call) recycle() {
	if k.recorded == 0 { // else the recorder has it
		k.record.recycle()
	}
	k.task = task{} // one after the other: both at once would take a copy
	k.progress = progress{}
	calls.Put(k)
}

// following returns the call of the next message of the same bind.
func (k *call) following() *call {
	next := newCall(k.ctx, k.kind)
	next.stack, next.userBind, next.steps = k.stack, k.userBind, k.steps
	return next
}

// unannounced is a call that nobody told of: the driver was used directly.
func unannounced() *call { return newCall(context.Background(), 0) }

// own is a call that the observer makes itself on behalf of ctx, whose end it does not share.
func own(ctx context.Context, kind Kind) *call { return newCall(context.WithoutCancel(ctx), kind) }

// begin publishes the start of an operation.
func (c *Conn) begin(k *call, bytes int, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := &k.view
	defer v.forget()
	if k.begun != nil {
		close(k.begun)
	}
	s, rec, e := c.scope, k.record, c.endpoint.Load()
	k.seen, k.op, k.start = v.kind, rec, now
	rec.from, rec.security, rec.messageID = c.source, e.security, k.id
	rec.start, rec.sent, rec.call = now, int64(bytes), k.link
	recording := s.recorder.recording()
	namespace := c.describe(k, v, recording)
	var in *request
	if o := originOf(k.ctx); o != nil {
		if rec.step = o.step; o.recorder == s.recorder { // another Scope's requests are not ours to keep
			in = o.request
		}
	}
	k.span, k.said = s.telemetry.begin(k.ctx, e, rec, v, namespace)
	rec.traced(k.span)
	if !rec.spanID.IsValid() { // without a tracer of ours the operation is still part of the application's trace
		rec.traced(trace.SpanFromContext(k.ctx))
	}
	if recording {
		k.recorded = s.recorder.start(rec, in, k.kind == 0, now)
	}
	if k.steps != nil {
		k.steps.last.Store(k)
	}
	k.published.Store(true)
	if k.cut != "" {
		c.end(k, nil, nil, k.cut, time.Now())
	}
}

// describe writes down what was asked, and counts it. It returns the naming context, "" for none.
func (c *Conn) describe(k *call, v *requestView, recording bool) (namespace string) {
	rec := k.record
	if k.wait != (Timing{}) {
		rec.more().waited = k.wait
	}
	if recording {
		v.fill(rec, &c.scope.redact)
		rec.stack = c.scope.stacks.one(&k.stack, v.stack)
		v.stack = rec.stack
	} else {
		v.outline(rec)
	}
	rec.search.Page = k.page
	if v.kind == KindBind {
		rec.call = c.linkBind(&v.bind)
		k.ntlm = bindMethod(v.bind) == "ntlm"
	}
	k.generates = v.kind == KindExtended && string(v.extended.OID) == wire.OIDPasswd
	k.shape, namespace = c.domain.sent(rec, v, k.start)
	if recording && v.kind == KindSearch {
		rec.search.Attributes = v.list(rec.shape)
	}
	return namespace
}

// keep remembers a raw entry, whose bytes are body, for the recorder, within the bounds of one operation.
func (c *Conn) keep(k *call, body []byte, raw string, secret bool) {
	p := c.scope.policy
	if k.recorded == 0 || len(k.kept) >= p.Entries || k.size+len(raw) > p.EntryBytes {
		return
	}
	if dn, _, _ := wire.Element(body); secret || c.scope.redact.level != LevelValues || secretDN(dn) {
		raw = c.scope.redact.entry(raw)
	}
	if raw != "" {
		k.kept = append(k.kept, raw)
		k.size += len(raw)
	}
}

// linkBind tells which step of a bind a message is. A SASL bind goes on after saslBindInProgress; NTLM says by its tags
// which step it is, because Active Directory answers the first ones with success ([MS-ADTS] 5.1.1.1.3).
func (c *Conn) linkBind(b *wire.Bind) Call {
	if b.Method == wire.BindSimple {
		return Call{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chain.N > 0 && b.Method != wire.BindNTLM1 {
		return Call{ID: c.chain.ID, N: c.chain.N + 1}
	}
	return Call{N: 1}
}

// chainBind remembers a bind that is not over yet.
func (c *Conn) chainBind(k *call, code int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chain = Call{}
	if op := k.op; op != nil && (code == ldap.LDAPResultSaslBindInProgress || code == ldap.LDAPResultSuccess && k.ntlm) {
		c.chain = op.call
	}
}
