// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// SeriesQuery selects usages and says how finely their course is to be shown.
type SeriesQuery struct {
	Filter               // Since and Until also cut the course; Limit 0 means 10 usages
	Step   time.Duration // least distance of two points; 0 for what gives Points
	Points int           // of one series at most; default 200, at most 5,000
}

// Series is the course of one domain in one run. A process that starts anew starts a new series, so no counter ever falls.
type Series struct {
	Run    string            `json:"run"`
	Domain string            `json:"domain"`
	Host   string            `json:"host"`
	PID    int               `json:"pid"`
	App    string            `json:"app"`
	Start  time.Time         `json:"start"`
	Ended  instrument.RunEnd `json:"ended"`
	Points []Point           `json:"points"`
}

// Point is what happened since the point before, or since the start of the run or of the window.
type Point struct {
	At      time.Time `json:"at"` // start of the run plus the monotonic time since then: it never goes back
	Seq     uint64    `json:"seq"`
	Seconds float64   `json:"seconds"` // since the point before; what rates divide by
	instrument.Counters

	LatencyMean int64 `json:"latency_mean_us"`
	LatencyP50  int64 `json:"latency_p50_us"`
	LatencyP95  int64 `json:"latency_p95_us"`
}

const (
	seriesUsages  = 10
	defaultPoints = 200
	mostPoints    = 5000
)

// Series returns the course of every usage selected, the newest run first.
func (db *DB) Series(ctx context.Context, q SeriesQuery) ([]Series, error) {
	if q.Limit <= 0 {
		q.Limit = seriesUsages
	}
	if q.Points <= 0 {
		q.Points = defaultPoints
	}
	q.Points = min(q.Points, mostPoints)
	v, err := db.view(ctx)
	if err != nil {
		return nil, err
	}
	usages, err := v.usages(ctx, q.Filter)
	if err != nil {
		return nil, wrap(opRead, v.path, err)
	}
	all := make([]Series, 0, len(usages))
	for _, u := range usages {
		one, err := v.course(ctx, q, u)
		if err != nil {
			return nil, wrap(opRead, v.path, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// course builds one series. It jumps from point to point by the index of elapsed times, so its cost is that of the points
// and not of the snapshots between them.
func (v view) course(ctx context.Context, q SeriesQuery, u usage) (Series, error) {
	r := u.run
	out := Series{Run: r.ID, Domain: u.snapshot.Domain, Host: r.Host, PID: r.PID, App: r.App, Start: r.Start, Ended: r.Ended, Points: []Point{}}
	from, to := time.Duration(0), u.snapshot.Elapsed
	if !q.Since.IsZero() {
		from = max(from, q.Since.Sub(r.Start))
	}
	if !q.Until.IsZero() {
		to = min(to, q.Until.Sub(r.Start)-1)
	}
	step := q.Step
	if span := max(to-from, 0); step <= 0 || span/step >= time.Duration(q.Points) {
		step = span/time.Duration(q.Points) + time.Microsecond
	}
	w, err := v.walk(ctx, r.ID, u.snapshot.Domain)
	if err != nil {
		return out, err
	}
	defer w.close()
	before, found, err := w.last(ctx, from-time.Microsecond)
	for err == nil {
		var next instrument.Snapshot
		if next, found, err = w.next(ctx, before, found, step, to); err != nil || !found {
			break
		}
		out.Points = append(out.Points, newPoint(r, before, next))
		before = next
	}
	return out, err
}

func newPoint(r instrument.Run, before, now instrument.Snapshot) Point {
	latency := latencySince(before.Total(), now.Total())
	return Point{
		At: r.Start.Add(now.Elapsed), Seq: now.Seq, Seconds: (now.Elapsed - before.Elapsed).Seconds(),
		Counters:    now.Usage.Sub(before.Usage.Counters),
		LatencyMean: latency.Mean().Microseconds(), LatencyP50: latency.Quantile(0.5).Microseconds(),
		LatencyP95: latency.Quantile(0.95).Microseconds(),
	}
}

// latencySince returns what a histogram has seen since before. The largest of that part alone is not known: the largest of
// all bounds it.
func latencySince(before, now instrument.Latency) instrument.Latency {
	if now.Count < before.Count {
		return now
	}
	now.Count -= before.Count
	now.Sum -= before.Sum
	for i, n := range before.Buckets {
		now.Buckets[i] -= min(n, now.Buckets[i])
	}
	return now
}
