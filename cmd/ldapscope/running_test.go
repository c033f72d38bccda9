// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// patience is how long tests wait for what must come; it is long because the machine may be busy.
const patience = 20 * time.Second

// panelToken is the token of every program that tests start.
const panelToken = "0123456789abcdef0123456789abcdef"

// output is what a program printed so far.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// running is a demo or serve, in this process or in another, as a browser and a shell see it.
type running struct {
	t              *testing.T
	panel, app     string // addresses without a slash at their ends; app is "" without one
	directory      string // ldap URL; "" without one
	home           string // XDG_STATE_HOME
	stdout, stderr *output
	client         *http.Client
	ended          chan struct{} // closed when the program is gone
	code           int           // valid then
	end            func()        // asks it to end, as Ctrl-C does
}

// environment is what a program sees that tests start: a folder of its own to save in, and a token.
func environment(home string, further ...string) []string {
	env := []string{
		"XDG_STATE_HOME=" + home, "HOME=" + home, "LDAPSCOPE_TOKEN=" + panelToken,
		"GORACE=atexit_sleep_ms=0", // the race detector would hold the end of a process up by a second
	}
	for _, name := range []string{"PATH", "TMPDIR", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, further...)
}

// startHere runs a command line in this process until the test ends, or stop is called.
func startHere(t *testing.T, assembled func(program.Assembled), env []string, args ...string) *running {
	t.Helper()
	home := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, home: home, stdout: &output{}, stderr: &output{}, ended: make(chan struct{}), end: cancel}
	go func() { // ends with the program, for which stop waits
		defer close(r.ended)
		r.code = program.Run(ctx, args, strings.NewReader(""), r.stdout, r.stderr, environment(home, env...), assembled)
	}()
	t.Cleanup(func() { r.stop() })
	r.open(args)
	return r
}

// open waits until the program serves, and reads from its output where. args tell which line is its last.
func (r *running) open(args []string) {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.client = &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	lines := regexp.MustCompile(`(?m)^ldapscope: (panel|app|directory) at (\w+://[^/ \n]+)`)
	last := "panel"
	switch {
	case args[0] == "demo":
		last = "directory"
	case slices.Contains(args, "--app"):
		last = "app"
	}
	r.await("the panel to open", func() bool {
		at := map[string]string{}
		for _, line := range lines.FindAllStringSubmatch(r.stdout.String(), -1) {
			at[line[1]] = line[2]
		}
		if at[last] == "" {
			return false
		}
		r.panel, r.app, r.directory = at["panel"], at["app"], at["directory"]
		answer, err := r.client.Get(r.panel + "/healthz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// stop ends the program as Ctrl-C does and returns its exit code.
func (r *running) stop() int {
	r.t.Helper()
	r.end()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Errorf("the program has not ended after %v; stderr: %s", patience, r.stderr)
		return -1
	}
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
	return r.code
}

// await polls until holds, and fails the test when that does not happen or the program ends before.
func (r *running) await(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
			continue
		case <-r.ended:
			r.t.Fatalf("waiting for %s: the program ended with %d\nstdout: %s\nstderr: %s", what, r.code, r.stdout, r.stderr)
		case <-deadline.C:
			r.t.Fatalf("waiting for %s: it did not come within %v\nstdout: %s\nstderr: %s", what, patience, r.stdout, r.stderr)
		}
	}
}

// body asks the panel with its token.
func (r *running) body(path string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.panel+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+panelToken)
	return r.send(request)
}

// post sends JSON to the panel, with its token.
func (r *running) post(path, body string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.panel+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+panelToken)
	request.Header.Set("Content-Type", "application/json")
	return r.send(request)
}

// get asks the panel and decodes its answer, which must be 200.
func (r *running) get(path string, into any) {
	r.t.Helper()
	status, body := r.body(path)
	if status != http.StatusOK {
		r.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		r.t.Fatalf("GET %s: %v in %.500s", path, err, body)
	}
}

// visit opens a page of the app.
func (r *running) visit(path string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.app+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send(request)
}

// submit posts a form to the app and follows where it leads.
func (r *running) submit(path string, pairs ...string) (int, string) {
	r.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.app+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.send(request)
}

func (r *running) send(request *http.Request) (int, string) {
	r.t.Helper()
	answer, err := r.client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// write puts a file into a folder of the test and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
