// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/webauth"
)

// requiring lets in who matches a query over the groups under ou=query_groups.
func requiring(query string) func(*ldapmgr.DomainConfig) {
	return func(c *ldapmgr.DomainConfig) {
		c.Groups.Places = []ldapmgr.Place{{Base: "ou=query_groups,o=test"}}
		c.Login.Require = query
	}
}

const (
	aliceGroup  = "cn=alice_gon,ou=query_groups,o=test"
	bobGroup    = "cn=bob_gon,ou=query_groups,o=test"
	mutualGroup = "cn=mutual_gon,ou=query_groups,o=test"
)

// admits returns a row that lets some in and others not.
func admits(name, query string, in []string, out []string) row {
	return row{name: name, run: func(t *testing.T, p site) {
		s := p.stage(t, requiring(query))
		for _, who := range in {
			s.login(who)
		}
		for _, who := range out {
			s.refused(who, "password", ldapmgr.OutcomeNotAllowed)
		}
		s.wantAccounts(in...)
	}}
}

// D9: access limits and group queries.
var accessRows = []row{
	{name: "D9/test_require_group", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Login.Require = "cn=active_gon,ou=groups,o=test" })
		s.login("alice")
		s.refused("bob", "password", ldapmgr.OutcomeNotAllowed)
		s.wantAccounts("alice")
	}},
	admits("D9/test_require_group_with_nonexistent_group", "cn=nonexistent,ou=query_groups,o=test or "+aliceGroup, []string{"alice"}, []string{"bob"}),
	admits("D9/test_require_group_as_group_query", aliceGroup+" and "+mutualGroup, []string{"alice"}, []string{"bob"}),
	{name: "D9/test_denied_group", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Login.Deny = "cn=active_gon,ou=groups,o=test" })
		s.refused("alice", "password", ldapmgr.OutcomeNotAllowed)
		s.login("bob")
		s.wantAccounts("bob")
	}},
	{name: "D9/test_simple_group_query", run: func(t *testing.T, p site) {
		s := p.stage(t, requiring(""))
		u, err := s.domain.User(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		q := ldapmgr.InGroup(aliceGroup)
		ops := s.during(func() {
			if e := q.Explain(u.Groups); !q.Match(u.Groups) || !e.Match || e.Text != aliceGroup {
				t.Errorf("explanation %+v", e)
			}
		})
		if len(ops) != 0 {
			t.Errorf("a question about loaded groups cost %q", kinds(ops))
		}
	}},
	admits("D9/test_group_query_utf8", "cn=dreßler_gon,ou=query_groups,o=test", []string{"dreßler"}, []string{"alice"}),
	admits("D9/test_negated_group_query", "not "+aliceGroup, []string{"bob"}, []string{"alice"}),
	admits("D9/test_or_group_query", aliceGroup+" or "+bobGroup, []string{"alice", "bob"}, []string{"dreßler"}),
	admits("D9/test_and_group_query", mutualGroup+" and "+bobGroup, []string{"bob"}, []string{"alice"}),
	admits("D9/test_nested_group_query", "("+aliceGroup+" and "+bobGroup+") or "+mutualGroup, []string{"alice", "bob"}, []string{"dreßler"}),
	{name: "D9/test_group_union", run: groupUnion(false)},
	{name: "D9/test_nested_group_union", run: groupUnion(true)},
}

func groupUnion(nested bool) func(*testing.T, site) {
	return func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Groups.Places = []ldapmgr.Place{{Base: "ou=groups,o=test"}, {Base: "ou=moregroups,o=test"}}
			c.Groups.Nested = &nested
			c.Login.Require = "other_gon"
		})
		s.refused("alice", "password", ldapmgr.OutcomeNotAllowed)
		if got := s.login("bob").User.Groups.Names(); !slices.Equal(got, []string{"other_gon"}) {
			t.Errorf("bob's groups are %q", got)
		}
	}
}

