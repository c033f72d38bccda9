// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// jaegerTag is an attribute as Jaeger's HTTP API gives it.
type jaegerTag struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// jaegerSpan is a span as Jaeger's HTTP API gives it; times are in microseconds.
type jaegerSpan struct {
	TraceID       string `json:"traceID"`
	SpanID        string `json:"spanID"`
	OperationName string `json:"operationName"`
	References    []struct {
		RefType string `json:"refType"`
		TraceID string `json:"traceID"`
		SpanID  string `json:"spanID"`
	} `json:"references"`
	StartTime uint64      `json:"startTime"`
	Duration  uint64      `json:"duration"`
	Tags      []jaegerTag `json:"tags"`
}

type jaegerAnswer struct {
	Data []struct {
		TraceID string       `json:"traceID"`
		Spans   []jaegerSpan `json:"spans"`
	} `json:"data"`
}

// jaegerKinds are the values of the tag span.kind.
var jaegerKinds = map[string]trace.Span_SpanKind{
	"client": trace.Span_SPAN_KIND_CLIENT, "server": trace.Span_SPAN_KIND_SERVER, "internal": trace.Span_SPAN_KIND_INTERNAL,
}

// span turns a span of Jaeger back into the one that was sent, as far as tests look at it.
func (j jaegerSpan) span() *trace.Span {
	unhex := func(id string) []byte { b, _ := hex.DecodeString(id); return b } // a wrong id is nobody's
	s := &trace.Span{
		TraceId: unhex(j.TraceID), SpanId: unhex(j.SpanID), Name: j.OperationName, Status: &trace.Status{},
		StartTimeUnixNano: j.StartTime * 1000, EndTimeUnixNano: (j.StartTime+j.Duration)*1000 + 999,
	}
	for _, r := range j.References {
		if r.RefType == "CHILD_OF" && r.TraceID == j.TraceID {
			s.ParentSpanId = unhex(r.SpanID)
		} else {
			s.Links = append(s.Links, &trace.Span_Link{TraceId: unhex(r.TraceID), SpanId: unhex(r.SpanID)})
		}
	}
	for _, tag := range j.Tags {
		value := strings.TrimSuffix(fmt.Sprint(tag.Value), ".0")
		switch tag.Key {
		case "span.kind":
			s.Kind = jaegerKinds[value]
		case "otel.status_code":
			if value == "ERROR" {
				s.Status.Code = trace.Status_STATUS_CODE_ERROR
			}
		default:
			s.Attributes = append(s.Attributes, &common.KeyValue{Key: tag.Key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}})
		}
	}
	if s.Kind == trace.Span_SPAN_KIND_SERVER {
		s.EndTimeUnixNano += 2000 // microseconds cut off start and duration, of this span and of those within
	}
	return s
}

// askJaeger returns the spans of some traces; there are none while Jaeger does not know them yet.
func askJaeger(t *testing.T, base string, traces []string) (spans []*trace.Span) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, id := range traces {
		answer, err := client.Get(strings.TrimSuffix(base, "/") + "/api/traces/" + id)
		if err != nil {
			t.Fatalf("JAEGER_QUERY_URL does not answer: %v", err)
		}
		var all jaegerAnswer
		if answer.StatusCode == http.StatusOK {
			if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
				t.Fatal(err)
			}
		}
		_ = answer.Body.Close()
		for _, data := range all.Data {
			for _, s := range data.Spans {
				spans = append(spans, s.span())
			}
		}
	}
	return spans
}

// jaegerTrace runs a demo that exports to a backend, and holds what Jaeger's API then tells to what the panel has shown:
// each HTTP request is one trace, its LDAP spans have the right names, parents, attributes and error marks, and at the end
// nothing is lost.
func jaegerTrace(t *testing.T, endpoint, query string, env ...string) {
	t.Helper()
	p := startProcess(t, append(env, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint), "ldapscope", append(anywhere, "--quiet")...)
	p.await("the naming context, which is part of the names of spans", func() bool {
		all, _ := p.domains()
		return len(all["EXAMPLE"].Contexts) > 0
	})
	p.visit("/people")
	p.visit("/failing")
	people, peopleOps := p.last("/people")
	failing, failingOps := p.last("/failing")
	all := p.operations("")
	if code := p.stop(); code != 0 {
		t.Errorf("exit %d, stderr %s", code, p.stderr)
	}
	var traces []string
	for _, op := range all {
		if !slices.Contains(traces, op.TraceID) {
			traces = append(traces, op.TraceID)
		}
	}
	var spans []*trace.Span
	for end := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) { // Jaeger shows a span a moment after it has taken it
		spans = askJaeger(t, query, traces)
		if !slices.ContainsFunc(all, func(op operationRow) bool { return len(spansNamed(spans, op)) == 0 }) &&
			len(spansOf(spans, trace.Span_SPAN_KIND_SERVER, people.TraceID)) > 0 && len(spansOf(spans, trace.Span_SPAN_KIND_SERVER, failing.TraceID)) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not every operation is in Jaeger after %v: %d spans for %d operations", patience, len(spans), len(all))
		}
	}
	for _, op := range all {
		if n := len(spansNamed(spans, op)); n != 1 {
			t.Errorf("%s of %s has %d spans in Jaeger", op.Kind, op.RequestID, n)
		}
	}
	otlpRequest(t, spans, people, peopleOps)
	otlpRequest(t, spans, failing, failingOps)
	otlpPeople(t, spans, peopleOps)
	otlpFailing(t, spans, failingOps)
}

// TestJaeger looks at a demo through a running Jaeger. The README has the command that starts one.
func TestJaeger(t *testing.T) {
	endpoint, query := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), os.Getenv("JAEGER_QUERY_URL")
	if endpoint == "" || query == "" {
		t.Skip("there is no Jaeger: set OTEL_EXPORTER_OTLP_ENDPOINT (http://127.0.0.1:4318) and JAEGER_QUERY_URL (http://127.0.0.1:16686)")
	}
	jaegerTrace(t, endpoint, query, "OTEL_EXPORTER_OTLP_PROTOCOL="+os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"))
}
