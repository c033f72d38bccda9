// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

type callerKey struct{}

// D4: connection and configuration.
var configurationRows = []row{
	{name: "D4/test_options", why: "there are no options of libldap; the one that the test sets, following referrals, is off for good", run: func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		s.login("alice")
		if n := wireUsage(s.scope).OpenSockets; n != 2 {
			t.Errorf("%d connections, want one for the service account and one for logins", n)
		}
	}},
	{name: "D4/test_callable_server_uri", run: func(t *testing.T, p site) {
		var seen atomic.Int64
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if ctx.Value(callerKey{}) == "the request" {
					seen.Add(1)
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			}
		})
		ctx := context.WithValue(t.Context(), callerKey{}, "the request")
		if _, err := s.domain.Authenticate(ctx, ldapmgr.Credentials{Name: "alice", Password: "password"}); err != nil {
			t.Fatal(err)
		}
		if seen.Load() == 0 {
			t.Error("the function that opens sockets does not see the context of the login")
		}
	}},
	{name: "D4/test_default_settings", run: func(t *testing.T, p site) {
		m := p.manager(t, ldapmgr.Config{
			Scope: instrument.New(), Defaults: p.config(), Domains: map[string]ldapmgr.DomainConfig{"A": {}},
		})
		u, err := m.Authenticate(t.Context(), ldapmgr.Credentials{Name: `A\alice`, Password: "password"})
		if err != nil || u.Groups.Len() != 4 {
			t.Errorf("got %+v, %v", u, err)
		}
	}},
	{name: "D4/test_start_tls_missing", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		s.login("alice")
		if n := wireUsage(s.scope).ExtendedOperations; n != 0 {
			t.Errorf("%d extended operations, want no StartTLS", n)
		}
	}},
	{name: "D4/test_start_tls", alone: func(t *testing.T, p site) {
		p = p.start(t, inMemory())
		ca := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, p.memory.PEM, 0o600); err != nil {
			t.Fatal(err)
		}
		encrypted := func(c *ldapmgr.DomainConfig) { c.StartTLS = new(true); c.TLS.CAFile = ca; ungrouped(c) }
		s := p.stage(t, encrypted)
		ops := s.during(func() { s.login("alice") })
		if kinds(ops)[0] != "extended" || wireUsage(s.scope).ExtendedOperations != 2 {
			t.Errorf("operations %q, want StartTLS first on each of two connections", kinds(ops))
		}
		p.memory.Dir.SetFault(ldaptest.On(wire.ExtendedRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 2}})))
		s = p.stage(t, encrypted)
		s.refused("alice", "password", ldapmgr.OutcomeUnavailable)
		if len(s.told()) == 0 || s.told()[0] != ldapmgr.StageFind {
			t.Errorf("events %q do not warn", s.told())
		}
	}},
	{name: "D4/test_bind_as_user", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { direct(c); c.Login.AsUser = new(true) })
		ops := s.during(func() {
			if done := s.login("alice"); done.Account.Fields["first_name"] != "Alice" {
				t.Errorf("account %+v", done.Account)
			}
		})
		var binding, reading uint64
		for _, op := range ops {
			switch {
			case op.Bind != nil && strings.HasPrefix(op.Bind.Name, "uid=alice"):
				binding = op.Conn
			case op.Search != nil && strings.HasPrefix(op.Search.Base, "uid=alice"):
				reading = op.Conn
			}
		}
		if binding == 0 || binding != reading {
			t.Errorf("bound on connection %d, read on %d: %q", binding, reading, kinds(ops))
		}
		for _, op := range s.during(func() { s.login("bob") }) {
			if op.Conn == binding && op.Kind != instrument.KindUnbind {
				t.Errorf("%s went over alice's own connection", kinds([]instrument.Operation{op}))
			}
		}
		s.wantAccounts("alice", "bob")
	}},
	{name: "D4/test_bind_as_user_with_dn_refetch", elsewhere: []string{"ldapmgr/ldaptest/samba.TestAcceptance"}, alone: func(t *testing.T, p site) {
		p = p.start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(5))})
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Base, c.Users.Places, c.Groups = suffix, nil, ldapmgr.Groups{}
			c.Login.Names, c.Login.AsUser, c.Login.RefreshDN = []string{"{name}@example.org"}, new(true), new(true)
		})
		done, err := s.try("ada", ldaptest.CompanyPassword)
		if err != nil || !strings.EqualFold(done.User.DN, ldaptest.CompanyUser) || done.Account.Fields["first_name"] != "Ada" {
			t.Errorf("got %+v, %v", done, err)
		}
	}},
}

// D5: several backends, and the hook.
var backendRows = []row{
	{name: "D5/test_login_with_multiple_auth_backends", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		if _, err := s.store.AddLocal(t.Context(), "guest", "guest's own"); err != nil {
			t.Fatal(err)
		}
		s.login("alice")
		s.refused("guest", "guest's own", ldapmgr.OutcomeNoSuchUser)
		if account, err := s.store.CheckPassword(t.Context(), "Guest", "guest's own"); err != nil || account.Name != "guest" {
			t.Errorf("the local account: %+v, %v", account, err)
		}
	}},
	{name: "D5/test_bad_login_with_multiple_auth_backends", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		s.refused("guest", "x", ldapmgr.OutcomeNoSuchUser)
		if _, err := s.store.CheckPassword(t.Context(), "guest", "x"); err == nil {
			t.Error("nobody is let in")
		}
	}},
	{name: "D5/test_override_authenticate_access_ldap_user", run: func(t *testing.T, p site) {
		var seen *ldapmgr.User
		s := p.stage(t, nil, ldapmgr.Hooks{AfterCommit: func(_ context.Context, plan ldapmgr.Plan) { seen = plan.User }})
		if done := s.login("alice"); seen == nil || seen != done.User {
			t.Error("the hook and the application do not see the same user")
		}
	}},
}

// D6: empty passwords.
var emptyPasswordRows = []row{
	{name: "D6/test_deny_empty_password", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		if ops := s.during(func() { s.refused("alice", "", ldapmgr.OutcomeEmptyPassword) }); len(ops) != 0 {
			t.Errorf("operations %q, want none", kinds(ops))
		}
		if got := s.told(); len(got) != 1 {
			t.Errorf("events %q, want one", got)
		}
	}},
	{name: "D6/test_permit_empty_password", run: permitEmpty},
	{name: "D6/test_permit_null_password", run: permitEmpty, why: "a password cannot be missing other than by being empty"},
}

func permitEmpty(t *testing.T, p site) {
	s := p.stage(t, func(c *ldapmgr.DomainConfig) { direct(c); c.Login.EmptyPassword = new(true) })
	s.warm()
	ops := s.during(func() { s.refused("alice", "", ldapmgr.OutcomeDisabled) }) // unwillingToPerform
	if got := kinds(ops); len(got) == 0 || got[0] != "bind uid=alice,ou=people,o=test" {
		t.Errorf("operations %q, want one bind", got)
	}
	s.wantAccounts()
}
