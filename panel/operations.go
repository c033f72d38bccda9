// SPDX-License-Identifier: MIT

package panel

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel/query"
)

const (
	defaultLimit = 500
	mostRows     = 5000
)

type operationList struct {
	Epoch      string         `json:"epoch"`
	First      uint64         `json:"first"`
	Last       uint64         `json:"last"`
	Operations []operationRow `json:"operations"`
}

// operations answers GET api/v1/operations?q=&after=&limit=.
func (p *Panel) operations(w http.ResponseWriter, r *http.Request) {
	after, ok := number(w, r, "after", 0)
	if !ok {
		return
	}
	limit, ok := number(w, r, "limit", defaultLimit)
	if !ok {
		return
	}
	q, err := query.Parse(r.URL.Query().Get("q"), time.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, "query", "the query does not parse "+err.Error())
		return
	}
	recorder := p.config.Scope.Recorder()
	stats := recorder.Stats()
	list := operationList{Epoch: stats.Epoch, First: stats.First, Last: stats.Last, Operations: []operationRow{}}
	p.matching(after, q, func(op *instrument.Operation) bool {
		list.Operations = append(list.Operations, rowOf(op))
		return len(list.Operations) < int(min(limit, mostRows))
	})
	answer(w, http.StatusOK, list)
}

// matching calls yield with the operations after a cursor that a query chooses, in steps that hold the recorder shortly. It
// ends with the newest change of when it began, so that traffic cannot keep it going; what changes meanwhile is left to who
// goes on from there.
func (p *Panel) matching(after uint64, q query.Query, yield func(*instrument.Operation) bool) {
	recorder := p.config.Scope.Recorder()
	requests := requestCache{panel: p}
	last := recorder.Stats().Last
	for more := true; more && after < last; {
		changes := recorder.Since(after, 1000)
		after, more = changes.To, changes.More
		for i := range changes.Operations {
			op := &changes.Operations[i]
			if op.Updated > last {
				return
			}
			if q.Match(requests.subject(op)) && !yield(op) {
				return
			}
		}
	}
}

// requestCache finds the request of an operation without asking the recorder for each.
type requestCache struct {
	panel *Panel
	known map[string]*instrument.Request
}

// subject is what a query is asked about an operation.
func (c *requestCache) subject(op *instrument.Operation) query.Subject {
	return query.Subject{Operation: op, Request: c.of(op), Entries: c.panel.entriesOf, Findings: c.panel.findingsOf}
}

func (c *requestCache) add(q *instrument.Request) {
	if c.known == nil {
		c.known = map[string]*instrument.Request{}
	}
	c.known[q.ID] = q
}

func (c *requestCache) of(op *instrument.Operation) *instrument.Request {
	q, ok := c.known[op.RequestID]
	if !ok {
		if found, exists := c.panel.config.Scope.Recorder().Summary(op.RequestID); exists {
			q = &found
		}
		if c.known == nil {
			c.known = map[string]*instrument.Request{}
		}
		c.known[op.RequestID] = q
	}
	return q
}

// operationDetail is an operation whole.
type operationDetail struct {
	operationRow
	Security         string            `json:"security"`          // of the connection: none, tls or start_tls
	Similar          int               `json:"similar,omitempty"` // operations of this shape before, in the same HTTP request
	EntryList        []entryRow        `json:"entry_list"`
	EntryListBounded bool              `json:"entry_list_bounded"`
	Callers          []frameRow        `json:"callers"`
	TraceURL         string            `json:"trace_url,omitempty"`
	Copies           map[string]string `json:"copies"`
	Pinned           *bool             `json:"pinned,omitempty"` // nil where it cannot be
}

type entryRow struct {
	DN         string         `json:"dn"`
	Attributes []attributeRow `json:"attributes"`
}

type attributeRow struct {
	Name   string     `json:"name"`
	Values []valueRow `json:"values"`
}

