// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestLimitHoldsAtOnce: as many wrong passwords are passed on as the limit says, also when all come at the same time, and
// whichever of a person's names they come with. Who knows the password gets in meanwhile.
func TestLimitHoldsAtOnce(t *testing.T) {
	t.Parallel()
	more := "dn: uid=eve,ou=people,o=test\nobjectClass: inetOrgPerson\nuid: eve\ncn: eve\nsn: eve\nmail: e@people.test\nuserPassword: password\n\n"
	server := ldaptest.Start(t, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(fixture() + more), RootPassword: password})
	p := site{url: server.URL(), bind: "cn=admin,o=test", password: password}
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		ungrouped(c)
		c.Login.Attributes = []string{"uid", "mail"}
		c.Login.Limit = ldapmgr.Limit{PerUser: 3, PerAddress: -1}
		c.Pool.MaxOpen, c.Pool.WaitTimeout = 20, 5*time.Second
	})
	s.warm()
	all := func(names []string, password string) (outcomes map[ldapmgr.Outcome]int, binds int) {
		outcomes = map[ldapmgr.Outcome]int{}
		var mu sync.Mutex
		ops := s.during(func() {
			var running sync.WaitGroup
			for i := range 30 {
				running.Go(func() {
					_, err := s.try(names[i%len(names)], password)
					mu.Lock()
					defer mu.Unlock()
					outcomes[ldapmgr.OutcomeOf(err)]++
				})
			}
			running.Wait()
		})
		for _, op := range ops {
			if op.Bind != nil && strings.HasPrefix(op.Bind.Name, "uid=") {
				binds++
			}
		}
		return outcomes, binds
	}
	for _, names := range [][]string{{"alice"}, {"eve", "e@people.test"}} {
		if outcomes, _ := all(names, "password"); outcomes[ldapmgr.OutcomeOK] != 30 {
			t.Errorf("%q: with the right password: %v", names, outcomes)
		}
		outcomes, binds := all(names, "wrong")
		if binds != 3 || outcomes[ldapmgr.OutcomeWrongPassword] != 3 || outcomes[ldapmgr.OutcomeLimited] != 27 {
			t.Errorf("%q: %d wrong passwords were passed on, want 3: %v", names, binds, outcomes)
		}
	}
}

// TestNobodyCostsTheSame: a login of nobody costs what a wrong password does, also where logins have connections of their own.
func TestNobodyCostsTheSame(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		s := fixtureInMemory(t).stage(t, func(c *ldapmgr.DomainConfig) { c.Login.AsUser = &own })
		s.warm()
		cost := func(name string) [4]uint64 {
			before := wireUsage(s.scope)
			_, _ = s.try(name, "wrong")
			after := wireUsage(s.scope)
			return [4]uint64{
				after.OpenSockets - before.OpenSockets, after.SearchOperations - before.SearchOperations, after.BindOperations - before.BindOperations,
				after.ExtendedOperations - before.ExtendedOperations,
			}
		}
		if known, unknown := cost("alice"), cost("nobody at all"); known != unknown {
			t.Errorf("as user %v: sockets, searches, binds, extended: %v for a wrong password, %v for nobody", own, known, unknown)
		}
	}
}

// TestBestEffortFindsNobodySurely: that nobody has a name is not known while a place where people are cannot be searched. It
// is neither said nor kept.
func TestBestEffortFindsNobodySurely(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		ungrouped(c)
		c.Users.Places = []ldapmgr.Place{{Base: "ou=people,o=test"}, {Base: "ou=moregroups,o=test"}, {Base: "ou=never was,o=test"}}
		c.Users.BestEffort = new(true)
		c.Users.MissFor = time.Hour
	})
	s.refused("nobody at all", "password", ldapmgr.OutcomeNoSuchUser) // a place that does not exist holds nobody
	p.memory.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.Op == wire.SearchRequest && r.DN == "ou=people,o=test" },
		ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 80}})))
	s.refused("alice", "password", ldapmgr.OutcomeUnavailable)
	p.memory.Dir.SetFault(nil)
	s.login("alice")
}

// TestNamesOfOthers: a name that says another domain is nobody's here, with a template as with a search.
func TestNamesOfOthers(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	s := p.stage(t, direct)
	s.refused("alice@elsewhere.test", "password", ldapmgr.OutcomeWrongPassword)
	s.login("alice@EXAMPLE")
	s = p.stage(t, func(c *ldapmgr.DomainConfig) {
		direct(c)
		c.Login.Names = []string{`EXAMPLE\{name}`}
	})
	s.refused("alice@elsewhere.test", "password", ldapmgr.OutcomeBadName)
	s.refused("uid=alice,ou=people,o=test", "password", ldapmgr.OutcomeBadName)
}

// TestTemplateOfAddresses: where a DN begins with an address, the name goes in whole.
func TestTemplateOfAddresses(t *testing.T) {
	t.Parallel()
	more := "dn: mail=eve@people.test,ou=people,o=test\nobjectClass: inetOrgPerson\nuid: eve\ncn: eve\nsn: eve\nmail: eve@people.test\nuserPassword: password\n\n"
	server := ldaptest.Start(t, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(fixture() + more), RootPassword: password})
	p := site{url: server.URL(), bind: "cn=admin,o=test", password: password}
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		direct(c)
		c.Aliases = []string{"people.test"}
		c.Login.Names = []string{"mail={name},ou=people,o=test"}
	})
	s.login("eve@people.test")
}
