// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// meeting holds everybody back until all have come, again and again.
type meeting struct {
	all int

	mu   sync.Mutex // guards what follows
	here int
	open chan struct{}
}

func (m *meeting) attend() {
	m.mu.Lock()
	if m.open == nil {
		m.open = make(chan struct{})
	}
	open := m.open
	if m.here++; m.here == m.all {
		m.here, m.open = 0, nil
		close(open)
	}
	m.mu.Unlock()
	select {
	case <-open:
	case <-time.After(patience): // the test fails by what it finds
	}
}

const (
	overlapRounds = 20
	overlapPages  = 3
	overlapPeople = 250 // of each kind; the app reads 100 a page
)

// overlapLDIF holds people who are left and people who are right.
func overlapLDIF() string {
	var b strings.Builder
	b.WriteString("dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\n")
	for i := range overlapPeople {
		for _, side := range []string{"left", "right"} {
			fmt.Fprintf(&b, "dn: cn=%s %d,dc=example,dc=org\nobjectClass: inetOrgPerson\ncn: %[1]s %[2]d\nsn: %[1]s\n\n", side, i)
		}
	}
	return b.String()
}

// TestOverlap lets two HTTP requests and work outside of any read the same pages at the same time: the directory answers
// none of them before all three have asked.
func TestOverlap(t *testing.T) {
	t.Parallel()
	together := &meeting{all: 3}
	server := ldaptest.Start(t, ldaptest.Config{
		LDIF: strings.NewReader(overlapLDIF()), RootPassword: "secret", SizeLimit: -1,
		Fault: func(r ldaptest.Request) ldaptest.Action {
			if strings.Contains(r.Filter, "cn=*") {
				together.attend()
			}
			return ldaptest.Action{}
		},
	})
	config := write(t, "config.yaml", fmt.Sprintf("domains: {EXAMPLE: {servers: [%q], base: \"dc=example,dc=org\", "+
		"bind: {name: \"cn=admin,dc=example,dc=org\", password: {value: secret}}}}\n", server.URL()))
	var manager *ldapmgr.Manager
	r := startHere(t, func(a program.Assembled) { manager = a.Domains }, nil, "serve", "--config", config, "--listen", "127.0.0.1:0", "--app", "127.0.0.1:0")
	domain, err := manager.Domain("EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	for range overlapRounds {
		var all sync.WaitGroup
		all.Go(func() { r.visit("/people?q=left") })
		all.Go(func() { r.visit("/people?q=right") })
		all.Go(func() {
			outside := ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, 0, 0, 0, false, "(cn=*left*)", []string{"cn"}, nil)
			if _, err := domain.SearchPaged(context.Background(), outside, 100); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if t.Failed() {
			return
		}
	}
	owners := map[uint64]string{}
	requests := r.requests("/people")
	if len(requests) != 2*overlapRounds {
		t.Fatalf("%d requests, want %d", len(requests), 2*overlapRounds)
	}
	sides := map[string]int{}
	for _, q := range requests {
		_, ops := r.request(q.ID)
		ops = filtered("cn=*", ops) // a request may also have to open its connection
		sides[overlapSide(t, ops, q.ID)]++
		for _, op := range ops {
			if other, twice := owners[op.Seq]; twice {
				t.Errorf("operation %d is in %s and in %s", op.Seq, q.ID, other)
			}
			owners[op.Seq] = q.ID
		}
	}
	if sides["left"] != overlapRounds || sides["right"] != overlapRounds {
		t.Errorf("requests %v", sides)
	}
	background := 0
	for _, op := range filtered("cn=*", r.operations("is:background")) {
		if !strings.HasPrefix(op.RequestID, "background") || owners[op.Seq] != "" || strings.Contains(op.Search.Filter, "inetOrgPerson") {
			t.Errorf("under background: %+v", op)
		}
		background++
	}
	if background != overlapRounds*overlapPages {
		t.Errorf("%d operations under background, want %d", background, overlapRounds*overlapPages)
	}
}

// overlapSide holds one request to have all pages of its own search and nothing else, and returns which it was.
func overlapSide(t *testing.T, ops []operationRow, id string) string {
	t.Helper()
	if len(ops) != overlapPages {
		t.Fatalf("request %s has %d operations, want %d: %+v", id, len(ops), overlapPages, ops)
	}
	side := "right"
	if strings.Contains(ops[0].Search.Filter, "left") {
		side = "left"
	}
	entries := 0
	for i, op := range ops {
		if op.RequestID != id || !strings.Contains(op.Search.Filter, "cn=*"+side+"*") || op.Search.Page != i+1 || op.Call == nil || op.Call.ID != ops[0].Call.ID {
			t.Errorf("request %s for %s has %+v", id, side, op)
		}
		entries += op.Entries
	}
	if entries != overlapPeople {
		t.Errorf("request %s for %s has %d entries, want %d", id, side, entries, overlapPeople)
	}
	return side
}
