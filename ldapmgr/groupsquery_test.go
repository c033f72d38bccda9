// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestQuotedNames: within quotation marks a DN stands as the server writes it, its own backslashes included.
func TestQuotedNames(t *testing.T) {
	t.Parallel()
	set := ldapmgr.NewGroupSet(ldapmgr.Group{DN: `cn=Smith\, John \28x\29,ou=groups,o=test`}, ldapmgr.Group{DN: `cn=caf\c3\a9,o=test`},
		ldapmgr.Group{DN: `cn=a\"b,o=test`}, ldapmgr.Group{DN: `cn=a\\b,o=test`}, ldapmgr.Group{Name: "tab\there"}, ldapmgr.Group{Name: `back\`})
	for _, text := range []string{
		`"cn=Smith\, John (x),ou=groups,o=test"`, `"cn=Smith\\, John \\28x\\29,ou=groups,o=test"`, `"CN=café,O=test"`, `"cn=caf\c3\a9,o=test"`,
		`"cn=a\\\"b,o=test"`, `cn=a\\b,o=test`, `"cn=a\5cb,o=test"`, `"cn=a\\\\b,o=test"`, "\"tab\there\"", `back\`, `"back\\"`,
	} {
		q, err := ldapmgr.ParseGroupQuery(text)
		if err != nil || !q.Match(set) {
			t.Errorf("%s: does not match, %v", text, err)
			continue
		}
		if again, err := ldapmgr.ParseGroupQuery(q.String()); err != nil || !again.Match(set) || again.String() != q.String() {
			t.Errorf("%s: reads back as %s, %v", text, q, err)
		}
	}
}

// TestReferencesThatAreNone: a condition that can never hold is an error, or a deny would deny nobody.
func TestReferencesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"dn:nonsense", "a or sid:abc", "guid:1", `"dn: "`, "DN:x", "sid:", "name:"} {
		var bad *ldapmgr.QueryError
		if _, err := ldapmgr.ParseGroupQuery(text); !errors.As(err, &bad) {
			t.Errorf("%s: %v", text, err)
		}
	}
	set := ldapmgr.NewGroupSet(ldapmgr.Group{DN: "cn=a,o=test", Name: "N:x", SID: "S-1-5-21-1", GUID: "0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e"})
	for _, text := range []string{
		`"sid: s-1-5-21-1"`, "SID:S-1-5-21-1", "DN:cn=A,o=test", `"dn: cn = a , o=test"`, "GUID:0CC2E6E6-7c55-4b0a-8a4a-6a3b6f3c2d1e",
		"{0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e}", "guid:{0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e}", "N:x", "name:n:X",
	} {
		if q, err := ldapmgr.ParseGroupQuery(text); err != nil || !q.Match(set) {
			t.Errorf("%s: does not match, %v", text, err)
		}
	}
}
