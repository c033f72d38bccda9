// SPDX-License-Identifier: MIT

package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	wrong := []struct{ name, user, password string }{
		{"wrong password", "ada", "byron"},
		{"no such user", "nobody", "lovelace"},
		{"no password", "ada", ""}, // an unauthenticated bind would succeed
		{"no name", "", "lovelace"},
		{"everybody", "*", "lovelace"},
		{"a name with a wildcard", "ad*", "lovelace"},
		{"disabled", "dora", "lovelace"},
		{"locked", "linus", "lovelace"},
		{"expired", "erik", "lovelace"},
		{"long name", strings.Repeat("a", 300), "lovelace"},
	}
	for _, tt := range wrong {
		t.Run(tt.name, func(t *testing.T) {
			got := s.logIn(tt.user, tt.password)
			if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "Name or password is wrong.") || strings.Contains(got.header.Get("Set-Cookie"), "demo_session") {
				t.Errorf("%d, cookie %q: %s", got.status, got.header.Get("Set-Cookie"), got.body)
			}
			if got := s.get("/profile"); got.at != "/login" {
				t.Errorf("the profile is shown: %s", got.body)
			}
		})
	}
	for _, name := range []string{"ada", "ADA", " ada ", "ada@example.org"} {
		got := s.logIn(name, "lovelace")
		if got.at != "/profile" || got.status != http.StatusOK {
			t.Fatalf("%q: %d at %s: %s", name, got.status, got.at, got.body)
		}
		for _, want := range []string{"Ada Lovelace", "ada@example.org", "Head of Engineering", "Administrators", `action="/logout"`} {
			if !strings.Contains(got.body, want) {
				t.Errorf("%q: the profile lacks %q:\n%s", name, want, got.body)
			}
		}
	}
	q, ops := s.recorded(http.MethodPost, "/login")
	if q.User != "ada" || q.Status != http.StatusSeeOther || len(q.Steps) != 3 || len(ops) != 3 {
		t.Errorf("the last login is %+v with %d operations, want 3 in 3 steps", q, len(ops))
	}
	if got := s.do(http.MethodPost, "/logout", url.Values{}); got.at != "/" {
		t.Errorf("after the logout at %s", got.at)
	}
	if got := s.get("/profile"); got.at != "/login" {
		t.Errorf("the profile is shown after the logout: %s", got.body)
	}
}

const computer = "cn=PC-0001,ou=computers,dc=example,dc=org"

func TestEditComputer(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	edit := func(description string) answer {
		return s.do(http.MethodPost, "/computers", url.Values{"dn": {computer}, "description": {description}})
	}
	if got := edit("by a stranger"); got.at != "/login" || s.directory.Dir.Values(computer, "description")[0] != "desk 2" {
		t.Fatalf("a stranger changes: at %s, %v", got.at, s.directory.Dir.Values(computer, "description"))
	}
	s.logIn("ada", "lovelace")
	if got := edit("by the window"); got.status != http.StatusOK || !strings.Contains(got.body, "Saved "+computer) || !strings.Contains(got.body, `value="by the window"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.directory.Dir.Values(computer, "description"); len(got) != 1 || got[0] != "by the window" {
		t.Errorf("the directory has %v", got)
	}
	if _, ops := s.recorded(http.MethodPost, "/computers"); len(ops) != 2 || ops[0].Kind != instrument.KindCompare || ops[1].Kind != instrument.KindModify {
		t.Errorf("a change makes %+v", ops)
	}
	edit("by the window")
	if _, ops := s.recorded(http.MethodPost, "/computers"); len(ops) != 1 || ops[0].Kind != instrument.KindCompare {
		t.Errorf("no change makes %+v", ops)
	}
	if got := s.do(http.MethodPost, "/computers", url.Values{"dn": {"cn=PC-9999,ou=computers,dc=example,dc=org"}, "description": {"x"}}); got.status != http.StatusBadGateway || !strings.Contains(got.body, `role="alert"`) {
		t.Errorf("a computer that is not there: %d %s", got.status, got.body)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := open(t, true)
	s.logIn("ada", "lovelace")
	got := s.do(http.MethodPost, "/computers", url.Values{"dn": {computer}, "description": {"x"}})
	if got.status != http.StatusForbidden || !strings.Contains(got.body, "This domain is configured as read-only.") || s.directory.Dir.Values(computer, "description")[0] != "desk 2" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestCrossOrigin holds forms of other sites away from everything that is posted.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	s.logIn("ada", "lovelace")
	forms := map[string]url.Values{
		"/login": {"username": {"ada"}, "password": {"lovelace"}}, "/logout": {}, "/computers": {"dn": {computer}, "description": {"from afar"}},
	}
	for path, form := range forms {
		for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
			if got := s.do(http.MethodPost, path, form, header...); got.status != http.StatusForbidden {
				t.Errorf("POST %s with %v: %d", path, header, got.status)
			}
		}
	}
	if got := s.directory.Dir.Values(computer, "description")[0]; got != "desk 2" {
		t.Errorf("another site has written %q", got)
	}
	if got := s.get("/profile"); got.at != "/profile" {
		t.Errorf("another site has logged the user out: at %s", got.at)
	}
	for path, form := range forms {
		if got := s.do(http.MethodPost, path, form, "Origin", s.url); got.status != http.StatusOK {
			t.Errorf("POST %s of the site itself: %d %s", path, got.status, got.body)
		}
	}
}
