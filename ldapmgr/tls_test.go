// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func authority(t *testing.T) *ldaptest.Authority {
	t.Helper()
	a, err := ldaptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func serverTLS(t *testing.T, a *ldaptest.Authority, leaf ldaptest.Leaf) *tls.Config {
	t.Helper()
	c, err := a.ServerConfig(leaf)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each fault of TLS has its own class, and no password is sent.
func TestTLSFaults(t *testing.T) {
	t.Parallel()
	good, other := authority(t), authority(t)
	ca := file(t, "ca.pem", good.CertPEM)
	old := serverTLS(t, good, ldaptest.Leaf{})
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	block, _ := pem.Decode(good.CertPEM)
	der := file(t, "ca.der", block.Bytes)
	client := serverTLS(t, good, ldaptest.Leaf{})
	client.ClientAuth, client.ClientCAs, client.MaxVersion = tls.RequireAndVerifyClientCert, good.Pool(), tls.VersionTLS12
	certificate, key, err := good.Issue(ldaptest.Leaf{Client: true, Name: "app"})
	if err != nil {
		t.Fatal(err)
	}
	pair := file(t, "client.pem", append(certificate, key...))
	pinned := serverTLS(t, other, ldaptest.Leaf{})
	sum := sha256.Sum256(pinned.Certificates[0].Certificate[0])
	tests := []struct {
		name   string
		server *tls.Config
		client ldapmgr.TLS
		class  ldapmgr.Class // "" when it succeeds
	}{
		{name: "trusted", server: serverTLS(t, good, ldaptest.Leaf{}), client: ldapmgr.TLS{CAFile: ca}},
		{name: "trusted by a DER file", server: serverTLS(t, good, ldaptest.Leaf{}), client: ldapmgr.TLS{CAFile: der}},
		{name: "expired", server: serverTLS(t, good, ldaptest.Leaf{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}), client: ldapmgr.TLS{CAFile: ca}, class: ldapmgr.ClassTLSExpired},
		{name: "not yet valid", server: serverTLS(t, good, ldaptest.Leaf{NotBefore: time.Now().Add(time.Hour)}), client: ldapmgr.TLS{CAFile: ca}, class: ldapmgr.ClassTLSNotYet},
		{name: "other name", server: serverTLS(t, good, ldaptest.Leaf{Hosts: []string{"dc1.example.org"}}), client: ldapmgr.TLS{CAFile: ca}, class: ldapmgr.ClassTLSName},
		{name: "server_name", server: serverTLS(t, good, ldaptest.Leaf{Hosts: []string{"dc1.example.org"}}), client: ldapmgr.TLS{CAFile: ca, ServerName: "dc1.example.org"}},
		{name: "other authority", server: serverTLS(t, other, ldaptest.Leaf{}), client: ldapmgr.TLS{CAFile: ca}, class: ldapmgr.ClassTLSAuthority},
		{name: "system's authorities", server: serverTLS(t, good, ldaptest.Leaf{}), class: ldapmgr.ClassTLSAuthority},
		{name: "insecure by word", server: serverTLS(t, other, ldaptest.Leaf{}), client: ldapmgr.TLS{InsecureSkipVerify: new(true)}},
		{name: "old version", server: old, client: ldapmgr.TLS{CAFile: ca}, class: ldapmgr.ClassTLSVersion},
		{name: "old version allowed", server: old, client: ldapmgr.TLS{CAFile: ca, MinVersion: "1.0"}},
		{name: "pinned", server: pinned, client: ldapmgr.TLS{Pins: []string{strings.ToUpper(hex.EncodeToString(sum[:]))}}},
		{name: "other pin", server: serverTLS(t, other, ldaptest.Leaf{}), client: ldapmgr.TLS{Pins: []string{hex.EncodeToString(sum[:])}}, class: ldapmgr.ClassTLSPin},
		{name: "client certificate missing", server: client, client: ldapmgr.TLS{CAFile: ca}, class: ldapmgr.ClassTLSClient},
		{name: "client certificate", server: client, client: ldapmgr.TLS{CAFile: ca, ClientCert: pair}},
		{name: "CA file missing", server: serverTLS(t, good, ldaptest.Leaf{}), client: ldapmgr.TLS{CAFile: filepath.Join(t.TempDir(), "missing.pem")}, class: ldapmgr.ClassConfig},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := small()
			cfg.TLS = test.server
			server := ldaptest.Start(t, cfg)
			for _, way := range []struct {
				url      string
				starttls bool
			}{{server.TLSURL(), false}, {server.URL(), true}} {
				c := bound(way.url)
				c.TLS, c.StartTLS = test.client, new(way.starttls)
				c.Timeouts = ldapmgr.Timeouts{TLS: time.Minute, Call: time.Minute} // the system's authorities may take long to read
				d, scope := domain(t, c)
				err := search(t, d)()
				if test.class == "" {
					if err != nil {
						t.Errorf("starttls %v: %v", way.starttls, err)
					}
					continue
				}
				if err == nil || ldapmgr.Classify(err) != test.class {
					t.Errorf("starttls %v: class %q, want %q: %v", way.starttls, ldapmgr.Classify(err), test.class, err)
				}
				if got := scope.Snapshots()[0].Usage.BindOperations; got != 0 {
					t.Errorf("starttls %v: %d binds were sent", way.starttls, got)
				}
			}
		})
	}
}

