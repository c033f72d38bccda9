// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// unhurried takes a last checkpoint that the disk was too busy for as what it is: under way, and soon done.
func unhurried(err error) error {
	if errors.Is(err, metricsdb.ErrHangs) {
		return nil
	}
	return err
}

// Run writes only when a counter has changed, the first time soon, and once more when its context ends.
func TestRunWritesChanges(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := spool(t, metricsdb.Config{Path: path, Checkpoint: time.Millisecond, History: -1}, run("r1"))
	file := filepath.Join(path+".spool", "r1.json")
	ctx, cancel := context.WithCancel(t.Context())
	calls := make(chan uint64) // each receive lets one look at the counters happen
	operations := make(chan uint64, 1)
	operations <- 1
	done := make(chan error, 1)
	go func() {
		var seq uint64
		done <- s.Run(ctx, func() []instrument.Snapshot {
			seq++
			select {
			case calls <- seq:
			case <-ctx.Done():
			}
			n := <-operations
			operations <- n
			return []instrument.Snapshot{snapshot("CORP", seq, n)}
		})
	}()
	look := func() []byte { // the file once a look is over, which the next one shows
		<-calls
		<-calls
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := look()
	for range 10 {
		if !bytes.Equal(first, look()) {
			t.Fatal("written again without a change")
		}
	}
	<-operations
	operations <- 2
	if bytes.Equal(first, look()) {
		t.Error("not written after a change")
	}
	<-operations
	operations <- 3
	cancel()
	if err := unhurried(<-done); err != nil {
		t.Fatal(err)
	}
	db := open(t, metricsdb.Config{Path: path})
	await(t, func() bool {
		rows := list(t, db, metricsdb.Filter{})
		return len(rows) == 1 && rows[0].Operations == 3 && rows[0].Ended == instrument.RunRunning
	})
	finish(t, s)
}

// History goes to the database while the run lives; while that cannot be written it waits in the spool.
func TestHistoryOfALiveRun(t *testing.T) {
	t.Parallel()
	for _, locked := range []bool{false, true} {
		name := map[bool]string{false: "writable", true: "locked"}[locked]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			db := open(t, metricsdb.Config{Path: path})
			log := &journal{}
			unlock := func() {}
			if locked {
				unlock = lockDatabase(t, path, "NORMAL")
			}
			s := spool(t, metricsdb.Config{Path: path, Checkpoint: time.Millisecond, History: time.Millisecond, Logger: log.logger()}, run("r1"))
			ctx, cancel := context.WithCancel(t.Context())
			var seq uint64
			err := s.Run(ctx, func() []instrument.Snapshot {
				if seq++; seq == 6 {
					cancel()
				}
				return []instrument.Snapshot{snapshot("CORP", seq, seq)}
			})
			if err := unhurried(err); err != nil {
				t.Fatal(err)
			}
			await(t, func() bool {
				rows := list(t, db, metricsdb.Filter{})
				return len(rows) == 1 && rows[0].Ended == instrument.RunRunning && rows[0].Operations >= 6
			})
			if n := countSnapshots(t, db, "r1", "CORP"); n < 4 {
				t.Errorf("%d snapshots of a live run, want at least 4", n)
			}
			if lines := log.warnings(); len(lines) != map[bool]int{false: 0, true: 1}[locked] {
				t.Errorf("warnings: %v", lines)
			}
			unlock()
			finish(t, s)
			if n := countSnapshots(t, db, "r1", "CORP"); n < 4 {
				t.Errorf("%d snapshots after the end, want at least 4", n)
			}
		})
	}
}

// Questions, checkpoints and points of history of several processes' worth go on at the same time.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	const each = 4
	var wait sync.WaitGroup
	for i := range each {
		wait.Go(func() {
			s, err := metricsdb.NewSpool(metricsdb.Config{Path: path, Checkpoint: time.Millisecond, History: 2 * time.Millisecond}, run("r"+string(rune('0'+i))))
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithCancel(t.Context())
			var seq uint64
			err = s.Run(ctx, func() []instrument.Snapshot {
				if seq++; seq == 20 {
					cancel()
				}
				return []instrument.Snapshot{snapshot("CORP", seq, min(seq, 20))}
			})
			if err := unhurried(err); err != nil {
				t.Error(err)
			}
			finish(t, s)
		})
		wait.Go(func() {
			for range 5 {
				if _, err := db.Runs(t.Context(), metricsdb.Filter{}); err != nil {
					t.Error(err)
				}
				if _, err := db.Series(t.Context(), metricsdb.SeriesQuery{}); err != nil {
					t.Error(err)
				}
				if _, err := db.Shapes(t.Context(), metricsdb.Filter{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	rows := list(t, db, metricsdb.Filter{})
	if len(rows) != each {
		t.Errorf("%d rows, want %d", len(rows), each)
	}
	for _, row := range rows {
		if row.Operations != 20 || row.Ended != instrument.RunClean {
			t.Errorf("run %s ended %s with %d operations", row.Run, row.Ended, row.Operations)
		}
	}
}
