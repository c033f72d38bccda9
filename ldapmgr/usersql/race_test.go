// SPDX-License-Identifier: MIT

package usersql_test

import (
	"errors"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestLinkedMeanwhile: an account that was free when the plan was made and is another person's by now stays that person's.
func TestLinkedMeanwhile(t *testing.T) { everywhere(t, testLinkedMeanwhile) }

func testLinkedMeanwhile(t *testing.T, p place) {
	s := p.store(t)
	id, err := s.AddLocal(t.Context(), "ada", "")
	if err != nil {
		t.Fatal(err)
	}
	link := func(key string) ldapmgr.Plan {
		return ldapmgr.Plan{Domain: "EXAMPLE", Key: key, DN: "cn=" + key, ID: id, Name: "ada", Link: true, LastSync: synced, Flags: []ldapmgr.FlagChange{{Name: "staff", To: true}}}
	}
	apply(t, s, link("first"))
	apply(t, s, link("first")) // which says the same once more
	if _, err := s.Apply(t.Context(), []ldapmgr.Plan{link("second")}, nothing); !errors.Is(err, ldapmgr.ErrNameTaken) {
		t.Errorf("got %v", err)
	}
	if account, err := s.ByID(t.Context(), id); err != nil || account.Key != "first" {
		t.Errorf("the account is %q's, %v", account.Key, err)
	}
}
