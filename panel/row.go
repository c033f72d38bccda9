// SPDX-License-Identifier: MIT

package panel

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// timeFormat is RFC 3339 with microseconds.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

type stamp time.Time

// MarshalText writes a time in UTC.
func (s stamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(s).UTC().Format(timeFormat)), nil
}

// optional is a time that may be unknown.
func optional(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

// operationRow is an operation as the page and programs read it.
type operationRow struct {
	Seq           uint64       `json:"seq"`
	Updated       uint64       `json:"updated"`
	RequestID     string       `json:"request_id"`
	Call          *callRow     `json:"call,omitempty"`
	Step          string       `json:"step,omitempty"`
	Domain        string       `json:"domain"`
	Server        string       `json:"server"`
	Conn          string       `json:"conn"`
	MessageID     int64        `json:"message_id"`
	Kind          string       `json:"kind"`
	State         string       `json:"state"`
	Subject       string       `json:"subject"`          // what it asks, in one line
	About         string       `json:"about,omitempty"`  // of what: the base of a search, the entry of a write
	Manner        string       `json:"manner,omitempty"` // scope of a search, method of a bind
	Inferred      bool         `json:"inferred,omitempty"`
	Repeat        int          `json:"repeat,omitempty"`
	Start         stamp        `json:"start"`
	DurationUS    int64        `json:"duration_us"`
	Timing        timingRow    `json:"timing"`
	Search        *searchRow   `json:"search,omitempty"`
	Bind          *bindRow     `json:"bind,omitempty"`
	Extended      *extendedRow `json:"extended,omitempty"`
	DN            string       `json:"dn,omitempty"`
	Changes       []changeRow  `json:"changes,omitempty"`
	Controls      []controlRow `json:"controls,omitempty"`
	Result        *resultRow   `json:"result"`
	Entries       int          `json:"entries"`
	References    int          `json:"references,omitempty"`
	BytesSent     int64        `json:"bytes_sent"`
	BytesReceived int64        `json:"bytes_received"`
	Shape         string       `json:"shape,omitempty"`
	ShapeText     string       `json:"shape_text,omitempty"`
	Exact         string       `json:"exact,omitempty"`
	TraceID       string       `json:"trace_id,omitempty"`
	SpanID        string       `json:"span_id,omitempty"`
	Caller        *frameRow    `json:"caller,omitempty"` // in the application; all of them stand in the detail
}

type callRow struct {
	ID string `json:"id"`
	N  int    `json:"n"`
}

type timingRow struct {
	WaitPool  int64 `json:"wait_pool_us"`
	Dial      int64 `json:"dial_us"`
	TLS       int64 `json:"tls_us"`
	SetupBind int64 `json:"setup_bind_us"`
	First     int64 `json:"first_us"`
	Stream    int64 `json:"stream_us"`
}

type searchRow struct {
	Base        string   `json:"base"`
	Scope       string   `json:"scope"`
	Deref       int      `json:"deref"`
	SizeLimit   int      `json:"size_limit"`
	TimeLimit   int      `json:"time_limit"`
	TypesOnly   bool     `json:"types_only"`
	Filter      string   `json:"filter"`
	Attributes  []string `json:"attributes"`
	PageSize    int      `json:"page_size,omitempty"`
	PageOrdinal int      `json:"page,omitempty"`
}

type bindRow struct {
	Method    string `json:"method"`
	Mechanism string `json:"mechanism,omitempty"`
	Name      string `json:"name"`
}

type extendedRow struct {
	OID  string `json:"oid"`
	Name string `json:"name"`
}

type changeRow struct {
	Operation string     `json:"operation"`
	Attribute string     `json:"attribute"`
	Values    []valueRow `json:"values"`
}

type controlRow struct {
	OID      string `json:"oid"`
	Name     string `json:"name"`
	Critical bool   `json:"critical"`
}

type resultRow struct {
	Code       int64    `json:"code"` // -1 when no answer came
	Name       string   `json:"name"`
	MatchedDN  string   `json:"matched_dn,omitempty"`
	Diagnostic string   `json:"diagnostic,omitempty"`
	SubCode    string   `json:"sub_code,omitempty"`
	Hint       string   `json:"hint,omitempty"`
	Referrals  []string `json:"referrals,omitempty"`
	Error      string   `json:"error,omitempty"`
}

func rowOf(op *instrument.Operation) operationRow {
	row := operationRow{
		Seq: op.Seq, Updated: op.Updated, RequestID: op.RequestID, Step: op.Step, Domain: op.Domain, Server: op.Server,
		Conn: strconv.FormatUint(op.Conn, 10), MessageID: op.MessageID, Kind: op.Kind.String(), State: op.State.String(),
		Subject: subject(op), About: about(op), Manner: manner(op),
		Inferred: op.Inferred, Repeat: op.Repeat, Start: stamp(op.Start), DurationUS: op.Duration.Microseconds(),
		Timing: timingRow{
			op.Timing.WaitPool.Microseconds(), op.Timing.Dial.Microseconds(), op.Timing.TLS.Microseconds(),
			op.Timing.SetupBind.Microseconds(), op.Timing.First.Microseconds(), op.Timing.Stream.Microseconds(),
		},
		DN: text(op.DN), Entries: op.Entries, References: op.References, BytesSent: op.BytesSent, BytesReceived: op.BytesReceived,
	}
	if op.Call.N > 0 {
		row.Call = &callRow{strconv.FormatUint(op.Call.ID, 10), op.Call.N}
	}
	if s := op.Search; s != nil {
		row.Search = &searchRow{text(s.Base), s.Scope.String(), s.Deref, s.SizeLimit, int(s.TimeLimit / time.Second), s.TypesOnly,
			text(s.Filter), nonNil(s.Attributes), s.PageSize, s.Page}
	}
	if b := op.Bind; b != nil {
		row.Bind = &bindRow{b.Method, b.Mechanism, text(b.Name)}
	}
	if e := op.Extended; e != nil {
		row.Extended = &extendedRow{e.OID, e.Name}
	}
	for _, c := range op.Changes {
		row.Changes = append(row.Changes, changeRow{c.Operation, text(c.Attribute), valueRows(c.Attribute, c.Values)})
	}
	for _, c := range op.Controls {
		row.Controls = append(row.Controls, controlRow(c))
	}
	if op.State != instrument.StateRunning {
		row.Result = resultOf(op.Result)
	}
	if op.Shape != nil {
		row.Shape, row.ShapeText, row.Exact = fmt.Sprintf("%016x", op.Shape.ID), op.Shape.Text, fmt.Sprintf("%016x", op.Exact)
	}
	row.TraceID, row.SpanID = idText(op.TraceID), idText(op.SpanID)
	if callers := op.Callers(); len(callers) > 0 {
		f := frameRow(callers[0])
		row.Caller = &f
	}
	return row
}

func resultOf(r instrument.Result) *resultRow {
	code := int64(-1)
	if r.Received {
		code = r.Code
	}
	return &resultRow{code, r.Name, text(r.MatchedDN), text(r.Diagnostic), r.SubCode, r.Hint, r.Referrals, r.Error}
}

// identity is a trace or a span id.
type identity interface {
	IsValid() bool
	String() string
}

func idText(id identity) string {
	if !id.IsValid() {
		return ""
	}
	return id.String()
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// requestRow is an HTTP request or job as the page and programs read it.
type requestRow struct {
	ID            string    `json:"id"`
	Updated       uint64    `json:"updated"`
	Kind          string    `json:"kind"`
	Name          string    `json:"name,omitempty"`
	Method        string    `json:"method,omitempty"`
	Route         string    `json:"route,omitempty"`
	Path          string    `json:"path,omitempty"`
	Status        int       `json:"status,omitempty"`
	User          string    `json:"user,omitempty"`
	Start         stamp     `json:"start"`
	DurationUS    int64     `json:"duration_us"`
	Running       bool      `json:"running"`
	TraceID       string    `json:"trace_id,omitempty"`
	TraceURL      string    `json:"trace_url,omitempty"`
	Operations    int       `json:"operations"`
	Errors        int       `json:"errors"`
	Duplicates    int       `json:"duplicates"`
	Similar       int       `json:"similar"`
	Shapes        int       `json:"shapes"`
	Entries       int       `json:"entries"`
	BytesReceived int64     `json:"bytes_received"`
	LDAPUS        int64     `json:"ldap_us"`
	Dropped       int       `json:"dropped"`
	Domains       []string  `json:"domains"`
	Steps         []stepRow `json:"steps"`
}

type stepRow struct {
	Name       string `json:"name"`
	Parent     string `json:"parent,omitempty"`
	Start      stamp  `json:"start"`
	DurationUS int64  `json:"duration_us"`
	Running    bool   `json:"running"`

	Diffs     []diffRow `json:"diffs,omitempty"` // in the detail of a request alone
	DiffsLeft int       `json:"diffs_left,omitempty"`
}

// diffRow is one thing that a step changed in what the application keeps.
type diffRow struct {
	Of     valueRow  `json:"of"`
	How    string    `json:"how"` // added, removed, changed or held
	What   string    `json:"what"`
	Name   string    `json:"name,omitempty"`
	From   *valueRow `json:"from,omitempty"`
	To     *valueRow `json:"to,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

func diffRows(diffs []instrument.StepDiff) (rows []diffRow) {
	value := func(v *instrument.Value) *valueRow {
		if v == nil {
			return nil
		}
		row := valueOf("", *v)
		return &row
	}
	for _, d := range diffs {
		rows = append(rows, diffRow{valueOf("", d.Of), string(d.How), text(d.What), text(d.Name), value(d.From), value(d.To), text(d.Reason)})
	}
	return rows
}

func (p *Panel) requestRowOf(q *instrument.Request) requestRow {
	row := requestRow{
		ID: q.ID, Updated: q.Updated, Kind: q.Kind, Name: q.Name, Method: q.Method, Route: q.Route, Path: q.Path, Status: q.Status,
		User: q.User, Start: stamp(q.Start), DurationUS: q.Duration.Microseconds(), Running: q.Running, TraceID: idText(q.TraceID),
		Operations: q.Operations, Errors: q.Errors, Duplicates: q.Duplicates, Similar: q.Similar, Shapes: q.Shapes, Entries: q.Entries,
		BytesReceived: q.BytesReceived, LDAPUS: q.LDAPTime.Microseconds(), Dropped: q.Dropped, Domains: nonNil(q.Domains), Steps: []stepRow{},
	}
	row.TraceURL = p.traceURL(row.TraceID)
	for _, s := range q.Steps {
		row.Steps = append(row.Steps, stepRow{Name: s.Name, Parent: s.Parent, Start: stamp(s.Start), DurationUS: s.Duration.Microseconds(), Running: s.Running})
	}
	return row
}

func (p *Panel) traceURL(id string) string {
	if id == "" || p.config.JaegerURL == "" {
		return ""
	}
	return p.config.JaegerURL + "/trace/" + id
}
