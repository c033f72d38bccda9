// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ldapscope/ldapscope/instrument"
)

// watch is a Scope with an SDK whose spans and metrics a test can read.
type watch struct {
	*instrument.Scope
	spans   *tracetest.SpanRecorder
	metrics *sdkmetric.ManualReader
	tracers *sdktrace.TracerProvider
}

func newWatch(opts ...instrument.Option) *watch {
	w := &watch{spans: tracetest.NewSpanRecorder(), metrics: sdkmetric.NewManualReader()}
	w.tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.spans))
	w.Scope = instrument.New(append([]instrument.Option{
		instrument.WithTracerProvider(w.tracers),
		instrument.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.metrics))),
	}, opts...)...)
	return w
}

// span returns the newest ended span of a name.
func (w *watch) span(t testing.TB, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	ended := w.spans.Ended()
	for _, s := range slices.Backward(ended) {
		if s.Name() == name {
			return s
		}
	}
	names := make([]string, len(ended))
	for i, s := range ended {
		names[i] = s.Name()
	}
	t.Fatalf("no span %q among %q", name, names)
	return nil
}

// attributes returns those of a span as text.
func attributes(set []attribute.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range set {
		m[string(kv.Key)] = kv.Value.String()
	}
	return m
}

// point is one data point of a metric: its attributes and how much it counts.
type point struct {
	attributes map[string]string
	count      int64
	sum        float64
}

// points reads one metric.
func (w *watch) points(t testing.TB, name string) (points []point) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := w.metrics.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	add := func(set attribute.Set, count int64, sum float64) {
		points = append(points, point{attributes(set.ToSlice()), count, sum})
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, int64(p.Count), p.Sum)
				}
			case metricdata.Histogram[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, int64(p.Count), float64(p.Sum))
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Value, float64(p.Value))
				}
			default:
				t.Fatalf("metric %s is a %T", name, data)
			}
		}
	}
	return points
}

// usage returns the counters of the test's domain.
func (w *watch) usage(t testing.TB) instrument.Counters {
	t.Helper()
	for _, s := range w.Snapshots() {
		if s.Domain == "TEST" {
			return s.Usage.Counters
		}
	}
	t.Fatal("no snapshot")
	return instrument.Counters{}
}
