// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// Times that are not known are null in JSON and never the year 1, durations have their unit in their name, and kept
// operations are part of their run.
func TestDetailInJSON(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, db *metricsdb.DB) {
		kept := metricsdb.SavedOperation{Run: "r1", Seq: 9, Domain: "CORP", Kind: "bind", Reason: metricsdb.ReasonFailed, Start: start, Code: 49, Document: json.RawMessage(`{"shape_text":"bind"}`)}
		if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{kept}); err != nil {
			t.Fatal(err)
		}
		detail, err := db.Run(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(detail)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"0001-`) {
			t.Errorf("the year 1 is in %s", text)
		}
		var got struct {
			Run       string     `json:"run"`
			App       string     `json:"app"`
			End       *time.Time `json:"end"`
			Snapshots []struct {
				Elapsed int64 `json:"elapsed_us"`
				Usage   map[string]any
				Latency map[string]metricsdb.LatencyFigures
				Codes   map[string]uint64
				Pool    metricsdb.PoolFigures
				Shapes  []map[string]any
			} `json:"snapshots"`
			Operations []metricsdb.SavedOperation `json:"operations"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got.Run != "r1" || got.App != "payroll" || (got.End == nil) != (detail.Ended == instrument.RunRunning) || len(got.Snapshots) != 1 {
			t.Fatalf("%s", text)
		}
		s := got.Snapshots[0]
		if s.Elapsed != 1_000_000 || s.Usage["operations"] != 40.0 || s.Usage["connection_stop_time"] != nil || s.Usage["last_received_time"] == nil ||
			s.Latency["search"].Count != 40 || s.Latency["search"].Max != 4000 || s.Codes["49"] != 3 || s.Pool.WaitTime != 7000 {
			t.Errorf("%+v", s)
		}
		if shape := s.Shapes[0]; shape["total_us"] != 40_000.0 || shape["max_us"] != 80_000.0 || shape["total"] != nil || shape["text"] != "(uid=?)" {
			t.Errorf("shape: %v", shape)
		}
		if diff := cmp.Diff([]metricsdb.SavedOperation{kept}, got.Operations); diff != "" {
			t.Error(diff)
		}
	}, snapshot("CORP", 1, 40))
}

// A run that goes on has no end in a comparison either.
func TestComparisonInJSON(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	record(t, db, run("r0"), snapshot("CORP", 1, 40))
	live := spool(t, metricsdb.Config{Path: path}, run("r1"))
	if err := checkpoint(live, []instrument.Snapshot{snapshot("CORP", 1, 80)}); err != nil {
		t.Fatal(err)
	}
	c, err := db.Compare(t.Context(), "r0", "r1")
	if err != nil {
		t.Fatal(err)
	}
	finish(t, live)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Runs    []map[string]any `json:"runs"`
		Domains []any            `json:"domains"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Runs) != 2 || got.Runs[0]["end"] == nil || got.Runs[1]["end"] != nil || got.Runs[1]["run"] != "r1" || len(got.Domains) != 1 {
		t.Errorf("%s", text)
	}
}

// Sums are judged by how many operations are behind them, not by how large they are.
func TestCompareSums(t *testing.T) {
	t.Parallel()
	with := func(operations, bytes uint64) instrument.Snapshot {
		s := instrument.Snapshot{Domain: "CORP", Seq: 1}
		s.Usage.Operations, s.Usage.BytesReceived = operations, bytes
		return s
	}
	tests := []struct {
		name          string
		before, after instrument.Snapshot
		notable       bool
	}{
		{name: "few operations, one large answer", before: with(50, 50_000), after: with(50, 63_000)},
		{name: "many operations, the same difference", before: with(50_000, 50_000_000), after: with(50_000, 63_000_000), notable: true},
		{name: "many operations, a small difference", before: with(50_000, 50_000_000), after: with(50_000, 52_000_000)},
		{name: "far larger", before: with(100, 50_000), after: with(100, 500_000), notable: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := open(t, metricsdb.Config{Path: newPath(t)})
			record(t, db, run("before"), test.before)
			record(t, db, run("after"), test.after)
			c, err := db.Compare(t.Context(), "before", "after")
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range c.Domains[0].Counters {
				if d.Name == "bytes_received" && d.Notable != test.notable {
					t.Errorf("%v is notable: %v, want %v", d.Values, d.Notable, test.notable)
				}
			}
		})
	}
}

// Prune names what it forgets, dry or not.
func TestPruneNamesRuns(t *testing.T) {
	t.Parallel()
	db := days(t, newPath(t), 3)
	query := metricsdb.Retention{Before: start.AddDate(0, 0, 2), DryRun: true}
	dry, err := db.Prune(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if len(dry.Forgotten) != 2 || dry.Forgotten[1].Run != "day1" || dry.Forgotten[1].Snapshots != 24 || dry.Forgotten[1].End == nil || dry.Forgotten[1].Host != "web1" {
		t.Errorf("%+v", dry.Forgotten)
	}
	query.DryRun = false
	done, err := db.Prune(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dry.Forgotten, done.Forgotten); diff != "" {
		t.Error(diff)
	}
}

// Saving operations waits for another writer no longer than its context, though the database would for an hour.
func TestSaveOperationsKeepsItsTime(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path, BusyTimeout: time.Hour})
	unlock := lockDatabase(t, path, "NORMAL")
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	err := db.SaveOperations(ctx, []metricsdb.SavedOperation{{Run: "r1", Reason: metricsdb.ReasonSlow}})
	if took := time.Since(begun); err == nil || took > 10*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	if !errors.Is(err, metricsdb.ErrBusy) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}
