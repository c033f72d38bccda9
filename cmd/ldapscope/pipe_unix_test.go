// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestNobodyReads: that head has read enough is no news for anybody; what else went wrong is told all the same.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	config := serveConfig(t, companyServer(t, ldaptest.Config{}).URL())
	for _, test := range []struct {
		args     string
		password string
		stderr   string
	}{
		{"search (objectClass=*)", "", ""},
		{"search --format json (objectClass=*)", "", ""},
		{"user ada", "", ""},
		{"groups ada", "", ""},
		{"login ada", ldaptest.CompanyPassword, ""},
		{"login ada", "wrong", "ldapscope: login in EXAMPLE: "},
		{"user nobody", "", "ldapscope: find user in EXAMPLE: "},
	} {
		t.Run(test.args+" "+test.password, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath("ldapscope")
			if err != nil {
				t.Fatal(err)
			}
			reads, writes, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer writes.Close()
			if err := reads.Close(); err != nil {
				t.Fatal(err)
			}
			args := strings.Fields(test.args)
			command := exec.Command(program, append([]string{args[0], "--config", config}, args[1:]...)...)
			var stderr bytes.Buffer
			command.Stdin, command.Stdout, command.Stderr, command.Env = strings.NewReader(test.password+"\n"), writes, &stderr, environment(t.TempDir())
			if err := command.Run(); err == nil {
				t.Error("the program says that it wrote everything")
			}
			got := stderr.String()
			if !strings.HasPrefix(got, test.stderr) || test.stderr == "" && got != "" || strings.Contains(got, "pipe") {
				t.Errorf("stderr is %q, want %q", got, test.stderr)
			}
		})
	}
}
