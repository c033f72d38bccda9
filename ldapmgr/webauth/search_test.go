// SPDX-License-Identifier: MIT

package webauth_test

import (
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func searchFor(filter string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(ldaptest.DefaultSuffix, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, nil, nil)
}
