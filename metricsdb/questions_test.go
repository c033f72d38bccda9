// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

func record(t testing.TB, db *metricsdb.DB, r instrument.Run, snapshots ...instrument.Snapshot) {
	t.Helper()
	if err := db.Record(t.Context(), r, snapshots); err != nil {
		t.Fatal(err)
	}
}

// ways are the two places an answer can come from: the database, and the spool of a run that lives. They must not differ.
func ways(t *testing.T, check func(t *testing.T, db *metricsdb.DB), snapshots ...instrument.Snapshot) {
	t.Run("saved", func(t *testing.T) {
		t.Parallel()
		path := newPath(t)
		finish(t, spool(t, metricsdb.Config{Path: path}, run("r1")), snapshots...)
		check(t, open(t, metricsdb.Config{Path: path}))
	})
	t.Run("live", func(t *testing.T) {
		t.Parallel()
		path := newPath(t)
		s := spool(t, metricsdb.Config{Path: path}, run("r1"))
		if err := checkpoint(s, snapshots); err != nil {
			t.Fatal(err)
		}
		check(t, open(t, metricsdb.Config{Path: path}))
		finish(t, s)
	})
}

// All that a snapshot has comes back, every counter with its own value.
func TestDetailIsWhatWasSaved(t *testing.T) {
	t.Parallel()
	want := []instrument.Snapshot{snapshot("CORP", 2, 41), snapshot("LAB", 3, 5)}
	ways(t, func(t *testing.T, db *metricsdb.DB) {
		detail, err := db.Run(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, detail.Snapshots, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(run("r1"), detail.Run, cmpopts.IgnoreFields(instrument.Run{}, "End", "Ended")); diff != "" {
			t.Error(diff)
		}
	}, want...)
}

// Counters of any size are exact in Go and in JSON.
func TestLargeCounters(t *testing.T) {
	t.Parallel()
	s := snapshot("CORP", 1, 1)
	for i, field := range instrument.CounterFields {
		*field.Field(&s.Usage.Counters) = []uint64{1<<53 + 1, 1<<63 + 1, math.MaxUint64}[i%3]
	}
	s.Codes = map[int64]uint64{0: math.MaxUint64, math.MinInt64: 1<<53 + 1}
	s.Shapes[0].Count, s.Shapes[0].Bytes = 1<<63+1, math.MaxUint64
	s.Latency["search"] = instrument.Latency{Count: math.MaxUint64, Sum: math.MaxInt64, Max: math.MaxInt64, Buckets: [instrument.LatencyBuckets]uint64{63: math.MaxUint64}}
	s.Pool.Waits = math.MaxUint64
	ways(t, func(t *testing.T, db *metricsdb.DB) {
		detail, err := db.Run(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]instrument.Snapshot{s}, detail.Snapshots); diff != "" {
			t.Error(diff)
		}
		text, err := json.Marshal(list(t, db, metricsdb.Filter{})[0])
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(text, &keys); err != nil {
			t.Fatal(err)
		}
		for i, field := range instrument.CounterFields {
			if got, want := string(keys[field.Name]), []string{"9007199254740993", "9223372036854775809", "18446744073709551615"}[i%3]; got != want {
				t.Errorf("%s is %s in JSON, want %s", field.Name, got, want)
			}
		}
		shapes, err := db.Shapes(t.Context(), metricsdb.Filter{})
		if err != nil || len(shapes) != 1 || shapes[0].Count != 1<<63+1 || shapes[0].Bytes != math.MaxUint64 {
			t.Errorf("shapes: %+v, %v", shapes, err)
		}
	}, s)
}

// A row has the keys that programs rely on, with times in RFC 3339.
func TestRowInJSON(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, db *metricsdb.DB) {
		text, err := json.Marshal(list(t, db, metricsdb.Filter{})[0])
		if err != nil {
			t.Fatal(err)
		}
		var row map[string]any
		if err := json.Unmarshal(text, &row); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]any{
			"run": "r1", "domain": "CORP", "host": "web1", "pid": 4711.0, "app": "payroll", "operations": 7.0,
			"start": "2026-03-29T00:30:00.123456Z", "initial_connection_start_time": "2026-03-29T00:30:00.124456Z",
		} {
			if row[key] != want {
				t.Errorf("%s is %v, want %v", key, row[key], want)
			}
		}
		end, has := row["end"]
		switch row["ended"] {
		case "running":
			if !has || end != nil {
				t.Errorf("end of a live run is %v", end)
			}
		case "clean":
			if _, err := time.Parse(time.RFC3339, end.(string)); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("ended is %v", row["ended"])
		}
		if _, has := row["connection_stop_time"]; has {
			t.Error("a time that is not there is in the row")
		}
	}, snapshot("CORP", 1, 7))
}

