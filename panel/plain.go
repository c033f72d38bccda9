// SPDX-License-Identifier: MIT

package panel

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/web"
)

// plainIndex is the page for browsers without JavaScript.
var plainIndex = template.Must(template.ParseFS(web.Files, "plain.html"))

// The bounds of a plain page, which is sent whole.
const (
	plainRequests   = 100
	plainOperations = 1000
)

// plainPage is what the template gets. Everything in it is text.
type plainPage struct {
	Base, Title, Assets, Problem string

	Requests   []plainRequest
	Operations []plainOperation
	Findings   []findingRow
}

type plainRequest struct {
	ID, Start, Name, Status                 string
	Operations, Duplicates, Similar, Errors int
	LDAP, Whole                             time.Duration
}

type plainOperation struct {
	Seq                          uint64
	Kind, Subject, About, Result string
	Entries                      int
	Time                         time.Duration
}

// plain answers GET /?plain=1 with the last HTTP requests, and with &id= with one of them.
func (p *Panel) plain(w http.ResponseWriter, r *http.Request) {
	page, status := plainPage{Base: mount(r), Assets: web.Version()}, http.StatusOK
	if id := r.URL.Query().Get("id"); id != "" {
		status = p.plainRequest(&page, id)
	} else {
		p.plainRequests(&page)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = plainIndex.Execute(w, page) // the peer has gone if this fails
}

func (p *Panel) plainRequests(page *plainPage) {
	page.Title = "HTTP requests and jobs"
	for _, q := range p.config.Scope.Recorder().NewestRequests(plainRequests) {
		page.Requests = append(page.Requests, plainRequestOf(&q))
	}
	slices.Reverse(page.Requests)
	if len(page.Requests) == 0 {
		page.Problem = "No LDAP operation has been seen yet. Load this page again once the application has made one."
	}
}

func plainRequestOf(q *instrument.Request) plainRequest {
	row := plainRequest{
		ID: q.ID, Start: q.Start.Format("15:04:05.000"), Name: routeOf(q), Operations: q.Operations, Duplicates: q.Duplicates, Similar: q.Similar, Errors: q.Errors,
		LDAP: rounded(q.LDAPTime), Whole: rounded(q.Duration),
	}
	switch {
	case q.Running && q.Kind != "background":
		row.Status = "running"
	case q.Status > 0:
		row.Status = fmt.Sprint(q.Status)
	}
	return row
}

func (p *Panel) plainRequest(page *plainPage, id string) int {
	q, ops, ok := p.config.Scope.Recorder().Request(id)
	if !ok {
		page.Title, page.Problem = "HTTP request", "There is no such HTTP request in the recorder; it may have been evicted."
		return http.StatusNotFound
	}
	page.Title = routeOf(&q)
	page.Requests = []plainRequest{plainRequestOf(&q)}
	page.Findings, _ = p.sumFindings([]instrument.Request{q})
	if more := len(ops) - plainOperations; more > 0 {
		page.Problem = fmt.Sprintf("The first %d of %d operations.", plainOperations, len(ops))
		ops = ops[:plainOperations]
	}
	for i := range ops {
		page.Operations = append(page.Operations, plainOperationOf(&ops[i]))
	}
	return http.StatusOK
}

func plainOperationOf(op *instrument.Operation) plainOperation {
	o := plainOperation{op.Seq, op.Kind.String(), subject(op), about(op), op.State.String(), op.Entries, rounded(op.Duration)}
	switch {
	case op.Result.Received:
		o.Result = fmt.Sprintf("%d %s", op.Result.Code, op.Result.Name)
		if op.Result.Hint != "" {
			o.Result += ": " + op.Result.Hint
		}
	case op.Result.Error != "":
		o.Result = op.Result.Error
	}
	return o
}

// rounded keeps three digits of a duration.
func rounded(d time.Duration) time.Duration {
	unit := time.Microsecond
	for unit*1000 <= d {
		unit *= 10
	}
	return d.Round(unit)
}
