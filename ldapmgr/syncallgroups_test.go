// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestPeopleAreNoGroups: without a place for groups, people with a gidNumber lie where groups are looked for. They are
// none, whether one person is synced or all.
func TestPeopleAreNoGroups(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		for _, strategy := range []string{ldapmgr.GroupsAuto, ldapmgr.GroupsPosix} {
			agrees(t, p.stage(t, func(c *ldapmgr.DomainConfig) {
				c.Groups.Strategy, c.Groups.Places = strategy, nil
				c.Sync.Mirror.On = new(true)
			}))
		}
	})
}

// TestAllAgreesInActiveDirectory: a sync of all takes no distribution group for a security group where tokenGroups decides,
// and does not forget the primary group, which no group lists as its member.
func TestAllAgreesInActiveDirectory(t *testing.T) {
	t.Parallel()
	const below = ",ou=groups," + suffix
	more := "dn: cn=News" + below + "\nobjectClass: group\ncn: News\nsAMAccountName: News\ngroupType: 2\nmember: " + ldaptest.CompanyUser + "\n\n" +
		"dn: cn=Behind News" + below + "\nobjectClass: group\ncn: Behind News\nsAMAccountName: Behind News\nmember: cn=News" + below + "\n\n" +
		"dn: cn=Primary" + below + "\nobjectClass: group\ncn: Primary\nsAMAccountName: Primary\n\n"
	for _, strategy := range []string{ldapmgr.GroupsToken, ldapmgr.GroupsInChain, ldapmgr.GroupsMemberOf} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(8) + more)})
			p := site{url: server.URL(), bind: ldaptest.CompanyService, password: ldaptest.CompanyServicePassword}
			s := p.stage(t, func(c *ldapmgr.DomainConfig) {
				onCompany(c)
				c.ReadOnly = new(false)
				c.Groups.Strategy = strategy
				c.Sync.Mirror.On = new(true)
			})
			found, err := s.domain.Search(t.Context(), ldap.NewSearchRequest("cn=Primary"+below, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"objectSid"}, nil))
			if err != nil {
				t.Fatal(err)
			}
			sid, _ := ldapmgr.Entry{Entry: found.Entries[0]}.SID("objectSid")
			change := ldap.NewModifyRequest(ldaptest.CompanyUser, nil)
			change.Replace("primaryGroupID", []string{sid[strings.LastIndexByte(sid, '-')+1:]})
			if _, err := s.domain.Modify(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			agrees(t, s)
			if got := fmt.Sprint(s.account("ada").Groups); !strings.Contains(got, "Primary") || strings.Contains(got, "News") != (strategy != ldapmgr.GroupsToken) {
				t.Errorf("ada is in %s", got)
			}
		})
	}
}
