// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/ldapscope/ldapscope/panel"
)

// exportState is what became of the spans that should leave, for the domains page.
type exportState struct {
	mu       sync.Mutex // guards all
	on       bool
	endpoint string
	protocol string
	sent     uint64
	last     time.Time
	err      string // of spans; "" once some have left
	other    string // what the SDK complained of last beside them, such as metrics that nobody takes
}

func (s *exportState) configured(env map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = true
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if s.endpoint == "" {
			s.endpoint = withoutSecrets(env[name])
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if s.protocol == "" {
			s.protocol = env[name]
		}
	}
	if s.protocol == "" {
		s.protocol = "http/protobuf"
	}
	if exporter := env["OTEL_TRACES_EXPORTER"]; s.endpoint == "" {
		s.endpoint = exporter
	}
}

// withoutSecrets cuts user and query off an address.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// sentSpans remembers the outcome of one export.
func (s *exportState) sentSpans(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.err = err.Error()
		return
	}
	s.sent, s.last, s.err = s.sent+uint64(n), time.Now(), ""
}

// complained remembers what the SDK reports of anything but an export of spans.
func (s *exportState) complained(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other = err.Error()
}

// state is what the panel shows.
func (s *exportState) state() panel.Export {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := panel.Export{State: "off", Endpoint: s.endpoint, Spans: s.sent, Last: s.last, LastError: s.err}
	switch {
	case !s.on:
	case s.err != "":
		e.State, e.Hint = "failed", exportHint(s.err, s.endpoint, s.protocol)
	case s.sent > 0:
		e.State = "sent"
	default:
		e.State = "waiting"
	}
	if e.State != "failed" && s.other != "" {
		e.LastError, e.Hint = s.other, exportHint(s.other, s.endpoint, s.protocol)
	}
	return e
}

// exportHint says what a failed export usually means.
func exportHint(problem, endpoint, protocol string) string {
	switch {
	case strings.Contains(problem, "metrics") && (strings.Contains(problem, "404 Not Found") || strings.Contains(problem, "Unimplemented")):
		return "the endpoint takes no metrics, as Jaeger does not: set OTEL_METRICS_EXPORTER=none"
	case strings.Contains(problem, "malformed HTTP response"), strings.Contains(problem, "HTTP_1_1_REQUIRED"),
		strings.HasSuffix(endpoint, ":4317") && strings.HasPrefix(protocol, "http"):
		return "the endpoint speaks gRPC: use port 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
	case strings.HasSuffix(endpoint, ":4318") && protocol == "grpc", strings.Contains(problem, "server preface"):
		return "the endpoint speaks HTTP: use port 4317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
	case strings.HasPrefix(protocol, "http") && (strings.HasSuffix(problem, "EOF") || strings.Contains(problem, "connection reset") || strings.Contains(problem, "broken pipe")):
		return "the endpoint hangs up; perhaps it speaks gRPC: use port 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
	case strings.Contains(problem, "connection refused"):
		return "nothing listens there: is Jaeger or the collector running?"
	case strings.Contains(problem, "first record does not look like a TLS handshake"), strings.Contains(problem, "server gave HTTP response to HTTPS client"):
		return "the endpoint has no TLS: write http:// instead of https://"
	case strings.Contains(problem, "401 Unauthorized"), strings.Contains(problem, "403 Forbidden"), strings.Contains(problem, "Unauthenticated"):
		return "the endpoint wants credentials: set OTEL_EXPORTER_OTLP_HEADERS"
	case strings.Contains(problem, "404 Not Found"):
		return "the path is wrong: OTEL_EXPORTER_OTLP_ENDPOINT takes the address without /v1/traces"
	case strings.Contains(problem, "deadline exceeded"), strings.Contains(problem, "timeout"):
		return "the endpoint does not answer: is the address right, and is it reachable from here?"
	}
	return ""
}

// watched is a span exporter whose outcome is remembered.
type watched struct {
	trace.SpanExporter
	state *exportState
}

// ExportSpans sends and remembers.
func (w watched) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	w.state.sentSpans(len(spans), w.SpanExporter.ExportSpans(ctx, spans))
	return nil // told on the domains page; the SDK would report it a second time
}
