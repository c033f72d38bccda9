// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/hex"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// TestOTLP sets nothing but OTEL_* variables and finds the HTTP requests of the demo's app in a backend, each as one trace.
func TestOTLP(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		receive func(*testing.T) *receiver
		env     []string
		service string
	}{
		{"http/protobuf", receiveHTTP, nil, "ldapscope"},
		{"grpc", receiveGRPC, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_SERVICE_NAME=shop"}, "shop"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			backend := tt.receive(t)
			p := startProcess(t, append(tt.env, "OTEL_EXPORTER_OTLP_ENDPOINT="+backend.endpoint), "ldapscope", append(anywhere, "--quiet")...)
			p.await("the naming context, which is part of the names of spans", func() bool {
				all, _ := p.domains()
				return len(all["EXAMPLE"].Contexts) > 0
			})
			p.visit("/people")
			p.visit("/failing")
			people, peopleOps := p.last("/people")
			failing, failingOps := p.last("/failing")
			all := p.operations("")
			if code := p.stop(); code != 0 || !demoLines.MatchString(p.stdout.String()) || strings.Count(p.stderr.String(), "\n") != 1 {
				t.Errorf("exit %d, stdout %s, stderr %s", code, p.stdout, p.stderr)
			}
			spans := backend.got()
			for _, op := range all {
				if n := len(spansNamed(spans, op)); n != 1 {
					t.Errorf("%s of %s has %d spans in the backend", op.Kind, op.RequestID, n)
				}
			}
			saved := p.saved()
			if n := len(operationSpans(spans, "")); len(saved) != 1 || n != int(saved[0].Operations) {
				t.Errorf("%d spans of operations for what is saved as %+v", n, saved)
			}
			otlpRequest(t, spans, people, peopleOps)
			otlpRequest(t, spans, failing, failingOps)
			otlpPeople(t, spans, peopleOps)
			otlpFailing(t, spans, failingOps)
			backend.mu.Lock()
			defer backend.mu.Unlock()
			if len(backend.services) != 1 || !backend.services[tt.service] {
				t.Errorf("services %v, want %s", backend.services, tt.service)
			}
			if got := backend.counts["search"]; got != saved[0].Searches {
				t.Errorf("%d searches in the metrics %v, saved are %d", got, backend.counts, saved[0].Searches)
			}
		})
	}
}

// spansNamed returns the spans that an operation says it has.
func spansNamed(spans []*trace.Span, op operationRow) (found []*trace.Span) {
	for _, s := range operationSpans(spans, op.TraceID) {
		if hex.EncodeToString(s.SpanId) == op.SpanID {
			found = append(found, s)
		}
	}
	return found
}

// otlpRequest holds one HTTP request to be one trace: a server span on top, and every operation somewhere below it.
func otlpRequest(t *testing.T, spans []*trace.Span, q requestRow, ops []operationRow) {
	t.Helper()
	servers := spansOf(spans, trace.Span_SPAN_KIND_SERVER, q.TraceID)
	if len(servers) != 1 || len(servers[0].ParentSpanId) != 0 {
		t.Fatalf("%s %s has the server spans %v", q.Method, q.Path, servers)
	}
	if s := servers[0]; s.Name != q.Method+" "+q.Path || text(s.Attributes, "http.route") != q.Path {
		t.Errorf("%s %s has the server span %q with the route %q", q.Method, q.Path, s.Name, text(s.Attributes, "http.route"))
	}
	parents := map[string]string{}
	for _, s := range spans {
		if hex.EncodeToString(s.TraceId) == q.TraceID {
			parents[hex.EncodeToString(s.SpanId)] = hex.EncodeToString(s.ParentSpanId)
		}
	}
	clients := operationSpans(spans, q.TraceID)
	if len(clients) != len(ops) || len(ops) == 0 {
		t.Errorf("%s %s has %d LDAP spans and %d operations", q.Method, q.Path, len(clients), len(ops))
	}
	for _, s := range clients {
		at := hex.EncodeToString(s.SpanId)
		for range 5 {
			if parents[at] == "" {
				break
			}
			at = parents[at]
		}
		if at != hex.EncodeToString(servers[0].SpanId) {
			t.Errorf("%s %s: the span %q is not below the server span", q.Method, q.Path, s.Name)
		}
		if s.StartTimeUnixNano < servers[0].StartTimeUnixNano || s.EndTimeUnixNano > servers[0].EndTimeUnixNano || s.EndTimeUnixNano <= s.StartTimeUnixNano {
			t.Errorf("%s %s: the span %q is not within the server span", q.Method, q.Path, s.Name)
		}
	}
}

