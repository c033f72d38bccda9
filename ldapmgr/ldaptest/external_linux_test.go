// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// TestConformanceExternal is TestConformance for binds by EXTERNAL: to who is at the other end of a socket, and to whom a
// certificate is about.
func TestConformanceExternal(t *testing.T) {
	t.Parallel()
	data := conformanceData(t)
	for name, start := range map[string]func(t *testing.T, data string) doors{"memory": doorsOfMemory, "slapd": doorsOfSlapd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range tables(t, "external") {
				runCases(t, path, start(t, data).session, *update && name == "slapd")
			}
		})
	}
}

// A certificate that nobody verified says nothing.
func TestExternalUnverified(t *testing.T) {
	t.Parallel()
	authority, err := ldaptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	config, err := authority.ServerConfig(ldaptest.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	config.ClientAuth = tls.RequireAnyClientCert
	s := ldaptest.Start(t, ldaptest.Config{TLS: config})
	d := doors{encrypted: strings.TrimPrefix(s.TLSURL(), "ldaps://"), plain: s.Addr(), authority: authority}
	c := d.session(t)
	defer c.close()
	c.run("connect ldaps cn=admin,")
	if got, want := c.run(`bind anonymous sasl=EXTERNAL authz=""`)+c.run("whoami"), "  = 7\n  = 0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// doors are the ways into one server.
type doors struct {
	plain, encrypted, socket string // addresses
	authority                *ldaptest.Authority
}

func doorsOfSlapd(t *testing.T, data string) doors {
	t.Helper()
	s := slapd.Start(t, slapd.Config{
		LDIF: data, Schema: ldaptest.SchemaForAD, Global: []string{"TLSVerifyClient try"},
		Access: []string{
			fmt.Sprintf("access to attrs=userPassword by dn.exact=%q =xw by self =xw by anonymous auth by * none", writerDN),
			fmt.Sprintf("access to * by dn.exact=%q write by * read", writerDN),
		},
	})
	socket, err := url.QueryUnescape(strings.TrimPrefix(s.LDAPI, "ldapi://"))
	if err != nil {
		t.Fatal(err)
	}
	return doors{strings.TrimPrefix(s.LDAP, "ldap://"), strings.TrimPrefix(s.LDAPS, "ldaps://"), socket, s.CA}
}

func doorsOfMemory(t *testing.T, data string) doors {
	t.Helper()
	authority, err := ldaptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	config, err := authority.ServerConfig(ldaptest.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	config.ClientCAs, config.ClientAuth = authority.Pool(), tls.VerifyClientCertIfGiven
	s := ldaptest.Start(t, ldaptest.Config{
		LDIF: strings.NewReader(data), Schema: ldaptest.SchemaForAD, RootDN: rootDN, RootPassword: rootPassword, Writers: []string{writerDN}, TLS: config,
	})
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { _ = s.Dir.Serve(ctx, ln) }) // ends with ctx
	t.Cleanup(func() { cancel(); served.Wait() })
	return doors{s.Addr(), strings.TrimPrefix(s.TLSURL(), "ldaps://"), socket, authority}
}

// session speaks to the server: connect ldapi | ldaps [SUBJECT], starttls [SUBJECT].
func (d doors) session(t *testing.T) *session {
	t.Helper()
	s := &session{t: t}
	s.cert = func(name string) []tls.Certificate { t.Helper(); return d.certificate(t, name) }
	s.dial = func(way []string) net.Conn {
		network, address := "tcp", d.plain
		switch {
		case len(way) > 0 && way[0] == "ldapi":
			network, address = "unix", d.socket
		case len(way) > 0:
			address = d.encrypted
		}
		conn, err := net.Dial(network, address)
		if err != nil {
			t.Fatal(err)
		}
		if address != d.encrypted {
			return conn
		}
		config := &tls.Config{InsecureSkipVerify: true}
		if len(way) > 1 {
			config.Certificates = s.cert(way[1])
		}
		return tls.Client(conn, config)
	}
	s.connect(nil)
	return s
}

// attributeOIDs are those of the subjects in the table.
var attributeOIDs = map[string]asn1.ObjectIdentifier{
	"cn": {2, 5, 4, 3}, "sn": {2, 5, 4, 4}, "c": {2, 5, 4, 6}, "o": {2, 5, 4, 10}, "ou": {2, 5, 4, 11}, "dc": {0, 9, 2342, 19200300, 100, 1, 25},
	"uid": {0, 9, 2342, 19200300, 100, 1, 1}, "emailAddress": {1, 2, 840, 113549, 1, 9, 1},
}

// certificate is one about a name of the directory; it stands there in the other order.
func (d doors) certificate(t *testing.T, name string) []tls.Certificate {
	t.Helper()
	var subject pkix.Name
	parts := strings.Split(fullName(name), ",")
	for i := len(parts) - 1; i >= 0; i-- {
		attribute, value, _ := strings.Cut(parts[i], "=")
		oid := attributeOIDs[attribute]
		if oid == nil {
			t.Fatalf("no attribute %q", attribute)
		}
		subject.ExtraNames = append(subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oid, Value: strings.ReplaceAll(value, ";", ",")})
	}
	cert, key, err := d.authority.Issue(ldaptest.Leaf{Client: true, Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{pair}
}
