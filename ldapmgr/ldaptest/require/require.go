// SPDX-License-Identifier: MIT

// Package require decides what a test does when a program that it needs is not installed: it skips and says why, unless
// the environment variable LDAPSCOPE_REQUIRE lists the program, as continuous integration sets it; then it fails.
//
//	path := require.Program(t, "slapd")
//
// Known names are slapd, samba, chromium, node and prometheus; every other name is looked up as it is. Functions may be
// called from any goroutine that may call t.Skip.
package require

import (
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Variable is the environment variable that lists what must be there, separated by commas.
const Variable = "LDAPSCOPE_REQUIRE"

// TB is what is needed of a test: *testing.T and *testing.B have it.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// programs are the files that a name stands for: absolute ones beside what the search path gives, since daemons live in
// folders that users have not in theirs.
var programs = map[string][]string{
	"slapd":      {"slapd", "/usr/sbin/slapd", "/usr/local/sbin/slapd", "/usr/libexec/slapd", "/usr/local/libexec/slapd"},
	"samba":      {"samba", "/usr/sbin/samba", "/usr/local/samba/sbin/samba"},
	"chromium":   {"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"},
	"node":       {"node", "nodejs"},
	"prometheus": {"prometheus", "/usr/bin/prometheus"},
}

// Program returns the path of an installed program. further are files to look for before the known ones.
func Program(tb TB, name string, further ...string) string {
	tb.Helper()
	candidates := append(slices.Clone(further), programs[name]...)
	if len(candidates) == 0 {
		candidates = []string{name}
	}
	for _, c := range candidates {
		if path, err := exec.LookPath(c); err == nil {
			return path
		}
	}
	Missing(tb, name, "it is not installed (looked for "+strings.Join(candidates, ", ")+")")
	return ""
}

// Missing skips or fails a test for a reason that Program cannot know, such as a missing right or a module.
func Missing(tb TB, name, reason string) {
	tb.Helper()
	if Required(name) {
		tb.Fatalf("this test needs %s, and %s names it: %s", name, Variable, reason)
		return
	}
	tb.Skipf("this test needs %s: %s", name, reason)
}

// Required reports whether LDAPSCOPE_REQUIRE lists the name.
func Required(name string) bool {
	for _, listed := range strings.Split(os.Getenv(Variable), ",") {
		if strings.TrimSpace(listed) == name {
			return true
		}
	}
	return false
}
