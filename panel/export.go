// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel/query"
)

// exportForm is one way to write operations to a file.
type exportForm struct {
	kind  string // media type
	write func(p *Panel, w io.Writer, q query.Query)
}

var exportForms = map[string]exportForm{
	"jsonl": {"application/jsonl; charset=utf-8", (*Panel).exportLines},
	"har":   {"application/json; charset=utf-8", (*Panel).exportHAR},
	"ldif":  {"text/plain; charset=utf-8", (*Panel).exportLDIF},
}

// export answers GET api/v1/export?format=&q= with the operations that a query chooses, as a file.
func (p *Panel) export(w http.ResponseWriter, r *http.Request) {
	name := or(r.URL.Query().Get("format"), "jsonl")
	form, ok := exportForms[name]
	if !ok {
		fail(w, http.StatusBadRequest, "format", "unknown format; use format=jsonl, har or ldif")
		return
	}
	q, err := query.Parse(r.URL.Query().Get("q"), time.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, "query", "the query does not parse "+err.Error())
		return
	}
	w.Header().Set("Content-Type", form.kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="ldapscope.%s"`, name))
	form.write(p, w, q)
}

// exportLines writes one operation per line.
func (p *Panel) exportLines(w io.Writer, q query.Query) {
	lines := json.NewEncoder(w)
	p.matching(0, q, func(op *instrument.Operation) bool { return lines.Encode(rowOf(op)) == nil })
}

// exportLDIF writes RFC 2849: a change record for each write, a content record for each entry that a search returned.
func (p *Panel) exportLDIF(w io.Writer, q query.Query) {
	_, err := io.WriteString(w, "version: 1\n")
	p.matching(0, q, func(op *instrument.Operation) bool {
		if err != nil {
			return false // the peer has gone
		}
		record := ""
		switch op.Kind {
		case instrument.KindModify, instrument.KindAdd, instrument.KindDelete, instrument.KindModifyDN:
			record = changeLDIF(op)
		case instrument.KindSearch:
			whole, ok, _, _ := p.config.Scope.Recorder().Operation(op.Seq)
			if ok && len(whole.EntryList) > 0 {
				record = entriesLDIF(whole.EntryList)
			}
		}
		if record != "" {
			_, err = fmt.Fprintf(w, "\n# #%d %s of %s, %s\n%s", op.Seq, op.Kind, commentLine(op.Domain), op.Start.UTC().Format(time.RFC3339Nano), record)
		}
		return err == nil
	})
}

// commentLine keeps a name from ending the comment that it stands in.
func commentLine(s string) string { return strings.Map(printable, text(s)) }

func printable(r rune) rune {
	if r < 0x20 || r > 0x7e {
		return '?'
	}
	return r
}

// The parts of HAR 1.2 that it requires. What LDAP has beside HTTP stands below _ldap, which viewers of HAR leave alone.
type harLog struct {
	Version string     `json:"version"`
	Creator harCreator `json:"creator"`
	Pages   []harPage  `json:"pages"`
	Entries []harEntry `json:"entries"`
}

type harCreator struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type harPage struct {
	Started stamp          `json:"startedDateTime"`
	ID      string         `json:"id"`
	Title   string         `json:"title"`
	Timings map[string]any `json:"pageTimings"`
}

type harEntry struct {
	Page     string       `json:"pageref"`
	Started  stamp        `json:"startedDateTime"`
	Time     float64      `json:"time"` // milliseconds, the sum of the timings
	Request  harRequest   `json:"request"`
	Response harResponse  `json:"response"`
	Cache    struct{}     `json:"cache"`
	Timings  harTimings   `json:"timings"`
	Conn     string       `json:"connection"`
	LDAP     operationRow `json:"_ldap"`
}

type harRequest struct {
	Method  string `json:"method"`
	URL     string `json:"url"`
	Version string `json:"httpVersion"`
	harEmpty
	Query    []any `json:"queryString"`
	BodySize int64 `json:"bodySize"`
}

type harResponse struct {
	Status  int64  `json:"status"`
	Text    string `json:"statusText"`
	Version string `json:"httpVersion"`
	harEmpty
	Content  harContent `json:"content"`
	Redirect string     `json:"redirectURL"`
	BodySize int64      `json:"bodySize"`
}

type harEmpty struct {
	Cookies     []any `json:"cookies"`
	Headers     []any `json:"headers"`
	HeadersSize int   `json:"headersSize"`
}

type harContent struct {
	Size int64  `json:"size"`
	Type string `json:"mimeType"`
}

type harTimings struct {
	Blocked float64 `json:"blocked"`
	Connect float64 `json:"connect"`
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

// exportHAR writes HTTP requests as pages and operations as entries, in the order in which they began.
func (p *Panel) exportHAR(w io.Writer, q query.Query) {
	log := harLog{Version: "1.2", Creator: harCreator{"ldapscope", p.config.Version}, Pages: []harPage{}, Entries: []harEntry{}}
	pages := map[string]bool{}
	p.matching(0, q, func(op *instrument.Operation) bool {
		log.Entries = append(log.Entries, harOf(op))
		if pages[op.RequestID] {
			return true
		}
		pages[op.RequestID] = true
		page := harPage{stamp(op.Start), op.RequestID, "outside of any HTTP request", map[string]any{}}
		if request, ok := p.config.Scope.Recorder().Summary(op.RequestID); ok {
			page.Started, page.Title = stamp(request.Start), routeOf(&request)
			if !request.Running {
				page.Timings["onLoad"] = milliseconds(request.Duration)
			}
		}
		log.Pages = append(log.Pages, page)
		return true
	})
	slices.SortStableFunc(log.Entries, func(a, b harEntry) int { return time.Time(a.Started).Compare(time.Time(b.Started)) })
	_ = json.NewEncoder(w).Encode(map[string]any{"log": log}) // the peer has gone if this fails
}

func harOf(op *instrument.Operation) harEntry {
	row := rowOf(op)
	address := "ldap://" + op.Server + "/"
	if op.Search != nil {
		address = ldapURL(op)
	}
	t := op.Timing
	empty := harEmpty{[]any{}, []any{}, -1}
	e := harEntry{
		Page: op.RequestID, Started: row.Start, Conn: row.Conn, LDAP: row,
		Request:  harRequest{strings.ToUpper(row.Kind), address, "LDAPv3", empty, []any{}, op.BytesSent},
		Response: harResponse{Text: op.State.String(), Version: "LDAPv3", harEmpty: empty, Content: harContent{op.BytesReceived, "application/ldap"}, BodySize: op.BytesReceived},
		Timings:  harTimings{milliseconds(t.WaitPool), milliseconds(t.Dial + t.TLS + t.SetupBind), 0, milliseconds(max(op.Duration-t.Stream, 0)), milliseconds(t.Stream)},
	}
	e.Time = e.Timings.Blocked + e.Timings.Connect + e.Timings.Wait + e.Timings.Receive
	if row.Result != nil && row.Result.Code >= 0 {
		e.Response.Status, e.Response.Text = row.Result.Code, row.Result.Name
	}
	return e
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
