// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestBar draws what a terminal gets: nothing at once, then what is known, each time over the last, and nothing in the end.
func TestBar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var screen strings.Builder
		b := newBar(&screen, "people")
		b.w = &screen // a builder is no terminal
		draws := func(done int, want string) {
			t.Helper()
			screen.Reset()
			b.tell(done)
			if got := screen.String(); got != want {
				t.Errorf("at %d it draws %q, want %q", done, got, want)
			}
		}
		pause := func() { time.Sleep(barPause) } //nolint:forbidigo // the bubble's clock
		draws(100, "")                           // work that takes no time needs no bar
		pause()
		draws(500, "\r500 people")
		draws(501, "")
		b.about = 1000
		pause()
		draws(510, "\r[####################....................] 510 of about 1000 people")
		pause()
		draws(1200, "\r["+strings.Repeat("#", 40)+"] 1200 of about 1000 people")
		b.about = 0 // another domain
		pause()
		draws(7, "\r7 people"+strings.Repeat(" ", 60))
		screen.Reset()
		b.end()
		if got, want := screen.String(), "\r"+strings.Repeat(" ", len("7 people"))+"\r"; got != want {
			t.Errorf("the end leaves %q, want %q", got, want)
		}
		b.end()
		if got := screen.String(); strings.Count(got, "\r") != 2 {
			t.Errorf("a second end draws too: %q", got)
		}
	})
}

// TestBarIsForTerminals: files, pipes and programs get none.
func TestBarIsForTerminals(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	defer to.Close()
	for name, w := range map[string]io.Writer{"file": file, "pipe": to, "buffer": &strings.Builder{}} {
		b := newBar(w, "people")
		b.next = time.Now()
		b.tell(1)
		b.end()
		if b.w != nil || b.shown != 0 {
			t.Errorf("a %s gets a bar", name)
		}
	}
	if info, err := file.Stat(); err != nil || info.Size() > 0 {
		t.Errorf("the file got %d bytes, %v", info.Size(), err)
	}
}

// TestPlanInColours: green comes, red goes, yellow is kept back, and what the directory says steers no terminal.
func TestPlanInColours(t *testing.T) {
	t.Parallel()
	was, is := "old", "new"
	plan := ldapmgr.Plan{
		Name: "ada", Account: "ada", Domain: "EXAMPLE", Moved: true, DN: "cn=Ada",
		Fields: []ldapmgr.FieldChange{{Name: "mail", From: &was}, {Name: "phone", From: &was, To: &is}},
		Flags:  []ldapmgr.FlagChange{{Name: "staff", To: true}, {Name: "superuser"}},
		Join:   []string{"red\x1b[31m"}, Quit: []string{"sales"}, Held: []ldapmgr.Held{{What: "group x", Reason: "too many"}},
	}
	lines := []struct{ colour, text string }{
		{"", "ada (ada in EXAMPLE)"},
		{"", "  ~ moved to cn=Ada"},
		{"31", `  - mail: was "old"`},
		{"", `  ~ phone: "new", was "old"`},
		{"32", "  + flag staff"},
		{"31", "  - flag superuser"},
		{"32", "  + group red" + printable("\x1b") + "[31m"},
		{"31", "  - group sales"},
		{"33", "  ! kept: group x: too many"},
	}
	for _, coloured := range []bool{true, false} {
		var want, got strings.Builder
		for _, line := range lines {
			if coloured && line.colour != "" {
				line.text = "\x1b[" + line.colour + "m" + line.text + "\x1b[0m"
			}
			want.WriteString(line.text + "\n")
		}
		if err := writePlan(&got, plan, coloured); err != nil || got.String() != want.String() {
			t.Errorf("coloured %v: %v\n%q, want\n%q", coloured, err, got.String(), want.String())
		}
	}
	if strings.Contains(printable("\x1b"), "\x1b") {
		t.Error("an escape is printed as it is")
	}
}
