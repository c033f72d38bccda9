// SPDX-License-Identifier: MIT

package panel_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

// TestEveryKindOfTraffic sends what breaks panels that take an operation for a search with text: pages, bytes that are no text,
// changes, compares and extended operations. Each is listed, and each opens.
func TestEveryKindOfTraffic(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, end := s.scope.Job(t.Context(), "test")
	dn := "cn=<script>\xff,ou=people," + ldaptest.DefaultSuffix
	binary := string([]byte{0, 0xff, 0xfe, '<', 0x80})
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"user"})
	add.Attribute("thumbnailPhoto", []string{binary})
	modify := ldap.NewModifyRequest(dn, []ldap.Control{ldap.NewControlManageDsaIT(true)})
	modify.Replace("thumbnailPhoto", []string{binary, ""})
	conn := s.client.Conn()
	// The directory may refuse any of them; what was sent must be shown all the same.
	_, _ = s.client.With(ctx).SearchWithPaging(ldap.NewSearchRequest(ldaptest.DefaultSuffix, 2, 0, 0, 0, false, "(objectGUID="+ldap.EscapeFilter(binary)+")", nil, nil), 5)
	_, _ = s.client.With(ctx).SearchWithPaging(ldap.NewSearchRequest(ldaptest.DefaultSuffix, 2, 0, 0, 0, false, "(objectClass=*)", []string{"objectGUID"}, nil), 5)
	_ = conn.Add(add)
	_ = conn.Modify(modify)
	_ = conn.ModifyDN(ldap.NewModifyDNRequest(dn, "cn=other", true, ""))
	_, _ = conn.Compare(dn, "thumbnailPhoto", binary)
	_ = conn.Del(ldap.NewDelRequest(dn, nil))
	_, _ = conn.WhoAmI(nil)
	_, _ = conn.PasswordModify(ldap.NewPasswordModifyRequest(dn, "old", "new"))
	end()

	var list struct {
		Operations []row `json:"operations"`
	}
	if status := s.get(t, "/api/v1/operations?limit=1000", &list); status != http.StatusOK {
		t.Fatalf("the list answers %d", status)
	}
	seen := map[string]int{}
	for _, op := range list.Operations {
		seen[op.Kind]++
		var detail row
		if status := s.get(t, fmt.Sprintf("/api/v1/operations/%d", op.Seq), &detail); status != http.StatusOK || detail.Kind != op.Kind {
			t.Errorf("%s %d: status %d, %+v", op.Kind, op.Seq, status, detail)
		}
		if op.State == "running" {
			t.Errorf("%s %d is still running", op.Kind, op.Seq)
		}
	}
	for kind, least := range map[string]int{"search": 4, "add": 1, "modify": 1, "modify_dn": 1, "compare": 1, "delete": 1, "extended": 2} {
		if seen[kind] < least {
			t.Errorf("%d of kind %s are shown, want %d at least: %v", seen[kind], kind, least, seen)
		}
	}
}
