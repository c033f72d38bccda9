// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// everyKey lists the paths of all keys: those of the program, and those of a domain without its name.
func everyKey() (program, domain []string) {
	d := ldapmgr.DomainConfig{Writer: &ldapmgr.Bind{}}
	return tell((&fileConfig{}).keys()).order, tell(domainKeys(&d)).order
}

func explainFile(t *testing.T, path string) (*fileConfig, []explained) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseConfig(filepath.Base(path), content)
	if err != nil {
		t.Fatal(err)
	}
	return c, c.explain()
}

// sections hold settings that are shown one by one.
var sections = []string{
	"bind", "writer", "tls", "timeouts", "pool", "extra", "login", "login.limit", "users", "users.fields", "groups", "sync", "sync.flags",
	"sync.implies", "sync.groups", "sync.mirror", "sync.brake",
}

// A file with every key: each is read, shown, and traced to the line on which it stands.
func TestEveryKeyIsExplained(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "every.yaml")
	c, all := explainFile(t, path)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	traced, exact := map[string]bool{}, map[string]bool{}
	for _, e := range all {
		if e.Line == 0 {
			continue
		}
		exact[e.Key] = true
		for key := e.Key; key != ""; key = key[:max(0, strings.LastIndexByte(key, '.'))] {
			traced[e.Domain+"/"+key] = true
		}
		if e.Domain != "" && !strings.Contains(e.Origin, "defaults") {
			last := e.Key[strings.LastIndexByte(e.Key, '.')+1:]
			if line := lines[e.Line-1]; !strings.Contains(line, last+":") {
				t.Errorf("%s %s is said to stand in line %d, which is %q", e.Domain, e.Key, e.Line, line)
			}
		}
	}
	for path := range c.lines { // what is written is shown, itself or in what it is a part of
		key, ok := strings.CutPrefix(path, "domains.CORP.")
		for ok && !exact[key] && strings.Contains(key, ".") {
			key = key[:strings.LastIndexByte(key, '.')]
		}
		if ok && !exact[key] && !slices.Contains(sections, strings.TrimPrefix(path, "domains.CORP.")) {
			t.Errorf("%s is written in line %d and not shown", path, c.lines[path])
		}
	}
	program, domain := everyKey()
	for _, key := range program {
		if !traced["/"+key] {
			t.Errorf("%s is not traced to its line", key)
		}
	}
	for _, key := range domain {
		if !traced["CORP/"+key] && !traced["LAB/"+key] && !strings.HasPrefix(key, "writer.") && key != "bind.keytab" && key != "bind.realm" && key != "bind.krb5_conf" && key != "bind.service" {
			t.Errorf("%s is not traced to its line", key)
		}
	}
	for _, key := range []string{"keytab", "realm", "krb5_conf", "service", "name", "method"} { // the other keys of bind stand here
		if !traced["CORP/writer."+key] {
			t.Errorf("writer.%s is not traced to its line", key)
		}
	}
	if len(c.manager.Domains) != 2 {
		t.Errorf("%d domains", len(c.manager.Domains))
	}
	if encoded, err := json.Marshal(all); err != nil || bytes.Contains(encoded, []byte("Tr0ub4dor")) {
		t.Errorf("a secret of extra is shown, or nothing can be: %v", err)
	}
}

