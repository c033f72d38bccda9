// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/smallstep/pkcs7"
	"software.sslmate.com/src/go-pkcs12"
)

// readRoots reads the certificates to trust.
func readRoots(path, password string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the CA file: %w", err)
	}
	certificates, err := parseCertificates(data, password)
	if err != nil {
		return nil, fmt.Errorf("CA file %s %w", path, err)
	}
	roots := x509.NewCertPool()
	for _, c := range certificates {
		roots.AddCert(c)
	}
	return roots, nil
}

// parseCertificates reads certificates in whichever form administrators get them: PEM, also with a PKCS#7 block inside, DER,
// PKCS#7 (P7B) or PKCS#12 (PFX). The form shows in the content; names of files lie.
func parseCertificates(data []byte, password string) ([]*x509.Certificate, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return parsePEM(data)
	}
	if certificates, err := x509.ParseCertificates(data); err == nil && len(certificates) > 0 {
		return certificates, nil
	}
	if envelope, err := pkcs7.Parse(data); err == nil && len(envelope.Certificates) > 0 {
		return envelope.Certificates, nil
	}
	certificates, err := parsePFX(data, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, fmt.Errorf("is a PFX file with another password: set tls.password: %w", err)
	case err != nil || len(certificates) == 0:
		return nil, errors.New("holds no certificate in PEM, DER, P7B or PFX form")
	}
	return certificates, nil
}

func parsePEM(data []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
			one, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("holds a certificate that cannot be read: %w", err)
			}
			all = append(all, one)
		case "PKCS7", "CERTIFICATE CHAIN":
			envelope, err := pkcs7.Parse(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("holds a PKCS#7 block that cannot be read: %w", err)
			}
			all = append(all, envelope.Certificates...)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("holds no certificate")
	}
	return all, nil
}

// parsePFX reads a trust store, or the chain beside a key.
func parsePFX(data []byte, password string) ([]*x509.Certificate, error) {
	trusted, err := pkcs12.DecodeTrustStore(data, password)
	if err == nil {
		return trusted, nil
	}
	if _, leaf, chain, keyed := pkcs12.DecodeChain(data, password); keyed == nil {
		if len(chain) > 0 {
			return chain, nil
		}
		return []*x509.Certificate{leaf}, nil
	}
	return nil, err
}

// readClientCertificate reads a certificate with its key: two PEM files, one PEM file or one PFX file.
func readClientCertificate(path, keyPath, password string) (tls.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tls.Certificate{}, err
	}
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		if keyPath == "" {
			keyPath = path
		}
		return tls.LoadX509KeyPair(path, keyPath)
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s is neither PEM nor a PFX file that tls.password opens: %w", path, err)
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}
