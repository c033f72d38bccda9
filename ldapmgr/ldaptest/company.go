// SPDX-License-Identifier: MIT

package ldaptest

import (
	"fmt"
	"strings"
	"time"
)

// The people that every Company has, beside its numbered ones. Names are distinguished names below DefaultSuffix.
const (
	CompanyUser     = "cn=Ada Lovelace,ou=people," + DefaultSuffix // ada@example.org, sAMAccountName ada
	CompanyPassword = "lovelace"                                   // of CompanyUser

	CompanyService         = "cn=ldapscope,ou=services," + DefaultSuffix
	CompanyServicePassword = "ldapscope-service"

	CompanyDisabled = "cn=Dora Disabled,ou=people," + DefaultSuffix // sAMAccountName dora; all three have CompanyPassword
	CompanyLocked   = "cn=Linus Locked,ou=people," + DefaultSuffix  // sAMAccountName linus
	CompanyExpired  = "cn=Erik Expired,ou=people," + DefaultSuffix  // sAMAccountName erik
)

var (
	givenNames  = strings.Fields("Grace Edsger Barbara Donald Margaret Dennis Radia Alan Joan Tim Hedy Vint Katherine John Frances Ken Jürgen Sofía Zoë Søren")
	familyNames = strings.Fields("Hopper Dijkstra Liskov Knuth Hamilton Ritchie Perlman Turing Clarke Berners Lamarr Cerf Johnson Backus Allen Thompson Müller Peña Ångström O'Brien Nakamura Okafor Silva")
	departments = []string{"Engineering", "Sales", "Finance", "Human Resources", "Legal", "Operations", "IT", "Research"}
	cities      = []string{"Berlin", "Lisbon", "Oslo", "Toronto", "Osaka", "Nairobi"}
)

// Company returns the LDIF of a company of about n people for the ActiveDirectory profile: people with department, manager
// and telephone, computers, a group for each department, nested in "Staff", and the accounts named by the constants.
// The same n gives the same text.
func Company(n int) string {
	c := &company{people: max(n, 5)}
	c.containers()
	c.constants()
	for i := 4; i < c.people; i++ {
		c.person(i)
	}
	c.computers()
	c.groups()
	return c.text.String()
}

type company struct {
	text    strings.Builder
	people  int
	members [8][]string // by department
	bosses  [8]string   // by department
}

// record writes one entry from alternating names and values; empty values are left out.
func (c *company) record(name string, pairs ...string) {
	fmt.Fprintf(&c.text, "dn: %s\n", name)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&c.text, "%s: %s\n", pairs[i], pairs[i+1])
		}
	}
	c.text.WriteByte('\n')
}

func (c *company) containers() {
	c.record(DefaultSuffix, "objectClass", "domainDNS", "dc", "example", "minPwdLength", "7")
	for _, ou := range []string{"people", "groups", "computers", "services"} {
		c.record("ou="+ou+","+DefaultSuffix, "objectClass", "organizationalUnit", "ou", ou)
	}
	c.record(CompanyService, "objectClass", "user", "sAMAccountName", "ldapscope", "userPrincipalName", "ldapscope@example.org",
		"description", "service account of the demo", "userAccountControl", "66048", "userPassword", CompanyServicePassword)
}

// companyStart is before every time that depends on the data.
var companyStart = time.Date(2024, 1, 15, 8, 0, 0, 0, time.UTC)

func (c *company) constants() {
	c.bosses[0] = CompanyUser
	c.write(0, "Ada", "Lovelace", "ada", "Engineering", "title", "Head of Engineering", "description", "log in as ada / lovelace")
	c.write(1, "Dora", "Disabled", "dora", "Sales", "userAccountControl", "514", "description", "a disabled account")
	c.write(2, "Linus", "Locked", "linus", "Finance", "lockoutTime", itoa(FileTime(companyStart)), "description", "a locked account")
	c.write(3, "Erik", "Expired", "erik", "Legal", "accountExpires", itoa(FileTime(companyStart)), "description", "an expired account")
}

func (c *company) person(i int) {
	given, family := givenNames[i%len(givenNames)], familyNames[(i*7)%len(familyNames)]
	department := i % len(departments)
	title := "Member of " + departments[department]
	if c.bosses[department] == "" {
		title = "Head of " + departments[department]
	}
	c.write(i, given, family, fmt.Sprintf("user%05d", i), departments[department], "title", title)
}

// write adds a person. The first of a department leads it and answers to Ada.
func (c *company) write(i int, given, family, account, department string, more ...string) {
	common := given + " " + family
	if i > 3 {
		common = fmt.Sprintf("%s %s %d", given, family, i)
	}
	name := "cn=" + common + ",ou=people," + DefaultSuffix
	which := 0
	for d, text := range departments {
		if text == department {
			which = d
		}
	}
	manager := c.bosses[which]
	if manager == "" && i > 3 {
		c.bosses[which], manager = name, CompanyUser
	}
	if manager == name {
		manager = ""
	}
	c.members[which] = append(c.members[which], name)
	c.record(name, append([]string{
		"objectClass", "user", "cn", common, "givenName", given, "sn", family, "displayName", given + " " + family,
		"sAMAccountName", account, "userPrincipalName", account + "@example.org", "mail", account + "@example.org",
		"employeeID", fmt.Sprintf("%06d", i), "department", department, "company", "Example Ltd", "l", cities[i%len(cities)],
		"telephoneNumber", fmt.Sprintf("+49 30 %07d", 1000+i), "manager", manager, "userPassword", CompanyPassword,
		"pwdLastSet", itoa(FileTime(companyStart.AddDate(0, 0, i%300))),
	}, more...)...)
}

func (c *company) computers() {
	for i := range max(c.people/4, 3) {
		name := fmt.Sprintf("PC-%04d", i)
		c.record("cn="+name+",ou=computers,"+DefaultSuffix, "objectClass", "computer", "cn", name, "sAMAccountName", name+"$",
			"dNSHostName", strings.ToLower(name)+".example.org", "operatingSystem", []string{"Windows 11 Enterprise", "Windows Server 2022", "Ubuntu"}[i%3],
			"operatingSystemVersion", []string{"10.0 (22631)", "10.0 (20348)", "24.04"}[i%3], "description", "desk "+itoa(int64(i+1)), "location", cities[i%len(cities)])
	}
}

// groups writes one group for each department, all of them in Staff, which is in All: two levels of nesting.
func (c *company) groups() {
	group := func(name, description string, members []string) {
		pairs := []string{"objectClass", "group", "cn", name, "sAMAccountName", name, "description", description}
		for _, m := range members {
			pairs = append(pairs, "member", m)
		}
		c.record("cn="+name+",ou=groups,"+DefaultSuffix, pairs...)
	}
	var all []string
	for d, members := range c.members {
		group(departments[d], "everybody in "+departments[d], members)
		all = append(all, "cn="+departments[d]+",ou=groups,"+DefaultSuffix)
	}
	group("Staff", "all departments", all)
	group("All", "everybody, people and computers", []string{"cn=Staff,ou=groups," + DefaultSuffix})
	group("Administrators", "may change everything", []string{CompanyUser, CompanyService})
	group("Empty", "nobody is in here", nil)
}
