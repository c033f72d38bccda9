// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// bindingsOf is what a client that knows the server's certificate says of it, computed from the texts: RFC 5929 section 4.1 in
// the structure of RFC 2744 section 3.11, hashed (MS-NLMP 2.2.2.1).
func bindingsOf(certificate []byte) []byte {
	hash := sha256.Sum256(certificate)
	text := "tls-server-end-point:" + string(hash[:])
	sum := md5.Sum(append(binary.LittleEndian.AppendUint32(make([]byte, 16), uint32(len(text))), text...))
	return sum[:]
}

// TestChannelBinding: a domain controller that insists on it takes NTLM over TLS only from who names its certificate. In clear
// text there is no channel, and a simple bind has no place for it.
func TestChannelBinding(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(domainAD), ChannelBinding: true})
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.TLSURL(), "ldaps://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	certificate := conn.ConnectionState().PeerCertificates[0].Raw
	conn.Close()
	other, _ := pem.Decode(s.PEM)
	for _, test := range []struct {
		name     string
		url      string
		start    bool
		bindings []byte
		password string
		want     string
	}{
		{"named", s.TLSURL(), false, bindingsOf(certificate), "", ""},
		{"named, StartTLS", s.URL(), true, bindingsOf(certificate), "", ""},
		{"missing", s.TLSURL(), false, nil, "", "data 80090346"},
		{"missing, StartTLS", s.URL(), true, nil, "", "data 80090346"},
		{"all zero", s.TLSURL(), false, make([]byte, 16), "", "data 80090346"},
		{"of another certificate", s.TLSURL(), false, bindingsOf(other.Bytes), "", "data 80090346"},
		{"in clear text", s.URL(), false, nil, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := ldap.DialURL(test.url, ldap.DialWithTLSConfig(&tls.Config{InsecureSkipVerify: true}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if test.start {
				if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
					t.Fatal(err)
				}
			}
			_, err = c.NTLMChallengeBind(&ldap.NTLMBindRequest{Username: "ada", Password: "x", Negotiator: &signing{flags: 2, bindings: test.bindings}})
			if test.want == "" && err != nil || test.want != "" && (!ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("NTLM: got %v, want %q", err, test.want)
			}
			if err := c.Bind("ada@example.org", "Lovelace-ä"); err != nil {
				t.Errorf("simple: %v", err)
			}
		})
	}
}
