// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
)

var (
	// errChain marks a server certificate whose issuer neither the server sends nor anybody trusts.
	errChain = errors.New("the server does not send the certificate of its issuer")
	// errClient marks a server that asked for a client certificate and then hung up.
	errClient = errors.New("the server does not accept the client certificate, or that there is none")
)

// tlsAttempt is what is to be known of one handshake to say why it failed.
type tlsAttempt struct {
	TLS
	asked atomic.Bool // the server asked for a client certificate
}

// notes makes a configuration tell what the server asks for. The certificate is chosen as crypto/tls does by itself.
func (h *tlsAttempt) notes(c *tls.Config) {
	c.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		h.asked.Store(true)
		for i := range c.Certificates {
			if request.SupportsCertificate(&c.Certificates[i]) == nil {
				return &c.Certificates[i], nil
			}
		}
		return &tls.Certificate{}, nil
	}
}

// explain adds to the error of a handshake what crypto/tls does not say.
func (h *tlsAttempt) explain(err error) error {
	var remote *net.OpError
	switch {
	case h.incomplete(err):
		return fmt.Errorf("%w: %w", errChain, err)
	case h.asked.Load() && errors.As(err, &remote) && remote.Op == "remote error": // TLS 1.2 has the same alert for this as for no cipher in common
		return fmt.Errorf("%w: %w", errClient, err)
	}
	return err
}

// classOfTLS returns why a handshake failed, or "" where it is none of this.
func classOfTLS(err error) Class {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, ErrPin):
		return ClassTLSPin
	case errors.Is(err, ErrWeakKey):
		return ClassTLSKey
	case errors.Is(err, errClient):
		return ClassTLSClient
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if strings.Contains(invalid.Detail, "is before") { // crypto/x509 has one reason for both
			return ClassTLSNotYet
		}
		return ClassTLSExpired
	case errors.As(err, &name):
		return classOfName(name)
	case errors.As(err, &authority):
		return classOfAuthority(err)
	case errors.As(err, &invalid), errors.As(err, &record):
		return ClassTLS
	}
	return classOfAlert(err)
}

// classOfName tells a certificate for another name from one that names none where names belong (RFC 6125).
func classOfName(e x509.HostnameError) Class {
	if c := e.Certificate; c != nil && len(c.DNSNames)+len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) == 0 {
		return ClassTLSSAN
	}
	return ClassTLSName
}

// forgeable are the signatures that crypto/x509 does not accept. It reports them as an unknown authority.
var forgeable = []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}

// classOfAuthority tells apart why a chain of certificates ends at nobody who is trusted.
func classOfAuthority(err error) Class {
	chain := shown(err)
	switch {
	case len(chain) == 0:
		return ClassTLSAuthority
	case slices.ContainsFunc(chain, func(c *x509.Certificate) bool {
		return !selfIssued(c) && slices.Contains(forgeable, c.SignatureAlgorithm)
	}):
		return ClassTLSSignature // and whose authority it is would not help
	case selfIssued(chain[0]):
		return ClassTLSSelfSigned
	case errors.Is(err, errChain):
		return ClassTLSChain
	}
	return ClassTLSAuthority
}

// shown returns the certificates of the server that were not accepted, its own first.
func shown(err error) []*x509.Certificate {
	var refused *tls.CertificateVerificationError
	if !errors.As(err, &refused) {
		return nil
	}
	return refused.UnverifiedCertificates
}

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// incomplete reports whether a chain was refused because certificates are missing from it: its last one names an issuer
// that was not sent, nobody of that name is trusted, and there is reason to believe that it is no root: roots are
// configured, or the certificate says where its issuer is to be had (RFC 5280 section 4.2.2.1).
func (t TLS) incomplete(err error) bool {
	var authority x509.UnknownAuthorityError
	chain := shown(err)
	if !errors.As(err, &authority) || len(chain) == 0 {
		return false
	}
	last := chain[0]
	for range chain { // which may come in any order
		above := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, last.RawIssuer) })
		if above < 0 {
			break
		}
		last = chain[above]
	}
	sameName := strings.Contains(err.Error(), "candidate authority certificate") // trusted, with another key; the reason has no other form
	return !selfIssued(last) && !sameName && (t.CAFile != "" || len(last.IssuingCertificateURL) > 0)
}

// classOfAlert reads what the other side said before it hung up. crypto/tls keeps the type of these errors to itself.
func classOfAlert(err error) Class {
	var remote *net.OpError
	if errors.As(err, &remote) && remote.Op == "remote error" {
		for class, alerts := range map[Class][]tls.AlertError{
			ClassTLSVersion: {40, 70},                          // handshake_failure, protocol_version
			ClassTLSClient:  {42, 43, 44, 45, 46, 48, 49, 116}, // about our certificate: bad_certificate ... certificate_required
		} {
			if slices.ContainsFunc(alerts, func(a tls.AlertError) bool { return a.Error() == remote.Err.Error() }) {
				return class
			}
		}
		return ClassTLS
	}
	if text := err.Error(); strings.Contains(text, "protocol version not supported") || strings.Contains(text, "unsupported versions") {
		return ClassTLSVersion
	}
	return ""
}
