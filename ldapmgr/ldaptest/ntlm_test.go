// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/Azure/go-ntlmssp"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// domainAD is a small Active Directory: ada, who may log in, and gone, who may not.
const domainAD = `dn: dc=example,dc=org
objectClass: domainDNS
dc: example

dn: cn=Ada,dc=example,dc=org
objectClass: user
sAMAccountName: ada
userPassword: Lovelace-ä

dn: cn=Gone,dc=example,dc=org
objectClass: user
sAMAccountName: gone
userAccountControl: 514
userPassword: was here
`

func smallAD(t *testing.T) *ldaptest.Server {
	t.Helper()
	return ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(domainAD)})
}

func dialAD(t *testing.T, s *ldaptest.Server) *ldap.Conn {
	t.Helper()
	conn, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// The driver's NTLM and the directory's understand each other, and nobody gets in with less than the password.
func TestNTLM(t *testing.T) {
	t.Parallel()
	s := smallAD(t)
	tests := []struct{ name, user, password, code string }{
		{"account", "ada", "Lovelace-ä", ""},
		{"with its domain", `EXAMPLE\ada`, "Lovelace-ä", ""},
		{"with its DNS name, other case", `Example.org\ADA`, "Lovelace-ä", ""},
		{"wrong password", "ada", "Lovelace-a", "52e"},
		{"other domain", `OTHER\ada`, "Lovelace-ä", "525"},
		{"nobody", "nobody", "Lovelace-ä", "525"},
		{"disabled", "gone", "was here", "533"},
		{"disabled, wrong password", "gone", "is here", "52e"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn := dialAD(t, s)
			err := conn.NTLMBind("EXAMPLE", test.user, test.password)
			var refused *ldap.Error
			if test.code != "" {
				if !errors.As(err, &refused) || refused.ResultCode != ldap.LDAPResultInvalidCredentials || !strings.Contains(err.Error(), "data "+test.code) {
					t.Errorf("got %v, want 49 with %s", err, test.code)
				}
			} else if err != nil {
				t.Error(err)
			}
			who, err := conn.WhoAmI(nil)
			if bound := err == nil && who.AuthzID != ""; bound != (test.code == "") {
				t.Errorf("bound as %+v, %v", who, err)
			}
		})
	}
}

// scripted answers challenges with what a function makes of them.
type scripted func(challenge []byte) []byte

func (s scripted) ChallengeResponse(challenge []byte, _, _ string) ([]byte, error) {
	return s(challenge), nil
}

func (scripted) Negotiate(domain, _ string) ([]byte, error) {
	return ntlmssp.NewNegotiateMessage(domain, "")
}

// A proof that was overheard, and messages that are none, prove nothing.
func TestNTLMProofsThatAreNone(t *testing.T) {
	t.Parallel()
	s := smallAD(t)
	bind := func(answer scripted) error {
		_, err := dialAD(t, s).NTLMChallengeBind(&ldap.NTLMBindRequest{Username: "ada", Password: "x", Negotiator: answer})
		return err
	}
	var overheard []byte
	err := bind(func(challenge []byte) []byte {
		overheard, _ = ntlmssp.NewAuthenticateMessage(challenge, "ada", "Lovelace-ä", nil) // an empty one fails the bind
		return overheard
	})
	if err != nil {
		t.Fatalf("the proof that is overheard is none: %v", err)
	}
	header := "NTLMSSP\x00\x03\x00\x00\x00"
	answers := map[string][]byte{
		"overheard": overheard, "nothing": nil, "text": []byte("Lovelace-ä"), "header alone": []byte(header),
		"offsets beyond the end": []byte(header + strings.Repeat("\xff", 52)), "zeros": []byte(header + strings.Repeat("\x00", 200)),
		"cut off": overheard[:len(overheard)-1], "cut in its head": overheard[:40],
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := bind(func([]byte) []byte { return answer }); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
				t.Errorf("got %v, want 49", err)
			}
		})
	}
}

// What Samba does not do like Active Directory, the profile does: who am I, the cap of 1,000 entries, and ranges.
func TestLikeActiveDirectory(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(domainAD)
	var members strings.Builder
	for i := range 1600 {
		fmt.Fprintf(&text, "\ndn: cn=P%d,dc=example,dc=org\nobjectClass: user\nsAMAccountName: p%d\n", i, i)
		fmt.Fprintf(&members, "member: cn=P%d,dc=example,dc=org\n", i)
	}
	text.WriteString("\ndn: cn=All,dc=example,dc=org\nobjectClass: group\nsAMAccountName: all\n" + members.String())
	s := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(text.String())})
	conn := dialAD(t, s)
	if err := conn.Bind(`EXAMPLE\ada`, "Lovelace-ä"); err != nil {
		t.Fatal(err)
	}
	if who, err := conn.WhoAmI(nil); err != nil || who.AuthzID != `u:EXAMPLE\ada` {
		t.Errorf("who am I: %+v, %v", who, err)
	}
	search := ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, 0, 0, 0, false, "(sAMAccountName=p*)", []string{"cn"}, nil)
	result, err := conn.Search(search)
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) || len(result.Entries) != 1000 {
		t.Errorf("unpaged: %d entries, %v; want 1000 and code 4", len(result.Entries), err)
	}
	if result, err = conn.SearchWithPaging(search, 5000); err != nil || len(result.Entries) != 1600 {
		t.Errorf("paged: %d entries, %v", len(result.Entries), err)
	}
	group := ldap.NewSearchRequest("cn=All,dc=example,dc=org", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"member"}, nil)
	result, err = conn.Search(group)
	if err != nil || len(result.Entries[0].GetAttributeValues("member;range=0-1499")) != 1500 {
		t.Errorf("ranges: %v, %v", result, err)
	}
}
