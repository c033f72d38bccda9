// SPDX-License-Identifier: MIT

package query_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
	"github.com/ldapscope/ldapscope/panel/query"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// subject is a slow, failed, paged search of an HTTP request.
func subject() query.Subject {
	return query.Subject{
		Operation: &instrument.Operation{
			Kind: instrument.KindSearch, Domain: "EXAMPLE", Server: "dc1.example.org:389", Conn: 4, State: instrument.StateError, Step: "sync.groups",
			Start: now.Add(-time.Minute), Duration: 150 * time.Millisecond, Timing: instrument.Timing{First: 20 * time.Millisecond, WaitPool: 5 * time.Millisecond},
			RequestID: "a1b2", Entries: 12, BytesReceived: 2_000_000, Repeat: 1,
			Search: &instrument.Search{Base: "ou=People,dc=example,dc=org", Scope: 2, Filter: "(&(objectClass=user)(|(sAMAccountName=ada)(mail=ada@*)))",
				Attributes: []string{"cn", "mail"}, Page: 1},
			Seq: 30, Security: instrument.SecurityStartTLS, Similar: 4, Shape: &instrument.Shape{ID: 7},
			Controls: []instrument.Control{{OID: "1.2.840.113556.1.4.319", Name: "paged results"}},
			Result:   instrument.Result{Received: true, Code: 4, Name: "sizeLimitExceeded", Error: "sizeLimitExceeded", Diagnostic: "too many"},
		},
		Request: &instrument.Request{Method: "GET", Route: "/people/{id}", Path: "/people/7", Status: 503, User: "ada"},
		Entries: func(seq uint64) []instrument.Entry {
			return map[uint64][]instrument.Entry{30: {{Attributes: []instrument.Attribute{{Name: "cn"}}}, {Attributes: []instrument.Attribute{{Name: "userCertificate;binary"}}}}}[seq]
		},
		Findings: func(*instrument.Request) []advice.Finding {
			rules := advice.Rules()
			return []advice.Finding{
				{Rule: rules[0], Severity: advice.Medium, Operations: []uint64{29, 30}, Count: 2},
				{Rule: rules[1], Severity: advice.Low, Operations: []uint64{29}, Count: 1, Shape: 7},     // about others of its shape
				{Rule: rules[2], Severity: advice.High, Operations: []uint64{1, 2}, Count: 90, Shape: 7}, // too many to name
				{Rule: rules[3], Severity: advice.Critical, Operations: []uint64{1, 2}, Count: 90, Shape: 8},
			}
		},
	}
}

