// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

func finish(t *testing.T, s *metricsdb.Spool, snapshots ...instrument.Snapshot) metricsdb.Saved {
	t.Helper()
	saved, err := s.Finish(snapshots, time.Minute)
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return saved
}

// leave finishes a spool that cannot be merged within the budget; a negative one asks for just that.
func leave(t *testing.T, path string, s *metricsdb.Spool, budget time.Duration, snapshots ...instrument.Snapshot) {
	t.Helper()
	saved, err := s.Finish(snapshots, budget)
	if err := settled(path, s.ID(), err); err != nil || saved.Merged {
		t.Fatalf("Finish: %+v, %v; want a spool left", saved, err)
	}
	if _, err := os.Stat(filepath.Join(path+".spool", s.ID()+".json")); err != nil {
		t.Fatal(err)
	}
}

func TestFinishMergesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := spool(t, metricsdb.Config{Path: path}, run("r1"))
	saved := finish(t, s, snapshot("CORP", 1, 40), snapshot("LAB", 2, 2))
	want := metricsdb.Saved{Run: "r1", Domains: 2, Operations: 42, Merged: true, Database: path}
	if diff := gocmp.Diff(want, saved); diff != "" {
		t.Error(diff)
	}
	if left := spools(t, path); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if again, err := s.Finish(nil, 0); err != nil || again != saved {
		t.Errorf("finished again: %+v, %v", again, err)
	}
	if err := s.Checkpoint(nil); !errors.Is(err, metricsdb.ErrClosed) {
		t.Errorf("checkpoint after the end: %v", err)
	}
}

// A process that never used a directory leaves no trace.
func TestUnusedSpoolGoes(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	finish(t, spool(t, metricsdb.Config{Path: path}, run("r1")))
	if left := spools(t, path); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a database was created for nothing")
	}
}

// With the database locked by somebody else the end of a process is not delayed beyond its budget, and nothing is lost.
func TestLockedDatabaseLeavesTheSpool(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	log := &journal{}
	unlock := lockDatabase(t, path, "NORMAL")
	s := spool(t, metricsdb.Config{Path: path, Logger: log.logger(), BusyTimeout: time.Hour}, run("r1"))
	leave(t, path, s, 0, snapshot("CORP", 1, 40))
	rows := list(t, db, metricsdb.Filter{})
	if len(rows) != 1 || rows[0].Operations != 40 || rows[0].Ended != instrument.RunClean {
		t.Errorf("while locked: %+v", rows)
	}
	unlock()
	after := list(t, db, metricsdb.Filter{})
	if diff := gocmp.Diff(rows, after); diff != "" {
		t.Errorf("merging changed the row: %s", diff)
	}
	if left := spools(t, path); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if lines := log.warnings(); len(lines) > 0 {
		t.Errorf("a locked database is no reason to warn: %v", lines)
	}
}

