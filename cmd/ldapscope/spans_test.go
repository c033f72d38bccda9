// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/instrument/spanburst"
)

// staying leaves the exporter its spans, which its Shutdown would drop.
type staying struct{ *tracetest.InMemoryExporter }

func (staying) Shutdown(context.Context) error { return nil }

// TestTinyQueue lets spans come slowly enough for a queue of 10: none may be lost because they leave all at once.
func TestTinyQueue(t *testing.T) {
	const size = "10"
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", size)
	exporter := staying{tracetest.NewInMemoryExporter()}
	tracers := trace.NewTracerProvider(trace.WithSpanProcessor(program.SpanProcessor(exporter, map[string]string{"OTEL_BSP_MAX_QUEUE_SIZE": size})))
	for range spanburst.Size {
		_, span := tracers.Tracer("test").Start(t.Context(), "search")
		span.End()
		<-time.After(time.Millisecond)
	}
	if err := tracers.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(exporter.GetSpans()); n != spanburst.Size {
		t.Errorf("%d of %d spans came", n, spanburst.Size)
	}
}
