// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  ldaptest.Config
		want string
	}{
		{"suffix", ldaptest.Config{Suffix: "nonsense"}, `suffix "nonsense" is not a distinguished name`},
		{"root", ldaptest.Config{RootDN: "spaceship=1"}, `root "spaceship=1" is not a distinguished name`},
		{"writer", ldaptest.Config{Writers: []string{"x"}}, `writer "x" is not a distinguished name`},
		{"limits", ldaptest.Config{MaxPageSize: -1}, "must not be negative"},
		{"profile", ldaptest.Config{Profile: 7}, "profile 7 is neither"},
		{"several", ldaptest.Config{Profile: 7, MaxValRange: -1}, "must not be negative"},
		{"schema", ldaptest.Config{Schema: "\n\nattributetype ( 1.2 NAME 'x' SUP spaceship )"}, "schema line 3: attribute x derives from spaceship"},
		{"class", ldaptest.Config{Schema: "objectclass ( 1.2 NAME 'x' MUST spaceship )"}, "schema line 1: class x names attribute spaceship"},
		{"schema keyword", ldaptest.Config{Schema: "spaceship ( 1.2 NAME 'x' )"}, `"spaceship" is neither`},
		{"schema parentheses", ldaptest.Config{Schema: "attributetype 1.2"}, "schema line 1: a definition reads"},
		{"ldif", ldaptest.Config{LDIF: strings.NewReader("\nnonsense")}, "ldif line 2"},
		{"no parent", ldaptest.Config{LDIF: strings.NewReader("dn: cn=x,ou=y,dc=example,dc=org\nobjectClass: device\n")}, "ldif line 1: entry \"cn=x,ou=y,dc=example,dc=org\": the entry above it is missing"},
		{"twice", ldaptest.Config{LDIF: strings.NewReader(smallLDIF + "\ndn: CN=One,dc=example,dc=org\nobjectClass: device\n")}, "ldif line 19: entry \"CN=One,dc=example,dc=org\": it appears twice"},
		{"attribute", ldaptest.Config{LDIF: strings.NewReader(smallLDIF + "\ndn: cn=x,dc=example,dc=org\nobjectClass: device\nspaceship: 1\n")}, "spaceship: attribute type undefined (result 17)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ldaptest.New(test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestCompany(t *testing.T) {
	t.Parallel()
	const people = 300
	text := ldaptest.Company(people)
	if text != ldaptest.Company(people) {
		t.Error("two calls differ")
	}
	s := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(text)})
	c, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, want := range map[string]string{
		"ada@example.org": "", `EXAMPLE\ada`: "", ldaptest.CompanyUser: "",
		ldaptest.CompanyDisabled: "data 533", `EXAMPLE\linus`: "data 775", "erik@example.org": "data 701", "nobody@example.org": "data 525",
	} {
		err := c.Bind(name, ldaptest.CompanyPassword)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("bind as %s: %v, want %q", name, err, want)
		}
	}
	if err := c.Bind(ldaptest.CompanyService, ldaptest.CompanyServicePassword); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]int{
		"(&(objectCategory=person)(objectClass=user))":                                                     people + 1,
		"(&(objectCategory=person)(memberOf:1.2.840.113556.1.4.1941:=cn=All,ou=groups,dc=example,dc=org))": people,
		"(objectClass=computer)": people / 4,
		"(objectClass=group)":    12,
		"(manager=*)":            people - 4, // the first four have nobody above them, or are the first of their department
		"(&(sAMAccountName=ada)(department=Engineering)(memberOf=cn=Administrators,ou=groups,dc=example,dc=org))": 1,
	} {
		found, err := c.SearchWithPaging(ldap.NewSearchRequest(suffix, 2, 0, 0, 0, false, filter, []string{"1.1"}, nil), 100)
		if err != nil || len(found.Entries) != want {
			t.Errorf("%s: %d entries, %v; want %d", filter, len(found.Entries), err, want)
		}
	}
}

var filterAtoms = []string{
	"(department=sales)", "(department=IT)", "(sn=hopper)", "(sAMAccountName=user00017)", "(sAMAccountName=USER00018)", "(spaceship=1)",
	"(userAccountControl=512)", "(userAccountControl=x)", "(manager=" + ldaptest.CompanyUser + ")", "(cn=*a*)", "(objectClass=computer)",
	"(l=oslo)", "(memberOf=cn=Sales,ou=groups,dc=example,dc=org)", "(userPassword=lovelace)", "(employeeID>=000050)", "(name=Ada Lovelace)",
}

func randomFilter(random *rand.Rand, depth int) string {
	if depth == 0 || random.IntN(4) == 0 {
		return filterAtoms[random.IntN(len(filterAtoms))]
	}
	switch random.IntN(5) {
	case 0:
		return "(!" + randomFilter(random, depth-1) + ")"
	case 1, 2:
		return "(&" + randomFilter(random, depth-1) + randomFilter(random, depth-1) + ")"
	}
	return "(|" + randomFilter(random, depth-1) + randomFilter(random, depth-1) + ")"
}

