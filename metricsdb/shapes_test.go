// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// Sums over runs are exact where SQLite's would fail or be rounded.
func TestLargeShapes(t *testing.T) {
	t.Parallel()
	db := open(t, metricsdb.Config{Path: newPath(t)})
	for _, id := range []string{"r1", "r2", "r3"} {
		s := snapshot("CORP", 1, 1)
		s.Shapes[0].Count, s.Shapes[0].Errors, s.Shapes[0].Bytes, s.Shapes[0].Entries = 1<<62+1, 1<<33+1, 1<<62+1, 3
		record(t, db, run(id), s)
	}
	shapes, err := db.Shapes(t.Context(), metricsdb.Filter{})
	if err != nil || len(shapes) != 1 {
		t.Fatalf("%+v, %v", shapes, err)
	}
	got := [4]uint64{shapes[0].Count, shapes[0].Errors, shapes[0].Bytes, shapes[0].Entries}
	if want := [4]uint64{3<<62 + 3, 3<<33 + 3, 3<<62 + 3, 9}; got != want {
		t.Errorf("sums are %d, want %d", got, want)
	}
}

// The ranking adds up over runs, saved and live, before it is cut.
func TestShapes(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	with := func(domain string, totals map[string]time.Duration) instrument.Snapshot {
		s := snapshot(domain, 1, 1)
		s.Shapes = nil
		for id, total := range totals {
			s.Shapes = append(s.Shapes, instrument.ShapeTotal{Domain: domain, ID: id, Text: "(" + id + "=?)", Kind: "search", Count: 2, Errors: 1,
				Total: total, Max: total / 2, Entries: 3, Bytes: 4, LastSeen: start})
		}
		return s
	}
	record(t, db, run("r1"), with("CORP", map[string]time.Duration{"a": 10, "b": 50 * time.Millisecond, "c": 30 * time.Millisecond}))
	record(t, db, run("r2"), with("CORP", map[string]time.Duration{"b": 5 * time.Millisecond, "c": 40 * time.Millisecond}), with("LAB", map[string]time.Duration{"c": time.Millisecond}))
	live := run("r3")
	live.App = "portal"
	s := spool(t, metricsdb.Config{Path: path}, live)
	if err := checkpoint(s, []instrument.Snapshot{with("CORP", map[string]time.Duration{"b": 30 * time.Millisecond, "d": 60 * time.Millisecond})}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, s) })
	tests := []struct {
		name   string
		filter metricsdb.Filter
		want   string
	}{
		{name: "all", want: "CORP b 85ms 6, CORP c 70ms 4, CORP d 60ms 2, LAB c 1ms 2, CORP a 0s 2"},
		{name: "first", filter: metricsdb.Filter{Limit: 1}, want: "CORP b 85ms 6"},
		{name: "domain", filter: metricsdb.Filter{Domain: "LAB"}, want: "LAB c 1ms 2"},
		{name: "run", filter: metricsdb.Filter{Run: "r2"}, want: "CORP c 40ms 2, CORP b 5ms 2, LAB c 1ms 2"},
		{name: "app of the live one", filter: metricsdb.Filter{App: "portal"}, want: "CORP d 60ms 2, CORP b 30ms 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shapes, err := db.Shapes(t.Context(), test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range shapes {
				text, err := json.Marshal(p.Count)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p.Domain+" "+p.ID+" "+p.Total.String()+" "+string(text))
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
		})
	}
}

// What differs by chance or by the width of a bucket is not called notable.
func TestCompare(t *testing.T) {
	t.Parallel()
	db := open(t, metricsdb.Config{Path: newPath(t)})
	timed := func(n int, each time.Duration) map[string]instrument.Latency {
		var l instrument.Latency
		for range n {
			l.Observe(each)
		}
		return map[string]instrument.Latency{"search": l}
	}
	before, after := snapshot("CORP", 1, 0), snapshot("CORP", 1, 0)
	before.Usage.Counters = instrument.Counters{Operations: 1000, SearchOperations: 1000, Errors: 2, BindOperations: 10}
	after.Usage.Counters = instrument.Counters{Operations: 1040, SearchOperations: 2000, Errors: 4, Entries: 50}
	before.Latency, after.Latency = timed(100, 10*time.Millisecond), timed(100, 30*time.Millisecond)
	before.Shapes, after.Shapes = nil, []instrument.ShapeTotal{{ID: "n", Kind: "search", Text: "(cn=?)", Count: 900}}
	record(t, db, run("before"), before)
	record(t, db, run("after"), after)
	c, err := db.Compare(t.Context(), "before", "after")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Domains) != 1 || len(c.Runs) != 2 || c.Runs[1].ID != "after" {
		t.Fatalf("%+v", c)
	}
	got := map[string]bool{}
	for _, list := range [][]metricsdb.Difference{c.Domains[0].Counters, c.Domains[0].Latency, c.Domains[0].Shapes} {
		for _, d := range list {
			got[d.Name] = d.Notable
		}
	}
	want := map[string]bool{
		"operations": false, "search_operations": true, "errors": false, "bind_operations": true, "entries": true,
		"search.mean_us": true, "search.p50_us": true, "search.p95_us": true, "search n": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := db.Compare(t.Context(), "before"); !errors.Is(err, metricsdb.ErrArgument) {
		t.Errorf("one run alone: %v", err)
	}
}
