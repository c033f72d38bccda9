// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// shown is a run as metrics show tells it to programs.
type shown struct {
	End        *time.Time `json:"end"`
	Ended      string     `json:"ended"`
	Operations []struct {
		Reason    string `json:"reason"`
		Kind      string `json:"kind"`
		Duration  int64  `json:"duration_us"`
		Operation struct {
			Shape string `json:"shape_text"`
			Error string `json:"error"`
			Route string `json:"route"`
		} `json:"operation"`
	} `json:"operations"`
}

// ask runs one of the program's commands on the same state and returns what it printed.
func (r *running) ask(args ...string) string {
	r.t.Helper()
	var stdout, stderr output
	if code := program.Run(r.t.Context(), args, strings.NewReader(""), &stdout, &stderr, environment(r.home), nil); code != 0 {
		r.t.Fatalf("%v: exit %d, %s", args, code, &stderr)
	}
	return stdout.String()
}

func (r *running) shown(run string) (s shown, text string) {
	r.t.Helper()
	text = r.ask("metrics", "show", run, "--format", "json")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		r.t.Fatalf("%v in %s", err, text)
	}
	return s, text
}

// count is how many operations were kept for the reason whose shape and error hold these texts.
func (s shown) count(reason, shape, failure string) (n int) {
	for _, o := range s.Operations {
		if o.Reason == reason && strings.Contains(o.Operation.Shape, shape) && strings.Contains(o.Operation.Error, failure) {
			n++
		}
	}
	return n
}

// TestKeptOperations holds slow and failed operations to be found by metrics show, while the program runs and after it, as
// shapes alone, a few of each; and a run that goes on to have no end.
func TestKeptOperations(t *testing.T) {
	t.Parallel()
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	r.submit("/login", "username", "nobody.of.that.name", "password", "wrong")
	r.visit("/slow")
	var run string
	r.await("the operations to be kept", func() bool {
		list := r.saved()
		if len(list) != 1 || list[0].Ended != "running" {
			return false
		}
		run = list[0].Run
		s, text := r.shown(run)
		if s.Ended == "running" && (s.End != nil || strings.Contains(text, `"0001-`)) {
			t.Fatalf("a run that goes on ended in %s", text)
		}
		return s.count("failed", "bind ", "invalid") > 0 && s.count("slow", "search ", "") > 0
	})
	for range 8 { // and what comes in the last moment
		r.visit("/failing")
	}
	r.stop()
	s, text := r.shown(run)
	if n := s.count("failed", "search ", "noSuchObject"); n != 5 {
		t.Errorf("%d of 8 searches that failed in the last moment were kept, want 5", n)
	}
	failed := map[string]int{}
	for _, o := range s.Operations {
		if o.Reason == "failed" {
			failed[o.Operation.Shape]++
		}
		if o.Reason == "slow" && o.Duration < 500_000 {
			t.Errorf("kept as slow after %d us: %s", o.Duration, o.Operation.Shape)
		}
	}
	for shape, n := range failed {
		if n > 5 {
			t.Errorf("%d operations of %q were kept", n, shape)
		}
	}
	if s.count("slow", "search ", "") == 0 || len(failed) == 0 || s.End == nil || !strings.Contains(text, `"route": "/slow"`) {
		t.Errorf("after the end: %s", text)
	}
	table := r.ask("metrics", "show", run)
	if !strings.Contains(table, "slow and failed operations") || !strings.Contains(table, "  slow ") || !strings.Contains(table, "invalidCredentials") {
		t.Errorf("the table is\n%s", table)
	}
	if where := found(t, filepath.Join(r.home, "ldapscope"), "nobody.of.that.name"); where != "" {
		t.Errorf("a name that somebody searched for is in %s", where)
	}
}

// found returns the first file below a folder that holds the text.
func found(t *testing.T, folder, text string) (where string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), text) {
			where = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// TestEndWithBlackHole holds a telemetry backend that takes connections and never answers to delay the end by no more than
// its bound, and the saving of usage not at all.
func TestEndWithBlackHole(t *testing.T) {
	t.Parallel()
	hole, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts; nobody reads
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + hole.Addr().String(), "OTEL_BSP_SCHEDULE_DELAY=20"}
	p := startProcess(t, env, "ldapscope", append(anywhere, "--quiet")...)
	p.visit("/people")
	begun := time.Now()
	p.end()
	p.await("the line that says what was saved", func() bool { return strings.Contains(p.stderr.String(), "ldapscope: saved ") })
	saved := time.Since(begun)
	<-p.ended
	ended := time.Since(begun)
	t.Logf("saved after %v, ended after %v", saved.Round(time.Millisecond), ended.Round(time.Millisecond))
	const bound, slack = 2 * time.Second, time.Second // the slack is for a machine that is busy
	if ended > bound+slack || ended-saved < 500*time.Millisecond {
		t.Errorf("ended %v after the signal, saved %v after it; the hole must delay what comes after saving, and no longer than its bound", ended, saved)
	}
	if list := p.saved(); len(list) != 1 || list[0].Ended != "clean" {
		t.Errorf("saved is %+v", list)
	}
}