// TestIndexAgrees compares searches that an index answers with their double negation, for which every entry is read.
func TestIndexAgrees(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(120)), RootPassword: rootPassword})
	c, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Bind(rootDN, rootPassword); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	search := func(base, filter string) []string {
		found, err := c.SearchWithPaging(ldap.NewSearchRequest(base, 2, 0, 0, 0, false, filter, []string{"1.1"}, nil), 500)
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		var names []string
		for _, e := range found.Entries {
			names = append(names, e.DN)
		}
		return names
	}
	answered := 0
	for range 300 {
		filter := randomFilter(random, 3)
		base := []string{suffix, "ou=people," + suffix, "ou=groups," + suffix}[random.IntN(3)]
		got, want := search(base, filter), search(base, "(!(!"+filter+"))")
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s below %s: without an index (-) and with one (+):\n%s", filter, base, diff)
		}
		if len(got) > 0 {
			answered++
		}
	}
	if answered < 100 {
		t.Errorf("only %d of 300 filters found anything", answered)
	}
}

// TestSchemaAgrees holds the schema of the openldap profile to slapd's: whatever both define they define alike.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Config{LDIF: smallLDIF, Schema: ldaptest.SchemaForAD, Overlays: []string{"memberof", "sssvlv", "ppolicy"}})
	memory := ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(smallLDIF), Schema: ldaptest.SchemaForAD})
	theirs, ours := definitions(t, server.LDAP), definitions(t, memory.URL())
	for oid, definition := range ours {
		if theirs[oid] == "" {
			t.Errorf("slapd has no %s", definition)
		} else if diff := cmp.Diff(definition, theirs[oid]); diff != "" {
			t.Errorf("ours (-) and slapd's (+):\n%s", diff)
		}
	}
	if len(ours) < 200 {
		t.Errorf("only %d definitions are published", len(ours))
	}
}

// definitions reads attribute types and what classes derive from, in one notation. What a class may hold is left out,
// since ours leave out rare attributes.
func definitions(t *testing.T, url string) map[string]string {
	t.Helper()
	c, err := ldap.DialURL(url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	found, err := c.Search(ldap.NewSearchRequest("cn=Subschema", 0, 0, 0, 0, false, "(objectClass=*)", []string{"attributeTypes", "objectClasses"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Fatalf("read the subschema: %v", err)
	}
	all := map[string]string{}
	for _, text := range found.Entries[0].GetAttributeValues("attributeTypes") {
		words := strings.Fields(dropPart(dropPart(text, " DESC '", "' "), " X-ORIGIN '", "' "))
		all[words[1]] = strings.Join(words, " ")
	}
	for _, text := range found.Entries[0].GetAttributeValues("objectClasses") {
		words := strings.Fields(dropPart(text, " DESC '", "' "))
		head, _, _ := strings.Cut(strings.Join(words, " "), " MAY ")
		head, _, _ = strings.Cut(head, " MUST ")
		all["class "+words[1]] = strings.TrimSuffix(head, " )")
	}
	return all
}

func dropPart(text, start, end string) string {
	before, rest, found := strings.Cut(text, start)
	if !found {
		return text
	}
	_, after, _ := strings.Cut(rest, end)
	return before + " " + after
}

func TestPartitions(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t, ldaptest.Config{
		Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(5)), RootPassword: rootPassword, Partitions: true,
	})
	c := newSession(t, s.Addr())
	defer c.close()
	c.run("bind root")
	tests := []struct {
		command    string
		references int
	}{
		{`search @ sub "(sAMAccountName=ada)" 1.1`, 3},
		{`search @ sub "(objectClass=*)" 1.1 ctl=paging:5`, 0},
		{`search @ sub "(objectClass=*)" 1.1 ctl=more:500`, 3},
		{`search @ sub "(sAMAccountName=ada)" 1.1 ctl=!1.2.840.113556.1.4.1339`, 0},
		{`search ou=people, sub "(sAMAccountName=ada)" 1.1`, 0},
		{`search @ one "(objectClass=*)" 1.1`, 0},
	}
	for _, test := range tests { // one after the other: pages follow each other
		if n := strings.Count(c.run(test.command), "  reference ldap://"); n != test.references {
			t.Errorf("%s: %d references, want %d", test.command, n, test.references)
		}
	}
}

func ExampleCompany() {
	dir, err := ldaptest.New(ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(50))})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(dir.Suffix(), dir.Values(ldaptest.CompanyUser, "memberOf"))
	// Output: DC=example,DC=org [CN=Engineering,OU=groups,DC=example,DC=org CN=Administrators,OU=groups,DC=example,DC=org]
}
