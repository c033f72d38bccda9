// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestSyncOnTerminal runs sync where somebody looks, and where nobody does: the bar, which goes away again, and the colours, which
// somebody may not want.
func TestSyncOnTerminal(t *testing.T) {
	t.Parallel()
	const people = 1200 // some pages
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(people))})
	config := write(t, "config.yaml", fmt.Sprintf(`domains:
  EXAMPLE: {servers: [%q], base: %q, bind: {name: %q, password: {value: %q}}, users: {fields: {email: mail}}}
`, server.URL(), ldaptest.DefaultSuffix, ldaptest.CompanyService, ldaptest.CompanyServicePassword))
	home := t.TempDir()
	sync := func(stdout, stderr io.Writer, env []string, args ...string) {
		t.Helper()
		program, err := exec.LookPath("ldapscope")
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command(program, append([]string{"sync", "--config", config}, args...)...)
		command.Stdout, command.Stderr, command.Env = stdout, stderr, environment(home, env...)
		if err := command.Run(); err != nil {
			t.Fatalf("sync %v: %v", args, err)
		}
	}

	const green = "\x1b[32m"
	for _, test := range []struct {
		name string
		env  []string
		want bool
	}{{"nothing said", nil, true}, {"NO_COLOR", []string{"NO_COLOR=1"}, false}, {"NO_COLOR empty", []string{"NO_COLOR="}, true}} {
		screen := newTerminal(t)
		sync(screen.line, io.Discard, test.env, "--plan", "--user", "ada")
		shown := screen.shown()
		if strings.Contains(shown, green) != test.want || !strings.Contains(shown, "+ new account") {
			t.Errorf("%s: the terminal shows\n%q", test.name, shown)
		}
	}

	server.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Delay(150*time.Millisecond)))
	for _, test := range []struct{ first, want string }{{"first", " people"}, {"next", "] 500 of about 1"}} {
		screen := newTerminal(t)
		var stdout bytes.Buffer
		sync(&stdout, screen.line, nil, "--apply", "--all")
		shown := strings.TrimSuffix(screen.shown(), "(end)")
		if !strings.Contains(shown, test.want) || !strings.HasSuffix(shown, " \r") || strings.Contains(shown, "\n") {
			t.Errorf("%s sync: the terminal shows %q, want a bar with %q that goes away", test.first, shown, test.want)
		}
		if strings.ContainsAny(stdout.String(), "\r\x1b") {
			t.Errorf("%s sync: a bar or colours in what is no terminal:\n%s", test.first, &stdout)
		}
	}
	var stdout, stderr bytes.Buffer
	sync(&stdout, &stderr, nil, "--plan", "--all")
	if stderr.Len() > 0 {
		t.Errorf("a pipe gets %q", &stderr)
	}
}