type frameRow struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// operation answers GET api/v1/operations/{seq}.
func (p *Panel) operation(w http.ResponseWriter, r *http.Request) {
	seq, err := strconv.ParseUint(chi.URLParam(r, "seq"), 10, 64)
	if err != nil {
		fail(w, http.StatusBadRequest, "number", "an operation is named by its number, such as operations/42")
		return
	}
	op, ok, gone, what := p.config.Scope.Recorder().Operation(seq)
	document, pinned := p.pinned(r, seq)
	switch {
	case !ok && pinned:
		answer(w, http.StatusOK, document)
		return
	case gone:
		answer(w, http.StatusGone, failure{
			problem{"evicted", "this operation has left the recorder; a larger recorder.operations or recorder.bytes keeps more"},
			&tombstone{seq, what},
		})
		return
	case !ok:
		fail(w, http.StatusNotFound, "absent", "there is no operation with this number")
		return
	}
	whole := p.detailOf(&op)
	if p.config.History != nil && op.State != instrument.StateRunning {
		whole.Pinned = &pinned
	}
	answer(w, http.StatusOK, whole)
}

func (p *Panel) detailOf(op *instrument.Operation) operationDetail {
	d := operationDetail{operationRow: rowOf(op), Security: op.Security.String(), Similar: int(op.Similar), EntryList: entryRows(op.EntryList), Callers: []frameRow{}}
	d.EntryListBounded = len(d.EntryList) < op.Entries
	d.TraceURL = p.traceURL(d.TraceID)
	for _, f := range op.Callers() {
		d.Callers = append(d.Callers, frameRow(f))
	}
	d.Copies = copies(op, p.boundAs(op))
	return d
}

func entryRows(entries []instrument.Entry) []entryRow {
	rows := make([]entryRow, 0, len(entries))
	for _, e := range entries {
		row := entryRow{DN: text(e.DN), Attributes: []attributeRow{}}
		for _, a := range e.Attributes {
			row.Attributes = append(row.Attributes, attributeRow{text(a.Name), valueRows(a.Name, a.Values)})
		}
		rows = append(rows, row)
	}
	return rows
}

// requests answers GET api/v1/requests?after=&limit=.
func (p *Panel) requests(w http.ResponseWriter, r *http.Request) {
	after, ok := number(w, r, "after", 0)
	if !ok {
		return
	}
	limit, ok := number(w, r, "limit", defaultLimit)
	if !ok {
		return
	}
	recorder := p.config.Scope.Recorder()
	rows := []requestRow{}
	for _, q := range recorder.Requests(after, int(min(limit, mostRows))) {
		rows = append(rows, p.requestRowOf(&q))
	}
	answer(w, http.StatusOK, map[string]any{"epoch": recorder.Epoch(), "requests": rows})
}

// request answers GET api/v1/requests/{id}.
func (p *Panel) request(w http.ResponseWriter, r *http.Request) {
	q, ops, ok := p.config.Scope.Recorder().Request(chi.URLParam(r, "id"))
	if !ok {
		fail(w, http.StatusNotFound, "absent", "there is no such HTTP request in the recorder; it may have been evicted")
		return
	}
	rows := make([]operationRow, 0, len(ops))
	for i := range ops {
		rows = append(rows, rowOf(&ops[i]))
	}
	whole := p.requestRowOf(&q)
	for i, s := range q.Steps {
		whole.Steps[i].Diffs, whole.Steps[i].DiffsLeft = diffRows(s.Diffs), s.DiffsLeft
	}
	answer(w, http.StatusOK, map[string]any{"request": whole, "operations": rows})
}

// keys answers GET api/v1/keys: the query language, for completion.
func (p *Panel) keys(w http.ResponseWriter, _ *http.Request) {
	type row struct {
		Name    string   `json:"name"`
		Meaning string   `json:"meaning"`
		Example string   `json:"example"`
		Words   []string `json:"words,omitempty"`
		Values  []string `json:"values,omitempty"`
	}
	rows := []row{}
	for _, k := range query.Keys() {
		rows = append(rows, row(k))
	}
	answer(w, http.StatusOK, map[string]any{"keys": rows})
}