// D10: group look-up and flags.
var groupRows = []row{
	{name: "D10/test_group_dns", run: func(t *testing.T, p site) {
		groups := p.stage(t, nil).login("alice").User.Groups
		got := groups.DNs()
		for i, dn := range got {
			got[i] = strings.ToLower(dn)
		}
		slices.Sort(got)
		want := []string{"cn=active_gon,ou=groups,o=test", "cn=nested_gon,ou=groups,o=test", "cn=staff_gon,ou=groups,o=test", "cn=superuser_gon,ou=groups,o=test"}
		if !slices.Equal(got, want) {
			t.Errorf("DNs are %q, want %q", got, want)
		}
		if !groups.Has("CN=Nested_GON, OU=Groups, O=test") {
			t.Error("a group is not known by its DN in another spelling")
		}
	}},
	{name: "D10/test_group_names", run: func(t *testing.T, p site) {
		got := p.stage(t, nil).login("alice").User.Groups.Names()
		if want := []string{"active_gon", "nested_gon", "staff_gon", "superuser_gon"}; !slices.Equal(got, want) {
			t.Errorf("names are %q, want %q", got, want)
		}
	}},
	{name: "D10/test_dn_group_membership", run: func(t *testing.T, p site) {
		s := p.stage(t, flagged)
		s.login("alice")
		s.login("bob")
		wantFlags(t, s.account("alice"), true, true, true)
		wantFlags(t, s.account("bob"), false, false, false)
	}},
	{name: "D10/test_user_flags_misconfigured", run: func(t *testing.T, p site) {
		for _, query := range []string{"()", " ", "a or", "not", `"a`, "a b", "a (b)"} {
			c := p.config()
			c.Sync.Flags = map[string]string{"staff": query}
			_, err := ldapmgr.New(ldapmgr.Config{Scope: p.stage(t, nil).scope, Domains: map[string]ldapmgr.DomainConfig{"X": c}})
			if found := ldapmgr.Problems(err); len(found) != 1 || strings.Join(found[0].Path, ".") != "domains.X.sync.flags.staff" {
				t.Errorf("%q: got %v", query, err)
			}
		}
	}},
	{name: "D10/test_posix_membership", run: func(t *testing.T, p site) {
		s := p.stage(t, posix)
		s.login("alice")
		s.login("bob")
		wantFlags(t, s.account("alice"), true, true, true)
		wantFlags(t, s.account("bob"), false, false, false)
	}},
	{name: "D10/test_nested_dn_group_membership", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Groups.Nested = new(true)
			c.Sync.Flags = map[string]string{"active": "cn=parent_gon,ou=groups,o=test", "staff": "cn=parent_gon,ou=groups,o=test"}
		})
		ops := s.during(func() { s.login("alice") })
		if n := searches(ops, "ou=groups,o=test"); n != 4 {
			t.Errorf("%d searches for groups, want 4: nothing is asked for twice in a circle", n)
		}
		s.login("bob")
		wantFlags(t, s.account("alice"), true, true, false)
		wantFlags(t, s.account("bob"), false, false, false)
	}},
	{name: "D10/test_posix_missing_attributes", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { posix(c); c.Login.Attributes = []string{"sn"} })
		s.login("nobody")
		wantFlags(t, s.account("nobody"), false, false, false)
	}},
}

// posix keeps the three flags of the fixture's posix groups.
func posix(c *ldapmgr.DomainConfig) {
	c.Groups.Strategy = ldapmgr.GroupsPosix
	c.Sync.Flags = map[string]string{"active": "active_px", "staff": "staff_px", "superuser": "superuser_px"}
}

// permitting gives permissions by the names of groups.
func permitting(c *ldapmgr.DomainConfig) { c.Sync.GroupPermissions = new(true) }