// What is no TLS server where one is expected, and the other way round.
func TestTLSMismatch(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, small())
	_, port, _ := net.SplitHostPort(server.Addr())
	c := bound("ldaps://127.0.0.1:" + port)
	c.TLS.InsecureSkipVerify = new(true)
	d, _ := domain(t, c)
	begin := time.Now()
	err := search(t, d)()
	class := ldapmgr.Classify(err)
	if class != ldapmgr.ClassTLS && class != ldapmgr.ClassTimeoutTLS && class != ldapmgr.ClassReset || time.Since(begin) > 5*time.Second {
		t.Errorf("TLS to a plain port: class %s after %v: %v", class, time.Since(begin), err)
	}
}

func TestStartTLSRefused(t *testing.T) {
	t.Parallel()
	n := start(t, 1, small) // without a certificate, so that StartTLS is refused
	c := n.config(1)
	c.StartTLS = new(true)
	d, scope := domain(t, c)
	if err := search(t, d)(); ldapmgr.Classify(err) != ldapmgr.ClassStartTLS {
		t.Errorf("class %s: %v", ldapmgr.Classify(err), err)
	}
	if got := scope.Snapshots()[0].Usage.BindOperations; got != 0 {
		t.Errorf("%d binds were sent in clear text", got)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	a := authority(t)
	ending := serverTLS(t, a, ldaptest.Leaf{NotAfter: time.Now().AddDate(0, 0, 7)})
	cfg := small()
	cfg.TLS = ending
	server := ldaptest.Start(t, cfg)
	readable := file(t, "password", []byte(password+"\n"))
	if err := os.Chmod(readable, 0o644); err != nil {
		t.Fatal(err)
	}
	service := "cn=reader," + suffix
	tests := []struct {
		name   string
		config ldapmgr.DomainConfig
		want   []string
	}{
		{name: "none", config: ldapmgr.DomainConfig{Servers: []string{"ldaps://dc1.example.org"}, Bind: ldapmgr.Bind{Name: service, Password: ldapmgr.Secret{Env: "X"}}}},
		{name: "clear text", config: ldapmgr.DomainConfig{Servers: []string{"ldap://dc1.example.org"}}, want: []string{"clear_text"}},
		{name: "clear text by SRV", config: ldapmgr.DomainConfig{SRV: "example.org"}, want: []string{"clear_text"}},
		{name: "loopback", config: ldapmgr.DomainConfig{Servers: []string{"ldap://127.0.0.1", "ldap://localhost", "ldapi:///run/ldapi"}}},
		{name: "insecure", config: ldapmgr.DomainConfig{Servers: []string{"ldaps://dc1.example.org"}, TLS: ldapmgr.TLS{InsecureSkipVerify: new(true), MinVersion: "1.0"}}, want: []string{"insecure_tls", "old_tls"}},
		{name: "administrator", config: ldapmgr.DomainConfig{Servers: []string{"ldaps://dc1.example.org"}, Bind: ldapmgr.Bind{Name: `EXAMPLE\Administrator`, Password: ldapmgr.Secret{File: readable}}}, want: []string{"admin_account", "file_mode"}},
		{name: "password in the configuration", config: ldapmgr.DomainConfig{Servers: []string{"ldaps://dc1.example.org"}, Bind: ldapmgr.Bind{Name: service, Password: ldapmgr.Secret{Value: "x"}}}, want: []string{"secret_in_config"}},
		{name: "keytab", config: ldapmgr.DomainConfig{Servers: []string{"ldaps://dc1.example.org"}, GSSAPI: noKerberos, Bind: ldapmgr.Bind{Method: ldapmgr.BindGSSAPI, Name: "app", Keytab: readable}}, want: []string{"file_mode"}},
		{name: "silenced", config: ldapmgr.DomainConfig{Servers: []string{"ldap://dc1.example.org"}, Silence: []string{"clear_text"}}},
		{name: "certificate ends", config: ldapmgr.DomainConfig{Servers: []string{server.TLSURL()}, TLS: ldapmgr.TLS{CAFile: file(t, "ca.pem", a.CertPEM)}}, want: []string{"certificate_ends"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, _ := domain(t, test.config)
			if test.name == "certificate ends" {
				took(t, func() error { return d.Preload(t.Context()) })
			}
			var got []string
			for _, w := range d.Warnings() {
				got = append(got, w.Code)
			}
			if strings.Join(got, " ") != strings.Join(test.want, " ") {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func noKerberos(context.Context, ldapmgr.KerberosAccount) (ldap.GSSAPIClient, error) {
	return nil, errors.New("there is no Kerberos here")
}

// Stored users of a domain that is not configured are told, once for each domain, unless somebody serves them or silences it.
func TestUnknownDomains(t *testing.T) {
	t.Parallel()
	stored := map[string]int{"corp": 3, "lab.example.org": 2, "OLD": 7, "GONE": 1}
	tests := []struct {
		name   string
		change func(*ldapmgr.Config)
		want   []string
	}{
		{"told", func(*ldapmgr.Config) {}, []string{
			`unknown_domain: 1 stored users belong to domain "GONE", which is not configured`,
			`unknown_domain: 7 stored users belong to domain "OLD", which is not configured`,
		}},
		{"silenced", func(c *ldapmgr.Config) { c.Silence = []string{ldapmgr.WarnUnknownDomain} }, nil},
		{"served", func(c *ldapmgr.Config) { c.ServeUnlisted, c.Default = true, "CORP" }, nil},
	}
	for _, test := range tests {
		c := ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{
			"CORP": {Servers: []string{"ldap://dc1.example.org"}}, "LAB": {Servers: []string{"ldap://127.0.0.1"}, Aliases: []string{"lab.example.org"}},
		}}
		test.change(&c)
		m, err := ldapmgr.New(c)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range m.UnknownDomains(stored) {
			got = append(got, w.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	c := ldapmgr.Config{Scope: instrument.New(), Silence: []string{ldapmgr.WarnClearText}, Domains: map[string]ldapmgr.DomainConfig{"CORP": {Servers: []string{"ldap://dc1.example.org"}}}}
	m, err := ldapmgr.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if warnings := m.Domains()[0].Warnings(); len(warnings) != 0 {
		t.Errorf("what is silenced for all domains: %v", warnings)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
