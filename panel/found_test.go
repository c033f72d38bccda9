// SPDX-License-Identifier: MIT

package panel_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

// listed is a domain whose schema has one attribute.
type listed struct{}

func (listed) Statuses() []ldapmgr.Status { return nil }

func (listed) HasAttribute(_, name string) (has, loaded bool) { return name == "sAMAccountName", true }

// TestUnknownAttributeIsFound holds the page to know the schema where the domains do.
func TestUnknownAttributeIsFound(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{Domains: listed{}})
	ctx, end := s.scope.Job(t.Context(), "misspelled")
	s.search(t, ctx, "(&(sAMAccountName=ada)(sAMAcountName=ada))", "cn")
	end()
	if _, body := s.text(t, "/api/v1/findings"); !strings.Contains(body, "the schema has no attribute sAMAcountName") {
		t.Errorf("advice: %s", body)
	}
}

// TestQueriesAboutWhatWasFound: entries and advice, which no operation carries, can be asked about too.
func TestQueriesAboutWhatWasFound(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, end := s.scope.Job(t.Context(), "twice")
	for range 2 {
		s.search(t, ctx, "(sAMAccountName=ada)", "cn", "mail")
	}
	s.search(t, ctx, "(sAMAccountName=dora)", "cn")
	end()
	for query, want := range map[string]int{
		"op:search ret:MAIL": 2, "op:search ret:cn": 3, "ret:title": 0, "op:search sim:>1": 1, "op:search sim:1": 2, "tls:no op:search": 3, "tls:yes": 0,
		"advice:A01": 2, "advice:A01,A02 -sim:1": 1, "advice:critical": 0, "at:2000-01-01": 0, "op:search pages:0": 3,
	} {
		_, body := s.text(t, "/api/v1/operations?q="+url.QueryEscape(query))
		var found struct {
			Operations []json.RawMessage `json:"operations"`
		}
		if err := json.Unmarshal([]byte(body), &found); err != nil || len(found.Operations) != want {
			t.Errorf("%s finds %d, want %d: %.300s", query, len(found.Operations), want, body)
		}
	}
	_, body := s.text(t, "/api/v1/keys")
	var known struct {
		Keys []struct {
			Name   string   `json:"name"`
			Values []string `json:"values"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(body), &known); err != nil {
		t.Fatal(err)
	}
	values := map[string]int{}
	for _, k := range known.Keys {
		values[k.Name] = len(k.Values)
	}
	if fmt.Sprint(values["tls"], values["is"], values["advice"]) != fmt.Sprint(4, 8, 10+len(advice.Rules())) || values["dom"] != 0 {
		t.Errorf("values by key: %v", values)
	}
}

// TestOneRuleFindsTwice: where one rule finds two things in one HTTP request, such as two names that are refused again and again, both are listed,
// as the request's row counts them.
func TestOneRuleFindsTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, end := s.scope.Job(t.Context(), "guessing")
	for range 3 {
		for _, name := range []string{"CN=Ada Lovelace,OU=people," + ldaptest.DefaultSuffix, "CN=Nobody,OU=people," + ldaptest.DefaultSuffix} {
			if err := s.client.Bind(ctx, name, "wrong"); err == nil {
				t.Fatal("a wrong password is right")
			}
		}
	}
	end()
	type finding struct {
		Rule       string
		Requests   int
		Operations []uint64
	}
	var found struct{ Findings []finding }
	s.get(t, "/api/v1/findings?request="+instrument.RequestID(ctx), &found)
	f := slices.DeleteFunc(found.Findings, func(f finding) bool { return f.Rule == "E01" }) // it is without TLS too
	if len(f) != 2 || f[0].Rule != f[1].Rule || f[0].Requests != 1 || f[1].Requests != 1 || f[0].Operations[0] == f[1].Operations[0] {
		t.Errorf("not two names, each in one request: %+v", f)
	}
}