// may returns what a user may do after a login.
func (s *stage) may(name string) []string {
	s.t.Helper()
	done := s.login(name)
	all, err := s.syncer.Permissions(s.t.Context(), "", done.Account.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *stage) grant(group string, permissions ...string) {
	s.t.Helper()
	for _, permission := range permissions {
		if err := s.store.Grant(s.t.Context(), group, permission); err != nil {
			s.t.Fatal(err)
		}
	}
}

var granted = []string{"auth.add_user", "auth.change_user"}

// D11: permissions.
var permissionRows = []row{
	{name: "D11/test_dn_group_permissions", run: func(t *testing.T, p site) {
		s := p.stage(t, permitting)
		s.grant("active_gon", granted...)
		if got := s.may("alice"); !slices.Equal(got, granted) {
			t.Errorf("alice may %q", got)
		}
		if groups := s.account("alice").Groups; len(groups) != 0 {
			t.Errorf("alice was put into %q", groups)
		}
		w := s.web(webauth.Config{})
		w.session = &webauth.Identity{Domain: "example", Key: s.account("alice").Key, Name: "alice"}
		for _, permission := range granted {
			w.wants(w.guard.RequirePermission(webauth.Rule{}, permission)(whoIsIt), nil, 200, "alice")
		}
		w.wants(w.guard.RequirePermission(webauth.Rule{}, "auth.delete_user")(whoIsIt), nil, 403, "not allowed")
	}},
	{name: "D11/test_group_permissions_ldap_error", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { permitting(c); c.Bind.Password = ldapmgr.Secret{Value: "bogus"} })
		s.grant("active_gon", granted...)
		all, err := s.syncer.Permissions(t.Context(), "", "0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e")
		if len(all) != 0 || !errors.Is(err, ldapmgr.ErrServiceAccount) {
			t.Errorf("got %q, %v", all, err)
		}
		if got := s.told(); !slices.Contains(got, ldapmgr.StagePermissions) {
			t.Errorf("events %q", got)
		}
	}},
	{name: "D11/test_empty_group_permissions", run: func(t *testing.T, p site) {
		s := p.stage(t, permitting)
		s.grant("active_gon", granted...)
		if got := s.may("bob"); len(got) != 0 {
			t.Errorf("bob may %q", got)
		}
	}},
	{name: "D11/test_posix_group_permissions", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { permitting(c); c.Groups.Strategy = ldapmgr.GroupsPosix })
		s.grant("staff_px", granted...)
		if got := s.may("alice"); !slices.Equal(got, granted) {
			t.Errorf("alice may %q", got)
		}
	}},
	{name: "D11/test_posix_group_permissions_no_gid", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { permitting(c); c.Groups.Strategy = ldapmgr.GroupsPosix })
		s.grant("staff_px", granted...)
		if got := s.may("nonposix"); !slices.Equal(got, granted) {
			t.Errorf("nonposix may %q", got)
		}
	}},
	{name: "D11/test_foreign_user_permissions", run: func(t *testing.T, p site) {
		s := p.stage(t, permitting)
		s.grant("active_gon", granted...)
		if got, err := s.syncer.PermissionsNamed(t.Context(), "", "alice"); err != nil || len(got) != 0 {
			t.Errorf("alice, who did not log in through the directory, may %q, %v", got, err)
		}
	}},
	{name: "D11/test_authorize_external_users", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { permitting(c); c.Sync.AuthorizeAll = new(true) })
		s.grant("active_gon", granted...)
		if got, err := s.syncer.PermissionsNamed(t.Context(), "", "alice"); err != nil || !slices.Equal(got, granted) {
			t.Errorf("alice may %q, %v", got, err)
		}
	}},
	{name: "D11/test_authorize_external_unknown", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { permitting(c); c.Sync.AuthorizeAll = new(true) })
		s.grant("active_gon", granted...)
		if got, err := s.syncer.PermissionsNamed(t.Context(), "", "not in the directory"); err != nil || len(got) != 0 {
			t.Errorf("somebody may %q, %v", got, err)
		}
	}},
}

// nameless is a kind of groups without names.
type nameless struct{}

func (nameless) Attributes() []string { return nil }

func (nameless) Groups(context.Context, ldapmgr.Searcher, ldapmgr.Entry) ([]ldapmgr.Group, error) {
	return []ldapmgr.Group{{DN: "cn=mirror1,ou=mirror_groups,o=test"}, {DN: "cn=mirror3,ou=mirror_groups,o=test", Name: "mirror3"}}, nil
}
