// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// TestAskScripts runs the commands that ask a domain, each story with a directory of its own.
func TestAskScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "ask"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			if name != "slapd" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			there := installed{}
			require.Program(&there, "slapd")
			return !there.missing, nil
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Values["directory"] = &scriptDirectory{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run": run, "exits": exits, "columns": columns, "directory": directory, "change": change, "remove": remove, "account": localAccounts,
		},
	})
}

// installed finds out whether a program is there. One that is required counts as there: using it then fails the test.
type installed struct{ missing bool }

func (*installed) Helper()                 {}
func (i *installed) Skipf(string, ...any)  { i.missing = true }
func (i *installed) Fatalf(string, ...any) { i.missing = false }

// scriptTB lets servers of tests run until a script ends.
type scriptTB struct{ ts *testscript.TestScript }

func (scriptTB) Helper()                             {}
func (s scriptTB) Cleanup(f func())                  { s.ts.Defer(f) }
func (s scriptTB) Fatalf(format string, args ...any) { s.ts.Fatalf(format, args...) }
func (s scriptTB) Skipf(format string, args ...any)  { s.ts.Fatalf(format, args...) }

// scriptDirectory is how a script changes its directory.
type scriptDirectory struct{ url, bind, password string }

func (d *scriptDirectory) connect(ts *testscript.TestScript) *ldap.Conn {
	conn, err := ldap.DialURL(d.url)
	ts.Check(err)
	ts.Check(conn.Bind(d.bind, d.password))
	return conn
}

// directory starts a directory and writes its address, service account and base into the placeholders of
// configurations: directory ad|slapd FILE...
func directory(ts *testscript.TestScript, _ bool, args []string) {
	d := ts.Value("directory").(*scriptDirectory)
	switch args[0] {
	case "ad":
		s := ldaptest.Start(scriptTB{ts}, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(30))})
		*d = scriptDirectory{s.URL(), ldaptest.CompanyService, ldaptest.CompanyServicePassword}
	case "slapd":
		s := slapd.Start(scriptTB{ts}, slapd.Config{LDIF: slapdLDIF()})
		*d = scriptDirectory{s.LDAP, s.RootDN, s.RootPW}
	default:
		ts.Fatalf("no directory %s", args[0])
	}
	fill := strings.NewReplacer("$WORK", ts.Getenv("WORK"), "$URL", d.url, "$BIND", d.bind, "$PASSWORD", d.password)
	for _, file := range args[1:] {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(fill.Replace(ts.ReadFile(file))), 0o600))
	}
}

// change replaces a value in the directory: change DN ATTRIBUTE VALUE.
func change(ts *testscript.TestScript, _ bool, args []string) {
	conn := ts.Value("directory").(*scriptDirectory).connect(ts)
	defer conn.Close()
	request := ldap.NewModifyRequest(args[0], nil)
	request.Replace(args[1], []string{args[2]})
	ts.Check(conn.Modify(request))
}

// remove deletes the entries that a filter finds, so many at most: remove FILTER N.
func remove(ts *testscript.TestScript, _ bool, args []string) {
	conn := ts.Value("directory").(*scriptDirectory).connect(ts)
	defer conn.Close()
	var most int
	_, err := fmt.Sscan(args[1], &most)
	ts.Check(err)
	found, err := conn.Search(ldap.NewSearchRequest(ldaptest.DefaultSuffix, ldap.ScopeWholeSubtree, 0, 0, 0, false, args[0], []string{"1.1"}, nil))
	ts.Check(err)
	if len(found.Entries) < most {
		ts.Fatalf("%d entries, want %d", len(found.Entries), most)
	}
	for _, e := range found.Entries[:most] {
		ts.Check(conn.Del(ldap.NewDelRequest(e.DN, nil)))
	}
}

// localAccounts adds local accounts that belong to no directory to the database of the script: account NAME...
func localAccounts(ts *testscript.TestScript, _ bool, args []string) {
	folder := filepath.Join(ts.Getenv("XDG_STATE_HOME"), "ldapscope")
	ts.Check(os.MkdirAll(folder, 0o700))
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "users.db"))
	ts.Check(err)
	defer db.Close()
	store, err := usersql.New(usersql.Config{DB: db})
	ts.Check(err)
	ts.Check(store.CreateTables(context.Background()))
	for _, name := range args {
		_, err := store.AddLocal(context.Background(), name, "")
		ts.Check(err)
	}
}
