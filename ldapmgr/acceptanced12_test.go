// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// mirroring makes local groups of those under ou=mirror_groups.
func mirroring(mirror ldapmgr.Mirror) func(*ldapmgr.DomainConfig) {
	return func(c *ldapmgr.DomainConfig) {
		mirror.On = new(true)
		c.Sync.Mirror = mirror
		c.Groups.Places = []ldapmgr.Place{{Base: "ou=mirror_groups,o=test"}}
	}
}

// inGroups puts an account into local groups.
func (s *stage) inGroups(name string, groups ...string) {
	s.t.Helper()
	account := s.account(name)
	quit := slices.DeleteFunc(account.Groups, func(g string) bool { return slices.Contains(groups, g) })
	plan := ldapmgr.Plan{Domain: account.Domain, Key: account.Key, DN: account.DN, ID: account.ID, Name: account.Name, Join: groups, Quit: quit}
	if _, err := s.store.Apply(s.t.Context(), []ldapmgr.Plan{plan}, commit); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) wantGroups(name string, want ...string) {
	s.t.Helper()
	got := s.account(name).Groups
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.t.Errorf("local groups of %s are %q, want %q", name, got, want)
	}
}

// mirrored is a row with local groups before and after a login.
func mirrored(name string, mirror ldapmgr.Mirror, before, after []string) row {
	return row{name: name, run: func(t *testing.T, p site) {
		s := p.stage(t, mirroring(mirror))
		s.login("alice")
		s.inGroups("alice", before...)
		done := s.login("alice")
		s.wantGroups("alice", after...)
		if slices.Equal(before, after) && done.Plan.Changed() {
			t.Errorf("plan %v changes what was right", done.Plan)
		}
	}}
}

// D12: mirroring.
var mirrorRows = []row{
	{name: "D12/test_group_mirroring", run: func(t *testing.T, p site) {
		s := p.stage(t, mirroring(ldapmgr.Mirror{}))
		s.login("alice")
		s.wantGroups("alice", "mirror1", "mirror3")
		s.login("bob")
		s.wantGroups("bob")
	}},
	{name: "D12/test_group_mirroring_custom_grouptype", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Groups.Own = nameless{}; c.Sync.Mirror.On = new(true) })
		s.login("alice")
		s.wantGroups("alice", "mirror3")
	}},
	{name: "D12/test_nested_group_mirroring", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Groups.Nested = new(true); c.Sync.Mirror.On = new(true) })
		s.login("alice")
		s.wantGroups("alice", "active_gon", "circular_gon", "nested_gon", "parent_gon", "staff_gon", "superuser_gon")
	}},
	mirrored("D12/test_group_mirroring_whitelist_update", ldapmgr.Mirror{Only: []string{"mirror1", "mirror2"}}, []string{"mirror2", "mirror4"}, []string{"mirror1", "mirror4"}),
	mirrored("D12/test_group_mirroring_whitelist_noop", ldapmgr.Mirror{Only: []string{"mirror1", "mirror2"}}, []string{"mirror1", "mirror4"}, []string{"mirror1", "mirror4"}),
	mirrored("D12/test_group_mirroring_blacklist_update", ldapmgr.Mirror{Except: []string{"mirror1", "mirror2"}}, []string{"mirror2", "mirror4"}, []string{"mirror2", "mirror3"}),
	mirrored("D12/test_group_mirroring_blacklist_noop", ldapmgr.Mirror{Except: []string{"mirror1", "mirror2"}}, []string{"mirror2", "mirror3"}, []string{"mirror2", "mirror3"}),
	{name: "D12/test_group_mirroring_error", run: func(t *testing.T, p site) {
		s := p.stage(t, mirroring(ldapmgr.Mirror{}))
		s.login("alice")
		c := s.domain.Config()
		c.Groups.Places = []ldapmgr.Place{{Base: "ou=missing,o=test"}}
		m := identityManager(t, instrument.New(), c)
		_, err := ldapmgr.NewSyncer(m, s.store, ldapmgr.Hooks{}).Login(t.Context(), ldapmgr.Credentials{Name: "alice", Password: "password"})
		if ldapmgr.OutcomeOf(err) != ldapmgr.OutcomeUnavailable {
			t.Errorf("got %v", err)
		}
		s.wantGroups("alice", "mirror1", "mirror3")
		if !slices.Contains(s.told(), ldapmgr.StageGroups) {
			t.Errorf("events %q", s.told())
		}
	}},
}

