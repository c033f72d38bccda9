// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// S12: a run is its random id and its lock. A process that a dead one has started and that lives on does not keep it alive,
// and neither does a process that has got its number.
func TestRunIsNoProcessID(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	p := startChild(t, "forks", path, nil)
	p.ready(t)
	endChild(t, p, 0)
	heir, err := strconv.Atoi(p.line(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(heir, syscall.SIGKILL) })
	endChild(t, p, syscall.SIGKILL)
	p.wait()
	if err := syscall.Kill(heir, 0); err != nil {
		t.Fatalf("the heir does not live: %v", err)
	}
	again := run("again")
	again.PID = p.cmd.Process.Pid
	live := spool(t, metricsdb.Config{Path: path}, again)
	if err := checkpoint(live, []instrument.Snapshot{snapshot("CORP", 1, 7)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, live) })
	ends := map[instrument.RunEnd]uint64{}
	for _, row := range list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{PID: again.PID}) {
		ends[row.Ended] = row.Operations
	}
	if len(ends) != 2 || ends[instrument.RunUnclean] < checkpointed || ends[instrument.RunRunning] != 7 {
		t.Errorf("runs of process %d: %v; want a dead and a live one", again.PID, ends)
	}
}

// A database has one folder of spools, by whichever name a process knows it, and is set aside where it is.
func TestSymbolicLink(t *testing.T) {
	t.Parallel()
	for _, dangling := range []bool{false, true} {
		t.Run(map[bool]string{false: "to a database", true: "to nothing yet"}[dangling], func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			link := filepath.Join(t.TempDir(), "link.db")
			relative, err := filepath.Rel(filepath.Dir(link), path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(relative, link); err != nil {
				t.Fatal(err)
			}
			if !dangling {
				db := open(t, metricsdb.Config{Path: path})
				record(t, db, run("old"), snapshot("CORP", 1, 1))
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			} else if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			leave(t, path, spool(t, metricsdb.Config{Path: link}, run("r1")), -1, snapshot("CORP", 1, 7))
			finish(t, spool(t, metricsdb.Config{Path: link}, run("r2")), snapshot("CORP", 1, 8))
			want := map[bool]int{false: 3, true: 2}[dangling]
			for _, name := range []string{path, link} {
				db := open(t, metricsdb.Config{Path: name})
				if rows := list(t, db, metricsdb.Filter{}); len(rows) != want {
					t.Errorf("by %s: %v, want %d", name, names(rows), want)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			write(t, path, garbage)
			list(t, open(t, metricsdb.Config{Path: link}), metricsdb.Filter{})
			if aside, err := filepath.Glob(path + ".damaged-*Z"); err != nil || len(aside) != 1 {
				t.Errorf("set aside where it was: %v, %v", aside, err)
			}
			if to, err := os.Readlink(link); err != nil || to != relative {
				t.Errorf("the link leads to %q, %v", to, err)
			}
		})
	}
}
