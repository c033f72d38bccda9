// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Verification is how the certificate of a server is checked.
type Verification string

// The ways to check a certificate: against the certificates that the system trusts or those of tls.ca_file, by its
// fingerprint alone, or not at all, so that anybody may answer in the server's place.
const (
	VerifiedBySystem Verification = "system"
	VerifiedByFile   Verification = "ca_file"
	VerifiedByPin    Verification = "pinned"
	NotVerified      Verification = "insecure"
)

// TLSFacts is what the last handshake with a server agreed on, and the certificate that the server showed.
type TLSFacts struct {
	At           time.Time // of the handshake
	Version      string    // such as TLS 1.3
	Cipher       string
	Verification Verification
	Subject      string // distinguished name (RFC 2253), at most 256 bytes; may be "" where Names say who it is
	Issuer       string
	Names        []string // DNS names and addresses, the first 8
	Expires      time.Time
	Fingerprint  string // SHA-256 in hexadecimal digits, as tls.pins takes it
}

// DaysLeft returns the whole days until the certificate ends; below 0 it has ended.
func (f TLSFacts) DaysLeft(now time.Time) int {
	left := f.Expires.Sub(now)
	if left < 0 {
		return int(left/(24*time.Hour)) - 1
	}
	return int(left / (24 * time.Hour))
}

// handshake is what a server keeps of its last one. Texts are made of it when somebody looks.
type handshake struct {
	at              time.Time
	version, cipher uint16
	certificate     *x509.Certificate
}

// shook remembers the handshake of a new connection.
func (e *endpoint) shook(client *instrument.Client) {
	state, ok := client.TLS()
	if !ok || len(state.PeerCertificates) == 0 {
		return
	}
	e.secured.Store(&handshake{time.Now(), state.Version, state.CipherSuite, state.PeerCertificates[0]})
}

const (
	certificateText  = 256 // bytes that are kept of a name in a certificate
	certificateNames = 8
)

// facts returns the last handshake for people; nil before the first.
func (h *handshake) facts(how Verification) *TLSFacts {
	if h == nil {
		return nil
	}
	c := h.certificate
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	names = names[:min(len(names), certificateNames)]
	for i := range names {
		names[i] = cut(names[i])
	}
	sum := sha256.Sum256(c.Raw)
	return &TLSFacts{
		At: h.at, Version: tls.VersionName(h.version), Cipher: tls.CipherSuiteName(h.cipher), Verification: how,
		Subject: cut(c.Subject.String()), Issuer: cut(c.Issuer.String()), Names: names, Expires: c.NotAfter, Fingerprint: hex.EncodeToString(sum[:]),
	}
}

// cut bounds what the peer wrote.
func cut(text string) string {
	if len(text) > certificateText {
		return strings.ToValidUTF8(text[:certificateText], "") + "…"
	}
	return strings.ToValidUTF8(text, "?")
}

// verification returns how certificates are checked.
func (t TLS) verification() Verification {
	switch {
	case len(t.Pins) > 0:
		return VerifiedByPin
	case isOn(t.InsecureSkipVerify):
		return NotVerified
	case t.CAFile != "":
		return VerifiedByFile
	}
	return VerifiedBySystem
}
