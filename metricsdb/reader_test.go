// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// logLimit is how large the write-ahead log may stay.
const logLimit = 16 << 20

func logSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// S14: while somebody reads for long, sixteen processes write: none of them waits for the reader or loses anything, the reader
// sees what was there when it began, and the log that grew meanwhile shrinks once it has ended.
func TestLongReader(t *testing.T) {
	t.Parallel()
	const writers, documents = 16, 8
	path := newPath(t)
	db := days(t, path, 1)
	reader, err := rawDB(t, path).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM runs").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 1 {
		t.Fatalf("the reader begins with %d runs", n)
	}
	var all []*process
	for range writers {
		all = append(all, startChild(t, "bulk", path, map[string]string{childArg: fmt.Sprint(documents)}))
	}
	for _, p := range all {
		if said := p.line(t); said != "done" {
			t.Errorf("a writer said %q", said)
		}
		if state := p.wait(); state != "exit status 0" {
			t.Errorf("a writer ended with %q", state)
		}
	}
	if n := count(); n != 1 {
		t.Errorf("the reader sees %d runs in the middle of its transaction", n)
	}
	if size := logSize(t, path); size < logLimit {
		t.Fatalf("the log has %d bytes: this test writes too little to prove anything", size)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if rows := list(t, db, metricsdb.Filter{}); len(rows) != 1+writers*documents {
		t.Errorf("%d rows, want %d", len(rows), 1+writers*documents)
	}
	for i := range 3 { // what is written next finds the log free
		record(t, db, run(fmt.Sprintf("later%d", i)), snapshot("CORP", 1, 1))
	}
	if size := logSize(t, path); size > logLimit {
		t.Errorf("the log still has %d bytes, limit %d", size, logLimit)
	}
}

// An export that is read slowly holds nothing open.
func TestExportHoldsNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 2)
	raw := rawDB(t, path)
	seen := 0
	for x, err := range db.Export(t.Context(), metricsdb.Filter{}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen != 2 {
			continue
		}
		other := run("other")
		other.Start = start.Add(-time.Hour)
		record(t, db, other, snapshot("CORP", 1, 1))
		var busy, frames, moved int
		if err := raw.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil || busy != 0 || logSize(t, path) != 0 {
			t.Errorf("while %s/%d is in the hands of the caller the log cannot shrink: busy %d, %v", x.Run, x.Seq, busy, err)
		}
	}
	if seen != 2*24 {
		t.Errorf("%d snapshots, want %d: what was there when the export began", seen, 2*24)
	}
}

// An export has every snapshot of the runs selected, in order, as JSON that other programs can read.
func TestExport(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 3)
	goesOn := run("live")
	goesOn.Start = start.AddDate(0, 0, 9)
	live := spool(t, metricsdb.Config{Path: path}, goesOn)
	if err := checkpoint(live, []instrument.Snapshot{snapshot("LAB", 1, 77)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, live) })
	tests := []struct {
		name   string
		filter metricsdb.Filter
		first  string
		last   string
		count  int
	}{
		{name: "all", first: "day0 1", last: "live 1", count: 3*24 + 1},
		{name: "a live one", filter: metricsdb.Filter{Run: "live"}, first: "live 1", last: "live 1", count: 1},
		{name: "newest", filter: metricsdb.Filter{Limit: 2}, first: "day2 1", last: "live 1", count: 24 + 1},
		{name: "of a window", filter: metricsdb.Filter{Domain: "CORP", Since: start.AddDate(0, 0, 1).Add(20 * time.Hour), Until: start.AddDate(0, 0, 2).Add(2 * time.Hour)}, first: "day1 21", last: "day2 2", count: 4 + 2},
		{name: "none", filter: metricsdb.Filter{Domain: "NONE"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var all []string
			for x, err := range db.Export(t.Context(), test.filter, nil) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, fmt.Sprintf("%s %d", x.Run, x.Seq))
				if x.Operations != x.Codes[0] || x.Latency["search"].Count != x.Operations%1000 || x.Pool.WaitTime != 7000 {
					t.Errorf("%s: %+v", x.Run, x)
				}
			}
			if len(all) != test.count || test.count > 0 && (all[0] != test.first || all[len(all)-1] != test.last) {
				t.Errorf("%d from %v to %v; want %d from %s to %s", len(all), all[:min(1, len(all))], all[max(0, len(all)-1):], test.count, test.first, test.last)
			}
		})
	}
}
