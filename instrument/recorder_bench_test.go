// SPDX-License-Identifier: MIT

package instrument_test

import (
	"fmt"
	"testing"
	"time"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ldapscope/ldapscope/instrument"
)

// BenchmarkRecorder is one operation, published at its start and its end, without subscribers and with 50 that do not read.
// Each is to cost at most 300 ns and no allocation; what one costs is its own figure.
func BenchmarkRecorder(b *testing.B) {
	for _, subscribers := range []int{0, 50} {
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			alone, run := published(b, 0), published(b, subscribers)
			b.ReportAllocs()
			for b.Loop() {
				run(b)
			}
			if subscribers == 0 {
				return
			}
			with, start := b.Elapsed(), time.Now()
			for range b.N {
				alone(b)
			}
			b.ReportMetric(float64(with-time.Since(start))/float64(b.N)/float64(subscribers), "ns/subscriber")
		})
	}
}

// published returns an operation on a recorder that is full and has so many subscribers.
func published(tb testing.TB, subscribers int) func(testing.TB) {
	tb.Helper()
	scope := instrument.New(
		instrument.WithTracerProvider(noop.NewTracerProvider()), instrument.WithMeterProvider(metricnoop.NewMeterProvider()),
		instrument.WithRecorderLimits(instrument.Limits{Operations: 2000}),
	)
	for range subscribers {
		_, stop := scope.Recorder().Watch()
		tb.Cleanup(stop)
	}
	x := newExchange(tb, scope)
	run := func(tb testing.TB) {
		if err := x.pass(); err != nil {
			tb.Fatal(err)
		}
	}
	for range 5000 {
		run(tb)
	}
	return run
}