// The same when the other lets nobody even read.
func TestExclusivelyLockedDatabaseLeavesTheSpool(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := open(t, metricsdb.Config{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	unlock := lockDatabase(t, path, "EXCLUSIVE")
	s := spool(t, metricsdb.Config{Path: path, BusyTimeout: time.Hour}, run("r1"))
	leave(t, path, s, 0, snapshot("CORP", 1, 40))
	unlock()
	if rows := list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{}); len(rows) != 1 || rows[0].Operations != 40 {
		t.Errorf("rows: %+v", rows)
	}
}

// Merging the same spool again, and an older one late, changes nothing.
func TestMergeIsIdempotent(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	s := spool(t, metricsdb.Config{Path: path}, run("r1"))
	file := filepath.Join(path+".spool", "r1.json")
	var copies [][]byte
	for seq := range uint64(3) {
		if err := checkpoint(s, []instrument.Snapshot{snapshot("CORP", seq+1, 10*(seq+1))}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, data)
	}
	finish(t, s, snapshot("CORP", 4, 40))
	want := list(t, db, metricsdb.Filter{})
	shapes, err := db.Shapes(t.Context(), metricsdb.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range append(copies, copies...) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, list(t, db, metricsdb.Filter{})); diff != "" {
			t.Fatalf("merging an old spool changed the row: %s", diff)
		}
	}
	again, err := db.Shapes(t.Context(), metricsdb.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(shapes, again); diff != "" {
		t.Errorf("merging an old spool changed the shapes: %s", diff)
	}
	if n := countSnapshots(t, db, "r1", "CORP"); n != 4 {
		t.Errorf("%d snapshots, want 4: each of the four instants once", n)
	}
}

func countSnapshots(t *testing.T, db *metricsdb.DB, run, domain string) int {
	t.Helper()
	n := 0
	for _, err := range db.Snapshots(t.Context(), run, domain) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// What cannot be read is set aside with one warning and keeps nothing else from being merged.
func TestUnreadableSpools(t *testing.T) {
	t.Parallel()
	good := func(t *testing.T, id string) []byte {
		path := newPath(t)
		s := spool(t, metricsdb.Config{Path: path}, run(id))
		if err := checkpoint(s, []instrument.Snapshot{snapshot("CORP", 1, 10)}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(path+".spool", id+".json"))
		if err != nil {
			t.Fatal(err)
		}
		finish(t, s)
		return data
	}
	tests := []struct {
		name string
		id   string // of the run in the file, if not that of its name
		bad  func(good []byte) []byte
	}{
		{name: "empty", bad: func([]byte) []byte { return nil }},
		{name: "garbage", bad: func([]byte) []byte { return bytes.Repeat([]byte("\x00garbage\n"), 1000) }},
		{name: "torn", bad: func(data []byte) []byte { return data[:len(data)/2] }},
		{name: "one digit altered", bad: func(data []byte) []byte {
			return bytes.Replace(data, []byte(`"operations":10`), []byte(`"operations":90`), 1)
		}},
		{name: "of another run", id: "bad", bad: func(data []byte) []byte { return data }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s := spool(t, metricsdb.Config{Path: path}, run("sound"))
			leave(t, path, s, -1, snapshot("CORP", 1, 10))
			if err := os.WriteFile(filepath.Join(path+".spool", "another.json"), test.bad(good(t, cmp.Or(test.id, "another"))), 0o600); err != nil {
				t.Fatal(err)
			}
			log := &journal{}
			db := open(t, metricsdb.Config{Path: path, Logger: log.logger()})
			for range 3 {
				if rows := list(t, db, metricsdb.Filter{}); len(rows) != 1 || rows[0].Run != "sound" {
					t.Fatalf("rows: %+v", rows)
				}
			}
			if lines := log.warnings(); len(lines) != 1 || !strings.Contains(lines[0], "another") {
				t.Errorf("warnings: %v", lines)
			}
			if left := spools(t, path); len(left) != 1 || !strings.HasPrefix(left[0], "another.damaged-") {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// lockDatabase takes the write lock; in mode EXCLUSIVE it keeps readers out too.
func lockDatabase(t *testing.T, path, mode string) (unlock func()) {
	t.Helper()
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=locking_mode("+mode+")")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = lock.Rollback()
		_ = other.Close()
	}
}

// Two processes with one id, or an id that is no name of a file, are refused.
func TestRunIDs(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	defer finish(t, spool(t, metricsdb.Config{Path: path}, run("r1")))
	for _, id := range []string{"r1", "", "../r2", "a/b", "a.b", strings.Repeat("x", 101)} {
		if _, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, run(id)); err == nil {
			t.Errorf("a second spool %q was made", id)
		}
	}
}

// Removing the folder of spools under a live process ends its row, and its next checkpoint revives it.
func TestLostSpool(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	if err := db.Record(t.Context(), run("r1"), []instrument.Snapshot{snapshot("CORP", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(), "UPDATE runs SET ended = 'running', end_us = NULL"); err != nil {
		t.Fatal(err)
	}
	rows := list(t, db, metricsdb.Filter{})
	if len(rows) != 1 || rows[0].Ended != instrument.RunUnclean || rows[0].End == nil || !rows[0].End.Equal(start.Add(time.Second)) {
		t.Errorf("rows: %+v", rows)
	}
}
