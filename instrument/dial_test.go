// SPDX-License-Identifier: MIT

package instrument_test

import (
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// A password in what should be an address is in no error, however the address is mistyped.
func TestAddressWithAPassword(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"ldap://admin:" + secret + "@dc1", "ldap:/admin:" + secret + "@dc1", "ldap//admin:" + secret + "@dc1", "ldap:///admin:" + secret + "@dc1",
		"ldap:admin:" + secret + "@dc1", "/admin:" + secret + "@dc1", "admin:" + secret + "@dc1", "//admin:" + secret + "@dc1", "ldaps:/cn=x:" + secret + "@dc1",
		"http://dc1/admin:" + secret + "@dc1", "ldap://?admin:" + secret + "@dc1", "ldap:///#" + secret + "@dc1", "ldap://admin:" + secret + "%@dc1",
		"ldapi:/admin:" + secret + "@dc1", "ldapi://admin:" + secret + "@dc1", "ldapi://admin:" + secret + "@%2Frun%2Fldapi", "ldapi://admin:" + secret + "/@dc1",
	} {
		_, err := instrument.New().Dial(t.Context(), raw)
		if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "admin") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// An @ is no sign of a password where an address may have one.
func TestAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, network, address string }{
		{"ldap://dc1", "tcp", "dc1:389"},
		{"ldaps://dc1", "tcp", "dc1:636"},
		{"ldap://dc1:3268/ou=a@b", "tcp", "dc1:3268"},
		{"ldapi://%2Frun%2Fslapd%40b%2Fldapi", "unix", "/run/slapd@b/ldapi"},
		{"ldapi://%2Frun%2Fslapd@b%2Fldapi", "unix", "/run/slapd@b/ldapi"},
		{"ldapi:///run/slapd@b/ldapi", "unix", "/run/slapd@b/ldapi"},
		{"ldapi://@abstract", "unix", "@abstract"},
		{"ldapi://", "unix", "/var/run/slapd/ldapi"},
	}
	for _, test := range tests {
		if a, err := instrument.ParseURL(test.raw); err != nil || a.Network != test.network || a.Address != test.address {
			t.Errorf("%s: %+v, %v", test.raw, a, err)
		}
	}
	for _, raw := range []string{"ldap://", "http://dc1", "dc1"} { // where nothing can be secret the address helps
		if _, err := instrument.ParseURL(raw); err == nil || !strings.Contains(err.Error(), raw) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
