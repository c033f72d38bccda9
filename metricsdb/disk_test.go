// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// atEnd is what the end of a process may take, whatever its disk does, and slack is for a machine that is busy: what
// hangs in these tests would do so for ever.
const (
	atEnd = 2 * time.Second
	slack = time.Second
)

// hangs makes a file that nobody can open to read or to write it until release: to a process that is what a dead disk looks
// like.
func hangs(t *testing.T, path string) (release func()) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		f, err := os.OpenFile(path, os.O_RDWR, 0) // which never waits
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".json") { // its reader wants an end
			_ = f.Close()
			return
		}
		t.Cleanup(func() { _ = f.Close() })
	}
}

// A disk that does not answer costs less than two seconds at the end, is said, and keeps nothing else from going on; if it
// answers after all, nothing is lost.
func TestHangingDisk(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	log := &journal{}
	s := spool(t, metricsdb.Config{Path: path, Logger: log.logger(), Checkpoint: time.Millisecond}, run("r1"))
	release := hangs(t, filepath.Join(path+".spool", "r1.tmp"))
	var operations atomic.Uint64
	asked := make(chan struct{}, 1)
	source := func() []instrument.Snapshot {
		select {
		case asked <- struct{}{}:
		default:
		}
		n := operations.Add(1)
		return []instrument.Snapshot{snapshot("CORP", n, n)}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, source) }()
	<-asked
	begun := time.Now()
	cancel()
	if err := <-done; !errors.Is(err, metricsdb.ErrDisk) {
		t.Errorf("the last checkpoint: %v", err)
	}
	if err := s.Checkpoint(source()); !errors.Is(err, metricsdb.ErrDisk) {
		t.Errorf("a checkpoint: %v", err)
	}
	last := source()
	saved, err := s.Finish(last, 0)
	if took := time.Since(begun); took > atEnd+slack {
		t.Errorf("the end took %v", took)
	}
	if !errors.Is(err, metricsdb.ErrDisk) || saved.Merged || saved.Spool != "" {
		t.Errorf("saved %+v, %v", saved, err)
	}
	if again, failed := s.Finish(last, 0); again != saved || !errors.Is(failed, metricsdb.ErrDisk) {
		t.Errorf("finished again: %+v, %v", again, failed)
	}
	release()
	db := open(t, metricsdb.Config{Path: path})
	var rows []metricsdb.Row
	await(t, func() bool {
		rows = list(t, db, metricsdb.Filter{})
		return len(rows) == 1 && rows[0].Ended == instrument.RunClean
	})
	if rows[0].Operations != last[0].Usage.Operations {
		t.Errorf("once the disk answers: %+v", rows)
	}
}

// The same of the database's part: what another process has left hangs, and the spool is left.
func TestHangingMerge(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := spool(t, metricsdb.Config{Path: path}, run("r1"))
	other := filepath.Join(path+".spool", "another.json")
	release := hangs(t, other)
	const budget = 800 * time.Millisecond // half of it for what others have left
	begun := time.Now()
	saved, err := s.Finish([]instrument.Snapshot{snapshot("CORP", 1, 40)}, budget)
	if took := time.Since(begun); took > atEnd+budget+slack {
		t.Errorf("the end took %v", took)
	}
	if err != nil || saved.Merged || saved.Spool == "" || saved.Operations != 40 {
		t.Errorf("saved %+v, %v; want a spool left", saved, err)
	}
	release()
	if err := os.Remove(other); err != nil && !errors.Is(err, os.ErrNotExist) { // it has been set aside meanwhile
		t.Fatal(err)
	}
	if rows := list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{}); len(rows) != 1 || rows[0].Operations != 40 {
		t.Errorf("rows: %+v", rows)
	}
}
