// SPDX-License-Identifier: MIT

package samba_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// eyes are the two ways to see one server: plain go-ldap, and our client, which takes entries off the wire itself.
type eyes struct {
	plain *ldap.Conn
	ours  *instrument.Client
}

func twoEyes(t *testing.T, s *samba.Server) eyes {
	t.Helper()
	trust := &tls.Config{RootCAs: s.CA.Pool(), MinVersion: tls.VersionTLS12}
	ours, err := instrument.New().Dial(t.Context(), s.LDAPS, instrument.WithTLS(trust))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close(context.WithoutCancel(t.Context())) })
	if err := ours.Bind(t.Context(), s.Admin, s.AdminPassword); err != nil {
		t.Fatal(err)
	}
	return eyes{dial(t, s), ours}
}

// TestSameAsGoLDAP holds what our client returns to what go-ldap returns, value for value, where a domain controller sends
// what other servers do not: binary values, references, computed attributes, a large schema, controls.
func TestSameAsGoLDAP(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, config) // on which nobody binds meanwhile, which changes entries
	both := twoEyes(t, s)
	ada, schema := "cn=Ada Lovelace,ou=people,"+s.Suffix, "CN=Schema,CN=Configuration,"+s.Suffix
	request := func(base string, scope int, filter string, attributes ...string) *ldap.SearchRequest {
		return ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
	}
	with := func(r *ldap.SearchRequest, controls ...ldap.Control) *ldap.SearchRequest {
		r.Controls = controls
		return r
	}
	typesOnly := request(s.Suffix, ldap.ScopeWholeSubtree, "(cn=*)", "cn", "objectSid")
	typesOnly.TypesOnly = true
	tests := []struct {
		name    string
		request *ldap.SearchRequest
		least   int // entries that there must be, so that nothing is not compared with nothing
		code    uint16
	}{
		{"root DSE", request("", ldap.ScopeBaseObject, "(objectClass=*)", "*", "+"), 1, 0},
		{"everything, with references", request(s.Suffix, ldap.ScopeWholeSubtree, "(objectClass=*)", "*", "+"), 200, 0},
		{"security descriptors", request(s.Suffix, ldap.ScopeSingleLevel, "(objectClass=*)", "nTSecurityDescriptor"), 8, 0},
		{"configuration", request("CN=Configuration,"+s.Suffix, ldap.ScopeWholeSubtree, "(!(objectClass=classSchema))", "*"), 200, 0},
		{"schema as text", request("CN=Aggregate,"+schema, ldap.ScopeBaseObject, "(objectClass=*)", "attributeTypes", "objectClasses", "dITContentRules"), 1, 0},
		{"schema as entries", request(schema, ldap.ScopeSingleLevel, "(|(attributeSyntax=2.5.5.10)(attributeSyntax=2.5.5.17))"), 50, 0},
		{"identifiers", request(ada, ldap.ScopeBaseObject, "(objectClass=*)", "objectGUID", "objectSid", "tokenGroups", "thumbnailPhoto", "replPropertyMetaData"), 1, 0},
		{"by GUID", request("<WKGUID=a9d1ca15768811d1aded00c04fd8d5cd,"+s.Suffix+">", ldap.ScopeBaseObject, "(objectClass=*)"), 1, 0},
		{"ranges", request("cn=engineers,ou=groups,"+s.Suffix, ldap.ScopeBaseObject, "(objectClass=*)", "member;range=0-0"), 1, 0},
		{"other letters", request(s.Suffix, ldap.ScopeWholeSubtree, "(sn=Ångström)"), 1, 0},
		{"names only", typesOnly, 20, 0},
		{"no attributes", request(s.Suffix, ldap.ScopeWholeSubtree, "(objectClass=user)", "1.1"), 13, 0},
		{"nobody", request(s.Suffix, ldap.ScopeWholeSubtree, "(cn=nobody at all)"), 0, 0},
		{"extended names", with(request(s.Suffix, ldap.ScopeWholeSubtree, "(member=*)", "member"), ldap.NewControlString("1.2.840.113556.1.4.529", true, "")), 5, 0},
		{"what was deleted", with(request(s.Suffix, ldap.ScopeWholeSubtree, "(isDeleted=TRUE)"), ldap.NewControlMicrosoftShowDeleted()), 1, 0},
		{"without references", with(request(s.Suffix, ldap.ScopeWholeSubtree, "(cn=Ada*)"), ldap.NewControlString("1.2.840.113556.1.4.1339", true, "")), 1, 0},
		{"a page", with(request(s.Suffix, ldap.ScopeWholeSubtree, "(objectClass=user)", "cn"), ldap.NewControlPaging(3)), 3, 0},
		{"changes", with(request(s.Suffix, ldap.ScopeWholeSubtree, "(objectClass=user)", "name"), ldap.NewRequestControlDirSync(0, 1<<20, nil)), 13, 0},
		{"no such entry", request("cn=nobody,"+s.Suffix, ldap.ScopeBaseObject, "(objectClass=*)"), 0, ldap.LDAPResultNoSuchObject},
		{"no name", request("nonsense", ldap.ScopeBaseObject, "(objectClass=*)"), 0, ldap.LDAPResultInvalidDNSyntax},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want, plainErr := both.plain.Search(test.request)
			got, err := both.ours.Search(t.Context(), test.request)
			sameError(t, plainErr, err, test.code)
			if len(want.Entries) < test.least {
				t.Errorf("only %d entries to compare", len(want.Entries))
			}
			sameEntries(t, want.Entries, got.Entries)
			if diff := cmp.Diff(steadyControls(want), steadyControls(got)); diff != "" {
				t.Errorf("controls of go-ldap (-) and ours (+):\n%s", diff)
			}
			if diff := cmp.Diff(want.Referrals, got.Referrals, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("references of go-ldap (-) and ours (+):\n%s", diff)
			}
		})
	}
	t.Run("pages", func(t *testing.T) { both.samePages(t, s.Suffix) })
}

