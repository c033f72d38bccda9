// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// An attribute with more values than Active Directory sends at once comes whole, whichever way it is read.
func TestRanges(t *testing.T) {
	t.Parallel()
	var ldif strings.Builder
	ldif.WriteString("dn: " + suffix + "\nobjectClass: domainDNS\ndc: example\n\ndn: cn=big," + suffix + "\nobjectClass: group\ncn: big\nsAMAccountName: big\n")
	for i := range 23 {
		fmt.Fprintf(&ldif, "description: d%02d\n", i)
	}
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldif.String()), RootPassword: password, MaxValRange: 5})
	d, _ := domain(t, bound(server.URL()))
	request := ldap.NewSearchRequest(suffix, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(cn=big)", []string{"cn", "description"}, nil)
	tests := []struct {
		name string
		read func(t *testing.T) *ldap.Entry
	}{
		{name: "search", read: func(t *testing.T) *ldap.Entry { return only(t)(d.Search(t.Context(), request)) }},
		{name: "paged", read: func(t *testing.T) *ldap.Entry { return only(t)(d.SearchPaged(t.Context(), request, 0)) }},
		{name: "entries", read: func(t *testing.T) (found *ldap.Entry) {
			for e, err := range d.Entries(t.Context(), request, 0) {
				if err != nil {
					t.Error(err)
				}
				found = e.Entry
			}
			return found
		}},
		{name: "read", read: func(t *testing.T) *ldap.Entry {
			e, err := d.Read(t.Context(), "cn=big,"+suffix)
			if err != nil {
				t.Error(err)
			}
			return e
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := (ldapmgr.Entry{Entry: test.read(t)}).Strings("description"); len(got) != 23 {
				t.Errorf("got %d values, want 23: %v", len(got), got)
			}
		})
	}
	// Who asks for a range gets that range.
	asked := *request
	asked.Attributes = []string{"description;range=0-2"}
	if got := (ldapmgr.Entry{Entry: only(t)(d.Search(t.Context(), &asked))}).Strings("description;range=0-2"); len(got) != 3 {
		t.Errorf("got %d values of the range asked for, want 3", len(got))
	}
}

// only returns the only entry of a result.
func only(t *testing.T) func(*ldap.SearchResult, error) *ldap.Entry {
	t.Helper()
	return func(result *ldap.SearchResult, err error) *ldap.Entry {
		t.Helper()
		if err != nil || len(result.Entries) != 1 {
			t.Fatalf("got %v, %v; want one entry", result, err)
		}
		return result.Entries[0]
	}
}
