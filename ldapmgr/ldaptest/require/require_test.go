// SPDX-License-Identifier: MIT

package require_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// double notes how a test would have ended.
type double struct{ ended string }

func (d *double) Helper() {}
func (d *double) Skipf(format string, args ...any) {
	d.ended = "skip: " + fmt.Sprintf(format, args...)
}
func (d *double) Fatalf(format string, args ...any) {
	d.ended = "fail: " + fmt.Sprintf(format, args...)
}

func TestProgram(t *testing.T) {
	folder := t.TempDir()
	there := filepath.Join(folder, "node")
	if err := os.WriteFile(there, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	tests := []struct {
		name, program, list string
		further             []string
		want                string // path, or how the test ends
	}{
		{name: "on the search path", program: "node", want: there},
		{name: "by a place of its own", program: "spaceship", further: []string{there}, want: there},
		{name: "missing", program: "chromium", want: "skip: this test needs chromium: it is not installed"},
		{name: "missing and another one listed", program: "chromium", list: "slapd,node", want: "skip: "},
		{name: "missing and listed", program: "chromium", list: "slapd, chromium", want: "fail: this test needs chromium, and LDAPSCOPE_REQUIRE names it"},
		{name: "part of a listed name", program: "chrom", list: "chromium", want: "skip: "},
		{name: "unknown", program: "spaceship", want: "skip: this test needs spaceship"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(require.Variable, test.list)
			var d double
			got := require.Program(&d, test.program, test.further...) + d.ended
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
