// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// TestScripts runs the command line as people type it; each script is a story. The scripts' own command run stays in this
// process, which is quicker than exec.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run": run, "exits": exits, "save": save, "rows": rows, "columns": columns,
			"past": past, "failed": failed, "table": table, "objects": objects,
		},
	})
}

// save writes a run into the database of the script: save APP DOMAIN OPERATIONS [FILTER]. <ESC> stands for that character.
func save(ts *testscript.TestScript, _ bool, args []string) {
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "<ESC>", "\x1b")
	}
	operations, err := strconv.ParseUint(args[2], 10, 64)
	ts.Check(err)
	path := filepath.Join(ts.Getenv("XDG_STATE_HOME"), "ldapscope", "usage.db")
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	run := metricsdb.NewRun(args[0], "1.0")
	spool, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, run)
	ts.Check(err)
	var usage instrument.Usage
	usage.InitialConnectionStartTime = time.Now()
	for i, c := range instrument.CounterFields {
		*c.Field(&usage.Counters) = uint64(1000 + i)
	}
	usage.Operations, usage.SearchOperations = operations, operations
	snapshot := instrument.Snapshot{Domain: args[1], Server: "127.0.0.1:3890", Usage: usage, At: time.Now(), Seq: 1}
	if len(args) > 3 {
		snapshot.Shapes = []instrument.ShapeTotal{{
			Domain: args[1], ID: "00000000000000aa", Text: args[3], Kind: "search", Count: operations, Total: 7 * time.Millisecond, Max: 5 * time.Millisecond,
		}}
	}
	saved, err := spool.Finish([]instrument.Snapshot{snapshot}, time.Minute)
	ts.Check(err)
	if !saved.Merged {
		ts.Fatalf("the run stayed in its spool")
	}
	ts.Setenv("RUN", run.ID)
}

// rows checks that stdout is a JSON array of n runs with all fields that programs may count on: rows N.
func rows(ts *testscript.TestScript, _ bool, args []string) {
	var list []map[string]any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &list); err != nil || list == nil {
		ts.Fatalf("stdout is no JSON array: %v", err)
	}
	if want, _ := strconv.Atoi(args[0]); len(list) != want {
		ts.Fatalf("%d rows, want %s", len(list), args[0])
	}
	for _, row := range list {
		for _, name := range []string{"run", "domain", "host", "pid", "app", "start", "end", "ended"} {
			if _, ok := row[name]; !ok {
				ts.Fatalf("a row has no %q: %v", name, row)
			}
		}
		for i, c := range instrument.CounterFields {
			n, ok := row[c.Name].(float64)
			if !ok {
				ts.Fatalf("a row has no counter %q: %v", c.Name, row)
			}
			if c.Name != "operations" && c.Name != "search_operations" && n != float64(1000+i) {
				ts.Fatalf("%s is %v, want %d", c.Name, n, 1000+i)
			}
		}
		for _, name := range []string{"start", "end"} {
			if _, err := time.Parse(time.RFC3339Nano, row[name].(string)); err != nil {
				ts.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// columns checks that stdout or stderr holds no line that is wider than a terminal: columns stdout 80.
func columns(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := ts.ReadFile(args[0])
	if text == "" {
		ts.Fatalf("%s is empty", args[0])
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > most {
			ts.Fatalf("%d columns: %s", n, line)
		}
		if strings.ContainsAny(line, "\x1b\t") {
			ts.Fatalf("colour or tabulators in %q", line)
		}
	}
}

// run runs the program, which must succeed: run ARGS...
func run(ts *testscript.TestScript, neg bool, args []string) {
	exits(ts, neg, append([]string{"0"}, args...))
}

// exits runs the program and checks its exit code: exits CODE ARGS...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	var env []string
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "NO_COLOR", "CLICOLOR_FORCE"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	for i, arg := range args {
		if strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".db") {
			args[i] = ts.MkAbs(arg) // the working directory of this process is another
		}
	}
	code := program.Run(context.Background(), args[1:], strings.NewReader(""), ts.Stdout(), ts.Stderr(), env, nil)
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("ldapscope %s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// TestHelp holds the help of every command to fit a terminal, to be without colour, and to say what it is for.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, command := range program.Commands() {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr output
			args := append(strings.Fields(command)[1:], "--help")
			if code := program.Run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, []string{"XDG_STATE_HOME=/s"}, nil); code != 0 || stderr.String() != "" {
				t.Errorf("exit code %d, stderr %s", code, &stderr)
			}
			first, _, _ := strings.Cut(stdout.String(), "\n")
			if len(first) < 10 || !strings.Contains(stdout.String(), "\nUsage:\n  "+command) {
				t.Errorf("the help says\n%s", &stdout)
			}
			for line := range strings.Lines(stdout.String()) {
				if utf8.RuneCountInString(line) > 81 || strings.ContainsAny(line, "\x1b\t") {
					t.Errorf("wider than 80 columns, or colour or tabulators: %q", line)
				}
			}
		})
	}
}
