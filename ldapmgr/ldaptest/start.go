// SPDX-License-Identifier: MIT

package ldaptest

import (
	"context"
	"crypto/x509"
	"net"
	"sync"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
)

// TB is what Start needs of a test: *testing.T, *testing.B and *testing.F have it.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Server is a Directory that listens on the loopback interface, with ldap on one port and ldaps on another.
type Server struct {
	Dir *Directory
	CA  *x509.CertPool // trusts the certificate of StartTLS and ldaps
	PEM []byte         // the same authority as a file's content; nil when Config.TLS was given

	tb         TB
	plain, tls string // host:port

	mu   sync.Mutex // guards stop
	stop func()
}

// Start runs a directory until the test ends. Where cfg.TLS is nil it makes an authority and a certificate for localhost
// and 127.0.0.1. Any failure ends the test.
func Start(tb TB, cfg Config) *Server {
	tb.Helper()
	s := &Server{tb: tb, plain: port.Reserve(tb), tls: port.Reserve(tb)}
	if cfg.TLS == nil {
		authority, err := NewAuthority()
		if err == nil {
			cfg.TLS, err = authority.ServerConfig(Leaf{})
		}
		if err != nil {
			tb.Fatalf("start the in-memory directory: %v", err)
		}
		s.CA, s.PEM = authority.Pool(), authority.CertPEM
	}
	var err error
	if s.Dir, err = New(cfg); err != nil {
		tb.Fatalf("start the in-memory directory: %v", err)
	}
	s.Start()
	tb.Cleanup(s.Stop)
	return s
}

// Start listens again, on the same ports, after Stop.
func (s *Server) Start() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return
	}
	plain, err := net.Listen("tcp", s.plain)
	if err != nil {
		s.tb.Fatalf("start the in-memory directory: %v", err)
		return
	}
	encrypted, err := net.Listen("tcp", s.tls)
	if err != nil {
		_ = plain.Close()
		s.tb.Fatalf("start the in-memory directory: %v", err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = s.Dir.Serve(ctx, plain) })        // ends with ctx
	wait.Go(func() { _ = s.Dir.ServeTLS(ctx, encrypted) }) // ends with ctx
	s.stop = func() { cancel(); wait.Wait() }
}

// Stop closes all connections with a notice of disconnection and waits for them. The entries stay.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Addr returns host:port of ldap.
func (s *Server) Addr() string { return s.plain }

// URL returns ldap://host:port, which offers StartTLS.
func (s *Server) URL() string { return "ldap://" + s.plain }

// TLSURL returns ldaps://host:port.
func (s *Server) TLSURL() string { return "ldaps://" + s.tls }
