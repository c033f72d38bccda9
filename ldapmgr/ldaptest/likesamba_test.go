// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

const adRealm = "EXAMPLE.ORG"

// likeness is the same people and groups in memory and on Samba.
type likeness struct{ memory, samba *ldap.Conn }

func likenesses(t *testing.T) likeness {
	t.Helper()
	genuine := samba.Start(t, samba.Config{Admins: []string{writerDN}})
	memory := ldaptest.Start(t, ldaptest.Config{
		Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader("dn: " + suffix + "\nobjectClass: domainDNS\ndc: example\n\n" + samba.Accounts(adRealm)), Partitions: true,
	})
	connect := func(url string, config *tls.Config) *ldap.Conn {
		config.MinVersion = tls.VersionTLS12
		c, err := ldap.DialURL(url, ldap.DialWithTLSConfig(config))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.Bind(`EXAMPLE\`+samba.Writer, samba.WriterPassword); err != nil {
			t.Fatal(err)
		}
		return c
	}
	return likeness{connect(memory.TLSURL(), &tls.Config{RootCAs: memory.CA}), connect(genuine.LDAPS, &tls.Config{RootCAs: genuine.CA.Pool()})}
}

// TestLikeSamba compares what the in-memory Active Directory computes with what Samba does, for the same accounts.
func TestLikeSamba(t *testing.T) {
	t.Parallel()
	both := likenesses(t)
	tests := []struct {
		name string
		read func(t *testing.T, c *ldap.Conn) []string
		real []string // of the answer of Samba, what only a whole domain has
	}{
		{name: "tokenGroups", read: tokenGroups, real: []string{"Users"}},
		{name: "groups in chain", read: inChain},
		{name: "computed", read: values("(sAMAccountType=805306368)", "canonicalName", "msDS-User-Account-Control-Computed", "objectCategory", "primaryGroupID", "name")},
		{name: "links", read: values("(|(objectClass=user)(objectClass=group))", "member", "memberOf", "manager", "directReports")},
		{name: "groups", read: values("(objectClass=group)", "groupType", "sAMAccountName", "objectCategory")},
		{name: "people by their bits", read: values("(userAccountControl:1.2.840.113556.1.4.803:=65536)", "userAccountControl")},
		{name: "identifiers", read: identifiers},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := slices.DeleteFunc(test.read(t, both.samba), func(line string) bool {
				_, value, _ := strings.Cut(line, ": ")
				return slices.Contains(test.real, value)
			})
			if len(want) < 2 {
				t.Errorf("Samba says only %q", want)
			}
			if diff := cmp.Diff(want, test.read(t, both.memory)); diff != "" {
				t.Errorf("Samba (-) and in memory (+):\n%s", diff)
			}
		})
	}
	t.Run("references", both.sameReferences)
}

// sameReferences compares the references that a search from the suffix ends with. A domain that does not serve DNS has one
// of the three.
func (both likeness) sameReferences(t *testing.T) {
	t.Parallel()
	references := func(c *ldap.Conn, scope int, controls ...ldap.Control) []string {
		result, err := c.Search(ldap.NewSearchRequest(suffix, scope, 0, 0, 0, false, "(cn=ada*)", nil, controls))
		if err != nil {
			t.Fatal(err)
		}
		return result.Referrals
	}
	// Samba names the scheme of the connection, and refers from one level too; the in-memory directory does neither.
	genuine := references(both.samba, ldap.ScopeWholeSubtree)
	memory := references(both.memory, ldap.ScopeWholeSubtree)
	if len(genuine) != 1 || len(memory) != 3 || !slices.Contains(memory, strings.Replace(genuine[0], "ldaps:", "ldap:", 1)) {
		t.Errorf("Samba sends %q, the in-memory directory %q", genuine, memory)
	}
	for name, c := range map[string]*ldap.Conn{"Samba": both.samba, "memory": both.memory} {
		domainScope := &ldap.ControlString{ControlType: "1.2.840.113556.1.4.1339"}
		if got := append(references(c, ldap.ScopeBaseObject), references(c, ldap.ScopeWholeSubtree, domainScope)...); len(got) > 0 {
			t.Errorf("%s sends %q where none belong", name, got)
		}
	}
}

// find searches the three units of the accounts.
func find(t *testing.T, c *ldap.Conn, filter string, attributes ...string) (entries []*ldap.Entry) {
	t.Helper()
	for _, unit := range []string{"people", "groups", "services"} {
		result, err := c.Search(ldap.NewSearchRequest("ou="+unit+","+suffix, ldap.ScopeWholeSubtree, 0, 0, 0, false, filter, attributes, nil))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, result.Entries...)
	}
	return entries
}

// values reads attributes as lines in order.
func values(filter string, attributes ...string) func(*testing.T, *ldap.Conn) []string {
	return func(t *testing.T, c *ldap.Conn) (lines []string) {
		t.Helper()
		for _, e := range find(t, c, filter, attributes...) {
			for _, a := range e.Attributes {
				for _, v := range a.Values {
					if e.GetAttributeValue("sAMAccountName") != samba.Writer && !strings.Contains(v, "Domain Admins") {
						lines = append(lines, fmt.Sprintf("%s %s: %s", e.DN, a.Name, v))
					}
				}
			}
		}
		slices.Sort(lines)
		return lines
	}
}

// tokenGroups reads the names behind the identifiers of each person.
func tokenGroups(t *testing.T, c *ldap.Conn) (lines []string) {
	t.Helper()
	for _, e := range find(t, c, "(&(objectClass=user)(sn=*))", "cn") {
		result, err := c.Search(ldap.NewSearchRequest(e.DN, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"tokenGroups"}, nil))
		if err != nil || len(result.Entries) != 1 {
			t.Fatalf("%s: %v, %v", e.DN, result, err)
		}
		for _, sid := range result.Entries[0].GetRawAttributeValues("tokenGroups") {
			lines = append(lines, e.GetAttributeValue("cn")+": "+nameOf(t, c, sid))
		}
	}
	slices.Sort(lines)
	return lines
}

// nameOf returns the name of a group by its identifier; the in-memory directory has no entry for the primary group.
func nameOf(t *testing.T, c *ldap.Conn, sid []byte) string {
	t.Helper()
	var filter strings.Builder
	for _, b := range sid {
		fmt.Fprintf(&filter, `\%02x`, b)
	}
	result, err := c.Search(ldap.NewSearchRequest(suffix, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectSid="+filter.String()+")", []string{"cn"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Entries) == 0 && strings.HasSuffix(string(sid), "\x01\x02\x00\x00") { // 513
		return "Domain Users"
	}
	if len(result.Entries) != 1 {
		t.Fatalf("%d entries have the identifier %x", len(result.Entries), sid)
	}
	return result.Entries[0].GetAttributeValue("cn")
}

// inChain reads who is in each group, through all groups.
func inChain(t *testing.T, c *ldap.Conn) (lines []string) {
	t.Helper()
	for _, g := range find(t, c, "(objectClass=group)", "cn") {
		for _, e := range find(t, c, "(memberOf:1.2.840.113556.1.4.1941:="+g.DN+")", "cn") {
			lines = append(lines, g.GetAttributeValue("cn")+": "+e.GetAttributeValue("cn"))
		}
	}
	slices.Sort(lines)
	return lines
}

// identifiers reads the form of the identifiers: their length, the kind of a GUID and whether a SID is of the domain.
func identifiers(t *testing.T, c *ldap.Conn) (lines []string) {
	t.Helper()
	for _, e := range find(t, c, "(objectSid=*)", "objectGUID", "objectSid") {
		guid, sid := e.GetRawAttributeValue("objectGUID"), e.GetRawAttributeValue("objectSid")
		lines = append(lines, fmt.Sprintf("%s: %d %d, %x, %d", e.DN, len(guid), len(sid), sid[:12], guid[7]>>4))
	}
	slices.Sort(lines)
	return lines
}
