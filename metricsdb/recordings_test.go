// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/metricsdb"
)

// keptOperation is one that a policy has kept.
func keptOperation(run string, seq uint64) metricsdb.SavedOperation {
	return metricsdb.SavedOperation{
		Run: run, Seq: seq, Domain: "CORP", Kind: "bind", Shape: "bb", Reason: metricsdb.ReasonFailed, Code: 49,
		Start: start.Add(time.Duration(seq) * time.Second), Document: json.RawMessage(`{}`),
	}
}

// What is kept under a name outlives its runs, is found by its name, and comes along when the file is imported.
func TestRecordings(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 2)
	if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{keptOperation("day0", 1), keptOperation("day0", 2), keptOperation("day1", 3), keptOperation("day1", 4)}); err != nil {
		t.Fatal(err)
	}
	if kept, err := db.KeepRecording(t.Context(), "before", "day0"); err != nil || kept != 2 {
		t.Errorf("kept %d, %v", kept, err)
	}
	if kept, err := db.KeepRecording(t.Context(), "other", "day1"); err != nil || kept != 2 {
		t.Errorf("kept %d, %v", kept, err)
	}
	if _, err := db.Prune(t.Context(), metricsdb.Retention{MaxBytes: 1}); err != nil {
		t.Fatal(err)
	}
	if rows := list(t, db, metricsdb.Filter{}); len(rows) != 0 {
		t.Fatalf("rows: %v", names(rows))
	}
	want := []metricsdb.Recording{
		{Name: "other", Operations: 2, Runs: 1, First: start.Add(3 * time.Second), Last: start.Add(4 * time.Second)},
		{Name: "before", Operations: 2, Runs: 1, First: start.Add(time.Second), Last: start.Add(2 * time.Second)},
	}
	here := open(t, metricsdb.Config{Path: newPath(t)})
	if _, err := here.Import(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	for name, where := range map[string]*metricsdb.DB{"pruned": db, "imported": here} {
		got, err := where.Recordings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	found, err := db.Operations(t.Context(), metricsdb.OperationQuery{Note: "before"})
	if err != nil || len(found) != 2 || found[0].Seq != 2 || found[0].Reason != metricsdb.ReasonPinned {
		t.Errorf("operations: %+v, %v", found, err)
	}
	if gone, err := db.DeleteRecording(t.Context(), "before"); err != nil || gone != 2 {
		t.Errorf("gave up %d, %v", gone, err)
	}
	if _, err := db.DeleteRecording(t.Context(), "before"); !errors.Is(err, metricsdb.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if left, err := db.Recordings(t.Context()); err != nil || len(left) != 1 || left[0].Name != "other" {
		t.Errorf("left: %+v, %v", left, err)
	}
}

// What a recording cannot keep or give up is said plainly.
func TestRecordingsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	db := days(t, newPath(t), 3)
	single := keptOperation("day2", 5)
	single.Reason = metricsdb.ReasonPinned
	if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{keptOperation("day0", 1), single}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.KeepRecording(t.Context(), "today", "day0"); err != nil {
		t.Fatal(err)
	}
	keep := func(name, run string) error { _, err := db.KeepRecording(t.Context(), name, run); return err }
	remove := func(name, _ string) error { _, err := db.DeleteRecording(t.Context(), name); return err }
	tests := []struct {
		name, recording, run string
		do                   func(name, run string) error
		want                 error
		text                 string
	}{
		{"a second name", "again", "day0", keep, metricsdb.ErrKept, `kept already; the operations of the run are kept under "today"`},
		{"the same name", "today", "day0", keep, metricsdb.ErrKept, `kept under "today"`},
		{"single pins", "today", "day2", keep, metricsdb.ErrKept, "kept as single pins"},
		{"nothing slow or failed", "x", "day1", keep, metricsdb.ErrNotFound, "the run has no slow or failed operations to keep"},
		{"no such run", "x", "nobody", keep, metricsdb.ErrNotFound, "list the runs there are"},
		{"no name", "", "day0", keep, metricsdb.ErrArgument, "a recording has a name"},
		{"no such recording", "x", "", remove, metricsdb.ErrNotFound, "there is no recording of that name"},
	}
	for _, test := range tests {
		if err := test.do(test.recording, test.run); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: error is %v; want %v with %q", test.name, err, test.want, test.text)
		}
	}
}

