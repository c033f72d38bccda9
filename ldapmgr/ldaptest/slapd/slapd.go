// SPDX-License-Identifier: MIT

package slapd

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// TB is what Start needs of a test: *testing.T and *testing.B have it.
type TB interface {
	require.TB
	Cleanup(func())
}

// Config says how the server is set up. The zero value is an empty directory for dc=example,dc=org that everybody who is
// bound may read and write.
type Config struct {
	Suffix   string   // default dc=example,dc=org
	LDIF     string   // entries to start with; memberOf is added for the members of groups; default none
	Schema   string   // definitions added to core, cosine, inetorgperson and nis, as in slapd's schema files; default none
	Overlays []string // of memberof, refint, ppolicy, sssvlv; default memberof and sssvlv
	Global   []string // further lines for the global part of slapd.conf; default none
	Lines    []string // further lines for the database; default none
	Access   []string // access rules in the place of the usual ones; default see above
}

// Server is a running slapd. LDAP, LDAPS and LDAPI are its URLs; they stay the same across Stop and Start.
type Server struct {
	LDAP, LDAPS, LDAPI string
	CAFile             string // certificate of the authority, PEM
	CA                 *ldaptest.Authority
	Suffix             string
	RootDN, RootPW     string
	Dir                string // holds everything; removed after the test

	tb      TB
	program string

	mu      sync.Mutex // guards what follows
	process *exec.Cmd
	exited  chan struct{}
}

const (
	startLimit = 10 * time.Second
	stopLimit  = 5 * time.Second
	rootPW     = "secret"
)

// Start runs a slapd until the test ends.
func Start(tb TB, cfg Config) *Server {
	tb.Helper()
	s := &Server{tb: tb, program: require.Program(tb, "slapd"), RootPW: rootPW}
	if s.Suffix = cfg.Suffix; s.Suffix == "" {
		s.Suffix = ldaptest.DefaultSuffix
	}
	s.RootDN = "cn=admin," + s.Suffix
	dir, err := os.MkdirTemp("", "slapd") // short, for the socket's path
	if err != nil {
		tb.Fatalf("start slapd: %v", err)
	}
	s.Dir = dir
	tb.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(dir); err != nil {
			tb.Fatalf("remove slapd's folder: %v", err)
		}
	})
	s.certificates()
	s.configure(cfg)
	s.fill(cfg)
	s.LDAP, s.LDAPS = "ldap://"+port.Reserve(tb), "ldaps://"+port.Reserve(tb)
	s.LDAPI = "ldapi://" + url.QueryEscape(filepath.Join(s.Dir, "ldapi"))
	if err := s.run(); err != nil {
		tb.Fatalf("start slapd: %v", err)
	}
	return s
}

// Start runs the server again after Stop, with the data it had.
func (s *Server) Start() {
	s.tb.Helper()
	if err := s.run(); err != nil {
		s.tb.Fatalf("start slapd again: %v", err)
	}
}

func (s *Server) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	log, err := os.Create(filepath.Join(s.Dir, "slapd.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	// At level none slapd still says why it ends.
	cmd := exec.Command(s.program, "-d", "none", "-f", filepath.Join(s.Dir, "slapd.conf"), "-h", s.LDAP+" "+s.LDAPS+" "+s.LDAPI) //nolint:gosec // found by require
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { // ends with the process, which Stop ends
		_ = cmd.Wait()
		close(exited)
	}()
	s.process, s.exited = cmd, exited
	if err := s.await(exited); err != nil {
		s.end(cmd, exited)
		s.process = nil
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w (%v)\n%s", err, cmd.ProcessState, text)
	}
	return nil
}

// await asks until the server answers.
func (s *Server) await(exited <-chan struct{}) error {
	deadline := time.Now().Add(startLimit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ping(s.LDAP[len("ldap://"):])
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %v: %w", startLimit, err)
		}
		select {
		case <-exited:
			return fmt.Errorf("it ended before it answered: %w", err)
		case <-tick.C:
		}
	}
}

// ping binds anonymously: a connection alone may only have reached the queue of the operating system.
func ping(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	var e wire.Encoder
	e.Message(1, func(e *wire.Encoder) {
		mark := e.Begin(byte(wire.BindRequest))
		e.Integer(0x02, 3)
		e.OctetString("")
		e.Text(byte(wire.BindSimple), "")
		e.End(mark)
	}, nil)
	if _, err := conn.Write(e.Bytes); err != nil {
		return err
	}
	_, err = wire.NewFramer(conn, wire.DefaultLimits).Next()
	return err
}

// Stop ends the server as an administrator would and waits for it; data and ports stay for Start.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.end(s.process, s.exited)
		s.process = nil
	}
}

func (s *Server) end(cmd *exec.Cmd, exited <-chan struct{}) {
	wake(cmd.Process) // a stopped process does not hear the next one
	_ = cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case <-exited:
	case <-timer.C:
		_ = cmd.Process.Kill()
		<-exited
	}
}

// Pid returns the process id, for signals such as SIGSTOP and SIGCONT; 0 while the server is stopped.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Process.Pid
}
