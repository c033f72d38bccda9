// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

func linking(c *ldapmgr.DomainConfig) { c.Sync.Existing = ldapmgr.ExistingLink }

// D3: local user look-up and models of one's own.
var localUserRows = []row{
	{name: "D3/test_existing_user", run: func(t *testing.T, p site) {
		s := p.stage(t, linking)
		s.local("alice")
		if done := s.login("alice"); !done.Plan.Link || done.Plan.Create {
			t.Errorf("plan %+v does not link", done.Plan)
		}
		s.wantAccounts("alice")
		safe := p.stage(t, nil)
		safe.local("alice")
		if _, err := safe.try("alice", "password"); !errors.Is(err, ldapmgr.ErrNameTaken) {
			t.Errorf("got %v where accounts are not linked, want ErrNameTaken", err)
		}
	}},
	{name: "D3/test_existing_user_insensitive", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { linking(c); ungrouped(c) })
		s.local("Alice")
		s.warm()
		ops := s.during(func() { s.login("alice") })
		s.wantKinds(ops, "search ou=people,o=test", "bind uid=alice,ou=people,o=test")
		s.wantAccounts("Alice")
	}},
	{name: "D3/test_no_new_users", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Sync.NewUsers = new(false) })
		ops := s.during(func() { s.refused("alice", "password", ldapmgr.OutcomeNoAccount) })
		if slices.Contains(kinds(ops), "bind uid=alice,ou=people,o=test") {
			t.Error("the password was sent for somebody who cannot get in")
		}
		s.wantAccounts()
	}},
	{name: "D3/test_auth_custom_field", why: "a form's fields are the application's; the nearest is a login name that is looked up elsewhere than in uid", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Login.Attributes = []string{"mail"} })
		s.login("charlie@people.test")
		s.wantAccounts("charlie")
	}},
	{name: "D3/test_auth_custom_user", why: "there is no user model; the nearest is a sink of one's own", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		own := &ownSink{accounts: map[string]ldapmgr.Stored{}}
		done, err := ldapmgr.NewSyncer(s.syncer.Manager(), own, ldapmgr.Hooks{}).Login(t.Context(), ldapmgr.Credentials{Name: "alice", Password: "password"})
		if err != nil || done.Account.ID != "own-1" || own.accounts[done.Account.Key].Fields["last_name"] != "Adams" {
			t.Errorf("got %+v, %v", done, err)
		}
	}},
	{name: "D3/test_get_custom_user", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		done := s.login("alice")
		if again, err := s.store.ByID(t.Context(), done.Account.ID); err != nil || again.Key != done.User.Key {
			t.Errorf("by id: %+v, %v", again, err)
		}
	}},
	{name: "D3/test_get_custom_field", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			linking(c)
			c.Users.Fields["extra"] = ldapmgr.Field{Attribute: "uidNumber", Transform: ldapmgr.TransformInt}
			c.Sync.QueryField = "extra"
		})
		s.local("somebody else")
		if err := s.set("somebody else", "extra", "1000"); err != nil {
			t.Fatal(err)
		}
		if done := s.login("alice"); done.Account.Name != "somebody else" {
			t.Errorf("linked to %q", done.Account.Name)
		}
		s.wantAccounts("somebody else")
	}},
}

// set writes one field of an account.
func (s *stage) set(name, field, value string) error {
	account := s.account(name)
	_, err := s.db.ExecContext(s.t.Context(), "UPDATE app_user SET "+field+" = ? WHERE id = ?", value, account.ID)
	return err
}

// ownSink keeps accounts in memory.
type ownSink struct {
	mu       sync.Mutex
	accounts map[string]ldapmgr.Stored
}

func (o *ownSink) Stored(_ context.Context, _ string, keys []string) (map[string]ldapmgr.Stored, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[string]ldapmgr.Stored{}
	for _, key := range keys {
		if account, ok := o.accounts[key]; ok {
			found[key] = account
		}
	}
	return found, nil
}

func (o *ownSink) Named(context.Context, string, string) (ldapmgr.Stored, bool, error) {
	return ldapmgr.Stored{}, false, nil
}

func (o *ownSink) Apply(ctx context.Context, plans []ldapmgr.Plan, commit func(context.Context) error) (ids []string, err error) {
	if err := commit(ctx); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range plans {
		after := p.After(o.accounts[p.Key])
		after.ID = "own-1"
		o.accounts[p.Key] = after
		ids = append(ids, after.ID)
	}
	return ids, nil
}

func (o *ownSink) Failed(context.Context, string, string, string) error { return nil }