// operationsOf is what a run shows of single operations: their reasons, the newest first.
func operationsOf(t *testing.T, db *metricsdb.DB, run string) string {
	t.Helper()
	found, err := db.Operations(t.Context(), metricsdb.OperationQuery{Run: run})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range found {
		all = append(all, string(o.Reason)+"/"+string(o.Policy)+"/"+o.Note)
	}
	return strings.Join(all, " ")
}

// Giving a recording up leaves the run with what it had, here and where the file was imported, unless it was forgotten.
func TestDeletedRecordingLeavesTheRun(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 2)
	slow := keptOperation("day0", 2)
	slow.Reason = metricsdb.ReasonSlow
	if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{keptOperation("day0", 1), slow, keptOperation("day1", 3)}); err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{"day0", "day1"} {
		if _, err := db.KeepRecording(t.Context(), run, run); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := operationsOf(t, db, "day0"), "pinned/slow/day0 pinned/failed/day0"; got != want {
		t.Errorf("kept: %q, want %q", got, want)
	}
	here := open(t, metricsdb.Config{Path: newPath(t)})
	if _, err := here.Import(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	for _, db := range []*metricsdb.DB{db, here} {
		if gone, err := db.DeleteRecording(t.Context(), "day0"); err != nil || gone != 2 {
			t.Errorf("gave up %d, %v", gone, err)
		}
		if got, want := operationsOf(t, db, "day0"), "slow// failed//"; got != want {
			t.Errorf("given up: %q, want %q", got, want)
		}
		if err := db.Delete(t.Context(), "day1"); err != nil {
			t.Fatal(err)
		}
		if got, want := operationsOf(t, db, "day1"), "pinned//day1"; got != want {
			t.Errorf("of a run that was forgotten: %q, want %q", got, want)
		}
		if gone, err := db.DeleteRecording(t.Context(), "day1"); err != nil || gone != 1 {
			t.Errorf("gave up %d, %v", gone, err)
		}
		if got := operationsOf(t, db, "day1"); got != "" {
			t.Errorf("of a run that was forgotten: %q", got)
		}
	}
}

// What somebody has pinned in the page may say more than a policy keeps: it goes with its pin, and one of a recording does not.
func TestUnpinLeavesWhatTheRunHad(t *testing.T) {
	t.Parallel()
	db := days(t, newPath(t), 1)
	pin := keptOperation("day0", 2)
	pin.Reason, pin.Document = metricsdb.ReasonPinned, json.RawMessage(`{"filter":"(uid=ada)"}`)
	for _, saved := range []metricsdb.SavedOperation{keptOperation("day0", 1), keptOperation("day0", 2)} {
		if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{saved}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.KeepRecording(t.Context(), "today", "day0"); err != nil {
		t.Fatal(err)
	}
	if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{pin}); err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(2) {
		if err := db.Unpin(t.Context(), "day0", seq+1); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := operationsOf(t, db, "day0"), "failed//"; got != want {
		t.Errorf("left: %q, want %q", got, want)
	}
}

// A file of the version before is read as it is, and brought up to date by whoever writes.
func TestRecordingsOfOlderFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := days(t, path, 1)
	if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{keptOperation("day0", 1)}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, path, "ALTER TABLE operations DROP COLUMN policy", "PRAGMA user_version = 2")
	for _, cfg := range []metricsdb.Config{{Path: path, ReadOnly: true}, {Path: path}} {
		if got := operationsOf(t, open(t, cfg), "day0"); got != "failed//" {
			t.Errorf("read only %v: %q", cfg.ReadOnly, got)
		}
	}
}
