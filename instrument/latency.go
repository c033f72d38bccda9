// SPDX-License-Identifier: MIT

package instrument

import (
	"math"
	"time"
)

// LatencyBuckets is the number of buckets of a Latency. Bucket i holds durations up to LatencyBound(i) that are above
// LatencyBound(i-1).
const LatencyBuckets = 64

// Latency is a histogram of durations with fixed buckets, so that two of them can be merged: each bucket a third
// wider than the one before, from 50 microseconds to 42 minutes. The zero value is empty.
type Latency struct {
	Count   uint64                 `json:"count"`
	Sum     time.Duration          `json:"sum"`
	Max     time.Duration          `json:"max"`
	Buckets [LatencyBuckets]uint64 `json:"buckets"`
}

var latencyBounds = func() (bounds [LatencyBuckets]time.Duration) {
	for i := range bounds {
		bounds[i] = time.Duration(50_000 * math.Pow(2, float64(i)*0.4065))
	}
	return bounds
}()

// LatencyBound returns the upper bound of a bucket, 0 <= i < LatencyBuckets. The last bucket also holds what lies above its
// bound.
func LatencyBound(i int) time.Duration { return latencyBounds[i] }

// latencyBucket returns the bucket of d.
func latencyBucket(d time.Duration) int {
	low, high := 0, LatencyBuckets-1
	for low < high {
		mid := (low + high) / 2
		if d <= latencyBounds[mid] {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// Observe adds one duration.
func (l *Latency) Observe(d time.Duration) {
	l.Count++
	l.Sum += d
	l.Max = max(l.Max, d)
	l.Buckets[latencyBucket(d)]++
}

// Merge adds what other has seen.
func (l *Latency) Merge(other Latency) {
	l.Count += other.Count
	l.Sum += other.Sum
	l.Max = max(l.Max, other.Max)
	for i, n := range other.Buckets {
		l.Buckets[i] += n
	}
}

// Quantile returns the duration below which the share q (0 to 1) of the observations lie, within one bucket; zero when empty.
func (l Latency) Quantile(q float64) time.Duration {
	if l.Count == 0 {
		return 0
	}
	rank := uint64(math.Ceil(min(max(q, 0), 1) * float64(l.Count)))
	rank = max(rank, 1)
	var seen uint64
	for i, n := range l.Buckets[:LatencyBuckets-1] {
		if seen += n; seen >= rank {
			return min(latencyBounds[i], l.Max)
		}
	}
	return l.Max
}

// Mean returns the average; zero when empty.
func (l Latency) Mean() time.Duration {
	if l.Count == 0 {
		return 0
	}
	return l.Sum / time.Duration(l.Count)
}
