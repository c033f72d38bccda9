// SPDX-License-Identifier: MIT

package samba_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// TestAcceptance is the rows of the acceptance list that need an Active Directory, on a real domain controller. Their names are
// those of ldapmgr's TestAcceptance, which runs the others and, in memory, these too.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	person := "CN=Ada Lovelace,OU=people," + s.Suffix
	tests := []struct {
		name   string
		change func(c *ldapmgr.DomainConfig)
		run    func(syncer *ldapmgr.Syncer) (*ldapmgr.Synced, error)
		wire   []string // besides what a new connection begins with
		groups []string
	}{
		{
			name:   "A14/test_create_user",
			change: func(*ldapmgr.DomainConfig) {},
			run:    func(syncer *ldapmgr.Syncer) (*ldapmgr.Synced, error) { return syncer.Sync(t.Context(), "", "ada") },
			wire:   []string{"search " + s.Suffix, "search " + s.Suffix},
			groups: []string{"engineers", "everyone", "staff"},
		},
		{
			name:   "A8/get_ldap_groups(attributes=None, preload=True)",
			change: func(c *ldapmgr.DomainConfig) { c.Groups.Strategy = ldapmgr.GroupsToken },
			run:    func(syncer *ldapmgr.Syncer) (*ldapmgr.Synced, error) { return syncer.Sync(t.Context(), "", "ada") },
			wire:   []string{"search " + s.Suffix, "search " + person, "search " + s.Suffix},
			groups: []string{"engineers", "everyone", "staff"},
		},
		{
			name: "D4/test_bind_as_user_with_dn_refetch",
			change: func(c *ldapmgr.DomainConfig) {
				c.Login.Names, c.Login.AsUser, c.Login.RefreshDN = []string{"{name}@example.org"}, new(true), new(true)
			},
			run: func(syncer *ldapmgr.Syncer) (*ldapmgr.Synced, error) {
				return syncer.Login(t.Context(), ldapmgr.Credentials{Name: "ada", Password: samba.Password})
			},
			wire:   []string{"bind ada@example.org", "search " + s.Suffix, "search " + s.Suffix},
			groups: []string{"engineers", "everyone", "staff"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := people(s, ldapmgr.GroupsInChain)
			cfg.Users.Fields = map[string]ldapmgr.Field{"mail": {Attribute: "mail"}, "full_name": {Template: "{givenName} {sn}"}}
			cfg.Sync.Flags = map[string]string{"staff": "everyone"}
			cfg.Sync.Mirror = ldapmgr.Mirror{On: new(true), Only: []string{"engineers", "everyone", "staff"}}
			test.change(&cfg)
			d, m, scope := manager(t, cfg)
			local := store(t)
			done, err := test.run(ldapmgr.NewSyncer(m, local, ldapmgr.Hooks{}))
			if err != nil {
				t.Fatal(err)
			}
			if got := asked(scope, cfg.Bind.Name); !slices.Equal(got, test.wire) {
				t.Errorf("operations are %q, want %q", got, test.wire)
			}
			accounts, err := local.Stored(t.Context(), d.Name(), []string{done.User.Key})
			if err != nil || len(accounts) != 1 {
				t.Fatalf("local accounts %v, %v", accounts, err)
			}
			kept := accounts[done.User.Key]
			slices.Sort(kept.Groups)
			want := ldapmgr.Stored{
				Name: "ada", DN: person, Fields: map[string]string{"mail": "ada@example.org", "full_name": "Ada Lovelace"},
				Flags: map[string]bool{"active": true, "staff": true}, Groups: test.groups,
			}
			got := ldapmgr.Stored{Name: kept.Name, DN: kept.DN, Fields: kept.Fields, Flags: kept.Flags, Groups: kept.Groups}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

// asked names the operations of a scope in order, without those that a new connection of the service account begins with.
func asked(scope *instrument.Scope, service string) (names []string) {
	ops := scope.Recorder().Latest(1000).Operations
	slices.SortFunc(ops, func(a, b instrument.Operation) int { return a.Start.Compare(b.Start) })
	for _, op := range ops {
		switch {
		case op.Search != nil && op.Search.Base != "":
			names = append(names, "search "+op.Search.Base)
		case op.Bind != nil && !strings.EqualFold(op.Bind.Name, service):
			names = append(names, "bind "+op.Bind.Name)
		}
	}
	return names
}
