// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestTokenGroupsOfSeveral: that the names behind SIDs are kept must not take them from the next person, also where the server
// does not say what it is.
func TestTokenGroupsOfSeveral(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		p := company(t)
		if hidden {
			p.memory.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.Op == wire.SearchRequest && r.DN == "" },
				ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: ldap.LDAPResultInsufficientAccessRights}})))
		}
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			onCompany(c)
			c.Groups.Strategy, c.Login.Attributes, c.Users.Account = ldapmgr.GroupsToken, []string{"sAMAccountName"}, "sAMAccountName"
			c.Users.Filter, c.Users.Key = "(objectClass=user)", "objectGUID"
		})
		for range 2 {
			for _, name := range []string{"ada", "user00008"} {
				u, err := s.domain.User(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				if got := u.Groups.Names(); !slices.Contains(got, "Staff") || !slices.Contains(got, "Engineering") {
					t.Errorf("rootDSE hidden %v: %s is in %q", hidden, name, got)
				}
				for _, g := range u.Groups.All() {
					if g.SID == "" || g.Name != "" && !u.Groups.Has(g.SID) {
						t.Errorf("rootDSE hidden %v: %s has %+v", hidden, name, g)
					}
				}
			}
		}
	}
}

// TestTokenGroupsNotShown: everybody has token groups, the primary one at least. An account that may not read them sees none,
// which is no answer: nobody gets in past login.deny, and nobody loses anything.
func TestTokenGroupsNotShown(t *testing.T) {
	t.Parallel()
	s := company(t).stage(t, func(c *ldapmgr.DomainConfig) {
		onCompany(c)
		c.ReadOnly = new(false)
		c.Login.Deny = "Sales"
		c.Sync.Mirror.On = new(true)
	})
	done, err := s.try("ada", ldaptest.CompanyPassword)
	if err != nil {
		t.Fatal(err)
	}
	change := func(dn, attribute string, values ...string) {
		m := ldap.NewModifyRequest(dn, nil)
		if values == nil {
			m.Delete(attribute, []string{ldaptest.CompanyUser})
		} else {
			m.Replace(attribute, values)
		}
		if _, err := s.domain.Modify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	change("cn=Engineering,ou=groups,"+suffix, "member")
	change("cn=Administrators,ou=groups,"+suffix, "member")
	change(ldaptest.CompanyUser, "primaryGroupID", "0") // so that there is nothing to show
	s.domain.Purge()
	if _, err := s.try("ada", ldaptest.CompanyPassword); ldapmgr.OutcomeOf(err) != ldapmgr.OutcomeUnavailable {
		t.Errorf("a login without an answer: %v", err)
	}
	if _, err := s.syncer.Resync(t.Context(), "", done.Account.Key); err == nil {
		t.Error("a sync without an answer")
	}
	if got := s.account("ada").Groups; len(got) != len(done.Account.Groups) {
		t.Errorf("ada is in %q by now", got)
	}
}
