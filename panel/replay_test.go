// SPDX-License-Identifier: MIT

package panel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

// managed is a stage whose directory is asked through a manager.
func managed(t *testing.T, replay bool) (*stage, *ldapmgr.Domain) {
	t.Helper()
	directory := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(20))})
	s := &stage{scope: instrument.New()}
	writable := false
	domains, err := ldapmgr.New(ldapmgr.Config{Scope: s.scope, Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": {
		Servers: []string{directory.URL()}, Base: ldaptest.DefaultSuffix, ReadOnly: &writable,
		Bind: ldapmgr.Bind{Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = domains.Close(context.Background()) })
	config := panel.Config{Scope: s.scope, Token: token, Domains: domains}
	if replay {
		config.Replay = domains
	}
	s.panel = panel.New(config)
	s.server = httptest.NewServer(s.panel)
	t.Cleanup(s.server.Close)
	domain, err := domains.Domain("EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	return s, domain
}

// newest is the number of the newest operation of a kind.
func (s *stage) newest(t *testing.T, kind string) uint64 {
	t.Helper()
	var list struct {
		Operations []row `json:"operations"`
	}
	s.get(t, "/api/v1/operations?q=op:"+kind, &list)
	if len(list.Operations) == 0 {
		t.Fatalf("there is no %s", kind)
	}
	return list.Operations[len(list.Operations)-1].Seq
}

// TestReplay repeats a search after an entry has changed its name, and refuses everything that is no question.
func TestReplay(t *testing.T) {
	t.Parallel()
	s, domain := managed(t, true)
	ctx := t.Context()
	if _, err := domain.Search(ctx, ldap.NewSearchRequest(ldaptest.DefaultSuffix, 2, 0, 0, 0, false, "(sAMAccountName=ada)", []string{"cn"}, nil)); err != nil {
		t.Fatal(err)
	}
	asked := s.newest(t, "search")
	rename := ldap.NewModifyDNRequest("CN=Ada Lovelace,OU=people,"+ldaptest.DefaultSuffix, "CN=Ada King", true, "")
	if err := domain.Do(ctx, func(ctx context.Context, c *instrument.Client) error { return c.ModifyDN(ctx, rename) }); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]int{"modify_dn": 409, "bind": 409} {
		if status, body := s.send(t, http.MethodPost, "/api/v1/replay", fmt.Sprintf(`{"seq": %d}`, s.newest(t, kind))); status != want || !strings.Contains(body, "nothing that changes") {
			t.Errorf("a %s: %d %s", kind, status, body)
		}
	}
	status, body := s.send(t, http.MethodPost, "/api/v1/replay", fmt.Sprintf(`{"seq": %d}`, asked))
	var got struct {
		RequestID      string `json:"request_id"`
		Entries        int
		Added, Removed []string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK || got.Entries != 1 ||
		fmt.Sprint(got.Added, got.Removed) != "[CN=Ada King,OU=people,DC=example,DC=org] [CN=Ada Lovelace,OU=people,DC=example,DC=org]" {
		t.Errorf("%d %s", status, body)
	}
	if q, ops, ok := s.scope.Recorder().Request(got.RequestID); !ok || q.Name != "replay" || len(ops) != 1 {
		t.Errorf("the repeated question stands in %+v with %d operations", q, len(ops))
	}
	if status, body := s.send(t, http.MethodPost, "/api/v1/replay", fmt.Sprintf(`{"seq": %d}`, asked)); status != http.StatusTooManyRequests {
		t.Errorf("at once again: %d %s", status, body)
	}
	if status, _ := s.send(t, http.MethodPost, "/api/v1/replay", `{"seq": 999999}`); status != http.StatusNotFound {
		t.Errorf("an operation that is not there: %d", status)
	}
}

func TestReplayIsOff(t *testing.T) {
	t.Parallel()
	s, domain := managed(t, false)
	if _, err := domain.Search(t.Context(), ldap.NewSearchRequest(ldaptest.DefaultSuffix, 0, 0, 0, 0, false, "(objectClass=*)", nil, nil)); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	status, body := s.send(t, http.MethodPost, "/api/v1/replay", fmt.Sprintf(`{"seq": %d}`, s.newest(t, "search")))
	if status != http.StatusForbidden || !strings.Contains(body, "Config.Replay") {
		t.Errorf("%d %s", status, body)
	}
	for _, q := range s.scope.Recorder().Requests(0, 100) {
		if q.Name == "replay" && q.Start.After(before) {
			t.Error("the question was asked all the same")
		}
	}
}
