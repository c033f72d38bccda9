// SPDX-License-Identifier: MIT

package instrument_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestNamesAreSummedOnce holds what is remembered of a name to be what it sums up to, whatever came before.
func TestNamesAreSummedOnce(t *testing.T) {
	t.Parallel()
	remembered, alone := instrument.RememberedDN()
	long := "ou=" + strings.Repeat("x", 300) + ",dc=example,dc=org"
	names := []string{"", "dc=example,dc=org", "dc=example,dc=org", "dc=example,dc=net", "dc=example", "", "cn=ada,dc=example,dc=org", long, long[:256], long, "dc=example,dc=org"}
	for i, name := range names {
		shape, exact := remembered(name)
		if wantShape, wantExact := alone(name); shape != wantShape || exact != wantExact {
			t.Errorf("name %d, %.30q: %x %x, want %x %x", i, name, shape, exact, wantShape, wantExact)
		}
	}
}

// TestSimilar counts what has one shape within a request, the pages of a search as one, and in no other request.
func TestSimilar(t *testing.T) {
	t.Parallel()
	server, _ := company(t)
	scope := instrument.New()
	c := dial(t, scope, server.URL())
	if err := c.Bind(t.Context(), ldaptest.CompanyUser, ldaptest.CompanyPassword); err != nil {
		t.Fatal(err)
	}
	asks := func(kind string, size uint32, names ...string) string {
		ctx, end := scope.Job(t.Context(), kind)
		defer end()
		for _, name := range names {
			request := ldap.NewSearchRequest(ldaptest.DefaultSuffix, 2, 0, 0, 0, false, "(|(cn="+name+")(objectClass=user))", []string{"cn"}, nil)
			for _, err := range c.Pages(ctx, request, size) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		q, ops, _ := scope.Recorder().Request(instrument.RequestID(ctx))
		var similar []string
		for _, op := range ops {
			similar = append(similar, fmt.Sprint(op.Repeat, " ", op.Similar))
		}
		return fmt.Sprint(len(ops), " ", q.Duplicates, " ", q.Similar, ": ", slices.Compact(similar))
	}
	if got, want := asks("one page each", 1000, "a", "b", "a"), "3 1 1: [0 0 0 1 1 2]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := asks("pages", 2, "a", "b"), "10 0 1: [0 0 0 1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
