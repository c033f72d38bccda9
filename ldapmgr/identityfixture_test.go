// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// fixture is the directory of the acceptance rows, with the suffix o=test.
func fixture() string {
	var b strings.Builder
	b.WriteString("dn: o=test\nobjectClass: organization\no: test\n\n")
	for _, ou := range []string{"people", "groups", "moregroups", "query_groups", "mirror_groups"} {
		fmt.Fprintf(&b, "dn: ou=%s,o=test\nobjectClass: organizationalUnit\nou: %[1]s\n\n", ou)
	}
	person := func(rdn, uid, given, sn, posix, mail string) {
		fmt.Fprintf(&b, "dn: %s,ou=people,o=test\nobjectClass: inetOrgPerson\n", rdn)
		if posix != "" {
			uidNumber, gid, _ := strings.Cut(posix, " ")
			fmt.Fprintf(&b, "objectClass: posixAccount\nuidNumber: %s\ngidNumber: %s\nhomeDirectory: /\n", uidNumber, gid)
		}
		if given != "" {
			fmt.Fprintf(&b, "givenName: %s\n", given)
		}
		if mail != "" {
			fmt.Fprintf(&b, "mail: %s\n", mail)
		}
		cn := uid
		if after, ok := strings.CutPrefix(rdn, "cn="); ok {
			cn = after
		}
		fmt.Fprintf(&b, "cn: %s\nuid: %s\nsn: %s\nuserPassword: password\n\n", cn, uid, sn)
	}
	person("uid=alice", "alice", "Alice", "Adams", "1000 1000", "")
	person("uid=bob", "bob", "Robert", "Barker", "1001 50", "")
	person("uid=dreßler", "dreßler", "Wolfgang", "Dreßler", "1002 50", "")
	person("uid=nobody", "nobody", "", "nobody", "1003 50", "")
	person("cn=charlie_cooper", "charlie", "Charlie", "Cooper", "1004 50", "charlie@people.test")
	person("uid=nonposix", "nonposix", "", "nonposix", "", "")
	b.WriteString("dn: ou=elsewhere,ou=people,o=test\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://127.0.0.1:1/ou=elsewhere\n\n")
	posix := func(name string, gid int, members ...string) {
		fmt.Fprintf(&b, "dn: cn=%s,ou=groups,o=test\nobjectClass: posixGroup\ncn: %[1]s\ngidNumber: %d\n", name, gid)
		for _, m := range members {
			fmt.Fprintf(&b, "memberUid: %s\n", m)
		}
		b.WriteByte('\n')
	}
	posix("active_px", 1000, "nonposix")
	posix("staff_px", 1001, "alice", "nonposix")
	posix("superuser_px", 1002, "alice", "nonposix")
	names := func(dn string, members ...string) {
		cn, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(dn, "cn="), "CN="), ",")
		fmt.Fprintf(&b, "dn: %s,o=test\nobjectClass: groupOfNames\ncn: %s\n", dn, cn)
		if len(members) == 0 {
			members = []string{"cn=nobody at all,o=test"} // the schema wants one
		}
		for _, m := range members {
			fmt.Fprintf(&b, "member: %s\n", m)
		}
		b.WriteByte('\n')
	}
	const alice, bob = "uid=alice,ou=people,o=test", "uid=bob,ou=people,o=test"
	names("cn=empty_gon,ou=groups")
	names("cn=active_gon,ou=groups", alice)
	names("cn=staff_gon,ou=groups", alice)
	names("cn=superuser_gon,ou=groups", alice)
	names("cn=parent_gon,ou=groups", "cn=nested_gon,ou=groups,o=test")
	names("CN=nested_gon,ou=groups", alice, "cn=circular_gon,ou=groups,o=test")
	names("cn=circular_gon,ou=groups", "cn=parent_gon,ou=groups,o=test")
	names("cn=other_gon,ou=moregroups", bob)
	names("cn=alice_gon,ou=query_groups", alice)
	names("cn=bob_gon,ou=query_groups", bob)
	names("cn=mutual_gon,ou=query_groups", alice, bob)
	names("cn=dreßler_gon,ou=query_groups", "uid=dreßler,ou=people,o=test")
	names("cn=mirror1,ou=mirror_groups", alice)
	names("cn=mirror2,ou=mirror_groups")
	names("cn=mirror3,ou=mirror_groups", alice)
	names("cn=mirror4,ou=mirror_groups")
	return b.String()
}

// site is a directory with the fixture in it.
type site struct {
	url            string
	bind, password string
	memory         *ldaptest.Server // nil for slapd
	ledger         *ledger          // of the acceptance row that runs, or nil
}

// start turns the site into one on a directory of its own kind, in memory.
func (p site) start(t testing.TB, c ldaptest.Config) site {
	t.Helper()
	p.memory = ldaptest.Start(t, c)
	p.url, p.bind, p.password = p.memory.URL(), "cn=admin,o=test", password
	if c.Profile == ldaptest.ActiveDirectory {
		p.bind, p.password = ldaptest.CompanyService, ldaptest.CompanyServicePassword
	}
	return p
}

// inMemory is the configuration of a directory with the fixture.
func inMemory() ldaptest.Config {
	return ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(fixture()), RootPassword: password}
}

// manager is a Manager of several domains that the ledger watches.
func (p site) manager(t testing.TB, c ldapmgr.Config) *ldapmgr.Manager {
	t.Helper()
	p.ledger.watch(witnessed{scope: c.Scope, service: p.bind})
	return identityManagerOf(t, c)
}

func fixtureInMemory(t *testing.T) site {
	t.Helper()
	return site{}.start(t, inMemory())
}

func fixtureOnSlapd(t *testing.T) site {
	t.Helper()
	s := slapd.Start(t, slapd.Config{Suffix: "o=test", LDIF: fixture()})
	return site{url: s.LDAP, bind: s.RootDN, password: s.RootPW}
}

// config is a domain that finds people under ou=people and groups under ou=groups.
func (p site) config() ldapmgr.DomainConfig {
	return ldapmgr.DomainConfig{
		Servers: []string{p.url}, Base: "o=test",
		Bind:   ldapmgr.Bind{Name: p.bind, Password: ldapmgr.Secret{Value: p.password}},
		Users:  ldapmgr.Users{Places: []ldapmgr.Place{{Base: "ou=people,o=test"}}},
		Groups: ldapmgr.Groups{Strategy: ldapmgr.GroupsMember, Places: []ldapmgr.Place{{Base: "ou=groups,o=test"}}},
		Login:  ldapmgr.Login{Limit: ldapmgr.Limit{PerUser: -1, PerAddress: -1}},
	}
}

// everywhere runs a test against the in-memory directory and against slapd.
func everywhere(t *testing.T, test func(t *testing.T, p site)) {
	t.Helper()
	for name, start := range map[string]func(*testing.T) site{"memory": fixtureInMemory, "slapd": fixtureOnSlapd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

// wireUsage returns what the wire saw so far.
func wireUsage(scope *instrument.Scope) instrument.Counters {
	return scope.Snapshots()[0].Usage.Counters
}

// identityManager is a Manager of one domain that is closed when the test ends.
func identityManager(t testing.TB, scope *instrument.Scope, c ldapmgr.DomainConfig) *ldapmgr.Manager {
	t.Helper()
	return identityManagerOf(t, ldapmgr.Config{Scope: scope, Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c}})
}

func identityManagerOf(t testing.TB, c ldapmgr.Config) *ldapmgr.Manager {
	t.Helper()
	m, err := ldapmgr.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}
