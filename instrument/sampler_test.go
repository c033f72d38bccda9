// SPDX-License-Identifier: MIT

package instrument_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ldapscope/ldapscope/instrument"
)

// seeing is a sampler that remembers what it was told of the last span.
type seeing struct{ attributes []attribute.KeyValue }

func (s *seeing) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	s.attributes = p.Attributes
	return sdktrace.AlwaysSample().ShouldSample(p)
}

func (s *seeing) Description() string { return "seeing" }

// A sampler knows operation, server and port; the span says each of them once.
func TestSamplersKnowTheServer(t *testing.T) {
	t.Parallel()
	for remote, port := range map[address]int64{"dc1:389": 389, "dc1:636": 636, "dc1:3269": 3269} {
		sampler, spans := &seeing{}, tracetest.NewSpanRecorder()
		tracers := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler), sdktrace.WithSpanProcessor(spans))
		x := newExchangeTo(t, instrument.New(instrument.WithTracerProvider(tracers)), remote, "(uid=ada)")
		if err := x.pass(); err != nil {
			t.Fatal(err)
		}
		name, server := attribute.String("ldap.operation.name", "search"), attribute.String("server.address", "dc1")
		number := attribute.Int64("server.port", port)
		want := []attribute.KeyValue{server, number, name}
		if got := attribute.NewSet(sampler.attributes...); got != attribute.NewSet(want...) || len(sampler.attributes) != len(want) {
			t.Errorf("%s: the sampler knows %v, want %v", remote, sampler.attributes, want)
		}
		said := map[attribute.KeyValue]int{}
		for _, kv := range spans.Ended()[0].Attributes() {
			said[kv]++
		}
		for _, kv := range []attribute.KeyValue{server, number, name} {
			if said[kv] != 1 {
				t.Errorf("%s: the span says %v %d times", remote, kv, said[kv])
			}
		}
	}
}
