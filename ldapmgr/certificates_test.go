// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

const filePassword = "of the file"

// forms writes the certificate of an authority in every form that administrators get one in.
func forms(t *testing.T, a *ldaptest.Authority) map[string][]byte {
	t.Helper()
	block, _ := pem.Decode(a.CertPEM)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	p7b, err := pkcs7.DegenerateCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pfx, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{certificate}, filePassword)
	if err != nil {
		t.Fatal(err)
	}
	open, err := pkcs12.Passwordless.EncodeTrustStore([]*x509.Certificate{certificate}, "")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"PEM": append([]byte("# a comment\n"), a.CertPEM...), "DER": block.Bytes, "P7B": p7b, "P7B in PEM": pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: p7b}),
		"PFX": pfx, "PFX without a password": open,
	}
}

func TestAuthorityForms(t *testing.T) {
	t.Parallel()
	a, other := authority(t), authority(t)
	cfg := small()
	cfg.TLS = serverTLS(t, a, ldaptest.Leaf{})
	server := ldaptest.Start(t, cfg)
	trusting := func(name string, content []byte) error {
		c := bound(server.TLSURL())
		c.TLS.CAFile = file(t, "ca", content)
		if name == "PFX" {
			c.TLS.Password.Value = filePassword
		}
		d, _ := domain(t, c)
		return search(t, d)()
	}
	for name, content := range forms(t, a) {
		if err := trusting(name, content); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, content := range forms(t, other) {
		if err := trusting(name, content); ldapmgr.Classify(err) != ldapmgr.ClassTLSAuthority {
			t.Errorf("%s of another authority: class %s: %v", name, ldapmgr.Classify(err), err)
		}
	}
}

// What cannot be used says what it is, and no certificate is trusted in its place.
func TestCertificateFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	a := authority(t)
	certificate, key, err := a.Issue(ldaptest.Leaf{Client: true})
	if err != nil {
		t.Fatal(err)
	}
	all := forms(t, a)
	tests := []struct {
		name, want string
		tls        ldapmgr.TLS
	}{
		{"nothing", "holds no certificate in PEM, DER, P7B or PFX form", ldapmgr.TLS{CAFile: file(t, "ca", nil)}},
		{"text", "holds no certificate in PEM, DER, P7B or PFX form", ldapmgr.TLS{CAFile: file(t, "ca", []byte("dc1.example.org"))}},
		{"a key", "holds no certificate", ldapmgr.TLS{CAFile: file(t, "ca", key)}},
		{"cut off", "holds no certificate in PEM, DER, P7B or PFX form", ldapmgr.TLS{CAFile: file(t, "ca", all["DER"][:100])}},
		{"broken PKCS#7", "PKCS#7 block that cannot be read", ldapmgr.TLS{CAFile: file(t, "ca", pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: []byte("x")}))}},
		{"PFX with another password", "set tls.password", ldapmgr.TLS{CAFile: file(t, "ca", all["PFX"]), Password: ldapmgr.Secret{Value: "wrong"}}},
		{"client certificate without its key", "client certificate", ldapmgr.TLS{CAFile: file(t, "ca", a.CertPEM), ClientCert: file(t, "client", certificate)}},
		{"client certificate in no form", "neither PEM nor a PFX file", ldapmgr.TLS{CAFile: file(t, "ca", a.CertPEM), ClientCert: file(t, "client", []byte("x"))}},
	}
	cfg := small()
	cfg.TLS = serverTLS(t, a, ldaptest.Leaf{})
	server := ldaptest.Start(t, cfg)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := bound(server.TLSURL())
			c.TLS = test.tls
			d, _ := domain(t, c)
			if err := search(t, d)(); ldapmgr.Classify(err) != ldapmgr.ClassConfig || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// A client certificate in one PFX file does what one in two PEM files does, and its end is told.
func TestClientCertificateInPFX(t *testing.T) {
	t.Parallel()
	a := authority(t)
	certificate, key, err := a.Issue(ldaptest.Leaf{Client: true, Name: "app", NotAfter: time.Now().AddDate(0, 0, 5)})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(a.CertPEM)
	issuer, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pfx, err := pkcs12.Modern.Encode(pair.PrivateKey, pair.Leaf, []*x509.Certificate{issuer}, filePassword)
	if err != nil {
		t.Fatal(err)
	}
	cfg := small()
	cfg.TLS = serverTLS(t, a, ldaptest.Leaf{})
	cfg.TLS.ClientAuth, cfg.TLS.ClientCAs = tls.RequireAndVerifyClientCert, a.Pool()
	server := ldaptest.Start(t, cfg)
	c := bound(server.TLSURL())
	path := file(t, "client.pfx", pfx)
	c.TLS = ldapmgr.TLS{CAFile: path, ClientCert: path, Password: ldapmgr.Secret{Value: filePassword}} // its chain is the authority too
	d, _ := domain(t, c)
	if err := search(t, d)(); err != nil {
		t.Error(err)
	}
	var ends []string
	for _, w := range d.Warnings() {
		if w.Code == ldapmgr.WarnCertificateEnds {
			ends = append(ends, w.Text)
		}
	}
	if len(ends) != 1 || !strings.Contains(ends[0], "the client certificate "+path) {
		t.Errorf("warnings of certificates: %q", ends)
	}
}
