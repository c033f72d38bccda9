// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

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
func jaegerTrace(t *testing.T, endpoint, query string) {
	t.Helper()
	p := startProcess(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint}, "ldapscope", append(anywhere, "--quiet")...)
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
	p.await("every operation in Jaeger", func() bool {
		spans = askJaeger(t, query, traces)
		return !slices.ContainsFunc(all, func(op operationRow) bool { return len(spansNamed(spans, op)) == 0 }) &&
			len(spansOf(spans, trace.Span_SPAN_KIND_SERVER, people.TraceID)) > 0 && len(spansOf(spans, trace.Span_SPAN_KIND_SERVER, failing.TraceID)) > 0
	})
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
	jaegerTrace(t, endpoint, query)
}

// TestJaegerStandIn runs the same look with a stand-in that answers in Jaeger's JSON what it received, so that the test
// itself is known to be right where there is no Jaeger.
func TestJaegerStandIn(t *testing.T) {
	t.Parallel()
	backend := receiveHTTP(t)
	standIn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/api/traces/")
		found := []any{}
		for _, s := range backend.got() {
			if hex.EncodeToString(s.TraceId) == id {
				found = append(found, inJaeger(s))
			}
		}
		if len(found) == 0 {
			http.Error(w, `{"errors":[{"code":404,"msg":"trace not found"}]}`, http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": []any{map[string]any{"traceID": id, "spans": found}}}) // the peer has gone if this fails
	}))
	t.Cleanup(standIn.Close)
	jaegerTrace(t, backend.endpoint, standIn.URL)
}

// inJaeger writes a span as Jaeger does.
func inJaeger(s *trace.Span) map[string]any {
	id := hex.EncodeToString(s.TraceId)
	references := []any{}
	if len(s.ParentSpanId) > 0 {
		references = append(references, map[string]any{"refType": "CHILD_OF", "traceID": id, "spanID": hex.EncodeToString(s.ParentSpanId)})
	}
	for _, l := range s.Links {
		references = append(references, map[string]any{"refType": "FOLLOWS_FROM", "traceID": hex.EncodeToString(l.TraceId), "spanID": hex.EncodeToString(l.SpanId)})
	}
	kind := strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"))
	tags := []jaegerTag{{"span.kind", "string", kind}}
	if s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR {
		tags = append(tags, jaegerTag{"otel.status_code", "string", "ERROR"}, jaegerTag{"error", "bool", true})
	}
	for _, a := range s.Attributes {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			tags = append(tags, jaegerTag{a.Key, "string", v.StringValue})
		case *common.AnyValue_IntValue:
			tags = append(tags, jaegerTag{a.Key, "int64", v.IntValue})
		case *common.AnyValue_BoolValue:
			tags = append(tags, jaegerTag{a.Key, "bool", v.BoolValue})
		default:
			tags = append(tags, jaegerTag{a.Key, "string", a.Value.String()})
		}
	}
	return map[string]any{
		"traceID": id, "spanID": hex.EncodeToString(s.SpanId), "operationName": s.Name, "references": references, "tags": tags,
		"startTime": s.StartTimeUnixNano / 1000, "duration": (s.EndTimeUnixNano - s.StartTimeUnixNano) / 1000,
	}
}
