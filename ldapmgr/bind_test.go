// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
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

// What the driver's binds do not have is named, with what to do, and no domain controller is asked again for it.
func TestBindUnsigned(t *testing.T) {
	t.Parallel()
	bindings := "80090346: LdapErr: DSID-0C0905A2, comment: AcceptSecurityContext error, data 80090346, v4563\x00"
	signing := "00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection, data 0, v4563\x00"
	tests := []struct {
		name   string
		tls    bool
		method string
		answer wire.Reply
		hint   string
	}{
		{"channel binding", true, ldapmgr.BindNTLM, wire.Reply{Code: 49, Diagnostic: bindings}, "NTLM binds do not carry here; use a simple bind over TLS"},
		{"signing", false, ldapmgr.BindNTLM, wire.Reply{Code: 8, Diagnostic: signing}, "NTLM binds do not offer here; use ldaps or StartTLS"},
		{"signing over TLS", true, ldapmgr.BindNTLM, wire.Reply{Code: 8}, "even over TLS; use a simple bind"},
		{"simple", false, ldapmgr.BindSimple, wire.Reply{Code: 8, Diagnostic: signing}, "the server wants signing or TLS; use ldaps or StartTLS"},
		{"wrong password", true, ldapmgr.BindNTLM, wire.Reply{Code: 49, Diagnostic: strings.ReplaceAll(bindings, "80090346", "52e")}, "wrong password"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, Fault: ldaptest.On(wire.BindRequest, ldaptest.Always(ldaptest.Action{Result: &test.answer}))})
			cfg := ldapmgr.DomainConfig{Servers: []string{server.URL()}, Bind: ldapmgr.Bind{Method: test.method, Name: `EXAMPLE\reader`, Password: ldapmgr.Secret{Value: password}}}
			if test.tls {
				cfg.Servers, cfg.TLS.CAFile = []string{server.TLSURL()}, file(t, "ca", server.PEM)
			}
			d, scope := domain(t, cfg)
			for range 2 {
				err := d.Preload(t.Context())
				if !errors.Is(err, ldapmgr.ErrServiceAccount) || !strings.Contains(ldapmgr.Hint(err), test.hint) || !strings.Contains(err.Error(), test.hint) {
					t.Errorf("got %v, want %q in it", err, test.hint)
				}
			}
			if n := scope.Snapshots()[0].Usage.BindOperations; n != 1 {
				t.Errorf("%d binds, want one", n)
			}
		})
	}
}

// A domain controller that insists on channel binding checks it: the right password is refused over TLS, which costs one bind and
// says what to do, and what it says to do works.
func TestBindWithoutChannelBinding(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(8)), ChannelBinding: true})
	as := func(url, method, name string) (*ldapmgr.Domain, *instrument.Scope) {
		return domain(t, ldapmgr.DomainConfig{
			Servers: []string{url}, TLS: ldapmgr.TLS{CAFile: file(t, "ca", server.PEM)},
			Bind: ldapmgr.Bind{Method: method, Name: name, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
		})
	}
	d, scope := as(server.TLSURL(), ldapmgr.BindNTLM, `EXAMPLE\ldapscope`)
	for range 3 {
		err := d.Preload(t.Context())
		if !errors.Is(err, ldapmgr.ErrServiceAccount) || !strings.Contains(ldapmgr.Hint(err), "use a simple bind over TLS") {
			t.Errorf("got %v", err)
		}
	}
	if n := scope.Snapshots()[0].Usage.BindOperations; n != 2 {
		t.Errorf("%d binds, want the two steps of one", n)
	}
	for _, c := range [][3]string{
		{server.TLSURL(), ldapmgr.BindSimple, ldaptest.CompanyService}, {server.URL(), ldapmgr.BindNTLM, `EXAMPLE\ldapscope`},
	} {
		if d, _ = as(c[0], c[1], c[2]); d.Preload(t.Context()) != nil {
			t.Errorf("%s to %s: %v", c[1], c[0], d.Preload(t.Context()))
		}
	}
}

// A client certificate is an account: the server knows whom it is about, in memory as in slapd.
func TestBindExternal(t *testing.T) {
	t.Parallel()
	servers := map[string]func(t *testing.T) (url string, authority *ldaptest.Authority){
		"memory": func(t *testing.T) (string, *ldaptest.Authority) {
			t.Helper()
			authority, err := ldaptest.NewAuthority()
			if err != nil {
				t.Fatal(err)
			}
			config := serverTLS(t, authority, ldaptest.Leaf{})
			config.ClientCAs, config.ClientAuth = authority.Pool(), tls.VerifyClientCertIfGiven
			return ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(slapdLDIF), TLS: config}).TLSURL(), authority
		},
		"slapd": func(t *testing.T) (string, *ldaptest.Authority) {
			t.Helper()
			s := slapd.Start(t, slapd.Config{LDIF: slapdLDIF, Global: []string{"TLSVerifyClient try"}})
			return s.LDAPS, s.CA
		},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, authority := start(t)
			certificate, key, err := authority.Issue(ldaptest.Leaf{Client: true, Name: "App"})
			if err != nil {
				t.Fatal(err)
			}
			d, _ := domain(t, ldapmgr.DomainConfig{Servers: []string{url}, Bind: ldapmgr.Bind{Method: ldapmgr.BindExternal}, TLS: ldapmgr.TLS{
				CAFile: file(t, "ca", authority.CertPEM), ClientCert: file(t, "cert", certificate), ClientKey: file(t, "key", key),
			}})
			err = d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error {
				who, err := c.WhoAmI(ctx)
				if who != "dn:cn=app" {
					t.Errorf("bound as %q", who)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
