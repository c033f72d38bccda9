// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// paper is a certificate and its key, made as badly as a test wants it.
type paper struct {
	*x509.Certificate
	key crypto.Signer
}

// issue makes a certificate that by signs, or that signs itself. key is its own; nil makes one that is fine.
func issue(t *testing.T, by *paper, key crypto.Signer, change func(*x509.Certificate)) *paper {
	t.Helper()
	if key == nil {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key = made
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &paper{made, key}
}

// shows is a server with a certificate, and those of authorities that it sends with it.
func (p *paper) shows(above ...*paper) *tls.Config {
	pair := tls.Certificate{PrivateKey: p.key, Certificate: [][]byte{p.Raw}}
	for _, a := range above {
		pair.Certificate = append(pair.Certificate, a.Raw)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// named makes an authority.
func named(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.Subject, c.IPAddresses, c.IsCA = pkix.Name{CommonName: name}, nil, true }
}

// badCertificate is a server that must not be trusted.
type badCertificate struct {
	name   string
	class  ldapmgr.Class
	server *tls.Config
}

// badCertificateList makes one server of each kind. Only root is trusted.
func badCertificateList(t *testing.T, root *paper) []badCertificate {
	t.Helper()
	hour := time.Hour
	dated := func(from, to time.Duration) *tls.Config {
		return issue(t, root, nil, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(to) }).shows()
	}
	fine := issue(t, root, nil, nil)
	old, asks := fine.shows(), fine.shows()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	asks.ClientAuth, asks.ClientCAs, asks.MaxVersion = tls.RequireAndVerifyClientCert, x509.NewCertPool(), tls.VersionTLS12
	middle := issue(t, root, nil, named("middle"))
	lower := issue(t, middle, nil, named("lower"))
	short := issue(t, root, rsaKey(t, 1024), named("short"))
	sha1 := func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }
	stranger := issue(t, nil, nil, named("stranger"))
	return []badCertificate{
		{"expired", ldapmgr.ClassTLSExpired, dated(-2*hour, -hour)},
		{"not yet valid", ldapmgr.ClassTLSNotYet, dated(hour, 2*hour)},
		{"other name", ldapmgr.ClassTLSName, issue(t, root, nil, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"dc1.example.org"} }).shows()},
		{"name only as common name", ldapmgr.ClassTLSSAN, issue(t, root, nil, func(c *x509.Certificate) { c.IPAddresses = nil }).shows()},
		{"other authority", ldapmgr.ClassTLSAuthority, issue(t, stranger, nil, nil).shows(stranger)},
		{"other authority of the same name", ldapmgr.ClassTLSAuthority, issue(t, issue(t, nil, nil, named("root")), nil, nil).shows()},
		{"self-signed", ldapmgr.ClassTLSSelfSigned, issue(t, nil, nil, nil).shows()},
		{"intermediate missing", ldapmgr.ClassTLSChain, issue(t, middle, nil, nil).shows()},
		{"second intermediate missing", ldapmgr.ClassTLSChain, issue(t, lower, nil, nil).shows(lower)},
		{"weak key", ldapmgr.ClassTLSKey, issue(t, root, rsaKey(t, 1024), nil).shows()},
		{"weak key of an authority", ldapmgr.ClassTLSKey, issue(t, short, nil, nil).shows(short)},
		{"SHA-1", ldapmgr.ClassTLSSignature, issue(t, root, nil, sha1).shows()},
		{"old version", ldapmgr.ClassTLSVersion, old},
		{"client certificate missing", ldapmgr.ClassTLSClient, asks},
	}
}

// badCertificates proves that each of them has a class and a reason of its own, that nothing is sent to such a server, also
// not in clear text, and that the next one serves.
func badCertificates(t *testing.T) {
	t.Parallel()
	root := issue(t, nil, rsaKey(t, 2048), named("root"))
	ca := file(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
	middle := issue(t, root, nil, named("middle"))
	fine := small()
	fine.TLS = issue(t, middle, rsaKey(t, 2048), nil).shows(middle) // what is complete and long enough is taken
	second := ldaptest.Start(t, fine)
	seen := map[string]ldapmgr.Class{}
	for _, test := range badCertificateList(t, root) {
		cfg := small()
		cfg.TLS = test.server
		first := ldaptest.Start(t, cfg)
		sent := binds(first.Dir)
		for url, startTLS := range map[string]bool{first.TLSURL(): false, first.URL(): true} {
			c := bound(url, second.TLSURL())
			if startTLS {
				c.Servers[1] = second.URL()
			}
			c.TLS.CAFile, c.StartTLS = ca, &startTLS
			d, _ := domain(t, c)
			if got := took(t, search(t, d)); got > 1500*time.Millisecond+slack {
				t.Errorf("%s: took %v, want at most 1.5s", test.name, got)
			}
			s := d.Status().Endpoints[0]
			if s.State != ldapmgr.EndpointDown || s.Reason == "" {
				t.Errorf("%s: the server is %s: %q", test.name, s.State, s.Reason)
			}
			if before, dup := seen[s.Reason]; dup && before != test.class {
				t.Errorf("%s has the reason of %s: %s", test.name, before, s.Reason)
			}
			seen[s.Reason] = test.class
			c.Servers = c.Servers[:1]
			alone, _ := domain(t, c)
			if err := search(t, alone)(); ldapmgr.Classify(err) != test.class {
				t.Errorf("%s, StartTLS %v: class %s, want %s: %v", test.name, startTLS, ldapmgr.Classify(err), test.class, err)
			}
		}
		if sent.Load() != 0 || first.Dir.Requests(wire.SearchRequest) != 0 {
			t.Errorf("%s: %d binds were sent, %d searches", test.name, sent.Load(), first.Dir.Requests(wire.SearchRequest))
		}
	}
}
