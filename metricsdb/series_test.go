// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// With the clock set back a day, the newest snapshot is the one with the highest number, and no point of a series goes back.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	var all []instrument.Snapshot
	for seq := uint64(1); seq <= 4; seq++ {
		s := snapshot("CORP", seq, 10*seq)
		if seq > 2 {
			s.At = s.At.Add(-24 * time.Hour)
		}
		all = append(all, s)
	}
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	record(t, db, run("r1"), all...)
	rows := list(t, db, metricsdb.Filter{})
	if len(rows) != 1 || rows[0].Seq != 4 || rows[0].Operations != 40 {
		t.Errorf("newest: %+v", rows)
	}
	var seqs []uint64
	for s, err := range db.Snapshots(t.Context(), "r1", "CORP") {
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, s.Seq)
	}
	if diff := cmp.Diff([]uint64{1, 2, 3, 4}, seqs); diff != "" {
		t.Error(diff)
	}
	series, err := db.Series(t.Context(), metricsdb.SeriesQuery{})
	if err != nil || len(series) != 1 || len(series[0].Points) != 4 {
		t.Fatalf("series: %+v, %v", series, err)
	}
	coarse, err := db.Series(t.Context(), metricsdb.SeriesQuery{Points: 1})
	if err != nil || len(coarse) != 1 || len(coarse[0].Points) != 1 || coarse[0].Points[0].Seq != 4 || coarse[0].Points[0].Operations != 40 {
		t.Errorf("in one point: %+v, %v", coarse, err)
	}
	for i, p := range series[0].Points {
		if p.Operations != 10 || !p.At.Equal(start.Add(time.Duration(i+1)*time.Second)) {
			t.Errorf("point %d: %d operations at %v", i, p.Operations, p.At)
		}
	}
}

// A loop that ends early leaves nothing open, or the log of the file could never shrink.
func TestSnapshotsEndedEarly(t *testing.T) {
	t.Parallel()
	db := open(t, metricsdb.Config{Path: newPath(t)})
	record(t, db, run("r1"), snapshot("CORP", 1, 1), snapshot("CORP", 2, 2))
	for range 10 { // more often than there are connections
		for s, err := range db.Snapshots(t.Context(), "r1", "CORP") {
			if err != nil || s.Seq != 1 {
				t.Fatalf("%d, %v", s.Seq, err)
			}
			break
		}
	}
	for _, err := range db.Snapshots(t.Context(), "nobody", "CORP") {
		if !errors.Is(err, metricsdb.ErrNotFound) {
			t.Errorf("unknown run: %v", err)
		}
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	var history []instrument.Snapshot
	for seq := uint64(1); seq <= 600; seq++ { // one a second
		history = append(history, snapshot("CORP", seq, seq*seq))
	}
	record(t, db, run("r1"), history...)
	again := run("r2") // the same program started anew: its counters begin at zero
	again.Start = start.Add(time.Hour)
	s := spool(t, metricsdb.Config{Path: path}, again)
	if err := checkpoint(s, []instrument.Snapshot{snapshot("CORP", 3, 9)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, s) })
	tests := []struct {
		name       string
		query      metricsdb.SeriesQuery
		points     []int // of r2 and r1, at most
		exactly    bool
		operations uint64 // of all points of r1 together
	}{
		{name: "whole", query: metricsdb.SeriesQuery{Points: 1000}, points: []int{1, 600}, exactly: true, operations: 600 * 600},
		{name: "few points", query: metricsdb.SeriesQuery{Points: 20}, points: []int{1, 20}, operations: 600 * 600},
		{name: "step", query: metricsdb.SeriesQuery{Step: time.Minute}, points: []int{1, 11}, operations: 600 * 600},
		{name: "window", query: metricsdb.SeriesQuery{Points: 1000, Filter: metricsdb.Filter{Since: start.Add(101 * time.Second), Until: start.Add(201 * time.Second)}},
			points: []int{100}, exactly: true, operations: 200*200 - 100*100},
		{name: "limit", query: metricsdb.SeriesQuery{Filter: metricsdb.Filter{Limit: 1}}, points: []int{1}, exactly: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			series, err := db.Series(t.Context(), test.query)
			if err != nil {
				t.Fatal(err)
			}
			if len(series) != len(test.points) {
				t.Fatalf("%d series, want %d", len(series), len(test.points))
			}
			for i, one := range series {
				var operations uint64
				for j, p := range one.Points {
					operations += p.Operations
					if j > 0 && (!p.At.After(one.Points[j-1].At) || p.Seconds <= 0) {
						t.Errorf("point %d of %s is not after the one before", j, one.Run)
					}
				}
				if n := len(one.Points); n > test.points[i] || n == 0 || test.exactly && n != test.points[i] {
					t.Errorf("%d points of %s, want %d", n, one.Run, test.points[i])
				}
				want := map[string]uint64{"r1": test.operations, "r2": 9}[one.Run]
				if operations != want {
					t.Errorf("the points of %s have %d operations, want %d", one.Run, operations, want)
				}
			}
		})
	}
}