// matchTest is a query that the subject matches, or not.
type matchTest struct {
	name  string
	query string
	want  bool
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []matchTest{
		{"blank", "  ", true},
		{"kind", "op:search", true},
		{"kind of several", "op:bind,search", true},
		{"other kind", "op:bind", false},
		{"minus", "-op:bind", true},
		{"NOT", "NOT op:search", false},
		{"and", "op:search dom:example", true},
		{"and with word", "op:search AND dom:other", false},
		{"or", "op:bind OR dom:EXAMPLE", true},
		{"or binds weaker", "op:bind dom:EXAMPLE OR n:12", true},
		{"parentheses", "(op:bind OR op:search) -is:running", true},
		{"duration above", "dur:>100ms", true},
		{"duration below", "dur:<100ms", false},
		{"duration range", "dur:100ms..200ms", true},
		{"duration of one digit", "ttfe:>=5ms", true},
		{"wait", "wait:5ms", true},
		{"entries", "n:>=12", true},
		{"bytes with unit", "bytes:>1MB", true},
		{"bytes with every unit of the page", "bytes:>1kB bytes:<1GB bytes:<1TB", true},
		{"duplicates", "dup:>1", true},
		{"code", "code:4", true},
		{"code by name", "code:sizelimitexceeded", true},
		{"code negated", "code:!0", true},
		{"code negated itself", "code:!4", false},
		{"under", "under:dc=example,dc=org", true},
		{"under with blanks", `under:"OU=people, DC=example, DC=org"`, true},
		{"under is no text search", "under:c=example,dc=org", false},
		{"requested attribute", "attr:MAIL", true},
		{"all attributes", "attr:*", false},
		{"clause of the filter", "(sAMAccountName=ada)", true},
		{"clause with any value", "(samaccountname=*)", true},
		{"clause with another value", "(sAMAccountName=bob)", false},
		{"clause in any order", "(|(mail=ada@*)(sAMAccountName=ada))", true},
		{"clause of nothing there", "(uid=*)", false},
		{"clause beside a key", "(sAMAccountName=ada) op:search", true},
		{"route", "route:/people", true},
		{"status", "status:503", true},
		{"status class", "status:5xx", true},
		{"status class of others", "status:2xx", false},
		{"user", "user:ada", true},
		{"step", "step:sync", true},
		{"control", "ctl:paged", true},
		{"is error", "is:error", true},
		{"is slow", "is:slow", true},
		{"is paged", "is:paged", true},
		{"is running", "is:running", false},
		{"since", "since:5m", true},
		{"since too late", "since:30s", false},
		{"word", "sizelimit", true},
		{"word elsewhere", "jdoe", false},
		{"quoted words", `"too many"`, true},
		{"regular expression", "/ou=pe.ple/", true},
		{"double negation", "--op:search", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func (tt matchTest) run(t *testing.T) {
	t.Parallel()
	q, err := query.Parse(tt.query, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Match(subject()); got != tt.want {
		t.Errorf("%q matches: %t, want %t", tt.query, got, tt.want)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		query  string
		offset int
		says   string
	}{
		{"unknown key", "op:search durr:>5ms", 10, "did you mean dur:?"},
		{"a word for a key", "domain:EXAMPLE", 0, "did you mean dom:?"},
		{"another word for a key", "filter:ada", 0, "did you mean f:?"},
		{"nothing like a key", "colour:red", 0, "into quotes"},
		{"no such state", "is:quick", 3, "is:running"},
		{"duration without a unit", "dur:>100", 4, "unit"},
		{"no kind of encryption", "tls:maybe", 4, "start_tls"},
		{"no rule", "advice:Z99", 7, "advice:high+"},
		{"no severity", "advice:huge+", 7, "neither a rule nor a severity"},
		{"no moment", "at:noon", 3, "14:02"},
		{"no end", "at:14:02..", 3, "14:02"},
		{"no page", "pages:many", 6, "number"},
		{"a word for encryption", "ssl:no", 0, "did you mean tls:?"},
		{"open parenthesis", "(op:bind", 8, "parenthesis"},
		{"closing parenthesis", "op:bind)", 7, "parenthesis"},
		{"open quote", `f:"abc`, 2, "quote"},
		{"open regular expression", "/abc", 0, "/"},
		{"bad regular expression", "/a(/", 0, "regular expression"},
		{"key without a value", "op:", 3, "op:search"},
		{"nothing after OR", "op:bind OR", 10, "missing"},
		{"deep", strings.Repeat("(", 100), 41, "deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := query.Parse(tt.query, now)
			var problem *query.Error
			if !errors.As(err, &problem) {
				t.Fatalf("got %v, want a *query.Error", err)
			}
			if problem.Offset != tt.offset || !strings.Contains(problem.Reason, tt.says) {
				t.Errorf("got %d %q, want %d and %q", problem.Offset, problem.Reason, tt.offset, tt.says)
			}
		})
	}
}

// TestKeysTeach holds every example in the help to be a query that parses.
func TestKeysTeach(t *testing.T) {
	t.Parallel()
	for _, k := range query.Keys() {
		first, _, _ := strings.Cut(strings.ReplaceAll(k.Example, " or ", ", "), ", ")
		if _, err := query.Parse(first, now); err != nil || !strings.HasPrefix(first, k.Name+":") {
			t.Errorf("example %q of %s: %v", first, k.Name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"op:search (uid=*)", "-(a OR b) /x/", `f:"x y" dur:>1ms`, "((", "a:b:c"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if q, err := query.Parse(text, now); err == nil {
			q.Match(subject())
			q.Match(query.Subject{Operation: &instrument.Operation{}})
		}
	})
}
