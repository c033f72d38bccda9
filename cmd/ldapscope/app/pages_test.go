// SPDX-License-Identifier: MIT

package app_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPages(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	if got := s.get("/"); strings.Contains(got.body, "widget.js") {
		t.Errorf("a browser that may not see the panel gets its handle:\n%s", got.body)
	}
	s.get("/debug/ldap/?t=" + token)
	tests := []struct {
		name, path string
		want       []string
		operations string // shape of what the page asks, a regular expression over the kinds
	}{
		{"home", "/", []string{"<b>EXAMPLE</b>", `href="/debug/ldap/"`}, `^$`},
		{"login", "/login", []string{"<b>ada</b>", "<b>lovelace</b>", "ldapscope-service", `name="username"`, `name="password"`}, `^$`},
		{"people", "/people", []string{"Ada Lovelace", "ada@example.org", "Head of Engineering", "and 11 more"}, `search`},
		{"people by name", "/people?q=Lovelace", []string{"Ada Lovelace", `value="Lovelace"`}, `search $`},
		{"nobody", "/people?q=zzz", []string{"Nobody found."}, `search $`},
		{"a filter is no way out", "/people?q=" + url.QueryEscape("*)(objectClass=*"), []string{"Nobody found.", `value="*)(objectClass=*"`}, `search $`},
		{"a page is no way out", "/people?q=" + url.QueryEscape(`"><script>`), []string{`value="&#34;&gt;&lt;script&gt;"`}, `search $`},
		{"computers", "/computers", []string{"PC-0001", "Windows 11 Enterprise", `value="desk 2"`}, `search $`},
		{"groups", "/groups", []string{"Engineering", "everybody in Sales", "Ada Lovelace"}, `(search ){10,}$`},
		{"failing", "/failing", []string{"Bind with a wrong password", "wrong"}, `bind .*search $`},
		{"slow", "/slow", []string{"entries have an"}, `search $`},
		{"profile of nobody", "/profile", []string{`name="username"`}, `^$`},
	}
	for _, tt := range tests { // one after the other: the recorder is asked for the newest
		t.Run(tt.name, func(t *testing.T) {
			got := s.get(tt.path)
			if got.status != http.StatusOK {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.body, want) {
					t.Errorf("the page lacks %q:\n%s", want, got.body)
				}
			}
			path, _, _ := strings.Cut(tt.path, "?")
			q, ops := s.recorded(http.MethodGet, path)
			kinds := ""
			for _, op := range ops {
				kinds += op.Kind.String() + " "
			}
			if !regexp.MustCompile(tt.operations).MatchString(kinds) {
				t.Errorf("operations %q, want %q", kinds, tt.operations)
			}
			if q.Route != path {
				t.Errorf("route %q, want %q", q.Route, path)
			}
			script := regexp.MustCompile(`<script type="module" src="/debug/ldap/assets/widget\.js" data-base="/debug/ldap/" data-request="([0-9a-f]{16})" data-operations="\d+" [^<>]*></script></body>`)
			if found := script.FindStringSubmatch(got.body); len(found) != 2 {
				t.Errorf("the page has no widget:\n%s", got.body)
			} else if _, ops, ok := s.scope.Recorder().Request(found[1]); !ok || len(ops) == 0 && tt.operations != `^$` {
				t.Errorf("the widget names the request %s, of which the recorder knows %d operations", found[1], len(ops))
			}
			if timing := got.header.Get("Server-Timing"); !strings.HasPrefix(timing, "ldap;dur=") {
				t.Errorf("Server-Timing %q", timing)
			}
		})
	}
}

// TestGroupsRepeat holds the groups page to its deliberate fault, as the panel is to show it.
func TestGroupsRepeat(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	s.get("/groups")
	q, ops := s.recorded(http.MethodGet, "/groups")
	if q.Operations < 20 || q.Duplicates == 0 || q.Shapes > 6 {
		t.Errorf("%d operations of %d shapes, %d duplicates; want many, few and some", q.Operations, q.Shapes, q.Duplicates)
	}
	again := 0
	for _, op := range ops {
		if op.Repeat > 0 {
			again++
		}
	}
	if again != q.Duplicates {
		t.Errorf("%d operations are marked as repeats, the request counts %d", again, q.Duplicates)
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	s.get("/slow")
	q, ops := s.recorded(http.MethodGet, "/slow")
	slowest := time.Duration(0)
	for _, op := range ops {
		slowest = max(slowest, op.Duration)
	}
	if slowest < slowness || q.LDAPTime < slowness || q.Duration < slowness {
		t.Errorf("the slow search took %v, LDAP together %v, the request %v; want at least %v", slowest, q.LDAPTime, q.Duration, slowness)
	}
}