// searches counts searches by base.
func searches(ops []instrument.Operation, base string) (n int) {
	for _, op := range ops {
		if op.Search != nil && op.Search.Base == base {
			n++
		}
	}
	return n
}

// D13: cache.
var cacheRows = []row{
	{name: "D13/test_group_cache", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Groups.CacheFor = time.Minute })
		ops := s.during(func() {
			for range 2 {
				s.login("alice")
				s.login("bob")
			}
		})
		if n := searches(ops, "ou=groups,o=test"); n != 2 {
			t.Errorf("%d searches for groups, want 2", n)
		}
	}},
	{name: "D13/test_dn_not_cached", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		ops := s.during(func() { s.login("alice"); s.login("alice") })
		if n := searches(ops, "ou=people,o=test"); n != 2 {
			t.Errorf("%d searches for the user, want 2", n)
		}
	}},
	{name: "D13/test_dn_cached", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Users.CacheFor = time.Minute })
		ops := s.during(func() { s.login("alice"); s.login("Alice") })
		if n := searches(ops, "ou=people,o=test"); n != 1 {
			t.Errorf("%d searches for the user, want 1", n)
		}
		s.domain.Purge("alice")
		if n := searches(s.during(func() { s.login("alice") }), "ou=people,o=test"); n != 1 {
			t.Errorf("%d searches after a purge, want 1", n)
		}
	}},
}

// wantPlain checks that a type holds values alone: no connection, lock, channel or function that copies would share.
func wantPlain(t *testing.T, typ reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	if seen[typ] || typ == reflect.TypeFor[time.Time]() {
		return
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.UnsafePointer, reflect.Uintptr:
		t.Errorf("%v is shared by copies", typ)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		wantPlain(t, typ.Elem(), seen)
	case reflect.Map:
		wantPlain(t, typ.Key(), seen)
		wantPlain(t, typ.Elem(), seen)
	case reflect.Struct:
		if strings.HasPrefix(typ.PkgPath(), "sync") {
			t.Errorf("%v must not be copied", typ)
		}
		for i := range typ.NumField() {
			wantPlain(t, typ.Field(i).Type, seen)
		}
	}
}

// D14 and D15: copies, and import.
var copyRows = []row{
	{name: "D14/test_deepcopy", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		done := s.login("alice")
		wantPlain(t, reflect.TypeFor[ldapmgr.Synced](), map[reflect.Type]bool{})
		double := *done.User
		double.DN = "changed"
		if done.User.DN == "changed" || double.Groups.Len() != done.User.Groups.Len() {
			t.Error("the copy and the original are one")
		}
	}},
	{name: "D14/test_pickle", run: func(t *testing.T, p site) {
		s := p.stage(t, permitting)
		s.grant("active_gon", granted...)
		text, err := json.Marshal(s.login("alice").Account)
		if err != nil {
			t.Fatal(err)
		}
		var account ldapmgr.Stored
		if err := json.Unmarshal(text, &account); err != nil {
			t.Fatal(err)
		}
		s.syncer.Forget("", account.Key)
		if got, err := s.syncer.Permissions(t.Context(), "", account.Key); err != nil || !slices.Equal(got, granted) {
			t.Errorf("alice may %q, %v", got, err)
		}
	}},
	{name: "D15/test_django_not_ready", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		if n := wireUsage(s.scope).OpenSockets; n != 0 {
			t.Errorf("%d connections before anybody asked for anything", n)
		}
		if _, err := s.syncer.Stale(t.Context(), "", "nobody"); !errors.Is(err, ldapmgr.ErrNotFound) || wireUsage(s.scope).OpenSockets != 0 {
			t.Errorf("got %v and %d connections", err, wireUsage(s.scope).OpenSockets)
		}
	}},
}
