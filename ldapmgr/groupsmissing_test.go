// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestGroupsThatAreNone: a rule that names a group which is not there holds for nobody, and nobody is told. A sync of everybody has
// read all groups, so it knows.
func TestGroupsThatAreNone(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Login.Deny = "guests or cn=nested_gon,ou=groups,o=test"
			c.Login.Require = `active_gon or "cn=gone,ou=groups,o=test"`
			c.Sync.Flags = map[string]string{"staff": "staff_gon", "superuser": "not superusers_gon"}
			c.Sync.Groups = map[string]string{"editors": "guests", "nobody": ""}
		})
		named := func() (all []string) {
			for _, w := range s.domain.Warnings() {
				if w.Code == ldapmgr.WarnUnknownGroup {
					all = append(all, w.Text)
				}
			}
			return all
		}
		if got := named(); got != nil {
			t.Errorf("before anything was read: %q", got)
		}
		if _, err := s.syncer.All(t.Context(), "", ldapmgr.AllOptions{}); err != nil {
			t.Fatal(err)
		}
		got := named()
		want := []string{"login.deny names the group guests", "login.require names the group cn=gone,ou=groups,o=test", "sync.flags.superuser names the group superusers_gon", "sync.groups.editors names the group guests"}
		if len(got) != len(want) || !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("got %q", got)
		}
	})
	s := company(t).stage(t, func(c *ldapmgr.DomainConfig) {
		onCompany(c)
		c.Login.Require = `"Human Resources" or S-1-5-32-544`
		c.Silence = []string{ldapmgr.WarnUnknownGroup}
	})
	if _, err := s.syncer.All(t.Context(), "", ldapmgr.AllOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := s.domain.Warnings(); slices.ContainsFunc(got, func(w ldapmgr.Warning) bool { return w.Code == ldapmgr.WarnUnknownGroup }) {
		t.Errorf("silenced: %v", got)
	}
}
