// SPDX-License-Identifier: MIT

package panel

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel/query"
)

// TestMatchingEndsUnderTraffic: a list ends with what there was when it began, however much comes meanwhile.
func TestMatchingEndsUnderTraffic(t *testing.T) {
	t.Parallel()
	directory := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(3))})
	scope := instrument.New()
	client, err := scope.Dial(t.Context(), directory.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	ask := func() {
		_, err := client.Search(t.Context(), ldap.NewSearchRequest("", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
		if err != nil {
			t.Fatal(err)
		}
	}
	const held = 1100 // more changes than one step of a list takes
	for range held {
		ask()
	}
	p := New(Config{Scope: scope})
	everything, err := query.Parse("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	p.matching(0, everything, func(*instrument.Operation) bool {
		listed++
		ask()
		return listed < 3*held
	})
	if listed != held {
		t.Errorf("%d operations are listed, want the %d of the beginning", listed, held)
	}
}
