// SPDX-License-Identifier: MIT

package panel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-ldap/ldap/v3"
	"go.uber.org/goleak"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "0123456789abcdef0123456789abcdef"

// stage is a directory, a client that is bound to it, and a panel that shows what the client does.
type stage struct {
	scope  *instrument.Scope
	client *instrument.Client
	panel  *panel.Panel
	server *httptest.Server

	directory string // its address
}

func newStage(t *testing.T, config panel.Config) *stage {
	t.Helper()
	directory := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(20))})
	s := &stage{scope: instrument.New(), directory: directory.URL()}
	client, err := s.scope.Dial(t.Context(), directory.URL(), instrument.WithDomain("EXAMPLE"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	if err := client.Bind(t.Context(), ldaptest.CompanyService, ldaptest.CompanyServicePassword); err != nil {
		t.Fatal(err)
	}
	s.client = client
	config.Scope, config.Token = s.scope, token
	s.panel = panel.New(config)
	s.server = httptest.NewServer(s.panel)
	t.Cleanup(s.server.Close)
	return s
}

// runs lets the panel accept live connections until the test ends.
func (s *stage) runs(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.panel.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
		if status, _ := s.text(t, "/api/v1/live"); status != http.StatusServiceUnavailable { // it wants a websocket
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the panel does not run")
		}
	}
}

func (s *stage) search(t *testing.T, ctx context.Context, filter string, attributes ...string) { //nolint:revive // t first, as in all test code here
	t.Helper()
	_, err := s.client.Search(ctx, ldap.NewSearchRequest(ldaptest.DefaultSuffix, 2, 0, 0, 0, false, filter, attributes, nil))
	if err != nil {
		t.Fatal(err)
	}
}

// get asks the panel with the token and decodes the answer.
func (s *stage) get(t *testing.T, path string, into any) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := s.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("%s answers %q: %v", path, body, err)
		}
	}
	return response.StatusCode
}

type row struct {
	Seq       uint64 `json:"seq"`
	RequestID string `json:"request_id"`
	Kind      string `json:"kind"`
	State     string `json:"state"`
	Entries   int    `json:"entries"`
	Search    struct {
		Filter     string   `json:"filter"`
		Attributes []string `json:"attributes"`
	} `json:"search"`
}

func TestOperations(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, end := s.scope.Job(t.Context(), "test")
	s.search(t, ctx, "(sAMAccountName=ada)", "cn", "objectGUID", "objectSid")
	end()
	var list struct {
		Epoch      string `json:"epoch"`
		Operations []row  `json:"operations"`
	}
	if status := s.get(t, "/api/v1/operations?q=op:search", &list); status != http.StatusOK || len(list.Operations) != 1 {
		t.Fatalf("status %d, operations %+v", status, list.Operations)
	}
	op := list.Operations[0]
	if op.Search.Filter != "(sAMAccountName=ada)" || op.Entries != 1 || op.State != "done" || op.RequestID == "" {
		t.Errorf("operation %+v", op)
	}
	var detail struct {
		EntryList []struct {
			DN         string `json:"dn"`
			Attributes []struct {
				Name   string `json:"name"`
				Values []struct {
					Encoding string `json:"encoding"`
					Decoded  string `json:"decoded"`
				} `json:"values"`
			} `json:"attributes"`
		} `json:"entry_list"`
		Callers []struct {
			Function string `json:"function"`
		} `json:"callers"`
		Copies map[string]string `json:"copies"`
	}
	s.get(t, "/api/v1/operations/"+jsonNumber(op.Seq), &detail)
	if len(detail.EntryList) != 1 || !strings.EqualFold(detail.EntryList[0].DN, ldaptest.CompanyUser) {
		t.Fatalf("entries %+v", detail.EntryList)
	}
	for _, a := range detail.EntryList[0].Attributes {
		if a.Name == "objectSid" && !strings.HasPrefix(a.Values[0].Decoded, "S-1-5-21-") {
			t.Errorf("objectSid is decoded as %q", a.Values[0].Decoded)
		}
		if a.Name == "objectGUID" && len(a.Values[0].Decoded) != 36 {
			t.Errorf("objectGUID is decoded as %q", a.Values[0].Decoded)
		}
	}
	if len(detail.Callers) == 0 || !strings.Contains(detail.Callers[0].Function, "stage") {
		t.Errorf("first caller %+v, want the test's own helper", detail.Callers)
	}
	if want := "ldapsearch -x -D '" + ldaptest.CompanyService + "' -W -H 'ldap://"; !strings.HasPrefix(detail.Copies["ldapsearch"], want) {
		t.Errorf("ldapsearch copy %q", detail.Copies["ldapsearch"])
	}
	if detail.Copies["filter_english"] != "login name equals “ada”" {
		t.Errorf("in English: %q", detail.Copies["filter_english"])
	}
}

func jsonNumber(n uint64) string { b, _ := json.Marshal(n); return string(b) }

