// SPDX-License-Identifier: MIT

package ldaptest

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

const mechanismExternal = "EXTERNAL"

var saslInProgress = wire.Reply{Code: codeOperationsError, Diagnostic: "SASL bind in progress"}

// external carries out a bind to who the connection itself says is at its other end (RFC 4422 appendix A). A request without
// an answer to the challenge, which is empty, is asked for one, and nothing but a bind may follow it.
func (o *operation) external(b wire.Bind) {
	who, known := o.conn.outside()
	switch {
	case !known:
		o.reply(wire.Reply{Code: codeAuthMethod, Diagnostic: "SASL(-4): no mechanism available: "}, nil)
	case b.Credentials == nil:
		o.conn.halve(true)
		o.reply(wire.Reply{Code: codeSASLInProgress}, nil)
	case !o.dir.isOneself(string(b.Credentials), who):
		o.reply(wire.Reply{Code: codeInsufficientAccess, Diagnostic: "SASL(-14): authorization failure: not authorized"}, nil)
	default:
		o.conn.become(who)
		o.reply(wire.Reply{}, nil)
	}
}

// halve says whether a bind has begun and waits for its next step.
func (c *conn) halve(half bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.half = half
}

// isOneself reports whether an authorization identity (RFC 4513 section 5.2.1.8) asks for nobody else: there are no proxies.
func (d *Directory) isOneself(authzID string, who identity) bool {
	if authzID == "" {
		return true
	}
	text, isName := strings.CutPrefix(authzID, "dn:")
	return isName && d.named(text).key == who.key
}

// outside returns who is at the other end: whom a verified certificate is about, or the user of a socket that is not encrypted.
func (c *conn) outside() (who identity, known bool) {
	switch link := c.link().(type) {
	case *tls.Conn:
		chains := link.ConnectionState().VerifiedChains
		if len(chains) == 0 {
			return identity{}, false
		}
		return c.dir.certified(chains[0][0])
	case *net.UnixConn:
		uid, gid, known := peerOf(link)
		return c.dir.named(fmt.Sprintf("gidNumber=%d+uidNumber=%d,cn=peercred,cn=external,cn=auth", gid, uid)), known
	}
	return identity{}, false
}

// certified is whom a certificate is about: in LDAP the name begins with what stands last there.
func (d *Directory) certified(certificate *x509.Certificate) (who identity, known bool) {
	var subject pkix.RDNSequence
	if _, err := asn1.Unmarshal(certificate.RawSubject, &subject); err != nil || len(subject) == 0 {
		return identity{}, false
	}
	var b strings.Builder
	for i := len(subject) - 1; i >= 0; i-- {
		for k, part := range subject[i] {
			switch {
			case k > 0:
				b.WriteByte('+')
			case b.Len() > 0:
				b.WriteByte(',')
			}
			b.WriteString(part.Type.String() + "=")
			escapeHex(&b, fmt.Sprint(part.Value))
		}
	}
	who = d.named(b.String())
	if name, err := d.schema.parseDN(who.text); err == nil {
		who.text = name.normalText()
	}
	return who, true
}

// named is somebody by a name, which need not be one of an entry, nor of attributes that the schema knows.
func (d *Directory) named(text string) identity {
	name, err := d.schema.parseDN(text)
	if err != nil || name.empty() {
		return identity{text: text, key: text}
	}
	return identity{text: text, key: name.key()}
}

// normalText writes a name in the form in which slapd compares names, which is how it shows those of certificates.
func (d dn) normalText() string {
	var b, value strings.Builder
	for i, component := range d.rdns {
		for k, part := range component.parts {
			switch {
			case k > 0:
				b.WriteByte('+')
			case i > 0:
				b.WriteByte(',')
			}
			value.Reset()
			escapeHex(&value, part.normal)
			b.WriteString(part.typ.name + "=")
			for _, c := range []byte(value.String()) {
				if c < 0x80 {
					b.WriteByte(c)
				} else {
					fmt.Fprintf(&b, `\%02X`, c)
				}
			}
		}
	}
	return b.String()
}
