// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// exactlyOne: a person is one entry or a typed error, and is remembered only as long as somebody said.
func exactlyOne(t *testing.T, p site) {
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		c.Login.Filter, c.Users.CacheFor = "(|(uid={name})(gidNumber={name}))", time.Hour
		ungrouped(c)
	})
	for _, test := range []struct {
		name string
		want error
	}{{"alice", nil}, {"alice", nil}, {"nobody at all", ldapmgr.ErrNotFound}, {"*", ldapmgr.ErrNotFound}, {"50", ldapmgr.ErrAmbiguous}} {
		u, err := s.domain.User(t.Context(), test.name)
		if !errors.Is(err, test.want) || err == nil && u.Account != test.name {
			t.Errorf("%q: got %+v, %v", test.name, u, err)
		}
	}
	s.domain.Purge("alice")
	if _, err := s.domain.User(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
}

// wantSpent checks what f costs when everything is warm: operations and reads of the database, no connection and no write.
func (s *stage) wantSpent(wantOperations, wantReads int64, f func()) {
	s.t.Helper()
	operations, connections, reads, writes := s.spent(f)
	if operations != wantOperations || reads != wantReads || connections != 0 || writes != 0 {
		s.t.Errorf("%d operations, %d reads, %d connections, %d writes; want %d, %d, 0, 0", operations, reads, connections, writes, wantOperations, wantReads)
	}
}

// setFlag sets a flag as an administrator of the application would.
func (s *stage) setFlag(name, flag string, on bool) {
	s.t.Helper()
	account := s.account(name)
	plan := ldapmgr.Plan{Domain: account.Domain, Key: account.Key, DN: account.DN, ID: account.ID, Name: account.Name, Flags: []ldapmgr.FlagChange{{Name: flag, To: on}}}
	if _, err := s.store.Apply(s.t.Context(), []ldapmgr.Plan{plan}, commit); err != nil {
		s.t.Fatal(err)
	}
}

// TestMirrorNames: a prefix keeps the mirrored groups apart from the application's own, and patterns choose among them.
func TestMirrorNames(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Sync.Mirror = ldapmgr.Mirror{On: new(true), Prefix: "ldap-", Only: []string{"S*_gon", "active_???"}}
			c.Sync.Groups = map[string]string{"ldap-staff_gon": "", "mapped": "nested_gon"}
		})
		s.login("alice")
		s.wantGroups("alice", "ldap-active_gon", "ldap-superuser_gon", "mapped")
		s.inGroups("alice", "ldap-active_gon", "ldap-superuser_gon", "mapped", "active_gon", "own", "ldap-staff_gon", "ldap-sold_gon", "ldap-other")
		s.login("alice")
		s.wantGroups("alice", "active_gon", "ldap-active_gon", "ldap-other", "ldap-superuser_gon", "mapped", "own")
	})
}

// TestJumpCloudMap is the guide's attribute map, without the password that it copies.
func TestJumpCloudMap(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		guide := map[string]string{
			"first_name": "givenName", "last_name": "sn", "email": "mail", "username": "uid", "middle_name": "initials", "display_name": "displayName",
			"title": "title", "department": "departmentNumber", "cost_center": "businessCategory", "location": "physicalDeliveryOfficeName",
			"employee_id": "employeeNumber", "employee_type": "employeeType", "company": "o", "description": "description", "phone_no": "mobile",
		}
		c := p.config()
		c.Users.Fields = map[string]ldapmgr.Field{}
		for name, attribute := range guide {
			c.Users.Fields[name] = ldapmgr.Field{Attribute: attribute}
		}
		sink := &ownSink{accounts: map[string]ldapmgr.Stored{}}
		s := p.stage(t, nil)
		done, err := ldapmgr.NewSyncer(identityManager(t, s.scope, c), sink, ldapmgr.Hooks{}).Login(t.Context(), ldapmgr.Credentials{Name: "charlie", Password: "password"})
		if err != nil || done.Account.Fields["email"] != "charlie@people.test" || done.Account.Fields["username"] != "charlie" {
			t.Errorf("got %+v, %v", done, err)
		}
		c.Users.Fields["password"] = ldapmgr.Field{Attribute: "userPassword"}
		if _, err := ldapmgr.New(ldapmgr.Config{Scope: s.scope, Domains: map[string]ldapmgr.DomainConfig{"X": c}}); len(ldapmgr.Problems(err)) != 1 {
			t.Errorf("the password is mapped: %v", err)
		}
	})
}
