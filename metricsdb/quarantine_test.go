// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// A damaged file is set aside with one warning; spools are merged into the new one.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(t *testing.T, path string)
	}{
		{name: "no database", damage: func(t *testing.T, path string) { write(t, path, garbage) }},
		{name: "header overwritten", damage: func(t *testing.T, path string) { patch(t, path, 0, garbage[:100]) }},
		{name: "pages overwritten", damage: func(t *testing.T, path string) { patch(t, path, 4096, garbage[:8192]) }},
		{name: "cut", damage: func(t *testing.T, path string) {
			if err := os.Truncate(path, 3*4096+100); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			quarantined(t, test.damage, true)
		})
		t.Run(test.name+", no spools", func(t *testing.T) {
			t.Parallel()
			quarantined(t, test.damage, false)
		})
	}
}

func quarantined(t *testing.T, damage func(t *testing.T, path string), spooled bool) {
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	if err := db.Record(t.Context(), run("old"), []instrument.Snapshot{snapshot("CORP", 1, 5)}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	want := 0
	if spooled {
		want = 1
		s := spool(t, metricsdb.Config{Path: path}, run("new"))
		leave(t, path, s, -1, snapshot("CORP", 1, 7))
	}
	damage(t, path)
	damaged, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log := &journal{}
	rows := list(t, open(t, metricsdb.Config{Path: path, Logger: log.logger()}), metricsdb.Filter{})
	if len(rows) != want || want == 1 && (rows[0].Run != "new" || rows[0].Operations != 7) {
		t.Errorf("rows: %+v", rows)
	}
	aside, err := filepath.Glob(path + ".damaged-*Z")
	if err != nil || len(aside) != 1 {
		t.Fatalf("set aside: %v, %v", aside, err)
	}
	if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, damaged) {
		t.Errorf("what was set aside is not the damaged file (%v)", err)
	}
	if lines := log.warnings(); len(lines) != 1 || !strings.Contains(lines[0], aside[0]) {
		t.Errorf("warnings: %v", lines)
	}
}

// What a crash may leave beside a sound file is no damage: a log that is garbage or another file's, and an index of it that is
// old. What was committed before stays.
func TestStrayLog(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		t.Run(suffix, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			db := open(t, metricsdb.Config{Path: path})
			record(t, db, run("old"), snapshot("CORP", 1, 5))
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			write(t, path+suffix, garbage)
			log := &journal{}
			db = open(t, metricsdb.Config{Path: path, Logger: log.logger()})
			finish(t, spool(t, metricsdb.Config{Path: path}, run("new")), snapshot("CORP", 1, 7))
			rows := list(t, db, metricsdb.Filter{})
			if len(rows) != 2 || rows[0].Operations+rows[1].Operations != 12 {
				t.Errorf("rows: %v", names(rows))
			}
			if lines := log.warnings(); len(lines) > 0 {
				t.Errorf("warnings: %v", lines)
			}
		})
	}
}

func patch(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(data, at)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// Many who find the same damage at the same time set one file aside, and no good one.
func TestQuarantineByManyAtOnce(t *testing.T) {
	t.Parallel()
	const rounds, readers = 20, 8 // whether two meet is chance: one round alone would often miss it
	for range rounds {
		path := filepath.Join(t.TempDir(), "usage.db")
		write(t, path, garbage)
		var wait sync.WaitGroup
		for range readers {
			wait.Go(func() {
				db, err := metricsdb.Open(t.Context(), metricsdb.Config{Path: path, BusyTimeout: time.Minute})
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		aside, err := filepath.Glob(path + ".damaged-*Z")
		if err != nil || len(aside) != 1 {
			t.Errorf("set aside: %v, %v", aside, err)
		}
	}
}
