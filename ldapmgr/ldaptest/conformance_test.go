// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

var update = flag.Bool("update", false, "write what slapd answers into the conformance tables")

const (
	writerDN       = "cn=writer,ou=services,dc=example,dc=org"
	writerPassword = "write-me"
	rootDN         = "cn=admin,dc=example,dc=org"
	rootPassword   = "secret"
)

// TestConformance runs each table of testdata/conformance against the in-memory directory and against a real slapd. The
// tables hold requests and the answers that slapd gave to them; any difference fails.
func TestConformance(t *testing.T) {
	t.Parallel()
	data := conformanceData(t)
	servers := []struct {
		name  string
		start func(t *testing.T) string
	}{
		{"memory", func(t *testing.T) string { return startMemory(t, data) }},
		{"slapd", func(t *testing.T) string { return startSlapd(t, data) }},
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			for _, path := range tables(t, "conformance") {
				t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
					t.Parallel()
					runTable(t, path, server.start(t), *update && server.name == "slapd")
				})
			}
		})
	}
}

// TestActiveDirectory holds the ActiveDirectory profile to a table of documented behaviour. Nothing writes that table but
// its readers.
func TestActiveDirectory(t *testing.T) {
	t.Parallel()
	for _, path := range tables(t, "ad") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			runTable(t, path, startAD(t), *update)
		})
	}
}

func tables(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no tables in testdata/%s: %v", folder, err)
	}
	return paths
}

// conformanceData is the LDIF file and a crowd beside it that is larger than the size limit.
func conformanceData(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "conformance.ldif"))
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.NewBuffer(text)
	b.WriteString("\ndn: ou=crowd,dc=example,dc=org\nobjectClass: organizationalUnit\nou: crowd\n")
	for i := range 620 {
		fmt.Fprintf(b, "\ndn: uid=u%03d,ou=crowd,dc=example,dc=org\nobjectClass: account\nuid: u%03[1]d\nhost: h%d\n", i, i%7)
	}
	return b.String()
}

func startMemory(t *testing.T, data string) string {
	t.Helper()
	s := ldaptest.Start(t, ldaptest.Config{
		LDIF: strings.NewReader(data), Schema: ldaptest.SchemaForAD, RootDN: rootDN, RootPassword: rootPassword, Writers: []string{writerDN},
	})
	return s.Addr()
}

func startSlapd(t *testing.T, data string) string {
	t.Helper()
	s := slapd.Start(t, slapd.Config{
		LDIF: data, Schema: ldaptest.SchemaForAD,
		Access: []string{
			fmt.Sprintf("access to attrs=userPassword by dn.exact=%q =xw by self =xw by anonymous auth by * none", writerDN),
			fmt.Sprintf("access to * by dn.exact=%q write by * read", writerDN),
		},
	})
	return strings.TrimPrefix(s.LDAP, "ldap://")
}

func startAD(t *testing.T) string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "ad.ldif"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := ldaptest.Start(t, ldaptest.Config{
		Profile: ldaptest.ActiveDirectory, LDIF: file, RootPassword: rootPassword, MaxPageSize: 20, MaxValRange: 10,
		Writers: []string{writerDN},
	})
	return s.Addr()
}

// runTable replays the cases of one table in order on one server, each on a connection of its own.
func runTable(t *testing.T, path, addr string, write bool) {
	t.Helper()
	runCases(t, path, func(t *testing.T) *session { t.Helper(); return newSession(t, addr) }, write)
}

func runCases(t *testing.T, path string, connect func(t *testing.T) *session, write bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	head, cases := splitTable(string(text))
	out.WriteString(head)
	for _, c := range cases {
		fmt.Fprintf(&out, "\n== %s\n", c.name)
		t.Run(c.name, func(t *testing.T) {
			s := connect(t)
			defer s.close()
			for _, step := range c.steps {
				got := s.hidden(s.run(s.shown(step.command)))
				fmt.Fprintf(&out, "> %s\n%s", step.command, got)
				if diff := cmp.Diff(step.want, got); diff != "" && !write {
					t.Errorf("> %s\nwant (-) and got (+):\n%s", step.command, diff)
				}
			}
		})
	}
	if write && !t.Failed() {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type tableCase struct {
	name  string
	steps []tableStep
}

type tableStep struct {
	command string
	want    string
}

// splitTable reads "== name", "> command" and the lines of answers below each command. # starts a comment in the head.
func splitTable(text string) (head string, cases []tableCase) {
	for _, line := range strings.SplitAfter(text, "\n") {
		plain := strings.TrimSuffix(line, "\n")
		switch name, isCase := strings.CutPrefix(plain, "== "); {
		case isCase:
			cases = append(cases, tableCase{name: name})
		case len(cases) == 0:
			if strings.HasPrefix(plain, "#") {
				head += line
			}
		case strings.HasPrefix(plain, "> "):
			c := &cases[len(cases)-1]
			c.steps = append(c.steps, tableStep{command: plain[2:]})
		case plain != "":
			c := &cases[len(cases)-1]
			c.steps[len(c.steps)-1].want += line
		}
	}
	return head, cases
}
