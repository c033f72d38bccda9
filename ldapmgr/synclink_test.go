// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// statuses tells what was found for each account.
func statuses(l *ldapmgr.Links) (all []string) {
	for _, a := range l.Accounts {
		all = append(all, a.Name+" "+string(a.Status))
	}
	return all
}

// TestLink links accounts that were there before: only after a look, in one search, and none that is not sure.
func TestLink(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		s.local("Alice")
		s.local("bob")
		s.local("stranger")
		s.warm()
		want := []string{"Alice linked", "bob linked", "stranger nobody"}
		var look *ldapmgr.Links
		var err error
		ops := s.during(func() { look, err = s.syncer.Link(t.Context(), "", false) })
		if err != nil || !slices.Equal(statuses(look), want) || look.Linked != 2 || look.Applied {
			t.Fatalf("a look: %+v, %v", look, err)
		}
		s.wantKinds(ops, "search ou=people,o=test")
		if s.account("alice").Domain != "" {
			t.Fatal("a look links")
		}
		done, err := s.syncer.Link(t.Context(), "", true)
		if err != nil || !slices.Equal(statuses(done), want) || !done.Applied {
			t.Fatalf("linking: %+v, %v", done, err)
		}
		before := s.account("alice")
		if login := s.login("alice"); login.Account.ID != before.ID || login.Account.Name != "Alice" || login.Plan.Link {
			t.Errorf("the login of a linked account is %+v", login)
		}
		again, err := s.syncer.Link(t.Context(), "", true)
		if err != nil || !slices.Equal(statuses(again), []string{"stranger nobody"}) || again.Linked != 0 {
			t.Errorf("once more: %+v, %v", again, err)
		}
		s.wantAccounts("Alice", "bob", "stranger")
	})
}

// stageOn is a Syncer with other settings on the accounts of a stage.
func (p site) stageOn(t *testing.T, s *stage, change func(*ldapmgr.DomainConfig)) *ldapmgr.Syncer {
	t.Helper()
	c := p.config()
	ungrouped(&c)
	change(&c)
	return ldapmgr.NewSyncer(identityManager(t, instrument.New(), c), s.store, ldapmgr.Hooks{})
}

// TestLinkLeavesAlone: a person has one account, and an account of which it is not sure whose it is stays as it is.
func TestLinkLeavesAlone(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		s.login("bob")
		old := p.stageOn(t, s, func(c *ldapmgr.DomainConfig) { c.Sync.LocalName = "{account}-old" })
		s.local("bob-old")
		got, err := old.Link(t.Context(), "", true)
		if err != nil || !slices.Equal(statuses(got), []string{"bob-old taken"}) || s.account("bob-old").Domain != "" {
			t.Errorf("a second account: %+v, %v", got, err)
		}
		byName := p.stageOn(t, s, func(c *ldapmgr.DomainConfig) { c.Users.Account = "objectClass" })
		s.local("inetorgperson")
		got, err = byName.Link(t.Context(), "", true)
		if err != nil || !slices.Contains(statuses(got), "inetorgperson ambiguous") || s.account("inetorgperson").Domain != "" {
			t.Errorf("several people: %+v, %v", got, err)
		}
	})
}

// TestLinkIsAllOrNothing: a hook that refuses one link, and an answer that is cut off, leave all accounts alone.
func TestLinkIsAllOrNothing(t *testing.T) {
	t.Parallel()
	refuse := errors.New("not bob")
	p := fixtureInMemory(t)
	s := p.stage(t, ungrouped, ldapmgr.Hooks{BeforeCommit: func(_ context.Context, plan ldapmgr.Plan) error {
		if plan.Name == "bob" {
			return refuse
		}
		return nil
	}})
	s.local("alice")
	s.local("bob")
	if _, err := s.syncer.Link(t.Context(), "", true); !errors.Is(err, refuse) || !errors.Is(err, ldapmgr.ErrVetoed) {
		t.Errorf("got %v", err)
	}
	p.memory.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 4}})))
	if _, err := s.syncer.Link(t.Context(), "", true); err == nil {
		t.Error("an answer that is not whole links accounts")
	}
	for _, name := range []string{"alice", "bob"} {
		if s.account(name).Domain != "" {
			t.Errorf("%s is linked", name)
		}
	}
}
