// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// S15: a process is stopped at random instants while it writes its spools and merges them, and its files are copied as they
// are then, which is what a power cut leaves of what was synced. Every copy opens clean, has all that was promised until
// then, and takes new usage.
func TestCopiesAtAnyInstant(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"fresh", "existing"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			random := chance(t)
			path, note := newPath(t), filepath.Join(t.TempDir(), "told")
			if kind == "existing" {
				days(t, path, 3)
			}
			copies := max(*runsFlag/10, 5)
			p := startChild(t, "churn", path, map[string]string{childTold: note})
			for i := range copies {
				<-time.After(time.Duration(random.IntN(int(25 * time.Millisecond))))
				halt(t, p.cmd.Process.Pid)
				there := filepath.Join(t.TempDir(), fmt.Sprint(i), "usage.db")
				copyFiles(t, filepath.Dir(path), filepath.Dir(there))
				safe := promised(t, note)
				if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				checkCopy(t, there, safe)
			}
		})
	}
}

// halt stops a process and waits until it stands.
func halt(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for {
		var state syscall.WaitStatus
		_, err := syscall.Wait4(pid, &state, syscall.WUNTRACED, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || !state.Stopped():
			t.Fatalf("the child is not to be stopped: %v, %v", state, err)
		default:
			return
		}
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return // stopped before it had done anything
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func checkCopy(t *testing.T, path string, safe map[string]uint64) {
	t.Helper()
	log := &journal{}
	db := open(t, metricsdb.Config{Path: path, Logger: log.logger()})
	found := map[string]metricsdb.Row{}
	for _, row := range list(t, db, metricsdb.Filter{}) {
		found[row.Run] = row
	}
	for run, operations := range safe {
		if row := found[run]; row.Operations < operations || row.Ended == instrument.RunRunning {
			t.Errorf("run %s was promised %d operations and has %d, ended %q", run, operations, row.Operations, row.Ended)
		}
	}
	finish(t, spool(t, metricsdb.Config{Path: path}, run("later")), snapshot("CORP", 1, 1))
	if rows := list(t, db, metricsdb.Filter{Run: "later"}); len(rows) != 1 {
		t.Errorf("new usage is not in the copy: %+v", rows)
	}
	if lines := log.warnings(); len(lines) > 0 {
		t.Errorf("the copy did not open clean: %s", strings.Join(lines, ""))
	}
}
