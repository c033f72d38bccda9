// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	metricservice "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traceservice "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP backend that remembers what it got.
type receiver struct {
	endpoint string // what OTEL_EXPORTER_OTLP_ENDPOINT is to be

	mu       sync.Mutex // guards what follows
	spans    []*trace.Span
	services map[string]bool
	counts   map[string]uint64 // of ldap.client.operation.duration, by operation
	agents   map[string]bool
}

func newReceiver() *receiver {
	return &receiver{services: map[string]bool{}, counts: map[string]uint64{}, agents: map[string]bool{}}
}

// receiveHTTP starts a backend for http/protobuf.
func receiveHTTP(t *testing.T) *receiver {
	t.Helper()
	r := newReceiver()
	mux := http.NewServeMux()
	handle := func(path string, request, answer proto.Message, take func()) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, q *http.Request) {
			body, err := io.ReadAll(q.Body)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.agents[q.UserAgent()] = true
			if err != nil || q.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, request) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			take()
			w.Header().Set("Content-Type", "application/x-protobuf")
			encoded, _ := proto.Marshal(answer) // an empty message can always be written
			_, _ = w.Write(encoded)             // the peer has gone if this fails
		})
	}
	var spans traceservice.ExportTraceServiceRequest
	var metrics metricservice.ExportMetricsServiceRequest
	handle("/v1/traces", &spans, &traceservice.ExportTraceServiceResponse{}, func() { r.takeSpans(&spans) })
	handle("/v1/metrics", &metrics, &metricservice.ExportMetricsServiceResponse{}, func() { r.takeMetrics(&metrics) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r.endpoint = server.URL
	return r
}

type traceReceiver struct {
	traceservice.UnimplementedTraceServiceServer
	*receiver
}

// Export implements the trace service.
func (r traceReceiver) Export(_ context.Context, q *traceservice.ExportTraceServiceRequest) (*traceservice.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takeSpans(q)
	return &traceservice.ExportTraceServiceResponse{}, nil
}

type metricReceiver struct {
	metricservice.UnimplementedMetricsServiceServer
	*receiver
}

// Export implements the metrics service.
func (r metricReceiver) Export(_ context.Context, q *metricservice.ExportMetricsServiceRequest) (*metricservice.ExportMetricsServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takeMetrics(q)
	return &metricservice.ExportMetricsServiceResponse{}, nil
}

// receiveGRPC starts a backend for grpc.
func receiveGRPC(t *testing.T) *receiver {
	t.Helper()
	r := newReceiver()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	traceservice.RegisterTraceServiceServer(server, traceReceiver{receiver: r})
	metricservice.RegisterMetricsServiceServer(server, metricReceiver{receiver: r})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(on) }) // ends with Stop
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	r.endpoint = "http://" + on.Addr().String()
	return r
}

// takeSpans remembers; r.mu is held.
func (r *receiver) takeSpans(q *traceservice.ExportTraceServiceRequest) {
	for _, resource := range q.ResourceSpans {
		r.services[text(resource.Resource.Attributes, "service.name")] = true
		for _, scope := range resource.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
}

// takeMetrics remembers the newest counts, which are totals; r.mu is held.
func (r *receiver) takeMetrics(q *metricservice.ExportMetricsServiceRequest) {
	for _, resource := range q.ResourceMetrics {
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				if m.Name != "ldap.client.operation.duration" {
					continue
				}
				clear(r.counts)
				for _, point := range m.GetHistogram().DataPoints {
					r.counts[text(point.Attributes, "ldap.operation.name")] += point.Count
				}
			}
		}
	}
}

// got returns the spans so far.
func (r *receiver) got() []*trace.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*trace.Span(nil), r.spans...)
}

// text returns an attribute of text or number as text, "" for none.
func text(attributes []*common.KeyValue, key string) string {
	for _, a := range attributes {
		if a.Key == key {
			if s, ok := a.Value.Value.(*common.AnyValue_StringValue); ok {
				return s.StringValue
			}
			_, value, _ := strings.Cut(a.Value.String(), ":")
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// operationSpans returns the spans of LDAP operations in a trace, without those of connecting; "" stands for every trace.
func operationSpans(spans []*trace.Span, traceID string) (found []*trace.Span) {
	for _, s := range spansOf(spans, trace.Span_SPAN_KIND_CLIENT, traceID) {
		if text(s.Attributes, "ldap.operation.name") != "" {
			found = append(found, s)
		}
	}
	return found
}

// spansOf returns the spans of one kind and trace; "" stands for every trace.
func spansOf(spans []*trace.Span, kind trace.Span_SpanKind, traceID string) (found []*trace.Span) {
	for _, s := range spans {
		if s.Kind == kind && (traceID == "" || hex.EncodeToString(s.TraceId) == traceID) {
			found = append(found, s)
		}
	}
	return found
}
