// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"encoding/json"
	"errors"
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
	for _, wrong := range [][2]string{{"again", "day0"}, {"x", "nobody"}} {
		if kept, err := db.KeepRecording(t.Context(), wrong[0], wrong[1]); !errors.Is(err, metricsdb.ErrNotFound) || kept != 0 {
			t.Errorf("%q of %q: %d, %v", wrong[0], wrong[1], kept, err)
		}
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
