// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"
)

// TestEmptyValuesAreNoSilence: what is written and would not hold, because empty means inherited, is an error that says what
// holds. Where nothing is inherited it is as good as left out.
func TestEmptyValuesAreNoSilence(t *testing.T) {
	t.Setenv("NOTHING", "")
	const head = "defaults:\n  base: dc=example,dc=org\n  login: {require: staff, limit: {bad_passwords: 3}}\n  groups: {cache_for: 10m}\n  sync: {every: 1h}\n" +
		"  pool: {min_idle: 2}\n%\ndomains:\n  a:\n    servers: [ldap://127.0.0.1]\n"
	for _, test := range []struct{ defaults, domain, line, path, says string }{
		{"", "    groups: {cache_for: 0s}", "11", "domains.a.groups.cache_for", "10m holds, from defaults"},
		{"", "    groups: {cache_for: 0}", "11", "domains.a.groups.cache_for", "replace: [groups]"},
		{"", "    login: {require: \"\"}", "11", "domains.a.login.require", "staff holds"},
		{"", "    login: {require: {env: NOTHING}}", "11", "domains.a.login.require", "staff holds"},
		{"", "    login: {limit: {bad_passwords: 0}}", "11", "domains.a.login.limit.bad_passwords", "3 holds"},
		{"", "    sync: {every: 0s}", "11", "domains.a.sync.every", "1h holds"},
		{"", "    base: ''", "11", "domains.a.base", "dc=example,dc=org holds"},
		{"", "    pool: {min_idle: 0}", "11", "domains.a.pool.min_idle", "2 holds"},
		{"", "    pool: {max_lifetime: 0s}", "11", "domains.a.pool.max_lifetime", "1h holds"},
		{"  timeouts: {bind: 0s}", "", "7", "defaults.timeouts.bind", "2s holds"},
		{"", "    preset: jumpcloud\n    pool: {max_open: 0}", "12", "domains.a.pool.max_open", "4 holds, from preset jumpcloud"},
		{"", "    pool: {max_uses: 0}\n    users: {cache_for: 0s}\n    timeouts: {operation: 0s}", "", "", ""},
		{"", "    replace: [groups]\n    groups: {cache_for: 0s}", "", "", ""},
		{"", "    sync: {flags: {staff: null}}\n    silence: []\n    extra: {x: null, y: 0}\n    read_only: true", "", "", ""},
		{"  extra: {x: 1, y: 2}", "    extra: {x: null, y: 0}", "", "", ""},
	} {
		_, err := parseConfig("f", []byte(strings.Replace(head, "%", test.defaults, 1)+test.domain+"\n"))
		switch {
		case test.path == "" && err != nil:
			t.Errorf("%s%s: %v", test.defaults, test.domain, err)
		case test.path != "" && (err == nil || !strings.HasPrefix(err.Error(), "f:"+test.line+": "+test.path+" ") || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s%s: got %v, want line %s, %s and %q", test.defaults, test.domain, err, test.line, test.path, test.says)
		}
	}
}
