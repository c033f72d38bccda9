// SPDX-License-Identifier: MIT

package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/cmd/ldapscope/app"
	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/panel"
)

// TestMountedPanel holds the panel below /debug/ldap/ to be the one panel, with its token, and to leave no trace in itself.
func TestMountedPanel(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	s.get("/people")
	s.recorded(http.MethodGet, "/people")
	if got := s.get("/debug/ldap/api/v1/operations"); got.status != http.StatusUnauthorized {
		t.Errorf("without a token: %d %.200s", got.status, got.body)
	}
	if got := s.get("/debug/ldap"); got.at != "/debug/ldap/" || got.status != http.StatusUnauthorized {
		t.Errorf("without a slash: %d at %s", got.status, got.at)
	}
	got := s.get("/debug/ldap/?t=" + token)
	if got.status != http.StatusOK || got.at != "/debug/ldap/" || !strings.Contains(got.body, `<base href="/debug/ldap/"`) {
		t.Errorf("the start link: %d at %s: %.300s", got.status, got.at, got.body)
	}
	for _, path := range []string{"/debug/ldap/api/v1/operations", "/debug/ldap/assets/widget.js", "/debug/ldap/healthz"} {
		if got := s.get(path); got.status != http.StatusOK || got.body == "" {
			t.Errorf("%s with the cookie: %d", path, got.status)
		}
	}
	if got := s.get("/debug/ldap/api/v1/operations?q=op:search"); !strings.Contains(got.body, `"kind":"search"`) {
		t.Errorf("the search of the people page is not there: %s", got.body)
	}
	for _, q := range s.scope.Recorder().Requests(0, 1000) {
		if strings.HasPrefix(q.Path, app.PanelPath) {
			t.Errorf("the panel records its own request %s", q.Path)
		}
	}
}

func TestDirectoryAway(t *testing.T) {
	t.Parallel()
	s := open(t, false)
	s.directory.Stop()
	for _, path := range []string{"/people", "/computers", "/groups", "/slow", "/failing"} {
		if got := s.get(path); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "The directory cannot be reached just now.") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := s.logIn("ada", "lovelace"); got.status != http.StatusServiceUnavailable {
		t.Errorf("login: %d %s", got.status, got.body)
	}
	s.directory.Start()
	for range 1000 {
		if s.get("/people").status == http.StatusOK {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Error("the app does not come back with the directory")
}

func TestNewWithoutItsDomain(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	domains, err := ldapmgr.New(ldapmgr.Config{Scope: scope, Domains: map[string]ldapmgr.DomainConfig{"A": {Servers: []string{"ldap://127.0.0.1:1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.New(app.Config{Scope: scope, Domains: domains, Domain: "B", Panel: panel.New(panel.Config{Scope: scope})}); err == nil || !strings.Contains(err.Error(), `"B"`) {
		t.Errorf("got %v", err)
	}
}
