// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
)

// anywhere makes a demo take free ports.
var anywhere = []string{"demo", "--listen", "127.0.0.1:0", "--app-listen", "127.0.0.1:0", "--directory-listen", "127.0.0.1:0"}

// demoLines are what a demo prints to stdout, and nothing else.
var demoLines = regexp.MustCompile(`^ldapscope: panel at http://127\.0\.0\.1:\d+/\?t=` + panelToken + `
ldapscope: app at http://127\.0\.0\.1:\d+/
ldapscope: directory at ldap://127\.0\.0\.1:\d+ as cn=ldapscope,ou=services,dc=example,dc=org
$`)

// TestDemo also prints how long it took from the call to the first operation in the API.
func TestDemo(t *testing.T) {
	t.Parallel()
	start := time.Now()
	r := startHere(t, nil, nil, "demo", "--listen", port.Reserve(t), "--app-listen", port.Reserve(t), "--directory-listen", port.Reserve(t))
	r.await("an operation", func() bool { return len(r.operations("")) > 0 })
	took := time.Since(start)
	t.Logf("from start to the first operation in the API: %v", took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("the first operation is seen after %v", took)
	}
	r.await("an HTTP request of its own traffic", func() bool { return len(r.requests("/login")) > 0 })
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := r.stdout.String(); !demoLines.MatchString(got) {
		t.Errorf("stdout is\n%s", got)
	}
	saved := regexp.MustCompile(`^ldapscope: saved the usage \(operations: \d+, domains: 1\); see it with: ldapscope metrics show \S+\n$`)
	if got := r.stderr.String(); !saved.MatchString(got) {
		t.Errorf("stderr is %q, want the one line that says what was saved", got)
	}
	for _, address := range []string{r.panel, r.app, r.directory} {
		_, hostport, _ := strings.Cut(address, "://")
		on, err := net.Listen("tcp", hostport)
		if err != nil {
			t.Errorf("a port is still in use after the end: %v", err)
			continue
		}
		_ = on.Close()
	}
}

func TestDemoQuiet(t *testing.T) {
	t.Parallel()
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	r.await("the bind of the service account", func() bool { return len(of("bind", r.operations(""))) > 0 })
	tick := time.NewTimer(400 * time.Millisecond) // traffic would begin after 100 ms
	<-tick.C
	if found := r.requests("/login"); len(found) > 0 {
		t.Errorf("a quiet demo makes traffic of its own: %+v", found)
	}
	if status, _ := r.visit("/people"); status != 200 {
		t.Errorf("GET /people: %d", status)
	}
	if found := r.requests("/people"); len(found) != 1 || found[0].Operations == 0 {
		t.Errorf("one visit is shown as %+v", found)
	}
	r.stop()
	if got := r.stdout.String(); !demoLines.MatchString(got) {
		t.Errorf("stdout is\n%s", got)
	}
}

// TestDemoDefaultPortsTaken holds a demo to find other ports when its default ones are taken, by the test or anyone else.
func TestDemoDefaultPortsTaken(t *testing.T) {
	t.Parallel()
	taken := []string{"127.0.0.1:8389", "127.0.0.1:8390", "127.0.0.1:3890"}
	for _, address := range taken {
		if on, err := net.Listen("tcp", address); err == nil {
			t.Cleanup(func() { _ = on.Close() })
		}
	}
	r := startHere(t, nil, nil, "demo", "--quiet")
	for _, address := range taken {
		if strings.Contains(r.stdout.String(), address+"/") || strings.Contains(r.stdout.String(), address+" ") {
			t.Errorf("%s was taken, and stdout is\n%s", address, r.stdout)
		}
	}
	if r.stop(); !demoLines.MatchString(r.stdout.String()) {
		t.Errorf("stdout is\n%s", r.stdout)
	}
}

// TestPortInUse holds every flag that names an address to the same two answers.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = on.Close() })
	_, port, _ := net.SplitHostPort(on.Addr().String())
	config := write(t, "config.yaml", "domains: {A: {servers: [\"ldap://127.0.0.1:1\"]}}\n")
	tests := []struct {
		name string
		args []string
		flag string
	}{
		{"demo, panel", []string{"demo", "--app-listen", "127.0.0.1:0", "--directory-listen", "127.0.0.1:0"}, "--listen"},
		{"demo, app", []string{"demo", "--listen", "127.0.0.1:0", "--directory-listen", "127.0.0.1:0"}, "--app-listen"},
		{"demo, directory", []string{"demo", "--listen", "127.0.0.1:0", "--app-listen", "127.0.0.1:0"}, "--directory-listen"},
		{"serve, panel", []string{"serve", "--config", config}, "--listen"},
		{"serve, app", []string{"serve", "--config", config, "--listen", "127.0.0.1:0"}, "--app"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for address, want := range map[string]struct {
				code int
				says string
			}{
				on.Addr().String(): {1, "port " + port + " is in use; choose another with " + tt.flag + " 127.0.0.1:0"},
				"nowhere":          {2, tt.flag + ` "nowhere" is no address: write host:port`},
				"127.0.0.1:99999":  {2, tt.flag},
			} {
				var stdout, stderr output
				ctx, cancel := context.WithTimeout(t.Context(), patience) // for a program that starts all the same
				defer cancel()
				code := program.Run(ctx, append(tt.args, tt.flag, address), strings.NewReader(""), &stdout, &stderr, environment(t.TempDir()), nil)
				if code != want.code || !strings.Contains(stderr.String(), want.says) || stdout.String() != "" {
					t.Errorf("%s: exit %d, stdout %q, stderr %q; want %d and %q", address, code, &stdout, &stderr, want.code, want.says)
				}
			}
		})
	}
}
