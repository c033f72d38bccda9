// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// checked runs config check --connect and returns what it says and its exit code.
func checked(t *testing.T, path string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = program.Run(t.Context(), append([]string{"config", "check", "--connect", path}, args...), strings.NewReader(""), &out, &err, environment(t.TempDir()), nil)
	return out.String(), err.String(), code
}

// TestConfigCheckEveryServer: with --connect each server is tried by itself, also where another one would do.
func TestConfigCheckEveryServer(t *testing.T) {
	t.Parallel()
	first, ca := tlsServer(t, "first.example", 40)
	plain, dead := companyServer(t, ldaptest.Config{}).URL(), "ldap://"+port.Reserve(t)
	path := write(t, "servers.yaml", fmt.Sprintf(`domains:
  LAB:
    servers: [%q, %q]
    base: %s
    bind: {name: %q, password: {value: %q}}
    tls: {ca_file: %s}
  PLAIN:
    servers: [%q]
`, dead, first, ldaptest.DefaultSuffix, ldaptest.CompanyService, ldaptest.CompanyServicePassword, ca, plain))
	stdout, stderr, code := checked(t, path)
	if code != 1 || stderr != "ldapscope: no connection to 1 of 2 servers of LAB\n" {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}
	for _, part := range []string{
		"servers.yaml has no mistakes, but not every server answers: 2 domains\n",
		"\nserver LAB " + dead + "\n  connection  none: nothing listens on this port (connection refused)\n",
		"\nserver LAB " + first + "\n  connection   made\n  encryption   TLS 1.3, ",
		"\nserver PLAIN " + plain + "\n  connection  made\n",
		"\n  LAB no_connection: " + dead + ": nothing listens on this port (connection refused)\n",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("no %q in\n%s", part, stdout)
		}
	}
	stdout, _, code = checked(t, path, "--format", "json")
	var document struct {
		Servers []map[string]any `json:"servers"`
	}
	if err := json.Unmarshal([]byte(stdout), &document); err != nil || code != 1 || len(document.Servers) != 3 {
		t.Fatalf("exit code %d: %v\n%s", code, err, stdout)
	}
	for i, want := range []struct{ reached, encrypted bool }{{false, false}, {true, true}, {true, false}} {
		server := document.Servers[i]
		_, encrypted := server["tls_version"]
		_, failed := server["error"]
		if server["reached"] != want.reached || failed == want.reached || encrypted != want.encrypted {
			t.Errorf("as JSON: %v", server)
		}
	}
}

// TestConfigCheckRefusedAccount: a server that refuses the account counts as not reached, and its certificate is told all the
// same.
func TestConfigCheckRefusedAccount(t *testing.T) {
	t.Parallel()
	address, ca := tlsServer(t, "first.example", 40)
	path := write(t, "account.yaml", fmt.Sprintf("domains: {LAB: {servers: [%q], base: %q, bind: {name: %q, password: {value: wrong}}, tls: {ca_file: %s}}}\n",
		address, ldaptest.DefaultSuffix, ldaptest.CompanyService, ca))
	stdout, stderr, code := checked(t, path)
	if code != 1 || stderr != "ldapscope: no connection to LAB\n" {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}
	for _, part := range []string{"\n  connection   none: the service account is refused", "\n  encryption   TLS 1.3, ", "not every domain answers"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("no %q in\n%s", part, stdout)
		}
	}
}
