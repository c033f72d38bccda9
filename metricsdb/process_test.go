// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// However a process ends, it has a row with the right figures: all of them when it could say so, those of the last checkpoint
// when it could not.
func TestEveryEndLeavesARow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		end   syscall.Signal // 0: a line on its stdin
		ended instrument.RunEnd
		state string // part of what the system says of the process
	}{
		{name: "return", ended: instrument.RunClean, state: "exit status 0"},
		{name: "INT", end: syscall.SIGINT, ended: instrument.RunClean, state: "exit status 0"},
		{name: "TERM", end: syscall.SIGTERM, ended: instrument.RunClean, state: "exit status 0"},
		{name: "HUP", end: syscall.SIGHUP, ended: instrument.RunClean, state: "exit status 0"},
		{name: "QUIT", end: syscall.SIGQUIT, ended: instrument.RunClean, state: "exit status 0"},
		{name: "panic", ended: instrument.RunClean, state: "exit status 2"},
		{name: "panic elsewhere", ended: instrument.RunUnclean, state: "exit status 2"},
		{name: "exit", ended: instrument.RunUnclean, state: "exit status 3"},
		{name: "fatal", ended: instrument.RunUnclean, state: "exit status 1"},
		{name: "map", ended: instrument.RunUnclean, state: "exit status 2"},
		{name: "stack", ended: instrument.RunUnclean, state: "exit status 2"},
		{name: "PIPE", ended: instrument.RunUnclean, state: "signal: broken pipe"},
		{name: "ABRT", end: syscall.SIGABRT, ended: instrument.RunUnclean, state: "exit status 2"},
		{name: "KILL", end: syscall.SIGKILL, ended: instrument.RunUnclean, state: "signal: killed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			p := startChild(t, test.name, path, nil)
			p.ready(t)
			db := open(t, metricsdb.Config{Path: path})
			rows := list(t, db, metricsdb.Filter{})
			if len(rows) != 1 || rows[0].Ended != instrument.RunRunning || rows[0].End != nil || rows[0].Operations != checkpointed {
				t.Errorf("while it lives: %+v", rows)
			}
			if test.name == "PIPE" {
				if err := p.stdout.Close(); err != nil {
					t.Fatal(err)
				}
			}
			endChild(t, p, test.end)
			if state := p.wait(); !strings.Contains(state, test.state) {
				t.Errorf("the child ended with %q, want %q", state, test.state)
			}
			rows = list(t, db, metricsdb.Filter{})
			if len(rows) != 1 {
				t.Fatalf("%d rows, want 1", len(rows))
			}
			row, want := rows[0], uint64(checkpointed+later)
			if test.ended == instrument.RunUnclean && row.Operations == checkpointed {
				want = checkpointed // no checkpoint has come since it was ready
			}
			if row.Ended != test.ended || row.Operations != want || row.PID != p.cmd.Process.Pid || row.Domain != "CORP" || row.App != "child" {
				t.Errorf("ended %s with %d operations, pid %d; want %s, %d, %d", row.Ended, row.Operations, row.PID, test.ended, want, p.cmd.Process.Pid)
			}
			if row.End == nil || row.End.Before(row.Start) {
				t.Errorf("end is %v, start %v", row.End, row.Start)
			}
			if left := spools(t, path); len(left) > 0 {
				t.Errorf("spools left: %v", left)
			}
		})
	}
}

func endChild(t *testing.T, p *process, by syscall.Signal) {
	t.Helper()
	var err error
	if by != 0 {
		err = p.cmd.Process.Signal(by)
	} else {
		_, err = io.WriteString(p.in, "go\n")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A process killed while its temporary file is there has its spool whole, old or new.
func TestKilledBetweenWriteAndRename(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	hit := false
	rounds := 0
	for deadline := time.Now().Add(20 * time.Second); !hit && time.Now().Before(deadline); rounds++ {
		p := startChild(t, "hammer", path, nil)
		p.ready(t)
		for begun := time.Now(); !hasTemp(t, path) && time.Since(begun) < time.Second; {
		}
		endChild(t, p, syscall.SIGKILL)
		p.wait()
		hit = hasTemp(t, path)
		rows := list(t, db, metricsdb.Filter{PID: p.cmd.Process.Pid})
		if len(rows) != 1 || rows[0].Ended != instrument.RunUnclean || rows[0].Operations != rows[0].Seq || rows[0].Operations == 0 {
			t.Fatalf("rows of the killed process: %+v", rows)
		}
		if left := spools(t, path); len(left) > 0 {
			t.Fatalf("left behind: %v", left)
		}
	}
	if !hit {
		t.Fatalf("no process was hit between write and rename in %d rounds", rounds)
	}
}

func hasTemp(t *testing.T, path string) bool {
	t.Helper()
	for _, name := range spools(t, path) {
		if strings.HasSuffix(name, ".tmp") {
			return true
		}
	}
	return false
}

// Opening the database again in the same process leaves it the locks it has, which the system drops when any descriptor of
// the file is closed.
func TestOpenedTwiceKeepsItsLocks(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	list(t, db, metricsdb.Filter{})
	if err := open(t, metricsdb.Config{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	finish(t, spool(t, metricsdb.Config{Path: path}, run("r1")), snapshot("CORP", 1, 1))
	if said := startChild(t, "locked", path, nil).line(t); said != "true" {
		t.Errorf("locked for another process: %s", said)
	}
}

// A disk that takes no more costs nothing that has been counted: the spool is small enough, or the error says what is wrong.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	p := startChild(t, "small", path, nil)
	said := p.line(t)
	p.wait()
	if id, left := strings.CutPrefix(said, "false "); !left || !slices.Contains(spools(t, path), id+".json") {
		t.Errorf("merged and run: %s, spools: %v; want the spool left", said, spools(t, path))
	}
	rows := list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{})
	if len(rows) != 1 || rows[0].Operations != checkpointed || rows[0].Ended != instrument.RunClean {
		t.Errorf("rows after there is room again: %+v", rows)
	}
}

// A folder that cannot be written is named with what to do; what is in it can be read all the same.
func TestFolderOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for _, spoolsToo := range []bool{true, false} {
		t.Run(map[bool]string{true: "all of it", false: "all but the spools"}[spoolsToo], func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			db := open(t, metricsdb.Config{Path: path})
			record(t, db, run("r1"), snapshot("CORP", 1, 5))
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			folder := strings.TrimSuffix(path, "/usage.db")
			forAll(t, 0o755, folder+"/..", folder+"/../..") // t.TempDir is for its owner alone
			forAll(t, 0o444, path)
			if spoolsToo {
				forAll(t, 0o555, path+".spool")
			} else {
				forAll(t, 0o777, path+".spool", path+".spool/.quarantine")
			}
			forAll(t, 0o555, folder)
			t.Cleanup(func() { forAll(t, 0o755, folder, path+".spool") })
			p := startChild(t, "unprivileged", path, nil)
			denied := "permission denied; the user of this process must be able to write in " + folder
			if said := p.line(t); !strings.HasPrefix(said, "true ") || !strings.Contains(said, denied) {
				t.Errorf("opening: %q", said)
			}
			if said := p.line(t); spoolsToo && (!strings.HasPrefix(said, "true ") || !strings.Contains(said, denied)) {
				t.Errorf("making a spool: %q", said)
			}
			if said := p.line(t); said != "1 <nil>" {
				t.Errorf("reading only: %q, want one row", said)
			}
		})
	}
}

func forAll(t *testing.T, mode os.FileMode, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
}
