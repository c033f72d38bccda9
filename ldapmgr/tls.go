// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var tlsVersions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// ErrPin marks a server certificate that has none of the pinned fingerprints.
var ErrPin = errors.New("certificate has none of the pinned fingerprints")

// ErrWeakKey marks a server certificate that has, or whose authority has, an RSA key of less than 2,048 bits.
var ErrWeakKey = errors.New("certificate has a weak key")

// leastRSA is the bits of an RSA key that NIST SP 800-131A and OpenSSL's default ask for. crypto/tls is content with 1,024.
const leastRSA = 2048

// config reads the files and returns what crypto/tls needs for one connection of a domain to host.
func (t TLS) config(ctx context.Context, domain, host string) (*tls.Config, error) {
	password, err := t.Password.Read(ctx, domain)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tlsVersions[t.MinVersion], ServerName: host}
	if t.ServerName != "" {
		c.ServerName = t.ServerName
	}
	if t.CAFile != "" {
		roots, err := readRoots(t.CAFile, password)
		if err != nil {
			return nil, err
		}
		c.RootCAs = roots
	}
	if t.ClientCert != "" {
		pair, err := readClientCertificate(t.ClientCert, t.ClientKey, password)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if isOn(t.LegacyRSA) {
		c.CipherSuites = legacySuites()
	}
	c.VerifyConnection = verifyKeys
	if isOn(t.InsecureSkipVerify) {
		c.InsecureSkipVerify, c.VerifyConnection = true, nil
	}
	if len(t.Pins) > 0 {
		c.InsecureSkipVerify = true // the fingerprint decides in the place of a chain
		c.VerifyConnection = t.verifyPin
	}
	return c, nil
}

// verifyKeys wants a chain to an authority in which every key is long enough.
func verifyKeys(state tls.ConnectionState) error {
	weak := func(c *x509.Certificate) bool {
		key, is := c.PublicKey.(*rsa.PublicKey)
		return is && key.N.BitLen() < leastRSA
	}
	for _, chain := range state.VerifiedChains {
		if !slices.ContainsFunc(chain, weak) {
			return nil
		}
	}
	return fmt.Errorf("%w: RSA with less than %d bits", ErrWeakKey, leastRSA)
}

func (t TLS) verifyPin(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return ErrPin
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	for _, pin := range t.Pins {
		if want, err := parsePin(pin); err == nil && bytes.Equal(want, sum[:]) {
			return nil
		}
	}
	return fmt.Errorf("%w: it is %s", ErrPin, hex.EncodeToString(sum[:]))
}

func parsePin(pin string) ([]byte, error) {
	sum, err := hex.DecodeString(strings.ReplaceAll(pin, ":", ""))
	if err == nil && len(sum) != sha256.Size {
		err = hex.ErrLength
	}
	return sum, err
}

// legacySuites are the usual suites and those with RSA key exchange, which Go no longer offers by itself.
func legacySuites() (ids []uint16) {
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		ecdhe := strings.HasPrefix(s.Name, "TLS_ECDHE_")
		rsa := strings.HasPrefix(s.Name, "TLS_RSA_WITH_AES_")
		if (ecdhe || rsa) && !strings.Contains(s.Name, "RC4") {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
