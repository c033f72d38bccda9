// SPDX-License-Identifier: MIT

//go:build !race

package instrument_test

import (
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// The race detector drops what is kept for use again, at random, so that these budgets are held without it.

// allocated returns how many allocations and bytes one run takes, on average. Nothing may run beside it.
func allocated(tb testing.TB, run func() error) (allocations, bytes float64) {
	tb.Helper()
	const runs = 4000
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection throws away what is kept for use again
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := run(); err != nil {
			tb.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs, float64(after.TotalAlloc-before.TotalAlloc) / runs
}

// The budget of observing that does not depend on the machine.
func TestObservingAllocatesLittle(t *testing.T) { // not parallel, it measures the process
	most := map[string]struct{ allocations, bytes float64 }{
		"eye": {0.01, 10}, "off": {0.01, 10}, "recorder": {6, 1024}, "unsampled": {6.1, 1024},
	}
	for _, way := range ways {
		allocations, bytes := allocated(t, way.prepare(t))
		t.Logf("%s: %.2f allocations, %.0f bytes", way.name, allocations, bytes)
		if limit := most[way.name]; allocations > limit.allocations || bytes > limit.bytes {
			t.Errorf("%s takes %.2f allocations and %.0f bytes, at most %.2f and %.0f are allowed", way.name, allocations, bytes, limit.allocations, limit.bytes)
		}
	}
}

// A subscriber of the recorder costs whoever publishes no allocation.
func TestSubscribersCostNoAllocation(t *testing.T) { // not parallel, it measures the process
	var taken [2]float64
	for i, subscribers := range []int{0, 50} {
		scope := bounded(2000, 0)
		x := newExchange(t, scope)
		for range subscribers {
			_, stop := scope.Recorder().Watch()
			defer stop()
		}
		for range 5000 {
			if err := x.pass(); err != nil {
				t.Fatal(err)
			}
		}
		taken[i], _ = allocated(t, x.pass)
	}
	if taken[1] > taken[0]+0.1 {
		t.Errorf("%.2f allocations without and %.2f with 50 subscribers", taken[0], taken[1])
	}
}

// A request that goes on and on takes no memory for the operations that come and leave.
func TestLongRequestsTakeNoMore(t *testing.T) { // not parallel, it measures the process
	recorder := slices.IndexFunc(ways, func(w seen) bool { return w.name == "recorder" })
	if _, bytes := allocated(t, ways[recorder].prepare(t)); bytes > 4 {
		t.Errorf("each operation takes %.1f bytes, at most 4 are allowed", bytes)
	}
}
