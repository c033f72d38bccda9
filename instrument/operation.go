// SPDX-License-Identifier: MIT

package instrument

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Operation is one LDAP request with its responses, as seen on the wire and after redaction. A recorder hands out copies;
// the slices and pointers in them are shared and must not be changed.
type Operation struct {
	Seq       uint64 // of its start, fixed: the identity of the operation within an epoch
	Updated   uint64 // of its last change
	RequestID string // HTTP request or job; begins with Background outside of any
	Call      Call
	Step      string // application step, see Step; "" outside of any
	Domain    string
	Server    string // host:port or socket path
	Conn      uint64 // connection, numbered from 1 in this process
	MessageID int64
	Kind      Kind
	State     State
	Inferred  bool // the HTTP request was guessed, because the call carried no context
	Security  Security
	Similar   int32 // how often a question of this shape was asked before in this request; the pages of a search count once
	Start     time.Time
	Duration  time.Duration // so far, while running
	Timing    Timing

	DN       string // target of a write or a compare, or whose password is modified; "" for others
	Search   *Search
	Bind     *Bind
	Extended *Extended
	Changes  []Change // of modify, add (all "add") and modify DN; of compare the one assertion
	Controls []Control

	Result        Result
	Entries       int
	References    int
	EntryList     []Entry // the first ones, bounded by Policy; set by Recorder.Operation alone
	BytesSent     int64
	BytesReceived int64

	Shape   *Shape // nil for kinds without a target
	Exact   uint64 // keyed hash of shape and literals; equal means the same question
	Repeat  int    // how often the same question was asked before in this request
	TraceID trace.TraceID
	SpanID  trace.SpanID

	stack *callStack // nil without one
}

// Call links operations that answer one call of the application, such as the pages of one search.
type Call struct {
	ID uint64 // Seq of the first of them; 0 when the call was a single operation
	N  int    // position, from 1
}

// Timing is where the time of one operation went. WaitPool to SetupBind happened before Start and are not part of
// Duration; First and Stream are.
type Timing struct {
	WaitPool  time.Duration // waiting for a free connection
	Dial      time.Duration // name look-up and TCP of a connection made for this operation
	TLS       time.Duration
	SetupBind time.Duration
	First     time.Duration // from send to the first answer
	Stream    time.Duration // from the first to the last answer
}

// Search is what a search asked for.
type Search struct {
	Base       string
	Scope      SearchScope
	TypesOnly  bool
	Deref      int
	SizeLimit  int
	TimeLimit  time.Duration
	Filter     string // as the redaction level allows
	Attributes []string
	PageSize   int // of the paging control; 0 without one
	Page       int // from 1; 0 without paging
}

// SearchScope is the scope of a search (RFC 4511 section 4.5.1.2).
type SearchScope uint8

// The scopes. ScopeChildren is the subtree without its base, which OpenLDAP knows (draft-sermersheim-ldap-subordinate-scope).
const (
	ScopeBase SearchScope = iota
	ScopeOne
	ScopeSub
	ScopeChildren
)

// String returns base, one, sub or children.
func (s SearchScope) String() string {
	if names := [...]string{"base", "one", "sub", "children"}; int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Bind is who asked to be authenticated, never with what.
type Bind struct {
	Method    string // simple, anonymous, unauthenticated, sasl or ntlm
	Mechanism string // of a SASL bind
	Name      string
}

// Extended names an extended operation or a notice. Values are never kept.
type Extended struct {
	OID  string
	Name string
}

// Change is one change of a write.
type Change struct {
	Operation string // add, delete, replace, increment; rename and move for modify DN; compare
	Attribute string
	Values    []Value
}

// Control is a control of the request.
type Control struct {
	OID      string
	Name     string // "" when unknown
	Critical bool
}

// Entry is one entry of a result.
type Entry struct {
	DN         string
	Attributes []Attribute
}

// Attribute is one attribute of an Entry.
type Attribute struct {
	Name   string
	Values []Value
}

// Value is one attribute value after redaction.
type Value struct {
	Text   string // raw bytes when Shown; the replacement otherwise
	Hidden bool
}

// Result is the answer to an operation.
type Result struct {
	Received   bool  // an answer with a result code came
	Code       int64 // valid when Received
	Name       string
	MatchedDN  string
	Diagnostic string
	SubCode    string // of Active Directory, such as 52e
	Hint       string // what the code usually means
	Policy     PasswordPolicy
	Referrals  []string
	Error      string // error.type when the operation failed, see ErrorType
}

// Failed reports whether the operation ended in an error. Compare answers and a SASL step are none; a referral is one,
// because nothing happened: a Client records it and does not follow it.
func (r Result) Failed() bool { return r.Error != "" }

// Frame is one place in the source.
type Frame struct {
	Function string
	File     string
	Line     int
}

// Callers returns the call stack of the operation, the caller first, without the frames of this module and of go-ldap.
// It is empty when the operation was made without a Client.
func (o *Operation) Callers() []Frame {
	if o.stack == nil {
		return nil
	}
	frames := o.stack.frames()
	for len(frames) > 0 && libraryFrame(frames[0].Function) {
		frames = frames[1:]
	}
	return frames
}