// Every layer a value can come from, in one file.
func TestOrigins(t *testing.T) {
	t.Setenv("LDAPSCOPE_TEST_SERVERS", "ldaps://dc1.example.org, ldaps://dc2.example.org")
	t.Setenv("LDAPSCOPE_TEST_OPEN", "12")
	path := filepath.Join(t.TempDir(), "c.yaml")
	err := os.WriteFile(path, []byte(`defaults:
  preset: jumpcloud
  timeouts: {bind: 9s}
  pool: {max_open: {env: LDAPSCOPE_TEST_OPEN}}
  bind: {name: cn=shared, password: {value: of shared}}
  sync: {flags: {staff: helpdesk}, groups: {a: x}}
  silence: [clear_text]
domains:
  ONE:
    servers: {env: LDAPSCOPE_TEST_SERVERS}
    sync: {flags: {superuser: admins}, groups: {b: y}}
    silence: []
    pool: {max_idle: 20}
  TWO:
    bind: {name: cn=own, password: {env: X}}
    replace: [sync.flags, timeouts]
    sync: {flags: {superuser: admins}}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, all := explainFile(t, path)
	got := map[string]string{}
	for _, e := range all {
		if e.Values != nil {
			got[e.Domain+" "+e.Key] = strings.Join(e.Values, " ") + ": " + e.Origin
		}
	}
	want := map[string]string{
		"ONE servers":              "ldaps://dc1.example.org ldaps://dc2.example.org: environment variable LDAPSCOPE_TEST_SERVERS, line 10",
		"ONE preset":               "jumpcloud: defaults, line 2",
		"ONE timeouts.bind":        "9s: defaults, line 3",
		"ONE timeouts.call":        "15s: preset jumpcloud",
		"ONE timeouts.dns":         "1s: default",
		"ONE pool.max_open":        "12: defaults, environment variable LDAPSCOPE_TEST_OPEN, line 4",
		"ONE pool.max_idle":        "12: default",
		"ONE bind.name":            "cn=shared: defaults, line 5",
		"ONE bind.password":        "[hidden] from the configuration itself: defaults, line 5",
		"ONE bind.method":          "simple: default",
		"ONE sync.flags.staff":     "helpdesk: defaults, line 6",
		"ONE sync.flags.superuser": "admins: line 11",
		"ONE sync.groups.a":        "x: defaults, line 6",
		"ONE sync.groups.b":        "y: line 11",
		"ONE silence":              ": line 12",
		"TWO servers":              "ldaps://ldap.jumpcloud.com: preset jumpcloud",
		"TWO bind.password":        "[hidden] from environment variable X: line 15",
		"TWO silence":              "clear_text: defaults, line 7",
		"TWO timeouts.bind":        "5s: preset jumpcloud",
		"TWO sync.flags.staff":     "",
		"TWO sync.groups.a":        "x: defaults, line 6",
	}
	for key, origin := range want {
		if got[key] != origin {
			t.Errorf("%s: got %q, want %q", key, got[key], origin)
		}
	}
}

// What has no value is a mistake where one is needed, and each message says how to go on.
func TestNoValue(t *testing.T) {
	t.Parallel()
	_, err := parseConfig("c.yaml", []byte(`domains:
  ONE:
    servers: ["ldaps://dc1.example.org"]
    base:
    aliases: null
    preset: {env: LDAPSCOPE_TEST_NOT_SET}
    replace: [users.field]
    silence: [loud]
    referrals: [TWO]
preload: [THREE]
`))
	want := []string{
		"c.yaml:4: domains.ONE.base has no value: write a text, or remove the line to inherit",
		"c.yaml:5: domains.ONE.aliases must be a list",
		"c.yaml:6: domains.ONE.preset comes from the environment variable LDAPSCOPE_TEST_NOT_SET, which is not set",
		"c.yaml:7: domains.ONE.replace.0 is no part that can be replaced",
		"c.yaml:8: domains.ONE.silence.0 is no code of a warning",
		"c.yaml:9: domains.ONE.referrals.0 names no configured domain",
		"c.yaml:10: preload.0 names no configured domain",
	}
	for _, line := range want {
		if err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q is missing from\n%v", line, err)
		}
	}
	if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != len(want) {
		t.Errorf("%d problems, want %d:\n%v", n, len(want), err)
	}
}

// The bind methods that need more than a name say all that is missing.
func TestBindMethodsInFile(t *testing.T) {
	t.Parallel()
	tests := []struct{ bind, want string }{
		{`{method: ntlm, name: 'EXAMPLE\ada', password: {value: x}}`, ""},
		{`{method: ntlm, name: ada@example.org, password: {value: x}}`, "bind.name is not what NTLM takes"},
		{`{method: gssapi, name: ada, keytab: /etc/a}`, ""},
		{`{method: gssapi, ccache: /etc/a}`, ""},
		{`{method: gssapi, name: ada}`, "bind has no credentials for Kerberos"},
		{`{method: gssapi, keytab: /etc/a}`, "bind.name is missing"},
		{`{method: gssapi, name: ada, keytab: /etc/a, password: {value: x}}`, "bind has more than one of keytab, ccache and password"},
		{`{method: gssapi, name: ada, keytab: /etc/a, service: dc1}`, "bind.service is no principal of a service"},
		{`{name: cn=a, password: {value: x}, keytab: /etc/a}`, "bind.keytab is of no use with method simple"},
		{`{method: kerberos, name: ada}`, "methods are simple, anonymous, external, ntlm and gssapi"},
	}
	for _, test := range tests {
		_, err := parseConfig("c.yaml", []byte("domains:\n  ONE:\n    servers: ['ldaps://dc1.example.org']\n    bind: "+test.bind+"\n"))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.bind, err, test.want)
		}
	}
	_, err := parseConfig("c.yaml", []byte("domains:\n  ONE:\n    servers: ['ldaps://10.0.0.1']\n    bind: {method: gssapi, ccache: /etc/a}\n"))
	if err == nil || !strings.Contains(err.Error(), "bind.service is missing: Kerberos knows a server by its name") {
		t.Errorf("a server without a name: %v", err)
	}
}

// Keys are shown in order, and none twice.
func TestKeysAreInOrder(t *testing.T) {
	t.Parallel()
	program, domain := everyKey()
	for _, keys := range [][]string{program, domain} {
		sorted := slices.Compact(slices.Sorted(slices.Values(keys)))
		if len(sorted) != len(keys) {
			t.Errorf("a key is shown twice: %s", cmp.Diff(sorted, keys))
		}
	}
}
