// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// get asks a server and returns the status and the body; an error is "cut".
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "cut"
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

// app serves a handler over HTTP until the test ends.
func app(t *testing.T, handler http.Handler) string {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = nil
	server.Start()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	return server.URL
}

// Two HTTP requests that overlap on one connection keep their operations apart, whatever the order of the answers.
func TestMiddlewareKeepsOverlappingRequestsApart(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	// Answers two requests at a time, the second first.
	c := dial(t, scope, serve(t, func(s *session) {
		for {
			first, ok := s.next()
			second, ok2 := s.next()
			if !ok || !ok2 {
				return
			}
			s.answer(second, 0)
			s.answer(first, 0)
		}
	}))
	const rounds = 30
	url := app(t, scope.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for range rounds {
			if err := c.Delete(r.Context(), deletion(r.URL.Path)); err != nil {
				t.Error(err)
			}
		}
	})))
	done := make(chan int)
	for _, path := range []string{"/one", "/two"} {
		go func() {
			status, _ := get(t, url+path)
			done <- status
		}()
	}
	for range 2 {
		if status := <-done; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	requests := scope.Recorder().Requests(0, 10)
	if len(requests) != 2 {
		t.Fatalf("requests %+v", requests)
	}
	for _, q := range requests {
		_, ops, _ := scope.Recorder().Request(q.ID)
		if len(ops) != rounds || q.Operations != rounds || q.Duplicates != rounds-1 || q.Shapes != 1 || q.Status != 200 || q.Running {
			t.Errorf("request %+v has %d operations", q, len(ops))
		}
		for _, op := range ops {
			if op.DN != "cn="+q.Path[1:] || op.RequestID != q.ID || op.Inferred {
				t.Errorf("request %s has the operation of %s", q.Path, op.DN)
			}
		}
	}
}

func TestMiddlewareRoutes(t *testing.T) {
	t.Parallel()
	ok := func(http.ResponseWriter, *http.Request) {}
	named := func(_ http.ResponseWriter, r *http.Request) { instrument.WithRoute(r.Context(), "/named/{id}") }
	tests := []struct {
		name   string
		router func(*instrument.Scope) http.Handler
		route  string
	}{
		{"ServeMux", func(s *instrument.Scope) http.Handler {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /people/{id}", ok)
			return s.Middleware(mux)
		}, "/people/{id}"},
		{"chi", func(s *instrument.Scope) http.Handler {
			r := chi.NewRouter()
			r.Use(s.Middleware)
			r.Get("/people/{id}", ok)
			return r
		}, "/people/{id}"},
		{"chi below chi", func(s *instrument.Scope) http.Handler {
			r := chi.NewRouter()
			r.Use(s.Middleware)
			r.Route("/people", func(r chi.Router) { r.Get("/{id}", ok) })
			return r
		}, "/people/{id}"},
		{"named by the application", func(s *instrument.Scope) http.Handler {
			return s.Middleware(http.HandlerFunc(named))
		}, "/named/{id}"},
		{"none", func(s *instrument.Scope) http.Handler { return s.Middleware(http.HandlerFunc(ok)) }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			get(t, app(t, test.router(scope))+"/people/7?q=secret")
			requests := scope.Recorder().Requests(0, 10)
			if len(requests) != 1 || requests[0].Route != test.route || requests[0].Path != "/people/7" || requests[0].Method != "GET" || requests[0].Kind != "http" {
				t.Errorf("requests %+v, want route %q", requests, test.route)
			}
		})
	}
}

func TestMiddlewareStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler http.HandlerFunc
		status  int
		body    string
	}{
		{"nothing written", func(http.ResponseWriter, *http.Request) {}, 200, ""},
		{"written", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hi")) }, 200, "hi"},
		{"header", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, 418, ""},
		{"early hints first", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNotFound)
		}, 404, ""},
		{"copied", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("file")) }, 200, "file"},
		{"panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 500, "cut"},
		{"flushed", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}, 200, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			_, body := get(t, app(t, scope.Middleware(test.handler)))
			eventually(t, "the request ends", func() bool { return !scope.Recorder().Requests(0, 1)[0].Running })
			if q := scope.Recorder().Requests(0, 1)[0]; q.Status != test.status || body != test.body || q.Duration <= 0 {
				t.Errorf("status %d, body %q; want %d and %q", q.Status, body, test.status, test.body)
			}
		})
	}
}

// stiff is a ResponseWriter that cannot flush.
type stiff struct{ http.ResponseWriter }

