// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// stage is one application on a directory: manager, database and what it was told.
type stage struct {
	t      testing.TB
	scope  *instrument.Scope
	domain *ldapmgr.Domain
	syncer *ldapmgr.Syncer
	store  *usersql.Store
	db     *sql.DB
	sql    *statements

	mu     sync.Mutex // guards events
	events []ldapmgr.Event
}

// stage sets an application up. change adapts the usual settings: people under ou=people are found by uid, first and last
// name are kept, groups are groupOfNames under ou=groups and nothing is made of them.
func (p site) stage(t testing.TB, change func(c *ldapmgr.DomainConfig), hooks ...ldapmgr.Hooks) *stage {
	t.Helper()
	s := &stage{t: t, scope: instrument.New()}
	c := p.config()
	c.Users.Fields = nameFields()
	c.Event = func(_ context.Context, e ldapmgr.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}
	if change != nil {
		change(&c)
	}
	m := identityManager(t, s.scope, c)
	s.domain, _ = m.Domain("")
	s.store, s.db, s.sql = userStore(t)
	p.ledger.watch(witnessed{s.scope, c.Bind.Name, s.store})
	s.syncer = ldapmgr.NewSyncer(m, s.store, append(hooks, ldapmgr.Hooks{})[0])
	return s
}

func (s *stage) try(name, password string) (*ldapmgr.Synced, error) {
	return s.syncer.Login(s.t.Context(), ldapmgr.Credentials{Name: name, Password: password})
}

// login logs in, which must succeed.
func (s *stage) login(name string) *ldapmgr.Synced {
	s.t.Helper()
	done, err := s.try(name, "password")
	if err != nil {
		s.t.Fatalf("login of %q: %v", name, err)
	}
	return done
}

// refused tries to log in, which must end with an outcome.
func (s *stage) refused(name, password string, want ldapmgr.Outcome) error {
	s.t.Helper()
	_, err := s.try(name, password)
	if got := ldapmgr.OutcomeOf(err); got != want {
		s.t.Errorf("login of %q: got %s (%v), want %s", name, got, err, want)
	}
	return err
}

// sync syncs a person without a password, which must succeed.
func (s *stage) sync(name string) *ldapmgr.Synced {
	s.t.Helper()
	done, err := s.syncer.Sync(s.t.Context(), "", name)
	if err != nil {
		s.t.Fatalf("sync of %q: %v", name, err)
	}
	return done
}

// accounts returns the names of all local accounts.
func (s *stage) accounts() (names []string) {
	s.t.Helper()
	for account, err := range s.store.All(s.t.Context()) {
		if err != nil {
			s.t.Fatal(err)
		}
		names = append(names, account.Name)
	}
	return names
}

// account returns a local account by name.
func (s *stage) account(name string) ldapmgr.Stored {
	s.t.Helper()
	account, found, err := s.store.Named(s.t.Context(), "", name)
	if err != nil || !found {
		s.t.Fatalf("local account %q: found %v, %v", name, found, err)
	}
	return account
}

func (s *stage) wantAccounts(want ...string) {
	s.t.Helper()
	if got := s.accounts(); !slices.Equal(got, want) {
		s.t.Errorf("local accounts are %q, want %q", got, want)
	}
}

// warm makes the connections, so that what follows is counted without them.
func (s *stage) warm() {
	s.t.Helper()
	if err := s.domain.Preload(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	_ = s.domain.BindAs(s.t.Context(), "cn=nobody,o=test", "x") // refused, which is all that is wanted
}

// during returns the operations that f makes, in order.
func (s *stage) during(f func()) []instrument.Operation {
	s.t.Helper()
	before := s.scope.Recorder().Latest(10_000).To
	f()
	ops := s.scope.Recorder().Since(before, 10_000).Operations
	slices.SortFunc(ops, func(a, b instrument.Operation) int { return a.Start.Compare(b.Start) })
	return ops
}

// kinds names operations by kind and, for searches, by base.
func kinds(ops []instrument.Operation) (names []string) {
	for _, op := range ops {
		switch {
		case op.Search != nil:
			names = append(names, "search "+op.Search.Base)
		case op.Bind != nil:
			names = append(names, "bind "+op.Bind.Name)
		default:
			names = append(names, op.Kind.String())
		}
	}
	return names
}

func (s *stage) wantKinds(ops []instrument.Operation, want ...string) {
	s.t.Helper()
	if got := kinds(ops); !slices.Equal(got, want) {
		s.t.Errorf("operations are %q, want %q", got, want)
	}
}

// told returns the stages of the events so far.
func (s *stage) told() (stages []ldapmgr.Stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		stages = append(stages, e.Stage)
	}
	return stages
}

// local adds an account that belongs to no directory.
func (s *stage) local(name string) {
	s.t.Helper()
	if _, err := s.store.AddLocal(s.t.Context(), name, ""); err != nil {
		s.t.Fatal(err)
	}
}

// direct binds with a DN made of the name.
func direct(c *ldapmgr.DomainConfig) {
	c.Login.Names = []string{"uid={name},ou=people,o=test"}
	c.Groups.Strategy = ldapmgr.GroupsNone
}

// ungrouped looks for no groups.
func ungrouped(c *ldapmgr.DomainConfig) { c.Groups.Strategy = ldapmgr.GroupsNone }

// commit is what a transaction without hooks ends with.
func commit(context.Context) error { return nil }

func requestOf(ctx context.Context) string { return instrument.RequestID(ctx) }
