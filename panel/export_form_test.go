// SPDX-License-Identifier: MIT

package panel_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

// TestExport reads each form of a file back.
func TestExport(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{Version: "1.2.3"})
	ctx, end := s.scope.Job(t.Context(), "export")
	s.search(t, ctx, "(sAMAccountName=ada)", "cn", "objectGUID")
	change := ldap.NewModifyRequest("CN=Ada Lovelace,OU=people,"+ldaptest.DefaultSuffix, nil)
	change.Replace("description", []string{"line one\nline two"})
	if _, err := s.client.Modify(ctx, change); err != nil {
		t.Fatal(err)
	}
	end()
	if status, body := s.text(t, "/api/v1/export?format=xml"); status != http.StatusBadRequest || !strings.Contains(body, "jsonl, har or ldif") {
		t.Errorf("an unknown form: %d %s", status, body)
	}
	_, lines := s.text(t, "/api/v1/export?q=op:search,modify")
	if n := strings.Count(lines, "\n"); n != 2 || !strings.Contains(lines, `"kind":"modify"`) {
		t.Errorf("%d lines: %s", n, lines)
	}
	_, ldif := s.text(t, "/api/v1/export?format=ldif")
	for _, want := range []string{"version: 1\n", "\ndn: CN=Ada Lovelace,OU=people,DC=example,DC=org\ncn: Ada Lovelace\nobjectGUID:: ", "changetype: modify\nreplace: description\ndescription:: bGluZSBvbmUKbGluZSB0d28=\n-\n"} {
		if !strings.Contains(ldif, want) {
			t.Errorf("the LDIF lacks %q:\n%s", want, ldif)
		}
	}
	readsHAR(t, s)
}

// readsHAR holds the file to what HAR 1.2 requires of every log, page and entry.
func readsHAR(t *testing.T, s *stage) {
	t.Helper()
	var har struct {
		Log struct {
			Version string
			Creator map[string]string
			Pages   []map[string]any
			Entries []struct {
				Pageref, StartedDateTime   string
				Time                       float64
				Request, Response, Timings map[string]any
				Cache                      map[string]any
				LDAP                       map[string]any `json:"_ldap"`
			}
		}
	}
	_, body := s.text(t, "/api/v1/export?format=har&q=op:search,modify")
	if err := json.Unmarshal([]byte(body), &har); err != nil {
		t.Fatal(err)
	}
	log := har.Log
	if log.Version != "1.2" || log.Creator["name"] != "ldapscope" || log.Creator["version"] != "1.2.3" || len(log.Pages) != 1 || len(log.Entries) != 2 {
		t.Fatalf("%s", body)
	}
	for _, name := range []string{"startedDateTime", "id", "title", "pageTimings"} {
		if log.Pages[0][name] == nil {
			t.Errorf("the page lacks %s", name)
		}
	}
	for _, e := range log.Entries {
		if e.Pageref != log.Pages[0]["id"] || e.StartedDateTime == "" || e.Cache == nil || e.LDAP["seq"] == nil {
			t.Errorf("entry %+v", e)
		}
		for _, name := range []string{"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} {
			if e.Request[name] == nil {
				t.Errorf("the request lacks %s", name)
			}
		}
		for _, name := range []string{"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"} {
			if e.Response[name] == nil {
				t.Errorf("the response lacks %s", name)
			}
		}
		sum := 0.0
		for _, ms := range e.Timings {
			sum += ms.(float64)
		}
		if sum-e.Time > 0.001 || e.Time-sum > 0.001 || e.Time <= 0 {
			t.Errorf("%v ms, its parts %v", e.Time, e.Timings)
		}
	}
}
