// SPDX-License-Identifier: MIT

package samba_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// Every way to encrypt goes with every form of the service account's name.
func TestConnections(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	ways := []struct {
		name     string
		config   ldapmgr.DomainConfig
		security string
	}{
		{"clear", ldapmgr.DomainConfig{Servers: []string{s.LDAP}, StartTLS: new(false)}, "none"},
		{"StartTLS", ldapmgr.DomainConfig{Servers: []string{s.LDAP}, StartTLS: new(true), TLS: ldapmgr.TLS{CAFile: s.CAFile}}, "start_tls"},
		{"ldaps", ldapmgr.DomainConfig{Servers: []string{s.LDAPS}, TLS: ldapmgr.TLS{CAFile: s.CAFile}}, "tls"},
		{"ldaps by name", ldapmgr.DomainConfig{Servers: []string{s.LDAPS}, TLS: ldapmgr.TLS{CAFile: s.CAFile, ServerName: s.Host}}, "tls"},
	}
	names := map[string]string{
		"DN":         "cn=app,ou=services," + s.Suffix,
		"UPN":        samba.Service + "@" + s.Realm,
		"down-level": s.NetBIOS + `\` + samba.Service,
	}
	for _, way := range ways {
		for form, name := range names {
			t.Run(way.name+" as "+form, func(t *testing.T) {
				t.Parallel()
				cfg := way.config
				cfg.Bind = ldapmgr.Bind{Name: name, Password: ldapmgr.Secret{Value: samba.ServicePassword}}
				d, _, _ := manager(t, cfg)
				result, err := d.Search(t.Context(), everybody("(sAMAccountName=ada)", "mail"))
				if err != nil {
					t.Fatal(err)
				}
				if len(result.Entries) != 1 || result.Entries[0].GetAttributeValue("mail") != "ada@example.org" {
					t.Errorf("found %v, want ada", result.Entries)
				}
				status := d.Status()
				if status.Security != way.security || !strings.Contains(status.Vendor, "Samba") || d.Base() != s.Suffix {
					t.Errorf("security %q, vendor %q, base %q; want %q, Samba, %q", status.Security, status.Vendor, d.Base(), way.security, s.Suffix)
				}
			})
		}
	}
}

// everybody searches the whole domain.
func everybody(filter string, attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest("", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
}

func dns(entries []*ldap.Entry) []string {
	var names []string
	for _, e := range entries {
		names = append(names, e.DN)
	}
	slices.Sort(names)
	return names
}

func commonNames(entries []*ldap.Entry) []string {
	var names []string
	for _, e := range entries {
		name, _, _ := strings.Cut(strings.TrimPrefix(e.DN, "CN="), ",OU=")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The pages of a search, as a whole and as a stream, hold what the search without pages holds.
func TestPages(t *testing.T) {
	t.Parallel()
	d, _, scope := manager(t, encrypted(common.get(t)))
	const filter = "(objectClass=user)"
	whole, err := d.Search(t.Context(), everybody(filter, "cn"))
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Entries) < 13 || len(whole.Referrals) == 0 {
		t.Fatalf("%d people and %d references, want at least those of Accounts, and one", len(whole.Entries), len(whole.Referrals))
	}
	const size = 4
	before := usage(t, scope)
	paged, err := d.SearchPaged(t.Context(), everybody(filter, "cn"), size)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dns(whole.Entries), dns(paged.Entries)); diff != "" {
		t.Errorf("without (-) and with pages (+):\n%s", diff)
	}
	pages, want := usage(t, scope).Pages-before.Pages, uint64((len(whole.Entries)+size-1)/size)
	if pages < want || pages > want+1 { // an empty page may follow
		t.Errorf("%d pages, want %d", pages, want)
	}
	var streamed []*ldap.Entry
	for e, err := range d.Entries(t.Context(), everybody(filter, "cn"), size) {
		if err != nil {
			t.Fatal(err)
		}
		streamed = append(streamed, e.Entry)
	}
	if diff := cmp.Diff(dns(whole.Entries), dns(streamed)); diff != "" {
		t.Errorf("without pages (-) and streamed (+):\n%s", diff)
	}
}

func TestMatchingRules(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	d, _, _ := manager(t, encrypted(s))
	tests := []struct {
		name, filter string
		want         []string
	}{
		{"in chain, who is in a group", "(&(objectCategory=person)(memberOf:1.2.840.113556.1.4.1941:=cn=everyone,ou=groups," + s.Suffix + "))",
			[]string{"Ada Lovelace", `Doe\, John`, "Grace Hopper"}},
		{"in chain, which groups somebody is in", "(member:1.2.840.113556.1.4.1941:=cn=Grace Hopper,ou=people," + s.Suffix + ")",
			[]string{"engineers", "everyone", "staff"}},
		{"in chain, in a circle", "(memberOf:1.2.840.113556.1.4.1941:=cn=loop-b,ou=groups," + s.Suffix + ")", []string{"Zoe Angstrom", "loop-a", "loop-b"}},
		{"bit and", "(&(sn=*)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))", []string{"Ada Lovelace", `Doe\, John`, "Grace Hopper", "Zoe Angstrom"}},
		{"bit or", "(&(cn=F *)(userAccountControl:1.2.840.113556.1.4.804:=65538))", []string{"F Disabled"}},
		{"ambiguous name", "(anr=grace)", []string{"Grace Hopper"}},
		{"other letters", "(displayName=Zoë Ångström)", []string{"Zoe Angstrom"}},
		{"a comma in the name", `(distinguishedName=CN=Doe\5c, John,OU=people,` + s.Suffix + ")", []string{`Doe\, John`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result, err := d.Search(t.Context(), everybody(test.filter, "cn"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, commonNames(result.Entries)); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

// Values that are no text come as they are, and the reader makes sense of them.
func TestTypedValues(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	d, _, _ := manager(t, encrypted(s))
	found, err := d.Read(t.Context(), "cn=Ada Lovelace,ou=people,"+s.Suffix, "objectGUID", "objectSid", "whenCreated", "pwdLastSet", "thumbnailPhoto",
		"tokenGroups", "userAccountControl")
	if err != nil {
		t.Fatal(err)
	}
	e := ldapmgr.Entry{Entry: found}
	guid, _ := e.GUID("objectGUID")
	byGUID, err := d.Read(t.Context(), "<GUID="+guid+">", "cn")
	if err != nil || byGUID.DN != found.DN {
		t.Errorf("the entry of GUID %s is %v, %v", guid, byGUID, err)
	}
	sid, _ := e.SID("objectSid")
	bySID, err := d.Search(t.Context(), everybody("(objectSid="+sid+")", "cn"))
	if err != nil || len(bySID.Entries) != 1 || bySID.Entries[0].DN != found.DN {
		t.Errorf("the entry of SID %s is %v, %v", sid, bySID, err)
	}
	if created, ok := e.Time("whenCreated"); !ok || created.Year() < 2024 {
		t.Errorf("created %v, %v", created, ok)
	}
	if set, ok := e.Time("pwdLastSet"); !ok || set.Year() < 2024 {
		t.Errorf("password set %v, %v", set, ok)
	}
	if photo := e.Bytes("thumbnailPhoto"); len(photo) != 15 || photo[0] != 0xff || photo[1] != 0xd8 {
		t.Errorf("photo %x", photo)
	}
	if n := len(e.Strings("tokenGroups")); n < 4 { // engineers, staff, everyone, Domain Users
		t.Errorf("%d token groups", n)
	}
}

// The schema of a domain controller is large, and says through content rules what people really have.
func TestSchema(t *testing.T) {
	t.Parallel()
	cfg := encrypted(common.get(t))
	cfg.Classes = []string{"user", "group"}
	d, _, _ := manager(t, cfg)
	s, err := d.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, ok := s.Class("user")
	if !ok || !user.Allows("sAMAccountName") || !user.Allows("memberOf") || !user.Allows("thumbnailPhoto") || user.Allows("gPCFileSysPath") {
		t.Errorf("user: %v, %d and %d attributes", ok, len(user.Must), len(user.May))
	}
	for name, binary := range map[string]bool{"objectGUID": true, "objectSid": true, "thumbnailPhoto": true, "sAMAccountName": false, "member": false} {
		if a, ok := s.Attribute(name); !ok || a.Binary() != binary {
			t.Errorf("%s: %v, %+v", name, ok, a)
		}
	}
}
