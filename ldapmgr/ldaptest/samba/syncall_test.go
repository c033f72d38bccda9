// SPDX-License-Identifier: MIT

package samba_test

import (
	"slices"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestSyncOfAllAgreesWithOne: with every strategy a sync of everybody finds for each the groups that a sync of that person does,
// the primary group and those of the server's own included.
func TestSyncOfAllAgreesWithOne(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	for _, strategy := range []string{ldapmgr.GroupsToken, ldapmgr.GroupsInChain, ldapmgr.GroupsMemberOf, ldapmgr.GroupsMember} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			cfg := people(s, strategy)
			cfg.Sync.Mirror.On = new(true)
			d, m, _ := manager(t, cfg)
			syncer := ldapmgr.NewSyncer(m, store(t), ldapmgr.Hooks{})
			report, err := syncer.All(t.Context(), d.Name(), ldapmgr.AllOptions{Apply: true})
			if err != nil || len(report.Failures) > 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			for _, p := range report.Plans {
				one, err := syncer.PlanByKey(t.Context(), d.Name(), p.Key)
				if err != nil || one.Changed() {
					t.Errorf("%s joined %q with all; on its own: %v, %v", p.Account, p.Join, one, err)
				}
			}
		})
	}
}

// TestSambaIsActiveDirectory: without any setting of one's own a Samba domain is asked as the Active Directory that it is.
func TestSambaIsActiveDirectory(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	d, _, _ := manager(t, encrypted(s))
	for range 2 { // the second time groups are known by their SIDs from the first
		for _, name := range []string{"ada", "grace@example.org"} {
			u, err := d.User(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Groups.Names(); !slices.Contains(got, "everyone") || !slices.Contains(got, "Domain Users") {
				t.Errorf("%s is in %q", name, got)
			}
		}
	}
}
