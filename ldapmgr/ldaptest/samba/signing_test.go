// SPDX-License-Identifier: MIT

package samba_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// A server that wants signed messages refuses GSSAPI, which has none here, and the error says where it works instead: what
// helps without TLS is no help to somebody who has it.
func TestKerberosUnsigned(t *testing.T) {
	t.Parallel()
	const useTLS, useSimple = "GSSAPI binds do not offer here; use ldaps or StartTLS", "even over TLS; use a simple bind"
	for strong, hints := range map[string]map[string]string{ // "" is a bind that succeeds
		"yes":                 {"ldap": useTLS, "StartTLS": useSimple, "ldaps": useSimple},
		"allow_sasl_over_tls": {"ldap": useTLS, "StartTLS": "", "ldaps": ""},
	} {
		t.Run(strong, func(t *testing.T) {
			t.Parallel()
			s := samba.Start(t, samba.Config{Admins: config.Admins, Options: []string{"ldap server require strong auth = " + strong}})
			for way, hint := range hints {
				cfg := byKerberos(s, ldapmgr.Bind{Name: samba.Service, Password: ldapmgr.Secret{Value: samba.ServicePassword}})
				if way != "ldaps" {
					cfg.Servers, cfg.StartTLS = []string{s.LDAP}, new(way == "StartTLS")
				}
				d, _, scope := manager(t, cfg)
				for range 2 {
					_, err := d.Search(t.Context(), everybody("(sAMAccountName=ada)", "mail"))
					if hint == "" {
						if err != nil {
							t.Errorf("%s: %v", way, err)
						}
						continue
					}
					code, _ := instrument.ResultCode(err)
					if !errors.Is(err, ldapmgr.ErrServiceAccount) || code != ldap.LDAPResultStrongAuthRequired {
						t.Errorf("%s: got %v, want ErrServiceAccount and code 8", way, err)
					}
					for _, text := range []string{err.Error(), ldapmgr.Reason(err), ldapmgr.Hint(err)} {
						if !strings.Contains(text, hint) {
							t.Errorf("%s: %q does not say %q", way, text, hint)
						}
					}
					if !strings.Contains(err.Error(), s.IP+":") {
						t.Errorf("%s: %q does not say where", way, err)
					}
				}
				if n := usage(t, scope).BindOperations; hint != "" && n != 3 { // the steps of one bind
					t.Errorf("%s: %d binds were sent, want those of one", way, n)
				}
			}
		})
	}
}
