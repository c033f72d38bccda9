// SPDX-License-Identifier: MIT

package samba

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// TB is what Start needs of a test: *testing.T and *testing.B have it.
type TB interface {
	require.TB
	Cleanup(func())
}

// Config says what the domain holds and how the server is set up. The zero value is the domain EXAMPLE with Accounts.
type Config struct {
	Realm   string   // default EXAMPLE.ORG; the suffix follows from it
	NetBIOS string   // default the first label of Realm
	LDIF    string   // entries below the suffix, written as for the in-memory directory, see package ldaptest; default Accounts
	Admins  []string // DNs that become members of Domain Admins, who may change everything; default none

	Strong  bool     // refuse simple binds without encryption, as Active Directory may be told to; default false
	Options []string // further lines for the global part of smb.conf; default none
}

// Server is a running domain controller. Its URLs and names stay the same across Stop and Start.
type Server struct {
	LDAP, LDAPS   string // URLs by address
	IP            string // the loopback address
	Host          string // name in the certificate and of the Kerberos service ldap/Host; no resolver knows it
	CAFile        string // certificate of the authority, PEM
	CA            *ldaptest.Authority
	Realm         string // EXAMPLE.ORG
	NetBIOS       string // EXAMPLE
	Suffix        string // DC=example,DC=org
	Admin         string // the administrator as DOMAIN\user
	AdminPassword string
	Krb5Conf      string // a krb5.conf that finds this server
	Dir           string // holds everything; removed after the test

	tb    TB
	tools tools
	cfg   Config

	mu      sync.Mutex // guards process
	process *process
}

const (
	adminPassword = "Passw0rd.1" // fulfils the policy that holds while the domain is set up
	machine       = "dc1"
)

// Start runs a domain controller until the test ends.
func Start(tb TB, cfg Config) *Server {
	tb.Helper()
	cfg = cfg.filled()
	s := &Server{tb: tb, tools: findTools(tb), cfg: cfg, Realm: cfg.Realm, NetBIOS: cfg.NetBIOS, Suffix: suffixOf(cfg.Realm)}
	if os.Geteuid() != 0 {
		require.Missing(tb, "samba", "its ports are below 1024 and cannot be changed: run the test as root")
	}
	s.Host = machine + "." + strings.ToLower(cfg.Realm)
	s.Admin, s.AdminPassword = cfg.NetBIOS+`\Administrator`, adminPassword
	shelf, err := shelf()
	if err != nil {
		tb.Fatalf("set up a Samba domain: %v", err)
	}
	cached, err := provisioned(shelf, s.tools, cfg)
	if err != nil {
		tb.Fatalf("set up a Samba domain: %v", err)
	}
	s.address(shelf)
	s.LDAP, s.LDAPS = "ldap://"+s.IP+":389", "ldaps://"+s.IP+":636"
	s.folder(cached)
	s.certificates()
	s.settings()
	s.Start()
	return s
}

func (c Config) filled() Config {
	if c.Realm == "" {
		c.Realm = "EXAMPLE.ORG"
	}
	c.Realm = strings.ToUpper(c.Realm)
	if c.NetBIOS == "" {
		c.NetBIOS, _, _ = strings.Cut(c.Realm, ".")
	}
	if c.LDIF == "" {
		c.LDIF = Accounts(c.Realm)
	}
	return c
}

// suffixOf turns EXAMPLE.ORG into DC=example,DC=org.
func suffixOf(realm string) string {
	return "DC=" + strings.ReplaceAll(strings.ToLower(realm), ".", ",DC=")
}

// tools are Samba's programs.
type tools struct {
	server, admin, modify string // samba, samba-tool, ldbmodify
}

func findTools(tb TB) tools {
	tb.Helper()
	return tools{server: require.Program(tb, "samba"), admin: beside(tb, "samba-tool"), modify: beside(tb, "ldbmodify")}
}

// beside finds a program that comes with Samba, or with a package of its own.
func beside(tb TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		require.Missing(tb, "samba", name+" is not installed")
	}
	return path
}

// folder makes the server's own copy of a provisioned domain. What a killed process left there goes first.
func (s *Server) folder(cached string) {
	s.tb.Helper()
	s.tb.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(s.Dir); err != nil {
			s.tb.Fatalf("remove samba's folder: %v", err)
		}
	})
	err := os.RemoveAll(s.Dir)
	if err == nil {
		err = os.Mkdir(s.Dir, 0o700)
	}
	if err == nil {
		err = os.CopyFS(s.Dir, os.DirFS(cached))
	}
	if err != nil {
		s.tb.Fatalf("copy the Samba domain: %v", err)
	}
}

func (s *Server) write(name string, content []byte) string {
	s.tb.Helper()
	path := filepath.Join(s.Dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		s.tb.Fatalf("set up samba: %v", err)
	}
	return path
}

// Start runs the server again after Stop, with the data it had.
func (s *Server) Start() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return
	}
	p, err := run(s.tools.server, s.Dir, s.IP)
	if err != nil {
		s.tb.Fatalf("start samba: %v", err)
		return
	}
	s.process = p
}

// Stop ends the server as an administrator would and waits for it; data and address stay for Start.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.end()
		s.process = nil
	}
}

// Pid returns the process id, for signals such as SIGSTOP and SIGCONT; 0 while the server is stopped.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cmd.Process.Pid
}
