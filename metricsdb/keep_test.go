// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// Keep saves whole what ends in any way that lets it, and lets it end that way.
func TestKeep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, mode string
		end        []syscall.Signal // none: a line on its stdin
		state      string
		says       string // the end of its last line
		ended      instrument.RunEnd
	}{
		{name: "return", mode: "keep", state: "exit status 0", says: "returned <nil> 107", ended: instrument.RunClean},
		{name: "INT", mode: "keep", end: []syscall.Signal{syscall.SIGINT}, state: "exit status 0", says: "signal interrupt 107", ended: instrument.RunClean},
		{name: "TERM", mode: "keep", end: []syscall.Signal{syscall.SIGTERM}, state: "exit status 0", says: "signal terminated 107", ended: instrument.RunClean},
		{name: "HUP", mode: "keep", end: []syscall.Signal{syscall.SIGHUP}, state: "exit status 0", says: "signal hangup 107", ended: instrument.RunClean},
		{name: "QUIT", mode: "keep", end: []syscall.Signal{syscall.SIGQUIT}, state: "exit status 0", says: "signal quit 107", ended: instrument.RunClean},
		{name: "panic", mode: "keep panic", state: "exit status 2", ended: instrument.RunClean},
		{name: "panic after a signal", mode: "keep panic", end: []syscall.Signal{syscall.SIGTERM}, state: "exit status 2", ended: instrument.RunClean},
		{name: "goexit", mode: "keep goexit", state: "exit status 7", ended: instrument.RunClean},
		{name: "one signal told twice", mode: "keep", end: []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}, state: "exit status 0", says: " 107", ended: instrument.RunClean},
		{name: "second signal", mode: "keep twice", end: []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}, state: "exit status 130", ended: instrument.RunUnclean},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			p := startChild(t, test.mode, path, map[string]string{childArg: "100"})
			p.ready(t)
			db := open(t, metricsdb.Config{Path: path})
			if test.ended == instrument.RunUnclean { // then only what a checkpoint holds can be found
				await(t, func() bool {
					rows := list(t, db, metricsdb.Filter{})
					return len(rows) == 1 && rows[0].Operations == 100
				})
			}
			if len(test.end) == 0 {
				endChild(t, p, 0)
			}
			together := test.mode == "keep" && len(test.end) > 1
			if together { // both at once, however busy the machine
				halt(t, p.cmd.Process.Pid)
			}
			for i, s := range test.end {
				if i > 0 && test.mode == "keep twice" {
					if p.line(t) != "asked once" {
						t.Error("the work was not told of the first signal")
					}
					<-time.After(200 * time.Millisecond) // sooner is the same wish
				}
				endChild(t, p, s)
			}
			if together {
				endChild(t, p, syscall.SIGCONT)
			}
			said, err := io.ReadAll(p.out)
			if err != nil {
				t.Fatal(err)
			}
			if state := p.wait(); state != test.state {
				t.Errorf("the child ended with %q, want %q", state, test.state)
			}
			if line := strings.TrimSpace(string(said)); !strings.HasSuffix(line, test.says) {
				t.Errorf("the child said %q, want %q", line, test.says)
			}
			want := uint64(100)
			if test.ended == instrument.RunClean {
				want += later
			}
			rows := list(t, db, metricsdb.Filter{})
			if len(rows) != 1 || rows[0].Ended != test.ended || rows[0].Operations != want {
				t.Errorf("rows: %+v, want one that ended %s with %d operations", rows, test.ended, want)
			}
		})
	}
}

// A process whose stdout is closed lives on and ends well; one under nohup does not hear its terminal hang up.
func TestKeepIgnoresSignals(t *testing.T) {
	t.Parallel()
	t.Run("PIPE", func(t *testing.T) {
		t.Parallel()
		path := newPath(t)
		p := startChild(t, "keep pipe", path, map[string]string{childArg: "100"})
		p.ready(t)
		if err := p.stdout.Close(); err != nil {
			t.Fatal(err)
		}
		endChild(t, p, 0)
		if state := p.wait(); state != "signal: broken pipe" { // by its last line, after Keep
			t.Errorf("the child ended with %q", state)
		}
		rows := list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{})
		if len(rows) != 1 || rows[0].Ended != instrument.RunClean || rows[0].Operations != 100+later {
			t.Errorf("rows: %+v", rows)
		}
	})
	t.Run("HUP under nohup", func(t *testing.T) {
		t.Parallel()
		path := newPath(t)
		p := startIgnoring(t, "keep nohup", path, map[string]string{childArg: "100"})
		p.ready(t)
		endChild(t, p, syscall.SIGHUP)
		endChild(t, p, syscall.SIGTERM)
		if said := p.line(t); said != "signal terminated 107" {
			t.Errorf("the child said %q", said)
		}
	})
}

// What cannot be saved keeps no program from its work.
func TestKeepWithoutAPlace(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &journal{}
	cfg := metricsdb.Config{Path: filepath.Join(file, "usage.db"), Logger: log.logger()}
	failed := errors.New("of the work")
	saved, err := metricsdb.Keep(t.Context(), cfg, run("r1"), func() []instrument.Snapshot { return nil }, func(context.Context) error { return failed })
	if !errors.Is(err, failed) || saved != (metricsdb.Saved{}) {
		t.Errorf("saved %+v, %v", saved, err)
	}
	if lines := log.warnings(); len(lines) != 1 || !strings.Contains(lines[0], "usage will not be saved") || !strings.Contains(lines[0], "folder missing") {
		t.Errorf("warnings: %q", lines)
	}
}
