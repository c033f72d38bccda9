// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// NTLM binds as the service account, once for each connection, and a wrong password is sent once in all.
func TestBindNTLM(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(`dn: dc=example,dc=org
objectClass: domainDNS
dc: example

dn: cn=Reader,dc=example,dc=org
objectClass: user
sAMAccountName: reader
userPassword: pass-ü
`)})
	as := func(password string) (*ldapmgr.Domain, *instrument.Scope) {
		return domain(t, ldapmgr.DomainConfig{
			Servers: []string{server.URL()}, Bind: ldapmgr.Bind{Method: ldapmgr.BindNTLM, Name: `EXAMPLE\reader`, Password: ldapmgr.Secret{Value: password}},
		})
	}
	d, scope := as("pass-ü")
	for range 3 {
		if e, err := d.Read(t.Context(), "cn=Reader,dc=example,dc=org", "sAMAccountName"); err != nil || e.GetAttributeValue("sAMAccountName") != "reader" {
			t.Fatalf("got %v, %v", e, err)
		}
	}
	if n := scope.Snapshots()[0].Usage.BindOperations; n != 2 {
		t.Errorf("%d binds, want the two steps of one", n)
	}
	d, scope = as("wrong")
	for range 3 {
		if _, err := d.Read(t.Context(), "cn=Reader,dc=example,dc=org"); !errors.Is(err, ldapmgr.ErrServiceAccount) || ldapmgr.SubCode(err) != "52e" {
			t.Errorf("got %v, want ErrServiceAccount with 52e", err)
		}
	}
	if n := scope.Snapshots()[0].Usage.BindOperations; n != 2 {
		t.Errorf("%d binds with a wrong password, want the two steps of one", n)
	}
}
