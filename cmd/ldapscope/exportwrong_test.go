// SPDX-License-Identifier: MIT

package main_test

import (
	"strings"
	"testing"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
)

// TestOTLPWrong holds the domains page to say what is wrong with the export and what that usually means.
func TestOTLPWrong(t *testing.T) {
	t.Parallel()
	web, rpc := receiveHTTP(t), receiveGRPC(t)
	closed := port.Reserve(t)
	tests := []struct {
		name  string
		env   []string
		state string
		hint  string
	}{
		{"gRPC endpoint for HTTP", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + rpc.endpoint}, "failed", "speaks gRPC: use port 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
		{"HTTP endpoint for gRPC", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + web.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "failed", "the endpoint speaks HTTP: use port 4317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"},
		{"nobody listens", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + closed}, "failed", "nothing listens there: is Jaeger or the collector running?"},
		{"https for http", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=https" + strings.TrimPrefix(web.endpoint, "http")}, "failed", "the endpoint has no TLS: write http:// instead of https://"},
		{"path twice", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + web.endpoint + "/v1/traces"}, "failed", "the path is wrong: OTEL_EXPORTER_OTLP_ENDPOINT takes the address without /v1/traces"},
		{"metrics that nobody takes", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + web.endpoint, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=" + web.endpoint + "/nowhere", "OTEL_METRIC_EXPORT_INTERVAL=50"},
			"sent", "the endpoint takes no metrics, as Jaeger does not: set OTEL_METRICS_EXPORTER=none"},
		{"right", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + web.endpoint}, "sent", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, append(tt.env, "OTEL_BSP_SCHEDULE_DELAY=20", "OTEL_EXPORTER_OTLP_TIMEOUT=1000"), "ldapscope", append(anywhere, "--quiet")...)
			p.visit("/people")
			var export exportRow
			defer func() {
				if t.Failed() {
					t.Logf("export %+v, want %s and the hint %q", export, tt.state, tt.hint)
				}
			}()
			p.await("the export to be "+tt.state+" with its hint", func() bool {
				_, export = p.domains()
				if export.LastError != "" && !strings.Contains(export.Hint, tt.hint) {
					p.visit("/") // another span to send: on a busy machine an attempt can fail for another reason
				}
				return export.State == tt.state && strings.Contains(export.Hint, tt.hint) && (tt.hint == "" || export.LastError != "")
			})
			if tt.hint == "" && (export.Hint != "" || export.LastError != "") || export.Endpoint == "" {
				t.Errorf("the export is told as %+v", export)
			}
			if code := p.stop(); code != 0 || strings.Count(p.stderr.String(), "\n") != 1 {
				t.Errorf("exit %d, stderr %s", code, p.stderr)
			}
		})
	}
}

// TestExportHint reads what exporters say; the texts are theirs.
func TestExportHint(t *testing.T) {
	t.Parallel()
	const at = "http://127.0.0.1:40333"
	tests := []struct {
		name, problem, endpoint, protocol string
		hint                              string
	}{
		{"a port is no status", "traces export: failed to send to " + at + "/v1/traces: 404 Not Found (body: )", at, "http/protobuf", "the path is wrong"},
		{"nothing known", "traces export: failed to send to http://127.0.0.1:40140/v1/traces: 418 I'm a teapot", at, "http/protobuf", ""},
		{"unauthorized", "traces export: failed to send to " + at + "/v1/traces: 401 Unauthorized (body: )", at, "http/protobuf", "OTEL_EXPORTER_OTLP_HEADERS"},
		{"forbidden", "traces export: failed to send to " + at + "/v1/traces: 403 Forbidden (body: )", at, "http/protobuf", "OTEL_EXPORTER_OTLP_HEADERS"},
		{"unauthenticated", "traces export: rpc error: code = Unauthenticated desc = no token", at, "grpc", "OTEL_EXPORTER_OTLP_HEADERS"},
		{"hangs up", `traces export: Post "` + at + `/v1/traces": EOF`, at, "http/protobuf", "speaks gRPC"},
		{"reset", `traces export: Post "` + at + `/v1/traces": read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer`, at, "http/protobuf", "speaks gRPC"},
		{"the port of gRPC", `traces export: Post "http://jaeger:4317/v1/traces": context deadline exceeded`, "http://jaeger:4317", "http/protobuf", "speaks gRPC"},
		{"the port of HTTP", "traces export: context deadline exceeded", "http://jaeger:4318", "grpc", "speaks HTTP"},
		{"silent", `traces export: Post "` + at + `/v1/traces": context deadline exceeded`, at, "http/protobuf", "does not answer"},
		{"refused", `traces export: Post "` + at + `/v1/traces": dial tcp: connect: connection refused`, at, "http/protobuf", "is Jaeger or the collector running?"},
		{"metrics over HTTP", "failed to upload metrics: failed to send metrics to " + at + "/v1/metrics: 404 Not Found", at, "http/protobuf", "OTEL_METRICS_EXPORTER=none"},
		{"metrics over gRPC", "failed to upload metrics: rpc error: code = Unimplemented desc = unknown service", at, "grpc", "OTEL_METRICS_EXPORTER=none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := program.ExportHint(tt.problem, tt.endpoint, tt.protocol); !strings.Contains(got, tt.hint) || (got == "") != (tt.hint == "") {
				t.Errorf("%q means %q, want %q", tt.problem, got, tt.hint)
			}
		})
	}
}
