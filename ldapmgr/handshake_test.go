// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestTLSFacts: the state of a domain says what the last handshake with a server agreed on and how the server is known.
func TestTLSFacts(t *testing.T) {
	t.Parallel()
	a := authority(t)
	ends := time.Now().Add(29*24*time.Hour + time.Hour)
	long := strings.Repeat("n", 400)
	hosts := append([]string{"localhost", "127.0.0.1"}, slices.Repeat([]string{"more.example"}, 20)...)
	old := serverTLS(t, a, ldaptest.Leaf{})
	old.MaxVersion, old.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	usual := serverTLS(t, a, ldaptest.Leaf{Name: "ldap.example", NotAfter: ends})
	sum := sha256.Sum256(usual.Certificates[0].Certificate[0])
	pin := hex.EncodeToString(sum[:])
	ca := file(t, "ca.pem", a.CertPEM)
	tests := []struct {
		name   string
		server *tls.Config
		client ldapmgr.TLS
		plain  bool
		holds  func(f *ldapmgr.TLSFacts) bool
	}{
		{name: "ca file", server: usual, client: ldapmgr.TLS{CAFile: ca}, holds: func(f *ldapmgr.TLSFacts) bool {
			return f.Version == "TLS 1.3" && strings.HasPrefix(f.Cipher, "TLS_") && f.Verification == ldapmgr.VerifiedByFile && f.Subject == "CN=ldap.example" && f.Issuer == "CN=ldaptest authority" &&
				slices.Equal(f.Names, []string{"localhost", "127.0.0.1"}) && f.DaysLeft(time.Now()) == 29 && f.DaysLeft(ends.Add(time.Minute)) == -1 && f.Fingerprint == pin && time.Since(f.At) < time.Hour
		}},
		{name: "pinned", server: usual, client: ldapmgr.TLS{Pins: []string{pin}}, holds: func(f *ldapmgr.TLSFacts) bool { return f.Verification == ldapmgr.VerifiedByPin }},
		{name: "insecure", server: old, client: ldapmgr.TLS{InsecureSkipVerify: new(true)}, holds: func(f *ldapmgr.TLSFacts) bool {
			return f.Verification == ldapmgr.NotVerified && f.Version == "TLS 1.2" && f.Cipher == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
		}},
		{name: "long names", server: serverTLS(t, a, ldaptest.Leaf{Name: long, Hosts: hosts}), client: ldapmgr.TLS{CAFile: ca}, holds: func(f *ldapmgr.TLSFacts) bool {
			return len(f.Subject) < 270 && strings.HasPrefix(f.Subject, "CN=nnn") && len(f.Names) == 8
		}},
		{name: "no trust, no facts", server: usual, holds: func(f *ldapmgr.TLSFacts) bool { return f == nil }},
		{name: "clear text", server: usual, plain: true, holds: func(f *ldapmgr.TLSFacts) bool { return f == nil }},
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
				if c.TLS, c.StartTLS = test.client, new(way.starttls && !test.plain); test.plain {
					c.Servers = []string{server.URL()}
				}
				c.Timeouts = ldapmgr.Timeouts{TLS: time.Minute, Call: time.Minute} // the system's authorities may take long to read
				d, _ := domain(t, c)
				if facts := d.Status().Endpoints[0].TLS; facts != nil {
					t.Errorf("starttls %v: facts before the first connection: %+v", way.starttls, facts)
				}
				_ = search(t, d)() // fails where the server is not trusted
				if facts := d.Status().Endpoints[0].TLS; !test.holds(facts) {
					t.Errorf("starttls %v: %+v", way.starttls, facts)
				}
			}
		})
	}
}
