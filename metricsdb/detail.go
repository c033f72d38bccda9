// SPDX-License-Identifier: MIT

package metricsdb

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Detail is one run with the newest snapshot of each of its domains, in order of name, and its newest hundred slow, failed
// and pinned operations. Its JSON writes durations as whole
// microseconds, times that are not known as null and histograms as [LatencyFigures].
type Detail struct {
	instrument.Run
	Dropped    uint64 // points of the history that could not be kept
	Snapshots  []instrument.Snapshot
	Operations []SavedOperation
}

// MarshalJSON implements json.Marshaler.
func (d Detail) MarshalJSON() ([]byte, error) {
	form := struct {
		runForm
		Dropped    uint64           `json:"dropped"`
		Snapshots  []snapshotForm   `json:"snapshots"`
		Operations []SavedOperation `json:"operations"`
	}{runFormOf(d.Run), d.Dropped, make([]snapshotForm, len(d.Snapshots)), slices.Concat([]SavedOperation{}, d.Operations)}
	for i, s := range d.Snapshots {
		form.Snapshots[i] = snapshotFormOf(s)
	}
	return json.Marshal(form)
}

// known returns nil for a time that is not known: in JSON that is null, and the zero time would be the year 1.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type runForm struct {
	instrument.Run
	End *time.Time `json:"end"`
}

func runFormOf(r instrument.Run) runForm { return runForm{r, known(r.End)} }

type snapshotForm struct {
	Domain  string                    `json:"domain"`
	Server  string                    `json:"server"`
	Seq     uint64                    `json:"seq"`
	At      time.Time                 `json:"at"`
	Elapsed int64                     `json:"elapsed_us"`
	Usage   usageForm                 `json:"usage"`
	Latency map[string]LatencyFigures `json:"latency"`
	Codes   map[int64]uint64          `json:"codes"`
	Pool    PoolFigures               `json:"pool"`
	Shapes  []shapeForm               `json:"shapes"`
}

type usageForm struct {
	InitialConnectionStart *time.Time `json:"initial_connection_start_time"`
	OpenSocketStart        *time.Time `json:"open_socket_start_time"`
	ConnectionStop         *time.Time `json:"connection_stop_time"`
	LastTransmitted        *time.Time `json:"last_transmitted_time"`
	LastReceived           *time.Time `json:"last_received_time"`
	instrument.Counters
}

type shapeForm struct {
	instrument.ShapeTotal
	Total    int64      `json:"total_us"`
	Max      int64      `json:"max_us"`
	LastSeen *time.Time `json:"last_seen"`

	Nanoseconds    *struct{} `json:"total,omitempty"` // these two hide the durations of ShapeTotal
	MaxNanoseconds *struct{} `json:"max,omitempty"`
}

func snapshotFormOf(s instrument.Snapshot) snapshotForm {
	u := s.Usage
	form := snapshotForm{
		Domain: s.Domain, Server: s.Server, Seq: s.Seq, At: s.At, Elapsed: s.Elapsed.Microseconds(),
		Usage: usageForm{
			known(u.InitialConnectionStartTime), known(u.OpenSocketStartTime), known(u.ConnectionStopTime),
			known(u.LastTransmittedTime), known(u.LastReceivedTime), u.Counters,
		},
		Latency: latencyFigures(s.Latency), Codes: s.Codes, Pool: poolFigures(s.Pool), Shapes: make([]shapeForm, len(s.Shapes)),
	}
	for i, p := range s.Shapes {
		form.Shapes[i] = shapeForm{ShapeTotal: p, Total: p.Total.Microseconds(), Max: p.Max.Microseconds(), LastSeen: known(p.LastSeen)}
	}
	return form
}

// LatencyFigures is what people and programs want of a histogram; durations are in microseconds, quantiles known within a
// bucket, that is a third.
type LatencyFigures struct {
	Count uint64 `json:"count"`
	Mean  int64  `json:"mean_us"`
	P50   int64  `json:"p50_us"`
	P95   int64  `json:"p95_us"`
	P99   int64  `json:"p99_us"`
	Max   int64  `json:"max_us"`
}

func latencyFigures(byKind map[string]instrument.Latency) map[string]LatencyFigures {
	figures := make(map[string]LatencyFigures, len(byKind))
	for kind, l := range byKind {
		figures[kind] = LatencyFigures{
			l.Count, l.Mean().Microseconds(), l.Quantile(0.5).Microseconds(), l.Quantile(0.95).Microseconds(),
			l.Quantile(0.99).Microseconds(), l.Max.Microseconds(),
		}
	}
	return figures
}

// PoolFigures are the connections of a domain at one instant; the wait is in microseconds.
type PoolFigures struct {
	Max      int    `json:"max"`
	Idle     int    `json:"idle"`
	InUse    int    `json:"in_use"`
	Waiting  int    `json:"waiting"`
	Waits    uint64 `json:"waits"`
	WaitTime int64  `json:"wait_us"`
	Timeouts uint64 `json:"timeouts"`
	Opened   uint64 `json:"opened"`
	Closed   uint64 `json:"closed"`
}

func poolFigures(p instrument.PoolStats) PoolFigures {
	return PoolFigures{p.Max, p.Idle, p.InUse, p.Waiting, p.Waits, p.WaitTime.Microseconds(), p.Timeouts, p.Opened, p.Closed}
}
