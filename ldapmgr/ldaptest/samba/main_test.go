// SPDX-License-Identifier: MIT

package samba_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) != "" {
		orphan()
		return
	}
	goleak.VerifyTestMain(withDomain{m})
}

// withDomain ends the common domain after the last test.
type withDomain struct{ m *testing.M }

func (w withDomain) Run() int {
	defer common.end()
	return w.m.Run()
}

// common is one domain for all tests that change nothing, or only what is their own.
var common domain

type domain struct {
	mu      sync.Mutex // guards what follows
	server  *samba.Server
	cleanup []func()
}

var config = samba.Config{Admins: []string{"cn=writer,ou=services,dc=example,dc=org"}}

// get starts the domain for the first test that asks. Each test is skipped or fails by itself where it cannot start.
func (d *domain) get(t testing.TB) *samba.Server {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		d.server = samba.Start(untilEnd{t, d}, config)
	}
	return d.server
}

func (d *domain) end() {
	for i := len(d.cleanup) - 1; i >= 0; i-- {
		d.cleanup[i]()
	}
}

// untilEnd is a test whose cleanup is that of the domain.
type untilEnd struct {
	testing.TB
	domain *domain
}

func (u untilEnd) Cleanup(f func()) { u.domain.cleanup = append(u.domain.cleanup, f) }

// Fatalf also serves when the test that started the domain has ended.
func (u untilEnd) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	u.TB.Fatalf(format, args...)
}

// manager returns the domain under the name EXAMPLE as one application sees it, with the scope that watches it.
func manager(t testing.TB, cfg ldapmgr.DomainConfig) (*ldapmgr.Domain, *ldapmgr.Manager, *instrument.Scope) {
	t.Helper()
	scope := instrument.New()
	m, err := ldapmgr.New(ldapmgr.Config{
		Scope: scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": cfg},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	d, err := m.Domain("EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	return d, m, scope
}

// encrypted is a domain over ldaps with the service account.
func encrypted(s *samba.Server) ldapmgr.DomainConfig {
	return ldapmgr.DomainConfig{
		Preset: "active_directory", Servers: []string{s.LDAPS}, Base: s.Suffix, TLS: ldapmgr.TLS{CAFile: s.CAFile},
		Bind: ldapmgr.Bind{Name: s.NetBIOS + `\` + samba.Service, Password: ldapmgr.Secret{Value: samba.ServicePassword}},
	}
}

// usage is what the domain has used so far.
func usage(t testing.TB, scope *instrument.Scope) instrument.Usage {
	t.Helper()
	for _, s := range scope.Snapshots() {
		if s.Domain == "EXAMPLE" {
			return s.Usage
		}
	}
	t.Fatal("the scope does not know the domain")
	return instrument.Usage{}
}
