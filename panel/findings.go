// SPDX-License-Identifier: MIT

package panel

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
)

// verdict is what a row says of the advice on its request.
type verdict struct {
	count int
	worst advice.Severity
}

// reviews remembers what was found in requests that have ended, since every reader's rows ask for it.
type reviews struct {
	mu       sync.Mutex // guards everything below
	new, old map[string]reviewed
	vendors  map[string]string // by domain
	asked    time.Time         // when vendors were asked for
}

type reviewed struct {
	updated  uint64
	findings []advice.Finding
}

const (
	reviewsKept   = 2000
	vendorsStay   = time.Second
	reviewedAtMax = 5000 // operations of one request; the rules of larger ones would keep the reader waiting
)

// verdict returns what a request's row says. A request that runs has none yet.
func (p *Panel) verdict(q *instrument.Request) verdict {
	if q.Running {
		return verdict{}
	}
	return p.verdictSoFar(q)
}

// verdictSoFar is the verdict of a request that may still run.
func (p *Panel) verdictSoFar(q *instrument.Request) verdict {
	if q.Operations == 0 {
		return verdict{}
	}
	findings := p.findingsOf(q)
	v := verdict{count: len(findings)}
	for _, f := range findings {
		v.worst = max(v.worst, f.Severity)
	}
	return v
}

// findingsOf reviews a request, or remembers.
func (p *Panel) findingsOf(q *instrument.Request) []advice.Finding {
	r := &p.reviews
	r.mu.Lock()
	known, ok := r.new[q.ID]
	if !ok {
		known, ok = r.old[q.ID]
	}
	r.mu.Unlock()
	if ok && known.updated == q.Updated {
		return known.findings
	}
	whole, ops, held := p.config.Scope.Recorder().Request(q.ID)
	if !held || len(ops) > reviewedAtMax {
		return nil
	}
	findings := advice.Review(whole, ops, p.facts())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.new == nil || len(r.new) >= reviewsKept/2 {
		r.old, r.new = r.new, map[string]reviewed{}
	}
	r.new[q.ID] = reviewed{whole.Updated, findings}
	return findings
}

// facts are what rules may ask beside operations.
func (p *Panel) facts() advice.Facts {
	f := advice.Facts{Vendor: p.vendor, Entries: p.entriesOf}
	if p.config.Domains != nil {
		f.Known = p.config.Domains.HasAttribute
	}
	return f
}

// entriesOf returns the entries that were kept of a search.
func (p *Panel) entriesOf(seq uint64) []instrument.Entry {
	op, _, _, _ := p.config.Scope.Recorder().Operation(seq)
	return op.EntryList
}

// vendor names what a domain's servers are.
func (p *Panel) vendor(domain string) string {
	if p.config.Domains == nil {
		return ""
	}
	r := &p.reviews
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.vendors == nil || now.Sub(r.asked) > vendorsStay {
		r.vendors, r.asked = map[string]string{}, now
		for _, s := range p.config.Domains.Statuses() {
			r.vendors[s.Name] = s.Vendor
		}
	}
	return r.vendors[domain]
}

// findingRow is one piece of advice: on one request, or the same on many of one route.
type findingRow struct {
	Rule       string   `json:"rule"`
	Title      string   `json:"title"`
	Severity   string   `json:"severity"`
	Confidence string   `json:"confidence"`
	Evidence   string   `json:"evidence"`
	Why        string   `json:"why"`
	Fix        string   `json:"fix"`
	Count      int      `json:"count"` // operations concerned
	Requests   int      `json:"requests"`
	Operations []uint64 `json:"operations"` // of the request named
	RequestID  string   `json:"request_id"` // the newest
	Route      string   `json:"route"`
	Shape      string   `json:"shape,omitempty"`
	ShapeText  string   `json:"shape_text,omitempty"`
	WastedUS   int64    `json:"wasted_us"`
	First      stamp    `json:"first"`
	Last       stamp    `json:"last"`

	severity advice.Severity
}

type ruleRow struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	Severity   string `json:"severity"`
	Confidence string `json:"confidence"`
	Findings   int    `json:"findings"`
}

const requestsReviewed = 1000

// findings answers GET api/v1/findings?request=. Without a request it sums the newest ones by rule, shape and route.
func (p *Panel) findings(w http.ResponseWriter, r *http.Request) {
	recorder := p.config.Scope.Recorder()
	var requests []instrument.Request
	if id := r.URL.Query().Get("request"); id != "" {
		q, ok := recorder.Summary(id)
		if !ok {
			fail(w, http.StatusNotFound, "absent", "there is no such HTTP request in the recorder; it may have been evicted")
			return
		}
		requests = append(requests, q)
	} else {
		requests = recorder.NewestRequests(requestsReviewed)
	}
	rows, counts := p.sumFindings(requests)
	rules := []ruleRow{}
	for _, rule := range advice.Rules() {
		rules = append(rules, ruleRow{rule.ID, rule.Title, rule.Severity.String(), rule.Confidence.String(), counts[rule.ID]})
	}
	answer(w, http.StatusOK, map[string]any{"epoch": recorder.Epoch(), "requests": len(requests), "findings": rows, "rules": rules})
}

func (p *Panel) sumFindings(requests []instrument.Request) (rows []findingRow, counts map[string]int) {
	place := map[string]int{}
	rows, counts = []findingRow{}, map[string]int{}
	for i := range requests {
		q := &requests[i]
		times := map[string]int{} // one rule may find two things of one shape, which are two rows
		for _, f := range p.findingsOf(q) {
			route := routeOf(q)
			key := fmt.Sprint(f.Rule.ID, " ", f.Shape, " ", route)
			times[key]++
			key = fmt.Sprint(key, " ", times[key])
			at, ok := place[key]
			if !ok {
				at = len(rows)
				place[key] = at
				counts[f.Rule.ID]++
				rows = append(rows, findingRow{
					Rule: f.Rule.ID, Title: f.Rule.Title, Confidence: f.Rule.Confidence.String(), Why: f.Rule.Why, Fix: f.Rule.Fix,
					Route: route, First: stamp(q.Start),
				})
			}
			rows[at].add(q, f)
		}
	}
	slices.SortStableFunc(rows, func(a, b findingRow) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.WastedUS, a.WastedUS), cmp.Compare(b.Requests, a.Requests))
	})
	return rows, counts
}

// add counts one more request; requests come with the oldest first.
func (row *findingRow) add(q *instrument.Request, f advice.Finding) {
	row.severity = max(row.severity, f.Severity)
	row.Severity, row.Evidence = row.severity.String(), f.Evidence
	row.Count += f.Count
	row.Requests++
	row.Operations, row.RequestID, row.Last = f.Operations, q.ID, stamp(q.Start)
	row.WastedUS += f.Wasted.Microseconds()
	if f.Shape != 0 {
		row.Shape, row.ShapeText = fmt.Sprintf("%016x", f.Shape), f.ShapeText
	}
}

func routeOf(q *instrument.Request) string {
	switch q.Kind {
	case "http":
		return q.Method + " " + line(or(q.Route, q.Path))
	case "job":
		return "job " + line(q.Name)
	}
	return "outside of any HTTP request"
}
