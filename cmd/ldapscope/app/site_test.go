// SPDX-License-Identifier: MIT

package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/ldapscope/ldapscope/cmd/ldapscope/app"
	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token     = "0123456789abcdef0123456789abcdef"
	slowness  = 150 * time.Millisecond
	companyOf = 60
)

// site is the app on a directory, and a browser in front of it.
type site struct {
	t         *testing.T
	url       string
	browser   *http.Client
	directory *ldaptest.Server
	scope     *instrument.Scope
}

func open(t *testing.T, readOnly bool) *site {
	t.Helper()
	s := &site{t: t, scope: instrument.New()}
	s.directory = ldaptest.Start(t, ldaptest.Config{
		Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(companyOf)),
		Latency: func(r ldaptest.Request) time.Duration {
			if strings.Contains(r.Filter, "description=*") {
				return slowness
			}
			return 0
		},
	})
	domains, err := ldapmgr.New(ldapmgr.Config{Scope: s.scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": {
		Servers: []string{s.directory.URL()}, Base: ldaptest.DefaultSuffix, ReadOnly: &readOnly,
		Bind: ldapmgr.Bind{Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := domains.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	live := panel.New(panel.Config{Scope: s.scope, Domains: domains, Token: token})
	a, err := app.New(app.Config{Scope: s.scope, Domains: domains, Domain: "EXAMPLE", Panel: live, Tracers: trace.NewTracerProvider(), Meters: metric.NewMeterProvider()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.browser = server.URL, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	return s
}

// answer is what the browser got.
type answer struct {
	status int
	body   string
	header http.Header
	at     string // path after redirects
}

func (s *site) do(method, path string, form url.Values, header ...string) answer {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.browser.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header, response.Request.URL.Path}
}

func (s *site) get(path string) answer { s.t.Helper(); return s.do(http.MethodGet, path, nil) }

func (s *site) logIn(name, password string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, "/login", url.Values{"username": {name}, "password": {password}})
}

// recorded returns the newest request to a path with its operations, as the recorder has them.
func (s *site) recorded(method, path string) (instrument.Request, []instrument.Operation) {
	s.t.Helper()
	for range 1000 { // a request ends a moment after its answer
		all := s.scope.Recorder().Requests(0, 1000)
		for i := len(all) - 1; i >= 0; i-- {
			if q := all[i]; q.Method == method && q.Path == path && !q.Running {
				q, ops, _ := s.scope.Recorder().Request(q.ID)
				return q, ops
			}
		}
		<-time.After(time.Millisecond)
	}
	s.t.Fatalf("the recorder knows no finished %s %s", method, path)
	return instrument.Request{}, nil
}
