// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

const (
	suffix   = ldaptest.DefaultSuffix
	admin    = "cn=admin," + suffix
	password = "not so secret"
)

// directory starts an in-memory directory with a small company in it.
func directory(t *testing.T) *ldaptest.Server {
	t.Helper()
	return ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(20)), RootPassword: password})
}

// slapdLDIF is one person.
const slapdLDIF = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: uid=ada,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
userPassword: lovelace

`

// onBoth runs a test on entries in memory and on slapd.
func onBoth(t *testing.T, text string, test func(t *testing.T, cfg ldapmgr.DomainConfig)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, bound(ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(text), RootDN: admin, RootPassword: password}).URL()))
	})
	t.Run("slapd", func(t *testing.T) {
		t.Parallel()
		s := slapd.Start(t, slapd.Config{LDIF: text})
		cfg := bound(s.LDAP)
		cfg.Bind.Password.Value = s.RootPW
		test(t, cfg)
	})
}

// domain returns a domain that is closed when the test ends.
func domain(t testing.TB, c ldapmgr.DomainConfig) (*ldapmgr.Domain, *instrument.Scope) {
	t.Helper()
	scope := instrument.New()
	m, err := ldapmgr.New(ldapmgr.Config{Scope: scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	d, err := m.Domain("")
	if err != nil {
		t.Fatal(err)
	}
	return d, scope
}

func bound(servers ...string) ldapmgr.DomainConfig {
	return ldapmgr.DomainConfig{
		Servers: servers, Base: suffix,
		Bind: ldapmgr.Bind{Name: admin, Password: ldapmgr.Secret{Value: password}},
	}
}

func people(filter string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(suffix, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"cn"}, nil)
}

func TestSearch(t *testing.T) {
	t.Parallel()
	d, scope := domain(t, bound(directory(t).URL()))
	result, err := d.Search(t.Context(), people("(sAMAccountName=ada)"))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Entries) != 1 {
		t.Fatalf("got %d entries, want 1", len(result.Entries))
	}
	usage := scope.Snapshots()[0].Usage
	if usage.BindOperations != 1 || usage.SearchOperations != 2 || usage.OpenSockets != 1 {
		t.Errorf("got %d binds, %d searches, %d sockets; want 1, 2 (one for the rootDSE), 1", usage.BindOperations, usage.SearchOperations, usage.OpenSockets)
	}
	s := d.Status()
	if s.Vendor != "Active Directory" || len(s.NamingContexts) == 0 || s.Endpoints[0].State != ldapmgr.EndpointUp || s.Pool.Idle != 1 {
		t.Errorf("status %+v", s)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	onBoth(t, slapdLDIF, changesNothing)
}

func changesNothing(t *testing.T, cfg ldapmgr.DomainConfig) {
	t.Helper()
	d, scope := domain(t, cfg)
	change := ldap.NewModifyRequest("cn=whoever,"+suffix, nil)
	change.Replace("description", []string{"x"})
	ways := map[string]func() error{
		"Modify": func() error { _, err := d.Modify(t.Context(), change); return err },
		"DoWrite": func() error {
			return d.DoWrite(t.Context(), func(context.Context, *instrument.Client) error { return nil })
		},
		"client": func() error {
			return d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error { _, err := c.Modify(ctx, change); return err })
		},
	}
	for name, way := range ways {
		if err := way(); !errors.Is(err, ldapmgr.ErrReadOnly) {
			t.Errorf("%s: got %v, want ErrReadOnly", name, err)
		}
	}
	err := d.Do(t.Context(), func(_ context.Context, c *instrument.Client) error { return c.Conn().Modify(change) })
	if err == nil {
		t.Error("a change through the driver's own connection was not refused")
	}
	if usage := scope.Snapshots()[0].Usage; usage.ModifyOperations != 0 {
		t.Errorf("%d changes were sent", usage.ModifyOperations)
	}
	if got := d.Status().BlockedChanges; got != 4 {
		t.Errorf("%d blocked changes are counted, want 4", got)
	}
}

func TestBindAs(t *testing.T) {
	t.Parallel()
	onBoth(t, slapdLDIF, bindsAs)
}

func bindsAs(t *testing.T, cfg ldapmgr.DomainConfig) {
	t.Helper()
	d, _ := domain(t, cfg)
	if err := d.BindAs(t.Context(), admin, cfg.Bind.Password.Value); err != nil {
		t.Fatal(err)
	}
	if err := d.BindAs(t.Context(), admin, "wrong"); !errors.Is(err, ldapmgr.ErrInvalidCredentials) {
		t.Errorf("got %v, want ErrInvalidCredentials", err)
	}
	if err := d.BindAs(t.Context(), admin, ""); !errors.Is(err, ldapmgr.ErrInvalidCredentials) {
		t.Errorf("got %v for an empty password, want ErrInvalidCredentials", err)
	}
}
