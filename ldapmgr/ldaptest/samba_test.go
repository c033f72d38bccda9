// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// TestActiveDirectoryOnSamba runs the tables of the ActiveDirectory profile, which TestActiveDirectory holds the in-memory
// directory to, against a real domain controller. testdata/samba lists every answer in which Samba differs, with the reason;
// any other difference fails, and so does a listed one that is none any more.
func TestActiveDirectoryOnSamba(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "ad.ldif"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tables(t, "ad") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			listed := readDifferences(t, filepath.Join("testdata", "samba", filepath.Base(path)))
			s := samba.Start(t, samba.Config{LDIF: string(data), Admins: []string{writerDN}})
			runOnSamba(t, path, s.IP+":389", listed)
			listed.done(t)
		})
	}
}

func runOnSamba(t *testing.T, path, addr string, listed *differences) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, cases := splitTable(string(text))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t, addr)
			defer s.close()
			for _, step := range c.steps {
				got := essence(s.run(step.command))
				step.want = essence(step.want)
				if diff := cmp.Diff(listed.answer(t, c.name, step, got), got); diff != "" {
					t.Errorf("> %s\nwant (-) and got (+):\n%s", step.command, diff)
				}
			}
		})
	}
}

// essence takes off an answer, of the table or of Samba, what differs throughout and tells nothing:
//   - the references that every search from the suffix of a domain ends with; the in-memory directory sends them only where
//     Config.Partitions asks for them
//   - the number 00000000 that Samba sends beside success
//   - "data 0", which Active Directory puts behind numbers that nothing more is known of
//   - the name of an extended operation that Samba repeats in its answer, as it may
//
// Of entries and values that are part of a longer list only the count stays: they come in the order of random numbers.
func essence(answer string) string {
	var kept []string
	entries, part := 0, strings.Contains(answer, " more\n")
	for line := range strings.Lines(answer) {
		line = strings.TrimSuffix(line, "\n")
		switch entry := strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   "); {
		case strings.HasPrefix(line, "  reference "):
			continue
		case strings.HasPrefix(line, "  = "):
			line = strings.TrimSuffix(strings.TrimSuffix(line, " 00000000"), " data 0")
			line, _, _ = strings.Cut(line, " oid ")
		case strings.Contains(line, ";range="):
			name, values, _ := strings.Cut(line, ": ")
			line = fmt.Sprintf("%s: %d values", name, len(strings.FieldsFunc(values, func(r rune) bool { return r == '|' })))
		case entry && !strings.HasPrefix(line, "  control "):
			if entries++; part {
				continue
			}
		}
		kept = append(kept, line+"\n")
	}
	if part || entries > 20 {
		last := slices.IndexFunc(kept, func(line string) bool { return strings.HasPrefix(line, "  = ") })
		kept = append([]string{fmt.Sprintf("  %d entries\n", entries)}, kept[max(last, 0):]...)
	}
	return strings.Join(kept, "")
}

// differences are the answers in which Samba differs from a table. A file of them reads like a table, with the reason in
// lines that start with # below the name of a case. "> #2 COMMAND" is for the second time that a case gives a command.
type differences struct {
	path    string
	head    string
	answers map[place]string
	reasons map[string]string // by name of the case
	times   map[place]int     // that a command of a case has come up
	used    map[place]bool
	now     strings.Builder // the file as it should be
	last    string          // case that was noted last
}

// place is where a difference is: a case, and a command with its number if it is not the first.
type place struct{ name, command string }

func readDifferences(t *testing.T, path string) *differences {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &differences{path: path, answers: map[place]string{}, reasons: map[string]string{}, times: map[place]int{}, used: map[place]bool{}}
	name := ""
	var table strings.Builder
	for line := range strings.Lines(string(text)) {
		title, isCase := strings.CutPrefix(line, "== ")
		switch {
		case isCase:
			name = strings.TrimSpace(title)
		case name != "" && strings.HasPrefix(line, "#"):
			d.reasons[name] += line
			continue
		case name == "" && strings.HasPrefix(line, "#"):
			d.head += line
		}
		table.WriteString(line)
	}
	_, cases := splitTable(table.String())
	for _, c := range cases {
		for _, step := range c.steps {
			d.answers[place{c.name, step.command}] = step.want
		}
	}
	return d
}

// answer returns what Samba answers to a step, of which got is noted: what the file says of it, or else what the table says.
func (d *differences) answer(t *testing.T, name string, step tableStep, got string) string {
	t.Helper()
	at := place{name, step.command}
	if d.times[at]++; d.times[at] > 1 {
		at.command = fmt.Sprintf("#%d %s", d.times[at], step.command)
	}
	d.note(at, step.want, got)
	want, listed := d.answers[at]
	if !listed {
		return step.want
	}
	d.used[at] = true
	if want == step.want {
		t.Errorf("> %s\n%s says that Samba differs here, and gives the answer of the table", step.command, d.path)
	}
	if strings.Trim(d.reasons[name], "# \n") == "" {
		t.Errorf("%s gives no reason for the case %q", d.path, name)
	}
	return want
}

func (d *differences) note(at place, want, got string) {
	if got == want {
		return
	}
	if d.last != at.name {
		reason := d.reasons[at.name]
		if reason == "" {
			reason = "# \n"
		}
		fmt.Fprintf(&d.now, "\n== %s\n%s", at.name, reason)
		d.last = at.name
	}
	fmt.Fprintf(&d.now, "> %s\n%s", at.command, got)
}

// done reports what is listed and did not come up, and writes the file anew when asked to.
func (d *differences) done(t *testing.T) {
	t.Helper()
	if *update {
		if err := os.WriteFile(d.path, []byte(d.head+d.now.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for at := range d.answers {
		if !d.used[at] {
			t.Errorf("%s: case %q lists %q, which is not in the table", d.path, at.name, at.command)
		}
	}
}
