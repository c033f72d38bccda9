// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func TestGroupReferences(t *testing.T) {
	t.Parallel()
	set := ldapmgr.NewGroupSet(
		ldapmgr.Group{DN: `CN=Smith\, John + UID=js,OU=Sales \#1,DC=Example,DC=org`, Name: "Smith, John"},
		ldapmgr.Group{DN: "cn=Domain Admins,cn=Users,dc=example,dc=org", Name: "Domain Admins", Names: []string{"DomAdmins"}, SID: "S-1-5-21-1-2-3-512", GUID: "0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e"},
		ldapmgr.Group{DN: "cn=A=B,dc=example,dc=org", Name: "A=B"},
		ldapmgr.Group{SID: "S-1-5-32-544"},
	)
	tests := []struct {
		name string
		is   bool
	}{
		{"Domain Admins", true}, {"domain  ADMINS", true}, {" Domain Admins ", true}, {"DomAdmins", true},
		{"Domain Admin", false}, {"Domain Admins Readonly", false}, {"omain Admins", false}, {"*", false}, {"", false},
		{"s-1-5-21-1-2-3-512", true}, {"S-1-5-21-1-2-3-51", false}, {"sid:S-1-5-32-544", true}, {"S-1-5-32-544", true},
		{"0CC2E6E6-7C55-4B0A-8A4A-6A3B6F3C2D1E", true}, {"guid:0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e", true},
		{"0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1f", false},
		{"cn=domain admins, CN=users , dc=Example,dc=ORG", true}, {"commonName=Domain Admins,cn=Users,domainComponent=example,dc=org", true},
		{`cn=Domain\20Admins,cn=Users,dc=example,dc=org`, true}, {`cn="Domain Admins",cn=Users,dc=example,dc=org`, true},
		{"cn=Domain Admins,cn=Users,dc=example", false}, {"cn=Domain Admins", false},
		{`UID=js+CN=smith\2C john,ou=sales \23 1,dc=example,dc=org`, false}, {`uid=js+cn=smith\2c john,ou=Sales #1,dc=example,dc=org`, true},
		{`cn=smith,ou= john+uid=js,ou=Sales #1,dc=example,dc=org`, false}, {"Smith, John", true},
		{"A=B", false}, {"name:A=B", true}, {`cn=A\3DB,dc=example,dc=org`, true}, {"dn:cn=A=B,dc=example,dc=org", true},
	}
	for _, test := range tests {
		if got := set.Has(test.name); got != test.is {
			t.Errorf("%q: got %v, want %v", test.name, got, test.is)
		}
	}
}

func TestParseGroupQuery(t *testing.T) {
	t.Parallel()
	set := ldapmgr.NewGroupSet(ldapmgr.Group{Name: "a"}, ldapmgr.Group{Name: "b c"})
	tests := []struct {
		name  string
		text  string // what String gives; "" for the name
		match bool
	}{
		{name: "a", match: true}, {name: "x"}, {name: `"b c"`, match: true},
		{name: "a and x"}, {name: "a or x", match: true}, {name: "not x", match: true}, {name: "not a"}, {name: "not not a", match: true},
		{name: "x and x or a", text: "(x and x) or a", match: true}, {name: "a or x and x", text: "a or (x and x)", match: true},
		{name: "(a or x) and x"}, {name: "not (a and x)", match: true}, {name: "not a and x", match: false},
		{name: `a AND (x Or NOT "b c")`, text: `a and (x or not "b c")`},
		{name: "((a))", text: "a", match: true}, {name: "a and (a and a)", text: "a and a and a", match: true},
		{name: `"and"`, match: false}, {name: "cn=a,dc=b", match: false}, {name: "\ta\nor x ", text: "a or x", match: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			q, err := ldapmgr.ParseGroupQuery(test.name)
			if err != nil {
				t.Fatal(err)
			}
			if test.text == "" {
				test.text = test.name
			}
			if q.String() != test.text || q.Match(set) != test.match || q.Explain(set).Match != test.match {
				t.Errorf("%q is %v", q, q.Match(set))
			}
		})
	}
}

func TestParseGroupQueryErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		at   int
	}{
		{"", 0}, {"  ", 2}, {"and", 0}, {"a and", 5}, {"a b", 2}, {"(a", 2}, {"a)", 1}, {"()", 1}, {`"a`, 0}, {`""`, 0}, {`" "`, 0}, {"not", 3},
		{"a or or b", 5}, {"a not b", 2}, {strings.Repeat("(", 100) + "a" + strings.Repeat(")", 100), 65}, {strings.Repeat("not ", 100) + "a", 260},
	}
	for _, test := range tests {
		_, err := ldapmgr.ParseGroupQuery(test.name)
		var bad *ldapmgr.QueryError
		if !errors.As(err, &bad) || bad.At != test.at {
			t.Errorf("%q: got %v, want an error at %d", test.name, err, test.at)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	q := ldapmgr.AllOf(ldapmgr.AnyGroup("staff", "Read Only"), ldapmgr.Not(ldapmgr.InGroup("guests")), ldapmgr.GroupQuery{})
	got := q.Explain(ldapmgr.NewGroupSet(ldapmgr.Group{Name: "staff"})).String()
	want := `yes  (staff or "Read Only") and not guests
yes    staff or "Read Only"
yes      staff
no       "Read Only"
yes    not guests
no       guests`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := q.References(); !slices.Equal(got, []string{"staff", "Read Only", "guests"}) {
		t.Errorf("references are %q", got)
	}
	if none := ldapmgr.AnyOf(); !none.IsZero() || none.Match(ldapmgr.GroupSet{}) || !ldapmgr.Not(none).IsZero() {
		t.Error("no condition matches somebody")
	}
}

func FuzzGroupQuery(f *testing.F) {
	for _, text := range []string{"a", `a and (b or not "c d")`, `"\u00fc\"" or x`, "((", `not not "and"`} {
		f.Add(text)
	}
	set := ldapmgr.NewGroupSet(ldapmgr.Group{Name: "a"})
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ldapmgr.ParseGroupQuery(text)
		if err != nil {
			return
		}
		again, err := ldapmgr.ParseGroupQuery(q.String())
		if err != nil || again.String() != q.String() || again.Match(set) != q.Match(set) {
			t.Errorf("%q reads back as %q, %v", q, again, err)
		}
	})
}

