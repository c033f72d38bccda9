// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// tlsFaults are those of encryption. None of them may make a password leave.
func tlsFaults() []fault {
	return []fault{
		{row: "F13", name: "certificate", expect: "a class of its own each, no bind, the next server; 1.5 s",
			proofs: []proof{{"next server", badCertificates}, {"swapped", swappedCertificate}},
			told:   ldapmgr.ClassTLSExpired, meets: meetsLive(expired)},
		{row: "F14", name: "the handshake stalls", expect: "bounded by 1.5 s",
			proofs: []proof{{"ldaps", silentHandshake(false)}, {"start_tls", silentHandshake(true)}},
			told:   ldapmgr.ClassTimeoutTLS, meets: meets(silentTLS, quiet)},
		{row: "F15", name: "plain where TLS is expected, and the other way round", expect: "the next server; 1.5 s",
			proofs: []proof{{"mismatch", mismatch}},
			told:   ldapmgr.ClassTLS, meets: meets(at("ldaps://own.test", scripted(succeeds)), quiet)},
		{row: "F16", name: "StartTLS is refused, stripped or injected into", expect: "refused, never in clear text; 1.5 s",
			proofs: []proof{{"refused", startTLS(refuseTLS)}, {"stripped", startTLS(stripTLS)}, {"injected", startTLS(injectTLS)}},
			told:   ldapmgr.ClassStartTLS, meets: meets(startsTLS, quiet)},
	}
}

// slack is what a loaded machine may add to a bound of a test on real sockets.
const slack = 3 * time.Second

// binds counts what a server is sent of binds.
func binds(d *ldaptest.Directory) *atomic.Int64 {
	var n atomic.Int64
	d.SetFault(ldaptest.On(wire.BindRequest, func(ldaptest.Request) ldaptest.Action { n.Add(1); return ldaptest.Action{} }))
	return &n
}

// swappedCertificate proves that a connection that was verified serves on when the certificate behind it goes bad, and that
// no new one is made.
func swappedCertificate(t *testing.T) {
	t.Parallel()
	good, other := authority(t), authority(t)
	var current atomic.Pointer[tls.Config]
	current.Store(serverTLS(t, good, ldaptest.Leaf{}))
	cfg := small()
	cfg.TLS = current.Load().Clone()
	cfg.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return current.Load(), nil }
	server := ldaptest.Start(t, cfg)
	c := bound(server.TLSURL())
	c.TLS.CAFile = file(t, "ca.pem", good.CertPEM)
	d, _ := domain(t, c)
	took(t, search(t, d))
	current.Store(serverTLS(t, other, ldaptest.Leaf{}))
	sent := binds(server.Dir)
	took(t, search(t, d))
	if err := d.DoAs(t.Context(), admin, password, nothing); ldapmgr.Classify(err) != ldapmgr.ClassTLSAuthority {
		t.Errorf("a new connection: class %s: %v", ldapmgr.Classify(err), err)
	}
	if sent.Load() != 0 {
		t.Errorf("%d binds were sent to a server that could not be verified", sent.Load())
	}
}

// silentHandshake proves that a server that falls silent where the handshake should be costs 1.5 s.
func silentHandshake(startTLS bool) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := bound("ldap://a.test")
			if !startTLS {
				c.Servers = []string{"ldaps://a.test"}
			}
			c.StartTLS = &startTLS
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				go func() { // ends with the connection
					defer far.Close()
					if startTLS {
						framer := wire.NewFramer(far, wire.DefaultLimits)
						if raw, err := framer.Next(); err == nil {
							m, _ := wire.ParseMessage(raw)
							succeeds(far, m)
						}
					}
					_, _ = io.Copy(io.Discard, far)
				}()
				return near, nil
			}
			d, scope := domain(t, c)
			begin := time.Now()
			err := search(t, d)()
			if got := time.Since(begin); ldapmgr.Classify(err) != ldapmgr.ClassTimeoutTLS || got != 1500*time.Millisecond {
				t.Errorf("class %s after %v, want timeout_tls after 1.5s: %v", ldapmgr.Classify(err), got, err)
			}
			if got := scope.Snapshots()[0].Usage.BindOperations; got != 0 {
				t.Errorf("%d binds were sent", got)
			}
		})
	}
}

