// SPDX-License-Identifier: MIT

package slapd_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

const people = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=ada,dc=example,dc=org
objectClass: inetOrgPerson
cn: ada
sn: Lovelace
userPassword: lovelace

dn: cn=team,dc=example,dc=org
objectClass: groupOfNames
cn: team
member: CN=Ada, dc=example,dc=org
`

func TestStart(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: people, Schema: ldaptest.SchemaForAD})
	trust := ldap.DialWithTLSConfig(&tls.Config{RootCAs: s.CA.Pool(), MinVersion: tls.VersionTLS12})
	search := ldap.NewSearchRequest(s.Suffix, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(memberOf=cn=team,"+s.Suffix+")", []string{"memberOf"}, nil)
	for _, url := range []string{s.LDAP, s.LDAPS, s.LDAPI} {
		scheme, _, _ := strings.Cut(url, ":")
		t.Run(scheme, func(t *testing.T) {
			if scheme == "ldapi" {
				url = "ldapi://" + s.Dir + "/ldapi" // go-ldap takes the path as it is
			}
			c, err := ldap.DialURL(url, trust)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Bind("cn=ada,"+s.Suffix, "lovelace"); err != nil {
				t.Fatal(err)
			}
			result, err := c.Search(search)
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Entries) != 1 || result.Entries[0].DN != "cn=ada,"+s.Suffix {
				t.Errorf("found %v, want ada by memberOf", result.Entries)
			}
		})
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: people})
	before := s.Pid()
	s.Stop()
	if c, err := ldap.DialURL(s.LDAP); err == nil {
		c.Close()
		t.Fatal("a stopped server accepts connections")
	}
	if s.Pid() != 0 {
		t.Errorf("a stopped server has process %d", s.Pid())
	}
	s.Start()
	if s.Pid() == 0 || s.Pid() == before {
		t.Errorf("process %d after a start, %d before", s.Pid(), before)
	}
	c, err := ldap.DialURL(s.LDAP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Bind(s.RootDN, s.RootPW); err != nil {
		t.Errorf("bind as %s after a start: %v", s.RootDN, err)
	}
}