func TestFilters(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	for i, id := range []string{"a1", "a2", "b1"} {
		r := run(id)
		r.Start = start.Add(time.Duration(i) * time.Hour)
		r.End, r.Ended = r.Start.Add(time.Minute), instrument.RunClean
		switch id {
		case "a2":
			r.Host, r.PID, r.Ended = "web2", 5, instrument.RunUnclean
		case "b1":
			r.App = "portal"
		}
		corp, lab := snapshot("CORP", 1, 1), snapshot("LAB", 2, 2)
		corp.At, lab.At = r.End, r.End
		record(t, db, r, corp, lab)
	}
	live := run("c1")
	live.Start = start.Add(3 * time.Hour)
	s := spool(t, metricsdb.Config{Path: path}, live)
	if err := checkpoint(s, []instrument.Snapshot{snapshot("CORP", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, s) })
	tests := []struct {
		name   string
		filter metricsdb.Filter
		want   string
	}{
		{name: "all, newest first", want: "c1/CORP b1/CORP b1/LAB a2/CORP a2/LAB a1/CORP a1/LAB"},
		{name: "run", filter: metricsdb.Filter{Run: "a2"}, want: "a2/CORP a2/LAB"},
		{name: "domain", filter: metricsdb.Filter{Domain: "CORP"}, want: "c1/CORP b1/CORP a2/CORP a1/CORP"},
		{name: "host", filter: metricsdb.Filter{Host: "web2"}, want: "a2/CORP a2/LAB"},
		{name: "pid", filter: metricsdb.Filter{PID: 5}, want: "a2/CORP a2/LAB"},
		{name: "app", filter: metricsdb.Filter{App: "portal"}, want: "b1/CORP b1/LAB"},
		{name: "since", filter: metricsdb.Filter{Since: start.Add(time.Hour + time.Minute)}, want: "c1/CORP b1/CORP b1/LAB a2/CORP a2/LAB"},
		{name: "until", filter: metricsdb.Filter{Until: start.Add(time.Hour)}, want: "a1/CORP a1/LAB"},
		{name: "clean", filter: metricsdb.Filter{Ended: instrument.RunClean}, want: "b1/CORP b1/LAB a1/CORP a1/LAB"},
		{name: "unclean", filter: metricsdb.Filter{Ended: instrument.RunUnclean}, want: "a2/CORP a2/LAB"},
		{name: "running", filter: metricsdb.Filter{Ended: instrument.RunRunning}, want: "c1/CORP"},
		{name: "limit", filter: metricsdb.Filter{Limit: 2}, want: "c1/CORP b1/CORP"},
		{name: "together", filter: metricsdb.Filter{Domain: "LAB", Host: "web1", Limit: 1}, want: "b1/LAB"},
		{name: "nothing", filter: metricsdb.Filter{Domain: "' OR 1=1 --"}, want: ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, row := range list(t, db, test.filter) {
				got = append(got, row.Run+"/"+row.Domain)
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
		})
	}
}

func TestRunByTheStartOfItsID(t *testing.T) {
	t.Parallel()
	db := open(t, metricsdb.Config{Path: newPath(t)})
	for _, id := range []string{"abc1", "abc", "xyz"} {
		record(t, db, run(id), snapshot("CORP", 1, 1))
	}
	tests := []struct {
		name, id, want string
		err            error
	}{
		{name: "whole", id: "abc1", want: "abc1"},
		{name: "whole and the start of another", id: "abc", want: "abc"},
		{name: "start", id: "x", want: "xyz"},
		{name: "of two", id: "ab", err: metricsdb.ErrAmbiguous},
		{name: "of none", id: "q", err: metricsdb.ErrNotFound},
		{name: "empty", id: "", err: metricsdb.ErrNotFound},
		{name: "pattern", id: "%", err: metricsdb.ErrNotFound},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			detail, err := db.Run(t.Context(), test.id)
			if detail.ID != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v; want %q, %v", detail.ID, err, test.want, test.err)
			}
		})
	}
}

// What nobody could mean is refused as that, and not as something that is missing.
func TestArgumentsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	record(t, db, run("one"), snapshot("CORP", 1, 1))
	for name, call := range map[string]func() error{
		"import of itself":       func() error { _, err := db.Import(t.Context(), path, nil); return err },
		"comparison of one run":  func() error { _, err := db.Compare(t.Context(), "one"); return err },
		"recording without name": func() error { _, err := db.KeepRecording(t.Context(), "", "one"); return err },
		"one to be given up":     func() error { _, err := db.DeleteRecording(t.Context(), ""); return err },
	} {
		if err := call(); !errors.Is(err, metricsdb.ErrArgument) || errors.Is(err, metricsdb.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
