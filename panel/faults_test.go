// SPDX-License-Identifier: MIT

package panel_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/panel"
)

// faulty is a domain with something wrong.
type faulty struct{}

func (faulty) Statuses() []ldapmgr.Status {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return []ldapmgr.Status{{Name: "EXAMPLE", Faults: []ldapmgr.FaultStatus{
		{Class: ldapmgr.ClassRefused, Server: "dc1.example.org:389", Reason: "nothing listens", First: at, Last: at.Add(time.Second), Count: 7},
		{Class: ldapmgr.ClassExhausted, Reason: "all are in use", First: at, Last: at, Count: 1},
	}}}
}

func (faulty) HasAttribute(string, string) (has, loaded bool) { return false, false }

// What went wrong in a domain is there with its cause, once however often it was met.
func TestDomainsTellFaults(t *testing.T) {
	t.Parallel()
	p := panel.New(panel.Config{Scope: instrument.New(), Token: token, Domains: faulty{}})
	request := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8389/api/v1/domains", nil)
	request.RemoteAddr = "127.0.0.1:1234"
	request.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, request)
	want := `"faults":[{"class":"refused","server":"dc1.example.org:389","reason":"nothing listens","first":"2026-01-02T03:04:05.000000Z","last":"2026-01-02T03:04:06.000000Z","count":7},` +
		`{"class":"pool_exhausted","reason":"all are in use",`
	if got := answer.Body.String(); answer.Code != http.StatusOK || !strings.Contains(got, want) {
		t.Errorf("%d: %s\nwant in it %s", answer.Code, got, want)
	}
}
