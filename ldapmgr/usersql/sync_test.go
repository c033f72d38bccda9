// SPDX-License-Identifier: MIT

package usersql_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// company starts a directory with about so many people and returns its URL.
func company(t *testing.T, people int) string {
	t.Helper()
	return ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(people))}).URL()
}

// manager is what one process has of a directory.
func manager(t *testing.T, url string) *ldapmgr.Manager {
	t.Helper()
	m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": {
		Servers: []string{url}, Base: ldaptest.DefaultSuffix,
		Bind: ldapmgr.Bind{Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
		Users: ldapmgr.Users{
			Filter: "(&(objectClass=user)(mail=*))", Fields: map[string]ldapmgr.Field{"mail": {Attribute: "mail"}},
		},
		Sync: ldapmgr.Sync{
			Flags: map[string]string{"staff": "Staff"}, Mirror: ldapmgr.Mirror{On: new(true)}, Leavers: ldapmgr.LeaversDeactivate,
			Brake: ldapmgr.Brake{MinShare: 0.01, Removals: 100_000}, // so that a second sync must agree, and nothing else holds
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = m.Close(ctx)
	})
	return m
}

// TestSyncsAtOnce: processes that sync everybody at once make each account once, and do not take each other for the second
// sync that must agree to many removals.
func TestSyncsAtOnce(t *testing.T) { everywhere(t, testSyncsAtOnce) }

func testSyncsAtOnce(t *testing.T, p place) {
	first := p.store(t)
	many, few := company(t, 40), company(t, 10)
	all := func(url string) (reports []*ldapmgr.Report) {
		reports = make([]*ldapmgr.Report, processes)
		managers := make([]*ldapmgr.Manager, processes)
		for n := range managers {
			managers[n] = manager(t, url)
		}
		atOnce(t, p, func(n int, s *usersql.Store) (err error) {
			reports[n], err = ldapmgr.NewSyncer(managers[n], s, ldapmgr.Hooks{}).All(t.Context(), "", ldapmgr.AllOptions{Apply: true, AcceptOlder: true})
			return err
		})
		return reports
	}
	for _, r := range all(many) {
		if r == nil || len(r.Failures) > 0 || r.People < 30 {
			t.Fatalf("not everybody was synced: %+v", r)
		}
	}
	before := accounts(t, first)
	for _, r := range all(few) {
		if r == nil {
			continue // and told
		}
		if r.Removals == 0 || r.Held != r.Removals {
			t.Errorf("%d of %d removals are held", r.Held, r.Removals)
		}
	}
	if diff := cmp.Diff(before, accounts(t, first)); diff != "" {
		t.Error(diff)
	}
}

// accounts are the groups of all accounts that are active, by name.
func accounts(t *testing.T, s *usersql.Store) map[string]int {
	t.Helper()
	groups := map[string]int{}
	for account, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if account.Flags[ldapmgr.ActiveFlag] {
			groups[account.Name] = len(account.Groups)
		}
	}
	return groups
}

// TestLaterRunCounts: of two syncs at once, the one that began later leaves what the next compares with.
func TestLaterRunCounts(t *testing.T) { everywhere(t, testLaterRunCounts) }

func testLaterRunCounts(t *testing.T, p place) {
	s := p.store(t)
	now := time.Now().UTC().Truncate(time.Second)
	steps := []struct {
		name        string
		saved, kept time.Time
	}{
		{"the first", now.Add(-time.Hour), now.Add(-time.Hour)},
		{"one that began earlier and took longer", now.Add(-2 * time.Hour), now.Add(-time.Hour)},
		{"a later one", now.Add(-time.Minute), now.Add(-time.Minute)},
		{"one with a clock that goes ahead", now.Add(time.Hour), now.Add(time.Hour)},
		{"the next, which it must not hold off", now.Add(-time.Second), now.Add(-time.Second)},
	}
	for _, step := range steps {
		if err := s.SaveRun(t.Context(), "EXAMPLE", ldapmgr.Run{At: step.saved}); err != nil {
			t.Fatal(err)
		}
		if run, err := s.LastRun(t.Context(), "EXAMPLE"); err != nil || !run.At.Equal(step.kept) {
			t.Errorf("%s: the run of %v is kept, want %v; %v", step.name, run.At, step.kept, err)
		}
	}
}
