// SPDX-License-Identifier: MIT

//go:build linux

package main_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// TestProgress holds work to tell people how far it is, once in a while, and programs and files nothing.
func TestProgress(t *testing.T) {
	t.Parallel()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0) // what is written to it comes back as on a screen
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	defer terminal.Close()
	program.Tell(terminal)
	if _, err := terminal.WriteString("end\n"); err != nil {
		t.Fatal(err)
	}
	screen := ""
	for part := make([]byte, 100); !strings.Contains(screen, "end"); {
		n, err := terminal.Read(part)
		if err != nil {
			t.Fatal(err)
		}
		screen += string(part[:n])
	}
	if want := "ldapscope: done 1 of 2\r\nend\r\n"; screen != want {
		t.Errorf("the screen shows %q, want %q", screen, want)
	}

	var buffer strings.Builder
	program.Tell(&buffer)
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	program.Tell(file)
	if info, err := file.Stat(); err != nil || info.Size() > 0 || buffer.Len() > 0 {
		t.Errorf("a file got %v bytes, %v, a pipe %q", info.Size(), err, &buffer)
	}
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	program.Tell(to)
	_ = to.Close()
	if said, err := io.ReadAll(from); err != nil || len(said) > 0 {
		t.Errorf("a pipe got %q, %v", said, err)
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"short", "search base", []string{"search base"}},
		{"empty", "", []string{""}},
		{"at a blank", "search sub dc=? (uid=?) cn", []string{"search sub dc=?", "(uid=?) cn"}},
		{"after a comma", "cn,displayName,mail,telephone,x", []string{"cn,displayName,", "mail,telephone,x"}},
		{"before a parenthesis", "(&(objectClass=?)(uid=?))", []string{"(&(objectClass=?)", "(uid=?))"}},
		{"nowhere", strings.Repeat("x", 40), []string{strings.Repeat("x", 17), strings.Repeat("x", 17), "xxxxxx"}},
		{"not in a character", strings.Repeat("ü", 18), []string{strings.Repeat("ü", 17), "ü"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, program.Fold(tt.text, 17)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