// A handler learns that its writer cannot flush, and nothing has begun by the attempt.
func TestMiddlewareFlushOfAWriterThatCannot(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	handler := scope.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("error %v", err)
		}
		w.(http.Flusher).Flush()
		w.WriteHeader(http.StatusNotFound)
	}))
	handler.ServeHTTP(stiff{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/", nil))
	if q := scope.Recorder().Requests(0, 1)[0]; q.Status != http.StatusNotFound {
		t.Errorf("status %d", q.Status)
	}
}

// A websocket goes on for as long as a page is open. It must not take the operations of others meanwhile.
func TestMiddlewareHijack(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	leave, in := make(chan struct{}), make(chan struct{})
	url := app(t, scope.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\nhello"))
		close(in)
		<-leave
	})))
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "101") {
		t.Errorf("%q, %v", line, err)
	}
	<-in
	w := wireUp(t, scope)
	w.run(1)
	if op := only(t, scope, instrument.KindCompare); op.RequestID != "background-1" || op.Inferred {
		t.Errorf("operation %+v", op)
	}
	close(leave)
	eventually(t, "the request ends", func() bool { return scope.Recorder().Requests(0, 10)[0].Status == 101 })
}

// Operations without a context belong to the only request in flight, and are marked; with several, to the background.
func TestInferredRequests(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w := wireUp(t, scope)
	newest := func() instrument.Operation {
		w.run(1)
		return only(t, scope, instrument.KindCompare)
	}
	if op := newest(); op.RequestID != "background-1" || op.Inferred {
		t.Errorf("with none in flight: %+v", op)
	}
	ctx, end := scope.Job(t.Context(), "first")
	if op := newest(); op.RequestID != instrument.RequestID(ctx) || !op.Inferred {
		t.Errorf("with one in flight: %+v", op)
	}
	_, endSecond := scope.Job(t.Context(), "second")
	if op := newest(); op.RequestID != "background-1" || op.Inferred {
		t.Errorf("with two in flight: %+v", op)
	}
	endSecond()
	end()
	// A context without a request is background work, even beside one in flight.
	_, end = scope.Job(t.Context(), "third")
	defer end()
	c := dial(t, scope, serve(t, willing(0)))
	if err := c.Bind(context.Background(), "cn=a", "b"); err != nil {
		t.Fatal(err)
	}
	if op := only(t, scope, instrument.KindBind); op.RequestID != "background-1" || op.Inferred {
		t.Errorf("with a context of its own: %+v", op)
	}
	// So is nothing that goes through the driver.
	if err := c.Conn().UnauthenticatedBind("cn=driver"); err != nil {
		t.Fatal(err)
	}
	if op := only(t, scope, instrument.KindBind); !op.Inferred || len(op.Callers()) != 0 {
		t.Errorf("through the driver: %+v", op)
	}
}

func TestStepsAndFacts(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.answer(m, map[wire.Op]int64{wire.DelRequest: 32}[m.Op])
		}
	}))
	ctx, end := scope.Job(t.Context(), "sync")
	instrument.WithUser(ctx, "ada")
	outer, endOuter := instrument.Step(ctx, "sync.user")
	inner, endInner := instrument.Step(outer, "sync.groups")
	if err := c.Delete(inner, deletion("/a")); err == nil {
		t.Error("no error")
	}
	endInner()
	endOuter()
	if _, err := c.WhoAmI(ctx); err != nil {
		t.Error(err)
	}
	loose, endLoose := instrument.Step(t.Context(), "loose")
	_, _ = c.WhoAmI(loose)
	endLoose()
	end()
	q, ops, _ := scope.Recorder().Request(instrument.RequestID(ctx))
	if q.User != "ada" || q.Name != "sync" || q.Errors != 1 || len(q.Steps) != 2 || q.Domains[0] != "TEST" || q.LDAPTime <= 0 {
		t.Errorf("request %+v", q)
	}
	if q.Steps[0].Name != "sync.user" || q.Steps[1].Parent != "sync.user" || q.Steps[1].Running || q.Steps[1].Duration <= 0 {
		t.Errorf("steps %+v", q.Steps)
	}
	if ops[0].Step != "sync.groups" || ops[1].Step != "" {
		t.Errorf("steps of operations: %q, %q", ops[0].Step, ops[1].Step)
	}
	if callers := ops[0].Callers(); len(callers) == 0 || !strings.HasSuffix(callers[0].Function, "TestStepsAndFacts") || callers[0].Line == 0 {
		t.Errorf("callers %+v", callers)
	}
	if op := only(t, scope, instrument.KindExtended); op.Step != "loose" || op.RequestID == q.ID {
		t.Errorf("operation %+v", op)
	}
	if summary, ok := instrument.Summary(ctx); !ok || summary.Operations != 2 {
		t.Errorf("summary %+v", summary)
	}
	if _, ok := instrument.Summary(t.Context()); ok || instrument.RequestID(t.Context()) != "" {
		t.Error("a context without a request has one")
	}
}
