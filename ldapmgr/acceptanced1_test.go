// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// D1: direct bind and usernames.
var directBindRows = []row{
	{name: "D1/test_simple_bind", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		s.warm()
		ops := s.during(func() { s.login("alice") })
		s.wantKinds(ops, "bind uid=alice,ou=people,o=test", "search uid=alice,ou=people,o=test")
		s.wantAccounts("alice")
		if _, err := s.store.CheckPassword(t.Context(), "alice", "password"); !errors.Is(err, usersql.ErrPassword) {
			t.Errorf("the directory's password works locally: %v", err)
		}
		if got := s.told(); len(got) != 1 || got[0] != ldapmgr.StageAuthenticate {
			t.Errorf("events %q, want one login", got)
		}
	}},
	{name: "D1/test_simple_bind_escaped", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		s.warm()
		ops := s.during(func() { s.refused("alice,1", "password", ldapmgr.OutcomeWrongPassword) })
		if len(ops) != 1 || !strings.Contains(ops[0].Bind.Name, `alice\,1`) && !strings.Contains(ops[0].Bind.Name, `alice\2c1`) {
			t.Errorf("operations are %q, want one bind with the comma escaped", kinds(ops))
		}
	}},
	{name: "D1/test_simple_bind_bad_user", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		s.refused("evil_alice", "password", ldapmgr.OutcomeWrongPassword) // a bind alone cannot tell why
		s.wantAccounts()
		if s.events[0].Outcome != ldapmgr.OutcomeWrongPassword || s.events[0].Account != "evil_alice" {
			t.Errorf("event %+v does not say who and why", s.events[0])
		}
	}},
	{name: "D1/test_simple_bind_bad_password", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		s.refused("alice", "bogus", ldapmgr.OutcomeWrongPassword)
		s.wantAccounts()
	}},
	{name: "D1/test_new_user_lowercase", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		s.login("Alice")
		s.wantAccounts("alice")
	}},
	{name: "D1/test_new_user_whitespace", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		s.login(" alice")
		s.login("alice ")
		s.wantAccounts("alice")
	}},
	{name: "D1/test_unicode_user", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		if done := s.login("dreßler"); done.Account.Name != "dreßler" || done.Account.Fields["last_name"] != "Dreßler" {
			t.Errorf("account %+v", done.Account)
		}
	}},
	{name: "D1/test_username_none", run: func(t *testing.T, p site) {
		s := p.stage(t, direct)
		for _, name := range []string{"", "  "} {
			if ops := s.during(func() { s.refused(name, "password", ldapmgr.OutcomeBadName) }); len(ops) != 0 {
				t.Errorf("operations %q for a login without a name", kinds(ops))
			}
		}
		s.wantAccounts()
	}},
	{name: "D1/test_convert_username", run: func(t *testing.T, p site) {
		s := p.stage(t, direct, ldapmgr.Hooks{LocalName: func(u *ldapmgr.User) string { return "ldap_" + u.Account }})
		done := s.login("alice")
		if done.Account.Name != "ldap_alice" || done.User.Account != "alice" {
			t.Errorf("local name %q of %q", done.Account.Name, done.User.Account)
		}
		again, err := s.store.ByID(t.Context(), done.Account.ID)
		if err != nil || again.Name != "ldap_alice" {
			t.Errorf("by id: %+v, %v", again, err)
		}
		if u, err := s.domain.UserByKey(t.Context(), again.Key); err != nil || u.Account != "alice" {
			t.Errorf("by key: %+v, %v", u, err)
		}
		s.login("alice")
		s.wantAccounts("ldap_alice")
	}},
}
