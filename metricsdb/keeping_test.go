// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// days makes runs of a day each, with a point of history every hour, and a live one that has gone on all the time.
func days(t *testing.T, path string, n int) *metricsdb.DB {
	t.Helper()
	db := open(t, metricsdb.Config{Path: path})
	for day := range n {
		r := run("day" + string(rune('0'+day)))
		r.Start = start.AddDate(0, 0, day)
		r.End, r.Ended = r.Start.Add(24*time.Hour-1), instrument.RunClean
		var history []instrument.Snapshot
		for hour := range uint64(24) {
			s := snapshot("CORP", hour+1, hour)
			s.At = r.Start.Add(time.Duration(hour) * time.Hour)
			history = append(history, s)
		}
		record(t, db, r, history...)
	}
	return db
}

func names(rows []metricsdb.Row) []string {
	var all []string
	for _, row := range rows {
		all = append(all, row.Run)
	}
	return all
}

func TestPruneByAge(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 4)
	query := metricsdb.Retention{Before: start.AddDate(0, 0, 2).Add(12 * time.Hour), DryRun: true}
	dry, err := db.Prune(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if dry.Runs != 2 || dry.Snapshots != 2*24+12 || dry.Bytes <= 0 || !dry.DryRun {
		t.Errorf("dry run: %+v", dry)
	}
	if rows := list(t, db, metricsdb.Filter{}); len(rows) != 4 {
		t.Errorf("after a dry run: %v", names(rows))
	}
	query.DryRun = false
	calls := 0
	query.Progress = func(metricsdb.Pruned) { calls++ }
	done, err := db.Prune(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if done.Runs != dry.Runs || done.Snapshots != dry.Snapshots || calls == 0 {
		t.Errorf("done %+v after %d calls; the dry run said %+v", done, calls, dry)
	}
	if diff := cmp.Diff([]string{"day3", "day2"}, names(list(t, db, metricsdb.Filter{}))); diff != "" {
		t.Error(diff)
	}
	if n := countSnapshots(t, db, "day2", "CORP"); n != 12 {
		t.Errorf("%d points of history left, want 12", n)
	}
}

func TestPruneBySize(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 9)
	nothing, err := db.Prune(t.Context(), metricsdb.Retention{MaxBytes: 1 << 40})
	if err != nil || nothing.Runs != 0 || nothing.Left == 0 {
		t.Fatalf("%+v, %v", nothing, err)
	}
	s := spool(t, metricsdb.Config{Path: path}, run("live"))
	if err := checkpoint(s, []instrument.Snapshot{snapshot("CORP", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	limit := nothing.Left * 2 / 3
	done, err := db.Prune(t.Context(), metricsdb.Retention{MaxBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	rows := list(t, db, metricsdb.Filter{})
	if done.Left > limit || done.Runs == 0 || done.Runs == 9 || len(rows) != 9-done.Runs+1 {
		t.Errorf("%+v with %d rows left, limit %d", done, len(rows), limit)
	}
	if rows[0].Run != "day8" || rows[len(rows)-1].Run != "live" {
		t.Errorf("left: %v; the oldest must go first, a live one never", names(rows))
	}
	if info, err := os.Stat(path); err != nil || info.Size() > limit {
		t.Errorf("the file has %d bytes, limit %d, %v", info.Size(), limit, err)
	}
	finish(t, s)
}

// A run that goes on stays, however old it is and however small the rest is to be.
func TestPruneKeepsLiveRuns(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 1)
	goesOn := run("live")
	goesOn.Start = start.AddDate(-1, 0, 0) // the oldest
	s := spool(t, metricsdb.Config{Path: path, Checkpoint: time.Millisecond, History: time.Millisecond}, goesOn)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var seq uint64
	go func() {
		done <- s.Run(ctx, func() []instrument.Snapshot {
			seq++
			return []instrument.Snapshot{snapshot("LAB", seq, seq)}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := unhurried(<-done); err != nil {
			t.Error(err)
		}
		finish(t, s)
	})
	raw := rawDB(t, path)
	await(t, func() bool { // its history has come to the database
		var n int
		err := raw.QueryRowContext(t.Context(), "SELECT count(*) FROM runs WHERE run = 'live' AND ended = 'running'").Scan(&n)
		return err == nil && n == 1
	})
	gone, err := db.Prune(t.Context(), metricsdb.Retention{Before: time.Now().AddDate(1, 0, 0), MaxBytes: 1})
	if err != nil || gone.Runs != 1 || gone.Forgotten[0].Run != "day0" {
		t.Errorf("forgot %+v, %v", gone.Forgotten, err)
	}
	var left string
	if err := raw.QueryRowContext(t.Context(), "SELECT run FROM runs").Scan(&left); err != nil || left != "live" {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 2)
	s := spool(t, metricsdb.Config{Path: path}, run("live"))
	if err := checkpoint(s, []instrument.Snapshot{snapshot("CORP", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := db.Delete(t.Context(), "live"); !errors.Is(err, metricsdb.ErrRunning) {
		t.Errorf("a live run: %v", err)
	}
	finish(t, s)
	if err := db.Delete(t.Context(), "day0"); err != nil {
		t.Fatal(err)
	}
	if err := db.Delete(t.Context(), "day0"); !errors.Is(err, metricsdb.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if diff := cmp.Diff([]string{"day1", "live"}, names(list(t, db, metricsdb.Filter{}))); diff != "" {
		t.Error(diff)
	}
	var orphans int
	row := rawDB(t, path).QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM snapshots WHERE usage_id NOT IN (SELECT id FROM usages))
		+ (SELECT count(*) FROM shapes WHERE usage_id NOT IN (SELECT id FROM usages))
		+ (SELECT count(*) FROM usages WHERE run_id NOT IN (SELECT id FROM runs))`)
	if err := row.Scan(&orphans); err != nil || orphans > 0 {
		t.Errorf("%d orphans, %v", orphans, err)
	}
}

// Another host's file comes in whole, spools and all, and once, whatever its version.
func TestImport(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		t.Run(map[int]string{1: "older", 2: "same version"}[version], func(t *testing.T) {
			t.Parallel()
			there := newPath(t)
			other := days(t, there, 3)
			if err := other.SaveOperations(t.Context(), []metricsdb.SavedOperation{keptOperation("day1", 7)}); err != nil {
				t.Fatal(err)
			}
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
			if version == 1 {
				execute(t, there, "DROP TABLE operations", "PRAGMA user_version = 1")
			}
			live := spool(t, metricsdb.Config{Path: there}, run("live"))
			if err := checkpoint(live, []instrument.Snapshot{snapshot("LAB", 1, 77)}); err != nil {
				t.Fatal(err)
			}
			before := spools(t, there)
			here := newPath(t)
			db := open(t, metricsdb.Config{Path: here})
			record(t, db, run("mine"), snapshot("CORP", 1, 1))
			for range 2 {
				calls := 0
				done, err := db.Import(t.Context(), there, func(metricsdb.Imported) { calls++ })
				if err != nil {
					t.Fatal(err)
				}
				if done.Runs != 4 || done.Total != 4 || done.Snapshots != 3*24+1 || calls != 4 {
					t.Errorf("imported %+v in %d calls", done, calls)
				}
			}
			if rows := list(t, db, metricsdb.Filter{}); len(rows) != 5 {
				t.Errorf("rows: %v", names(rows))
			}
			rows := list(t, db, metricsdb.Filter{Run: "live"})
			if len(rows) != 1 || rows[0].Operations != 77 || rows[0].Ended != instrument.RunUnclean {
				t.Errorf("the other's live run: %+v", rows)
			}
			if n := countSnapshots(t, db, "day1", "CORP"); n != 24 {
				t.Errorf("%d points of history, want 24", n)
			}
			shapes, err := db.Shapes(t.Context(), metricsdb.Filter{Run: "day1"})
			if err != nil || len(shapes) != 1 || shapes[0].Count != 23 {
				t.Errorf("shapes: %+v, %v", shapes, err)
			}
			kept, err := db.Operations(t.Context(), metricsdb.OperationQuery{Run: "day1"})
			if err != nil || len(kept) != version-1 { // the first version had none
				t.Errorf("operations: %+v, %v", kept, err)
			}
			if diff := cmp.Diff(before, spools(t, there)); diff != "" {
				t.Errorf("the other's spools were changed: %s", diff)
			}
			finish(t, live, snapshot("LAB", 2, 78))
			if _, err := db.Import(t.Context(), there, nil); err != nil {
				t.Fatal(err)
			}
			rows = list(t, db, metricsdb.Filter{Run: "live"})
			if len(rows) != 1 || rows[0].Operations != 78 || rows[0].Ended != instrument.RunClean {
				t.Errorf("the other's run when it has ended: %+v", rows)
			}
		})
	}
}

func TestImportOfNothing(t *testing.T) {
	t.Parallel()
	db := open(t, metricsdb.Config{Path: newPath(t)})
	other := filepath.Join(t.TempDir(), "none.db")
	if _, err := db.Import(t.Context(), other, nil); !errors.Is(err, metricsdb.ErrNotFound) {
		t.Errorf("%s: %v", other, err)
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 1)
	saved := []metricsdb.SavedOperation{
		{Run: "day0", Seq: 2, Domain: "CORP", Kind: "search", Shape: "aa", Reason: metricsdb.ReasonSlow, Start: start.Add(time.Second), Duration: 9_000_000, Document: json.RawMessage(`{"seq":"2"}`)},
		{Run: "day0", Seq: 1, Domain: "CORP", Kind: "bind", Shape: "bb", Reason: metricsdb.ReasonFailed, Start: start, Code: 49, Document: json.RawMessage(`{"seq":"1"}`)},
	}
	if err := db.SaveOperations(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	ask := func(q metricsdb.OperationQuery) []metricsdb.SavedOperation {
		t.Helper()
		found, err := db.Operations(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if diff := cmp.Diff(saved, ask(metricsdb.OperationQuery{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(saved[1:], ask(metricsdb.OperationQuery{Reason: metricsdb.ReasonFailed, Domain: "CORP", Until: start.Add(time.Second)})); diff != "" {
		t.Error(diff)
	}
	pinned := saved[0]
	pinned.Reason, pinned.Note, pinned.Document = metricsdb.ReasonPinned, "look at this", json.RawMessage(`{"seq":"2","entries":7}`)
	for _, again := range []metricsdb.SavedOperation{pinned, saved[0]} { // the policy comes by again and must neither unpin it nor take what it holds
		if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{again}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Delete(t.Context(), "day0"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]metricsdb.SavedOperation{pinned}, ask(metricsdb.OperationQuery{})); diff != "" {
		t.Errorf("only the pinned one outlives its run: %s", diff)
	}
	if err := db.Unpin(t.Context(), "day0", 2); err != nil {
		t.Fatal(err)
	}
	if err := db.Unpin(t.Context(), "day0", 2); !errors.Is(err, metricsdb.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
}
