// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// PostgreSQL itself, where it is installed, takes the schema and can prepare every statement that the package has.
func TestPostgreSQLTakesSchemaAndQueries(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	p.psql(t, "\\i "+absolute(t, "postgres/schema.sql"))
	askEverything(t)
	var script strings.Builder
	for i, text := range asked.all() {
		fmt.Fprintf(&script, "PREPARE s%d AS %s;\n", i, numbered(text))
	}
	p.psql(t, script.String())
}

// numbered writes parameters as PostgreSQL does.
func numbered(statement string) string {
	var out strings.Builder
	n := 0
	for _, r := range statement {
		if r == '?' {
			n++
			fmt.Fprintf(&out, "$%d", n)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// postgres is a server in a folder of its own, on a socket in it.
type postgres struct{ client, folder string }

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	debian := func(name string) []string { // which leaves them out of the search path
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		return append(found, name)
	}
	server := require.Program(t, "postgres", debian("postgres")...)
	create := require.Program(t, "initdb", debian("initdb")...)
	p := &postgres{client: require.Program(t, "psql")}
	var err error
	if p.folder, err = os.MkdirTemp("", "pg"); err != nil { //nolint:usetesting // the path of a socket must be short
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(p.folder) })
	user := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // as which it does not start
		const nobody = 65534
		user.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(p.folder, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(p.folder, "data")
	made := exec.CommandContext(t.Context(), create, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	made.SysProcAttr, made.Dir = user, p.folder
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	var said bytes.Buffer
	running := exec.Command(server, "-D", data, "-k", p.folder, "-c", "listen_addresses=", "-c", "fsync=off")
	running.SysProcAttr, running.Dir, running.Stdout, running.Stderr = user, p.folder, &said, &said
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = running.Process.Signal(syscall.SIGQUIT)
		_ = running.Wait()
		if t.Failed() {
			t.Logf("the server said:\n%s", said.String())
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		out, err := p.command(t, "SELECT 1;").CombinedOutput()
		if err == nil {
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v\n%s", err, out)
		}
	}
}

func (p *postgres) command(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), p.client, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", p.folder, "-U", "postgres", "-f", "-")
	c.Stdin = strings.NewReader(script)
	return c
}

func (p *postgres) psql(t *testing.T, script string) {
	t.Helper()
	if out, err := p.command(t, script).CombinedOutput(); err != nil {
		lines := strings.Split(script, "\n")
		t.Errorf("psql: %v\n%s\nof %d lines", err, out, len(lines))
	}
}
