// SPDX-License-Identifier: MIT

package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// Server is a PostgreSQL that tests share. The zero value is ready for Start.
type Server struct {
	mu      sync.Mutex // guards what follows
	folder  string     // with the data and the socket
	client  string     // psql
	process *exec.Cmd
	input   io.Closer // the server runs until it is closed
	said    bytes.Buffer
	failed  error // the next test need not wait for the same again
}

const startLimit = 20 * time.Second

// guardian runs a server until its own input ends, which it does with the process that holds the other end.
const guardian = `folder=$1; shift
"$@" </dev/null & server=$!
cat >/dev/null
kill -QUIT $server; wait $server
rm -rf "$folder"`

// Start starts the server unless it runs.
func (s *Server) Start(tb require.TB) {
	tb.Helper()
	server, create, client := programs(tb)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return
	}
	if s.failed == nil {
		s.client = client
		if s.failed = s.run(server, create); s.failed != nil {
			s.failed = fmt.Errorf("%w\n%s", errors.Join(s.failed, s.stop()), &s.said)
		}
	}
	if s.failed != nil {
		tb.Fatalf("start PostgreSQL: %v", s.failed)
	}
}

// programs finds what is needed. Debian leaves all but the client out of the search path.
func programs(tb require.TB) (server, create, client string) {
	tb.Helper()
	if runtime.GOOS == "windows" {
		require.Missing(tb, "postgres", "it is started by a Unix shell")
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is right
	server = require.Program(tb, "postgres", append(found, "postgres")...)
	if target, err := filepath.EvalSymlinks(server); err == nil {
		server = target
	}
	beside := func(name string) string {
		path, err := exec.LookPath(filepath.Join(filepath.Dir(server), name))
		if err != nil {
			path, err = exec.LookPath(name)
		}
		if err != nil {
			require.Missing(tb, "postgres", name+" is not installed")
		}
		return path
	}
	return server, beside("initdb"), beside("psql")
}

func (s *Server) run(server, create string) (err error) {
	if s.folder, err = os.MkdirTemp("", "pg"); err != nil { // short, for the socket's path
		return err
	}
	user, err := unprivileged(s.folder)
	if err != nil {
		return err
	}
	data := filepath.Join(s.folder, "data")
	made := exec.Command(create, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync") //nolint:gosec // found by require
	made.SysProcAttr, made.Dir = user, s.folder
	if out, err := made.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.said.Reset()
	arguments := []string{"-c", guardian, "sh", s.folder, server, "-D", data, "-k", s.folder}
	for _, setting := range []string{"listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=16MB"} {
		arguments = append(arguments, "-c", setting)
	}
	running := exec.Command("sh", arguments...) //nolint:gosec // found by require
	running.SysProcAttr, running.Dir, running.Stdout, running.Stderr = user, s.folder, &s.said, &s.said
	if s.input, err = running.StdinPipe(); err != nil {
		return err
	}
	if err := running.Start(); err != nil {
		return err
	}
	s.process = running
	return await(filepath.Join(data, "postmaster.pid"))
}

// await waits for the word that the server writes into its file when it takes connections.
func await(file string) error {
	const line = 8 // of the file, as pg_ctl looks for it too
	for deadline := time.Now().Add(startLimit); ; <-time.After(10 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if lines := strings.Split(string(text), "\n"); err == nil && len(lines) >= line && strings.TrimSpace(lines[line-1]) == "ready" {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it does not take connections within %v", startLimit)
		}
	}
}

// DSN leads to the database postgres as its superuser.
func (s *Server) DSN() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "host=" + s.folder + " user=postgres dbname=postgres sslmode=disable"
}

// Run has psql carry out a script, up to the first statement that fails.
func (s *Server) Run(script string) error {
	s.mu.Lock()
	c := exec.Command(s.client, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", s.folder, "-U", "postgres", "-f", "-") //nolint:gosec // found by require
	s.mu.Unlock()
	c.Stdin = strings.NewReader(script)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w\n%s", err, out)
	}
	return nil
}

// Stop ends the server where one runs, and waits for it. Connections that are still open are cut.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop()
}

func (s *Server) stop() (err error) {
	if s.process != nil {
		_ = s.input.Close()
		if err = s.process.Wait(); err != nil {
			err = fmt.Errorf("the server ended with %w and said:\n%s", err, &s.said)
		}
		s.process = nil
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
