// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// TestEnding holds every way to end to leave its row.
func TestEnding(t *testing.T) {
	t.Parallel()
	signal := func(s syscall.Signal) func(*testing.T, *process) {
		return func(t *testing.T, p *process) {
			if err := p.command.Process.Signal(s); err != nil {
				t.Error(err)
			}
		}
	}
	tests := []struct {
		name    string
		command string
		end     func(*testing.T, *process)
		code    int
		ended   string
	}{
		{"INT", "ldapscope", signal(syscall.SIGINT), 0, "clean"},
		{"TERM", "ldapscope", signal(syscall.SIGTERM), 0, "clean"},
		{"KILL", "ldapscope", signal(syscall.SIGKILL), -1, "unclean"},
		{"panic", "ldapscope-panics", func(t *testing.T, p *process) {
			if _, err := p.stdin.Write([]byte("now\n")); err != nil {
				t.Error(err)
			}
		}, 2, "unclean"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, nil, tt.command, append(anywhere, "--quiet")...)
			p.visit("/people")
			seen, _ := p.domains()
			searches := seen["EXAMPLE"].Counters["search_operations"]
			if tt.ended == "unclean" { // what is lost then is the last second
				p.await("a checkpoint", func() bool {
					list := p.saved()
					return len(list) == 1 && list[0].Ended == "running" && list[0].Searches >= searches
				})
			}
			asked := time.Now()
			tt.end(t, p)
			<-p.ended
			took := time.Since(asked)
			if t.Logf("the end took %v", took.Round(time.Millisecond)); took > 2*time.Second {
				t.Error("that is more than 2 s")
			}
			if p.code != tt.code {
				t.Errorf("exit code %d, want %d; stderr %s", p.code, tt.code, p.stderr)
			}
			list := p.saved()
			if len(list) != 1 || list[0].Ended != tt.ended || list[0].Domain != "EXAMPLE" || list[0].App != "ldapscope demo" || list[0].PID != p.command.Process.Pid {
				t.Fatalf("saved is %+v, want one row that ended %s", list, tt.ended)
			}
			if got := list[0].Searches; got < searches || searches == 0 {
				t.Errorf("%d searches are saved, %d were seen", got, searches)
			}
			told := strings.Contains(p.stderr.String(), "ldapscope: saved ") && strings.Count(p.stderr.String(), "\n") == 1
			if clean := tt.ended == "clean"; told != clean {
				t.Errorf("stderr is %s", p.stderr)
			}
			if !demoLines.MatchString(p.stdout.String()) {
				t.Errorf("stdout is\n%s", p.stdout)
			}
		})
	}
}

// TestURL holds the link of a running panel to be found by ldapscope url, and to be gone with the panel.
func TestURL(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "ldapscope", append(anywhere, "--quiet")...)
	ask := func() (int, string) {
		var stdout, stderr output
		code := program.Run(t.Context(), []string{"url"}, strings.NewReader(""), &stdout, &stderr, environment(p.home), nil)
		return code, stdout.String() + stderr.String()
	}
	if code, said := ask(); code != 0 || said != p.panel+"/?t="+panelToken+"\n" {
		t.Errorf("url: exit %d, %q", code, said)
	}
	if info, err := os.Stat(p.home + "/ldapscope/panel.json"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the link: %v, mode %v", err, info.Mode())
	}
	p.stop()
	if code, said := ask(); code != 1 || !strings.Contains(said, "no panel is running") {
		t.Errorf("url after the end: exit %d, %q", code, said)
	}
}

// TestURLOfTwo: the link is that of the program that was started last, and of the other one again when that has ended.
func TestURLOfTwo(t *testing.T) {
	t.Parallel()
	first := startProcess(t, nil, "ldapscope", append(anywhere, "--quiet")...)
	second := startProcess(t, []string{"XDG_STATE_HOME=" + first.home}, "ldapscope", append(anywhere, "--quiet")...)
	ask := func() string {
		var stdout, stderr output
		program.Run(t.Context(), []string{"url"}, strings.NewReader(""), &stdout, &stderr, environment(first.home), nil)
		return stdout.String() + stderr.String()
	}
	if said := ask(); !strings.HasPrefix(said, second.panel) {
		t.Errorf("with two: %q", said)
	}
	second.stop()
	if said := ask(); !strings.HasPrefix(said, first.panel) {
		t.Errorf("with the first again: %q", said)
	}
}

// TestDeleteRunThatGoesOn says that a run is still going on when somebody wants to forget it.
func TestDeleteRunThatGoesOn(t *testing.T) {
	t.Parallel()
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	r.await("the run to be saved", func() bool { return len(r.savedRuns()) == 1 })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, r.panel+"/api/v1/runs/"+r.savedRuns()[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+panelToken)
	if status, body := r.send(request); status != http.StatusConflict || !strings.Contains(body, "end its process first") {
		t.Errorf("%d %s", status, body)
	}
}
