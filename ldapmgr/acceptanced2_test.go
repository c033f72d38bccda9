// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// D2: search, then bind.
var searchBindRows = []row{
	{name: "D2/test_search_bind", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Bind = ldapmgr.Bind{}; ungrouped(c) })
		s.warm()
		ops := s.during(func() { s.login("alice") })
		s.wantKinds(ops, "search ou=people,o=test", "bind uid=alice,ou=people,o=test")
		s.wantAccounts("alice")
	}},
	{name: "D2/test_search_bind_escaped", run: func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		s.warm()
		ops := s.during(func() { s.refused("alice*", "password", ldapmgr.OutcomeNoSuchUser) })
		if n := slices.IndexFunc(ops, func(op instrument.Operation) bool { return op.Search != nil }); n != 0 || !strings.Contains(ops[0].Search.Filter, `alice\2a`) {
			t.Errorf("operations %q: the first is not a search for the asterisk itself", kinds(ops))
		}
		if len(ops) != 2 || ops[1].Bind == nil || strings.Contains(ops[1].Bind.Name, "alice") {
			t.Errorf("operations %q, want one search and a bind of nobody", kinds(ops))
		}
	}},
	{name: "D2/test_search_bind_no_user", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Login.Attributes = []string{"cn"} })
		s.refused("no such alice", "password", ldapmgr.OutcomeNoSuchUser)
		s.wantAccounts()
	}},
	{name: "D2/test_search_bind_multiple_users", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Login.Filter = "(|(uid={name})(uid=b*))" })
		var refused *ldapmgr.LoginError
		if err := s.refused("alice", "password", ldapmgr.OutcomeAmbiguous); !errors.As(err, &refused) || len(refused.DNs) != 2 {
			t.Errorf("got %+v, want both DNs", refused)
		}
		s.wantAccounts()
	}},
	{name: "D2/test_search_bind_bad_password", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		s.refused("alice", "bogus", ldapmgr.OutcomeWrongPassword)
		s.wantAccounts()
	}},
	{name: "D2/test_search_bind_with_credentials", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Bind = ldapmgr.Bind{Name: "uid=bob,ou=people,o=test", Password: ldapmgr.Secret{Value: "password"}}
			c.Users.Attributes = []string{"*"}
		})
		done := s.login("alice")
		if done.User.DN != "uid=alice,ou=people,o=test" {
			t.Errorf("DN is %q", done.User.DN)
		}
		e := done.User.Entry
		if got := e.Strings("objectClass"); len(got) != 2 || e.String("uidNumber") != "1000" || e.String("sn") != "Adams" {
			t.Errorf("classes %q, uidNumber %q, sn %q", got, e.String("uidNumber"), e.String("sn"))
		}
	}},
	{name: "D2/test_search_bind_with_bad_credentials", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Bind.Password = ldapmgr.Secret{Value: "bogus"} })
		if err := s.refused("alice", "password", ldapmgr.OutcomeUnavailable); !errors.Is(err, ldapmgr.ErrServiceAccount) {
			t.Errorf("got %v, want ErrServiceAccount", err)
		}
		s.wantAccounts()
	}},
	{name: "D2/test_union_search", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Users.Places = []ldapmgr.Place{{Base: "ou=groups,o=test"}, {Base: "ou=people,o=test"}}
			ungrouped(c)
		})
		s.login("alice")
		s.wantAccounts("alice")
	}},
	{name: "D2/test_null_search_results", run: func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		s.warm()
		before := wireUsage(s.scope)
		ops := s.during(func() { s.login("alice") })
		if ops[0].References != 1 {
			t.Errorf("the search met %d references, want the one of the fixture", ops[0].References)
		}
		if n := wireUsage(s.scope).Sub(before).OpenSockets; n != 0 {
			t.Errorf("%d connections were opened: a referral was followed", n)
		}
		s.wantAccounts("alice")
	}},
	{name: "D2/test_search_attrlist", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Users.Attributes = []string{"*", "+"}; ungrouped(c) })
		s.warm()
		ops := s.during(func() { s.login("alice") })
		if got := ops[0].Search.Attributes; !slices.Contains(got, "*") || !slices.Contains(got, "+") {
			t.Errorf("asked for %q", got)
		}
	}},
}