// mismatch proves that a port that speaks something else than its URL says is found out at once, that the reason says so,
// and that the next server serves. A server that waits for more of what it takes for LDAP is one of F14.
func mismatch(t *testing.T) {
	t.Parallel()
	whole := slapd.Start(t, slapd.Config{LDIF: slapdLDIF})
	cfg := small()
	cfg.TLS = serverTLS(t, whole.CA, ldaptest.Leaf{})
	memory := ldaptest.Start(t, cfg)
	for _, test := range []struct{ plain, encrypted, password string }{{whole.LDAP, whole.LDAPS, whole.RootPW}, {memory.URL(), memory.TLSURL(), password}} {
		for url, want := range map[string]string{
			"ldaps://" + strings.TrimPrefix(test.plain, "ldap://"):     "perhaps the port does not speak TLS",
			"ldap://" + strings.TrimPrefix(test.encrypted, "ldaps://"): "perhaps the port speaks TLS: write ldaps://",
		} {
			c := bound(url, map[bool]string{true: test.encrypted, false: test.plain}[strings.HasPrefix(url, "ldaps")])
			c.TLS.CAFile, c.Bind.Password.Value = whole.CAFile, test.password
			d, _ := domain(t, c)
			if got := took(t, search(t, d)); got > 1500*time.Millisecond+slack {
				t.Errorf("%s: took %v, want at most 1.5s", url, got)
			}
			if s := d.Status().Endpoints; s[0].State != ldapmgr.EndpointDown || !strings.Contains(s[0].Reason, want) || s[1].State != ldapmgr.EndpointUp {
				t.Errorf("%s: want it down because %s: %+v", url, want, s)
			}
		}
	}
}

// What a server or somebody on the way may do with the request for StartTLS; the rest of the connection succeeds.
func refuseTLS(conn net.Conn, m wire.Message) bool { return replies(conn, m, wire.Reply{Code: 52}) }

func stripTLS(conn net.Conn, m wire.Message) bool {
	return replies(conn, m, wire.Reply{Code: 2, Diagnostic: "unsupported extended operation"})
}

func injectTLS(conn net.Conn, m wire.Message) bool {
	var e wire.Encoder
	e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.ExtendedResponse, wire.Reply{}) }, nil)
	e.Message(2, func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{}) }, nil) // as if bound already
	_, err := conn.Write(e.Bytes)
	return err == nil
}

func replies(conn net.Conn, m wire.Message, r wire.Reply) bool {
	var e wire.Encoder
	e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.ResponseTo(m.Op), r) }, nil)
	_, err := conn.Write(e.Bytes)
	return err == nil
}

// startTLS proves that without encryption nothing is sent, whatever becomes of the request for it.
func startTLS(answer func(net.Conn, wire.Message) bool) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var others atomic.Int64
			n := &network{hosts: map[string]*host{"a.test": scripted(func(conn net.Conn, m wire.Message) bool {
				if m.Op == wire.ExtendedRequest {
					return answer(conn, m)
				}
				if m.Op != wire.UnbindRequest {
					others.Add(1)
				}
				return succeeds(conn, m)
			})}}
			c := bound("ldap://a.test")
			c.StartTLS, c.Dial = new(true), n.dial
			d, _ := domain(t, c)
			begin := time.Now()
			err := search(t, d)()
			if !errors.Is(err, ldapmgr.ErrUnavailable) || time.Since(begin) > 1500*time.Millisecond {
				t.Errorf("got %v after %v, want ErrUnavailable", err, time.Since(begin))
			}
			if others.Load() != 0 {
				t.Errorf("%d requests left in clear text", others.Load())
			}
		})
	}
}
