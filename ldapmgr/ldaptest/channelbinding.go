// SPDX-License-Identifier: MIT

package ldaptest

import (
	"crypto"
	"crypto/md5" //nolint:gosec // what the protocol asks for
	"crypto/x509"
	"encoding/binary"
)

// channelBindings is what who binds over TLS says of the channel: the hash of a structure (RFC 2744 section 3.11) that holds
// nothing but the server's certificate, hashed (RFC 5929 section 4.1). nil where there is no certificate.
func (d *Directory) channelBindings() []byte {
	if d.cfg.TLS == nil || len(d.cfg.TLS.Certificates) == 0 {
		return nil
	}
	raw := d.cfg.TLS.Certificates[0].Certificate[0]
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil
	}
	hash := crypto.SHA256.New() // also in the place of MD5 and SHA-1
	switch certificate.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		hash = crypto.SHA384.New()
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		hash = crypto.SHA512.New()
	}
	_, _ = hash.Write(raw)
	said := hash.Sum([]byte("tls-server-end-point:"))
	var none [16]byte // two addresses, neither of which is given
	structure := binary.LittleEndian.AppendUint32(none[:], uint32(len(said)))
	structure = append(structure, said...)
	sum := md5.Sum(structure) //nolint:gosec // what the protocol asks for
	return sum[:]
}
