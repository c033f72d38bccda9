// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// demanding is a login with require, deny, three flags and mirrored groups.
func demanding(c *ldapmgr.DomainConfig) {
	flagged(c)
	c.Login.Require, c.Login.Deny = "active_gon", "empty_gon"
	c.Sync.Mirror.On = new(true)
}

// mapping has ten local groups.
func mapping(c *ldapmgr.DomainConfig) {
	c.Sync.Groups = map[string]string{}
	for i := range 10 {
		c.Sync.Groups[fmt.Sprintf("local %d", i)] = []string{"active_gon", "staff_gon", "empty_gon"}[i%3]
	}
}

// spent counts what f costs.
func (s *stage) spent(f func()) (operations, connections, reads, writes int64) {
	before, r, w := wireUsage(s.scope), s.sql.reads.Load(), s.sql.writes.Load()
	f()
	d := wireUsage(s.scope).Sub(before)
	return int64(d.Operations), int64(d.OpenSockets), s.sql.reads.Load() - r, s.sql.writes.Load() - w
}

func TestOperationBudget(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		tests := []struct {
			name        string
			change      func(*ldapmgr.DomainConfig)
			operations  int64
			first, then func(s *stage, key string)
		}{
			{
				name: "login with require, deny, three flags and mirrored groups", change: demanding, operations: 3,
				then: func(s *stage, _ string) { s.login("alice") },
			},
			{
				name: "login with a template", operations: 3,
				change: func(c *ldapmgr.DomainConfig) { demanding(c); c.Login.Names = []string{"uid={name},ou=people,o=test"} },
				then:   func(s *stage, _ string) { s.login("alice") },
			},
			{
				name: "unchanged sync with ten mapped groups", change: mapping, operations: 2,
				then: func(s *stage, key string) {
					if done, err := s.syncer.Resync(s.t.Context(), "", key); err != nil || done.Plan.Changed() {
						s.t.Errorf("sync: %v, %v", done, err)
					}
				},
			},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				s := p.stage(t, test.change)
				key := s.login("alice").Account.Key
				operations, connections, reads, writes := s.spent(func() { test.then(s, key) })
				if operations != test.operations || connections != 0 || reads != 1 || writes != 0 {
					t.Errorf("%d operations, %d connections, %d reads, %d writes; want %d, 0, 1, 0", operations, connections, reads, writes, test.operations)
				}
			})
		}
	})
}

func TestOperationBudgetFresh(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, mapping)
		key := s.login("alice").Account.Key
		operations, _, reads, writes := s.spent(func() {
			if _, ok := s.syncer.Recent("", key, 1<<40); ok {
				t.Error("the empty name is no domain that accounts are kept under")
			}
			if _, err := s.syncer.Current(t.Context(), "", key, 1<<40); err != nil {
				t.Error(err)
			}
		})
		if operations+reads+writes != 0 {
			t.Errorf("%d operations, %d reads, %d writes for a fresh user", operations, reads, writes)
		}
	})
}

// TestOperationBudgetAD: with the SIDs of the domain's groups known, tokenGroups costs no more than a search for groups.
func TestOperationBudgetAD(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{ldapmgr.GroupsToken, ldapmgr.GroupsInChain} {
		s := company(t).stage(t, func(c *ldapmgr.DomainConfig) { onCompany(c); c.Groups.Strategy = strategy })
		login := func() {
			if _, err := s.try("ada", ldaptest.CompanyPassword); err != nil {
				t.Fatal(err)
			}
		}
		login()
		if operations, connections, _, _ := s.spent(login); operations != 3 || connections != 0 {
			t.Errorf("%s: %d operations and %d connections, want 3 and 0", strategy, operations, connections)
		}
	}
}

// company is an Active Directory with people in it.
func company(t testing.TB) site {
	t.Helper()
	s := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(40))})
	return site{url: s.URL(), bind: ldaptest.CompanyService, password: ldaptest.CompanyServicePassword, memory: s}
}

// onCompany adapts a stage's settings to company.
func onCompany(c *ldapmgr.DomainConfig) {
	c.Base, c.Users.Places, c.Groups = suffix, nil, ldapmgr.Groups{}
}

// benchStage is a stage whose first login is done.
func benchStage(b *testing.B, change func(*ldapmgr.DomainConfig)) (*stage, string) {
	b.Helper()
	server := ldaptest.Start(b, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(fixture()), RootPassword: password})
	s := site{url: server.URL(), bind: "cn=admin,o=test", password: password}.stage(b, change)
	return s, s.login("alice").Account.Key
}

func perOperation(b *testing.B, s *stage, run func()) {
	b.Helper()
	b.ReportAllocs()
	var operations int64
	for b.Loop() {
		n, _, _, _ := s.spent(run)
		operations += n
	}
	b.ReportMetric(float64(operations)/float64(b.N), "ldap-ops/op")
}

func BenchmarkLogin(b *testing.B) {
	s, _ := benchStage(b, demanding)
	perOperation(b, s, func() { s.login("alice") })
}

func BenchmarkResync(b *testing.B) {
	s, key := benchStage(b, mapping)
	perOperation(b, s, func() {
		if _, err := s.syncer.Resync(b.Context(), "", key); err != nil {
			b.Fatal(err)
		}
	})
}

var _ = instrument.New
