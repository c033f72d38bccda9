// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestKeysLeadBack: whatever attribute is the key, text or bytes, the key of a person finds that person again, and no two
// people have one.
func TestKeysLeadBack(t *testing.T) {
	t.Parallel()
	person := func(rdn, uid, number string) string {
		return "dn: " + rdn + ",ou=people,o=test\nobjectClass: inetOrgPerson\nuid: " + uid + "\ncn: c\nsn: s\nemployeeNumber: " + number + "\nuserPassword: password\n\n"
	}
	more := person("uid=sixteen", "sixteen", "1234567890ABcDEF") + person("uid=guid", "guid", "0CC2E6E6-7c55-4b0a-8a4a-6a3b6f3c2d1e") +
		person(`uid=odd\3B \22a\22 \3Cb\3E\2C \23`, "odd", "*()\\")
	server := ldaptest.Start(t, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(fixture() + more), RootPassword: password})
	p := site{url: server.URL(), bind: "cn=admin,o=test", password: password}
	for key, names := range map[string][]string{"employeeNumber": {"sixteen", "guid", "odd"}, "cn": {"alice"}, "carLicense": {"sixteen", "odd"}} {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			ungrouped(c)
			c.Users.Key = key // nobody has a carLicense: the DN is the key
		})
		for _, name := range names {
			leadsBack(t, s, name)
		}
	}
	for _, key := range []string{"objectSid", "objectGUID", "thumbnailPhoto", "userPrincipalName"} {
		s := company(t).stage(t, func(c *ldapmgr.DomainConfig) {
			onCompany(c)
			c.ReadOnly = new(false)
			c.Users.Key = key
		})
		if key == "thumbnailPhoto" {
			change := ldap.NewModifyRequest(ldaptest.CompanyUser, nil)
			change.Replace(key, []string{"\x01\x02\x03\xff*()\\\x00bcdefgh"})
			if _, err := s.domain.Modify(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
		leadsBack(t, s, "ada")
	}
}

func leadsBack(t *testing.T, s *stage, name string) {
	t.Helper()
	u, err := s.domain.User(t.Context(), name)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	again, err := s.domain.UserByKey(t.Context(), u.Key)
	if err != nil || again.DN != u.DN || strings.ContainsFunc(u.Key, func(r rune) bool { return r < ' ' || r == '\ufffd' }) {
		t.Errorf("the key %q of %s leads to %+v, %v", u.Key, u.DN, again, err)
	}
}

// TestKeysAreExact: a key of the application's choice may tell people apart by case alone.
func TestKeysAreExact(t *testing.T) {
	t.Parallel()
	s := fixtureInMemory(t).stage(t, func(c *ldapmgr.DomainConfig) {
		ungrouped(c)
		c.Users.Key = "homeDirectory" // compared with regard to case
		c.ReadOnly = new(false)
	})
	for uid, home := range map[string]string{"alice": "/home/A", "bob": "/home/a"} {
		change := ldap.NewModifyRequest("uid="+uid+",ou=people,o=test", nil)
		change.Replace("homeDirectory", []string{home})
		if _, err := s.domain.Modify(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := s.login("alice").Account, s.login("bob").Account; a.ID == b.ID {
		t.Errorf("alice and bob share the account %q", a.Name)
	}
	leadsBack(t, s, "alice")
}