// sameError compares what callers read of a server's refusal.
func sameError(t *testing.T, want, got error, code uint16) {
	t.Helper()
	var plain, ours *ldap.Error
	errors.As(want, &plain)
	errors.As(got, &ours)
	switch {
	case plain == nil && ours == nil && want == nil && got == nil && code == 0:
	case plain == nil || ours == nil || plain.ResultCode != code:
		t.Fatalf("go-ldap %v, ours %v; want code %d", want, got, code)
	case plain.ResultCode != ours.ResultCode || plain.MatchedDN != ours.MatchedDN || plain.Err.Error() != ours.Err.Error():
		t.Errorf("go-ldap %v, ours %v", want, got)
	}
}

// sameEntries compares entry by entry, and tells the first difference only: the answers are large.
func sameEntries(t *testing.T, want, got []*ldap.Entry) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("go-ldap has %d entries, ours %d", len(want), len(got))
	}
	for i := range want {
		if one, other := steady(want[i]), steady(got[i]); !reflect.DeepEqual(one, other) {
			t.Fatalf("%s: go-ldap (-) and ours (+):\n%s", want[i].DN, cmp.Diff(one, other))
		}
	}
}

// steady leaves out what a server changes between two searches.
func steady(e *ldap.Entry) *ldap.Entry {
	e.Attributes = slices.DeleteFunc(e.Attributes, func(a *ldap.EntryAttribute) bool {
		return slices.Contains([]string{"currentTime", "highestCommittedUSN"}, a.Name)
	})
	return e
}

// steadyControls writes the controls of an answer down, without cookies.
func steadyControls(r *ldap.SearchResult) (texts []string) {
	for _, c := range r.Controls {
		switch c := c.(type) {
		case *ldap.ControlPaging:
			texts = append(texts, fmt.Sprintf("paging %d, more: %v", c.PagingSize, len(c.Cookie) > 0))
		case *ldap.ControlDirSync:
			texts = append(texts, fmt.Sprintf("DirSync %d, cookie: %v", c.Flags, len(c.Cookie) > 0))
		default:
			texts = append(texts, c.String())
		}
	}
	return texts
}

// samePages reads a whole schema by pages in both ways.
func (both eyes) samePages(t *testing.T, suffix string) {
	t.Helper()
	request := ldap.NewSearchRequest("CN=Schema,CN=Configuration,"+suffix, ldap.ScopeSingleLevel, 0, 0, 0, false, "(objectClass=classSchema)", nil, nil)
	got, err := both.ours.SearchPaged(t.Context(), request, 50)
	if err != nil {
		t.Fatal(err)
	}
	want, err := both.plain.SearchWithPaging(request, 50)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Entries) < 200 {
		t.Errorf("only %d entries to compare", len(want.Entries))
	}
	sameEntries(t, want.Entries, got.Entries)
}