// otlpPeople looks at the attributes of a search.
func otlpPeople(t *testing.T, spans []*trace.Span, ops []operationRow) {
	t.Helper()
	searches := filtered("objectClass=user", ops)
	if len(searches) == 0 {
		t.Fatal("no search")
	}
	for _, op := range searches {
		s := spansNamed(spans, op)[0]
		for key, want := range map[string]string{
			"ldap.operation.name": "search", "ldap.namespace": "DC=example,DC=org", "server.address": "127.0.0.1", "network.protocol.name": "ldap",
			"ldap.response.status_code": "0", "ldap.search.scope": "sub", "error.type": "",
		} {
			if got := text(s.Attributes, key); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		filter := text(s.Attributes, "ldap.search.filter.text")
		if s.Name != "search DC=example,DC=org" || s.Status.GetCode() != trace.Status_STATUS_CODE_UNSET || !strings.Contains(filter, "(objectClass=?)") {
			t.Errorf("span %q, status %v, filter %q", s.Name, s.Status, filter)
		}
	}
}

// otlpFailing looks at the marks of failures: a missing entry is an error, a refused user is an outcome.
func otlpFailing(t *testing.T, spans []*trace.Span, ops []operationRow) {
	t.Helper()
	refused, missing := false, false
	for _, op := range ops {
		s := spansNamed(spans, op)[0]
		switch op.Result.Code {
		case 49:
			refused = s.Status.GetCode() == trace.Status_STATUS_CODE_UNSET && text(s.Attributes, "error.type") == "invalidCredentials" &&
				text(s.Attributes, "ldap.response.sub_code") == "52e" && strings.HasPrefix(s.Name, "bind")
		case 32:
			missing = s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR && text(s.Attributes, "error.type") == "noSuchObject"
		}
	}
	if !refused || !missing {
		t.Errorf("refused bind %t, missing entry %t, operations %+v", refused, missing, ops)
	}
}

// counted accepts and counts connections until the test ends.
func counted(t *testing.T, on net.Listener) *atomic.Int64 {
	t.Helper()
	var n atomic.Int64
	done := make(chan struct{})
	go func() { // ends with the listener, which the test closes and then waits for it
		defer close(done)
		for {
			conn, err := on.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = on.Close(); <-done })
	return &n
}

// TestOTLPOff holds a program that was not told where to send to try nothing and to print nothing. Where nobody else uses
// the ports of OTLP, the test listens on them.
func TestOTLPOff(t *testing.T) {
	t.Parallel()
	var connections []*atomic.Int64
	for _, address := range []string{"127.0.0.1:4317", "127.0.0.1:4318"} {
		if on, err := net.Listen("tcp", address); err == nil {
			connections = append(connections, counted(t, on))
		}
	}
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = append(connections, counted(t, on))
	endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT=http://" + on.Addr().String()
	quick := "OTEL_BSP_SCHEDULE_DELAY=10"
	tests := []struct {
		name string
		env  []string
	}{
		{"unset", []string{quick}},
		{"a protocol alone", []string{quick, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}},
		{"disabled", []string{quick, endpoint, "OTEL_SDK_DISABLED=true"}},
		{"no exporters", []string{quick, endpoint, "OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, tt.env, "ldapscope", append(anywhere, "--quiet")...)
			p.visit("/people")
			if _, export := p.domains(); export.State != "off" || export.LastError != "" {
				t.Errorf("export %+v", export)
			}
			if code := p.stop(); code != 0 || !demoLines.MatchString(p.stdout.String()) || strings.Count(p.stderr.String(), "\n") != 1 {
				t.Errorf("exit %d, stdout %s, stderr %s", code, p.stdout, p.stderr)
			}
		})
	}
	t.Cleanup(func() { // after the subtests, which run later
		for _, n := range connections {
			if n.Load() > 0 {
				t.Errorf("%d connections to a backend that nobody asked for", n.Load())
			}
		}
	})
}