func TestAnswersToBadQuestions(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	tests := []struct {
		name   string
		path   string
		status int
		says   string
	}{
		{"query", "/api/v1/operations?q=durr:1", 400, "did you mean dur:?"},
		{"number", "/api/v1/operations?after=x", 400, "after=100"},
		{"negative number", "/api/v1/operations?limit=-1", 400, "limit"},
		{"no such operation", "/api/v1/operations/999999", 404, "no operation"},
		{"operation that is no number", "/api/v1/operations/abc", 400, "operations/42"},
		{"no such request", "/api/v1/requests/zzz", 404, "evicted"},
		{"no history", "/api/v1/runs", 404, "database"},
		{"unknown format", "/api/v1/export?format=xml", 400, "jsonl"},
		{"no such asset", "/assets/../panel.go", 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var answer struct {
				Error struct {
					Message string `json:"message"`
				} `json:"error"`
			}
			if status := s.get(t, tt.path, &answer); status != tt.status || !strings.Contains(answer.Error.Message, tt.says) {
				t.Errorf("got %d %q, want %d and %q", status, answer.Error.Message, tt.status, tt.says)
			}
		})
	}
}

func TestEvictedOperationIsGone(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, end := s.scope.Job(t.Context(), "test")
	s.search(t, ctx, "(cn=*)", "cn")
	end()
	_, ops, _ := s.scope.Recorder().Request(instrument.RequestID(ctx))
	s.scope.Recorder().Clear()
	var gone struct {
		Tombstone struct {
			Kind string `json:"kind"`
		} `json:"tombstone"`
	}
	if status := s.get(t, "/api/v1/operations/"+jsonNumber(ops[0].Seq), &gone); status != http.StatusGone || gone.Tombstone.Kind != "search" {
		t.Errorf("got %d %+v, want 410 and a tombstone of a search", status, gone)
	}
}

// TestMount holds the page to know its own address under every way to mount it.
func TestMount(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	plain := panel.New(panel.Config{Scope: scope, Token: token})
	prefixed := panel.New(panel.Config{Scope: scope, Token: token, Prefix: "/x/y"})
	byChi := chi.NewRouter()
	byChi.Mount("/debug/ldap", plain)
	byMux := http.NewServeMux()
	byMux.Handle("/debug/ldap/", http.StripPrefix("/debug/ldap", plain))
	unstripped := http.NewServeMux()
	unstripped.Handle("/x/y/", prefixed)
	tests := []struct {
		name    string
		handler http.Handler
		path    string
		base    string
	}{
		{"root", plain, "/", "/"},
		{"chi", byChi, "/debug/ldap/", "/debug/ldap/"},
		{"ServeMux with StripPrefix", byMux, "/debug/ldap/", "/debug/ldap/"},
		{"ServeMux with Config.Prefix", unstripped, "/x/y/", "/x/y/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequest(http.MethodGet, tt.path, nil)
			request.Host, request.RemoteAddr = "127.0.0.1:8389", "127.0.0.1:5555"
			request.Header.Set("Authorization", "Bearer "+token)
			answer := httptest.NewRecorder()
			tt.handler.ServeHTTP(answer, request)
			if want := `<base href="` + tt.base + `"`; answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), want) {
				t.Errorf("got %d %.300q, want %q", answer.Code, answer.Body.String(), want)
			}
			if csp := answer.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("policy %q", csp)
			}
		})
	}
}

// TestMountWithoutSlash opens the start link without the slash at its end: the cookie must reach the page.
func TestMountWithoutSlash(t *testing.T) {
	t.Parallel()
	router := chi.NewRouter()
	router.Mount("/debug/ldap", panel.New(panel.Config{Scope: instrument.New(), Token: token}))
	request := httptest.NewRequest(http.MethodGet, "/debug/ldap?t="+token, nil)
	request.Host, request.RemoteAddr = "127.0.0.1:8389", "127.0.0.1:5555"
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, request)
	if got := answer.Header().Get("Location"); answer.Code != http.StatusMovedPermanently || got != "/debug/ldap/?t="+token {
		t.Errorf("got %d to %q", answer.Code, got)
	}
}

// TestMountedPanelTellsItsLink: the application knows where it has mounted the panel, the panel learns it from whoever comes
// without the token, and says once in the log how to come in.
func TestMountedPanelTellsItsLink(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	router := chi.NewRouter()
	router.Mount("/debug/ldap", panel.New(panel.Config{Scope: instrument.New(), Token: token, Logger: slog.New(slog.NewTextHandler(&log, nil))}))
	come := func(host, peer string) int {
		request := httptest.NewRequest(http.MethodGet, "/debug/ldap/", nil)
		request.Host, request.RemoteAddr = host, peer
		request.Header.Set("Accept", "text/html")
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		return answer.Code
	}
	if come("evil.example", "127.0.0.1:5555") != http.StatusMisdirectedRequest || come("127.0.0.1:8390", "192.0.2.1:5555") != http.StatusForbidden || log.Len() > 0 {
		t.Errorf("told to a stranger: %s", &log)
	}
	for range 2 {
		if status := come("127.0.0.1:8390", "127.0.0.1:5555"); status != http.StatusUnauthorized {
			t.Errorf("got %d", status)
		}
	}
	if said := log.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, `link="http://127.0.0.1:8390/debug/ldap/?t=`+token) {
		t.Errorf("said %q", said)
	}
}