func TestGroupStrategies(t *testing.T) {
	t.Parallel()
	more := "dn: cn=unique,ou=groups,o=test\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: uid=alice,ou=people,o=test\n\n" +
		"dn: cn=role,ou=groups,o=test\nobjectClass: organizationalRole\ncn: role\nroleOccupant: uid=alice,ou=people,o=test\n\n" +
		"dn: cn=outer role,ou=groups,o=test\nobjectClass: organizationalRole\ncn: outer role\nroleOccupant: cn=role,ou=groups,o=test\n\n"
	server := ldaptest.Start(t, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(fixture() + more), RootPassword: password})
	p := site{url: server.URL(), bind: "cn=admin,o=test", password: password}
	tests := []struct {
		strategy string
		nested   bool
		want     string
	}{
		{ldapmgr.GroupsNone, false, ""},
		{ldapmgr.GroupsMember, false, "active_gon nested_gon staff_gon superuser_gon"},
		{ldapmgr.GroupsMember, true, "active_gon circular_gon nested_gon parent_gon staff_gon superuser_gon"},
		{ldapmgr.GroupsUniqueMember, false, "unique"},
		{ldapmgr.GroupsRole, false, "role"},
		{ldapmgr.GroupsRole, true, "outer role,role"},
		{ldapmgr.GroupsPosix, false, "active_px staff_px superuser_px"},
		{ldapmgr.GroupsPosix, true, "active_px staff_px superuser_px"},
		{ldapmgr.GroupsAuto, false, "active_gon active_px nested_gon staff_gon staff_px superuser_gon superuser_px unique"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s nested %v", test.strategy, test.nested), func(t *testing.T) {
			t.Parallel()
			s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Groups.Strategy, c.Groups.Nested = test.strategy, &test.nested })
			u, err := s.domain.User(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			separator := " "
			if strings.Contains(test.want, ",") {
				separator = ","
			}
			if got := strings.Join(u.Groups.Names(), separator); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestGroupsOfActiveDirectory(t *testing.T) {
	t.Parallel()
	p := company(t)
	for strategy, want := range map[string]string{
		"": "Administrators,All,Engineering,Staff", ldapmgr.GroupsInChain: "Administrators,All,Engineering,Staff", ldapmgr.GroupsMemberOf: "Administrators,Engineering",
	} {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { onCompany(c); c.Groups.Strategy = strategy })
		u, err := s.domain.User(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(u.Groups.Names(), ","); got != want {
			t.Errorf("%q: got %q, want %q", strategy, got, want)
		}
		for _, g := range u.Groups.All() {
			if strategy != ldapmgr.GroupsMemberOf && g.SID == "" || g.SID != "" && !u.Groups.Has(g.SID) || g.GUID != "" && !u.Groups.Has(g.GUID) {
				t.Errorf("%q: group %+v is not known by its identifiers", strategy, g)
			}
		}
	}
}

// TestDepthAndChunks: a long chain is followed as far as it is allowed, and many groups fit into small filters.
func TestDepthAndChunks(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(fixture())
	group := func(name string, members ...string) {
		fmt.Fprintf(&b, "dn: cn=%s,ou=moregroups,o=test\nobjectClass: groupOfNames\ncn: %[1]s\n", name)
		for _, m := range members {
			fmt.Fprintf(&b, "member: %s,o=test\n", m)
		}
		b.WriteByte('\n')
	}
	group("chain0", "uid=bob,ou=people")
	for i := 1; i < 8; i++ {
		group(fmt.Sprintf("chain%d", i), fmt.Sprintf("cn=chain%d,ou=moregroups", i-1))
	}
	var wide []string
	for i := range 25 {
		group(fmt.Sprintf("wide%d", i), "uid=alice,ou=people")
		wide = append(wide, fmt.Sprintf("cn=wide%d,ou=moregroups", i))
	}
	group("top", wide...)
	server := ldaptest.Start(t, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(b.String()), RootPassword: password})
	s := site{url: server.URL(), bind: "cn=admin,o=test", password: password}.stage(t, func(c *ldapmgr.DomainConfig) {
		c.Groups = ldapmgr.Groups{Strategy: ldapmgr.GroupsMember, Nested: new(true), Depth: 4, Chunk: 10, Places: []ldapmgr.Place{{Base: "ou=moregroups,o=test"}}}
	})
	bob, err := s.domain.User(t.Context(), "bob")
	if err != nil || bob.Groups.Len() != 5 { // other_gon and four of the chain
		t.Errorf("bob: %q, %v", bob.Groups.Names(), err)
	}
	var alice *ldapmgr.User
	ops := s.during(func() { alice, err = s.domain.User(t.Context(), "alice") })
	if err != nil || alice.Groups.Len() != 26 || !alice.Groups.Has("top") {
		t.Errorf("alice: %q, %v", alice.Groups.Names(), err)
	}
	if n := searches(ops, "ou=moregroups,o=test"); n != 1+3+1 {
		t.Errorf("%d searches, want one for alice, three chunks of 25 groups, one for the group above", n)
	}
}

// TestBestEffort: a place that fails is let pass only where that is wanted, and then nothing is taken away.
func TestBestEffort(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	for _, best := range []bool{false, true} {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Sync.Mirror.On, c.Groups.BestEffort = new(true), &best
			c.Sync.Flags = map[string]string{"staff": "staff_gon", "superuser": "not alice_gon"}
			c.Groups.Places = append(c.Groups.Places, ldapmgr.Place{Base: "ou=query_groups,o=test"})
		})
		s.login("alice")
		p.memory.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.Op == wire.SearchRequest && r.DN == "ou=groups,o=test" },
			ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 80}})))
		done, err := s.try("alice", "password")
		p.memory.Dir.SetFault(nil)
		if !best {
			if ldapmgr.OutcomeOf(err) != ldapmgr.OutcomeUnavailable {
				t.Errorf("got %v", err)
			}
			continue
		}
		if err != nil || !done.User.Groups.Partial() || done.Plan.Changed() {
			t.Errorf("got %+v, %v", done, err)
		}
		wantFlags(t, s.account("alice"), true, true, false)
		if !slices.Contains(s.told(), ldapmgr.StageGroups) {
			t.Errorf("events %q", s.told())
		}
	}
}
