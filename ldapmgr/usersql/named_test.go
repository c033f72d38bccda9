// SPDX-License-Identifier: MIT

package usersql_test

import (
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestNamedFoldsAllLetters: the database's lower() may know ASCII alone.
func TestNamedFoldsAllLetters(t *testing.T) { everywhere(t, testNamedFoldsAllLetters) }

func testNamedFoldsAllLetters(t *testing.T, p place) {
	s := p.store(t)
	mails := []string{"Éva@example.org", "100%_sure@example.org", `İSTANBUL\x@example.org`, "plain@Example.org", "évx@example.org"}
	for i, mail := range mails {
		apply(t, s, ldapmgr.Plan{
			Domain: "EXAMPLE", Key: mail, DN: "cn=x", Name: string(rune('a' + i)), Create: true, LastSync: synced,
			Fields: []ldapmgr.FieldChange{{Name: "mail", To: &mail}},
		})
	}
	for value, want := range map[string]string{
		"éva@EXAMPLE.org": "a", "Éva@example.org": "a", "100%_SURE@example.org": "b", "100xxsure@example.org": "", "İstanbul\\X@example.org": "c",
		"PLAIN@example.org": "d", "é_a@example.org": "", "é%": "", "": "",
	} {
		account, found, err := s.Named(t.Context(), "mail", value)
		if err != nil || found != (want != "") || account.Name != want {
			t.Errorf("%q: %q, %v, %v", value, account.Name, found, err)
		}
	}
}
