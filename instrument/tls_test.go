// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// company is a directory that offers TLS, and the configuration that trusts it.
func company(t *testing.T) (*ldaptest.Server, *tls.Config) {
	t.Helper()
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(5))})
	return server, &tls.Config{RootCAs: server.CA, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}

// However the scope encrypts, operations stay visible, and the socket counts as wrapped once.
func TestEncryptedConnectionsStayVisible(t *testing.T) {
	t.Parallel()
	server, trust := company(t)
	tests := []struct {
		name, security string
		dial           func(*testing.T, *watch) *instrument.Client
	}{
		{"ldaps", "tls", func(t *testing.T, w *watch) *instrument.Client {
			return dial(t, w.Scope, server.TLSURL(), instrument.WithTLS(trust))
		}},
		{"StartTLS at once", "start_tls", func(t *testing.T, w *watch) *instrument.Client {
			return dial(t, w.Scope, server.URL(), instrument.WithTLS(trust), instrument.WithStartTLS())
		}},
		{"StartTLS later", "start_tls", func(t *testing.T, w *watch) *instrument.Client {
			c := dial(t, w.Scope, server.URL())
			if err := c.StartTLS(t.Context(), trust); err != nil {
				t.Fatal(err)
			}
			return c
		}},
		{"StartTLS through ldap.Client", "start_tls", func(t *testing.T, w *watch) *instrument.Client {
			c := dial(t, w.Scope, server.URL())
			if err := c.With(t.Context()).StartTLS(trust); err != nil {
				t.Fatal(err)
			}
			return c
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWatch()
			c := test.dial(t, w)
			if err := c.Bind(t.Context(), ldaptest.CompanyUser, ldaptest.CompanyPassword); err != nil {
				t.Fatal(err)
			}
			if state, ok := c.TLS(); !ok || state.Version < tls.VersionTLS12 {
				t.Errorf("not encrypted: %v", state)
			}
			if op := only(t, w.Scope, instrument.KindBind); op.Bind.Name != ldaptest.CompanyUser || op.State != instrument.StateDone || op.Security.String() != test.security {
				t.Errorf("operation %+v over %s, want %s", op, op.Security, test.security)
			}
			if got := attributes(w.span(t, "bind").Attributes())["ldap.connection.security"]; got != test.security {
				t.Errorf("the span says %s, want %s", got, test.security)
			}
			if usage := w.usage(t); usage.WrappedSockets != 1 || usage.OpenSockets != 1 {
				t.Errorf("usage %+v", usage)
			}
		})
	}
}

// An application that encrypts above the observer goes on to work, and a row says what happened and which line to change.
func TestBlindIsToldAndNeverSilent(t *testing.T) {
	t.Parallel()
	server, trust := company(t)
	tests := []struct {
		name string
		open func(*testing.T, *instrument.Scope) *ldap.Conn
	}{
		{"StartTLS of go-ldap", func(t *testing.T, scope *instrument.Scope) *ldap.Conn {
			conn := dial(t, scope, server.URL()).Conn()
			if err := conn.StartTLS(trust); err != nil {
				t.Fatal(err)
			}
			return conn
		}},
		{"TLS above Wrap", func(t *testing.T, scope *instrument.Scope) *ldap.Conn {
			socket, err := net.Dial("tcp", strings.TrimPrefix(server.TLSURL(), "ldaps://"))
			if err != nil {
				t.Fatal(err)
			}
			secured := tls.Client(scope.Wrap(socket), trust)
			if err := secured.HandshakeContext(context.Background()); err != nil {
				t.Fatal(err)
			}
			conn := ldap.NewConn(secured, true)
			conn.Start()
			t.Cleanup(func() { _ = conn.Close() })
			return conn
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			conn := test.open(t, scope)
			if err := conn.Bind(ldaptest.CompanyUser, ldaptest.CompanyPassword); err != nil {
				t.Fatalf("blind, and broken: %v", err)
			}
			row := only(t, scope, instrument.KindNotice)
			if !strings.Contains(row.Extended.Name, "blind since TLS") || !strings.Contains(row.Extended.Name, "Scope.Dial") {
				t.Errorf("row %+v", row.Extended)
			}
			if frames := row.Callers(); len(frames) == 0 {
				t.Error("the row does not say where")
			}
			for _, op := range operations(scope) {
				if op.Kind == instrument.KindBind {
					t.Error("a bind was seen within TLS")
				}
			}
		})
	}
}

// A Client of a connection on which the application encrypts by itself says why it sends nothing, and leaves the connection
// to the driver.
func TestBlindClientSendsNothing(t *testing.T) {
	t.Parallel()
	server, trust := company(t)
	c := dial(t, instrument.New(), server.URL())
	if err := c.Conn().StartTLS(trust); err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"bind":   func() error { return c.Bind(t.Context(), ldaptest.CompanyUser, ldaptest.CompanyPassword) },
		"search": func() error { _, err := c.Search(t.Context(), byUID("ada")); return err },
		"with":   func() error { _, err := c.With(t.Context()).WhoAmI(nil); return err },
	} {
		if err := ask(); !errors.Is(err, instrument.ErrNotSent) || !strings.Contains(err.Error(), "Client.StartTLS") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Conn().Bind(ldaptest.CompanyUser, ldaptest.CompanyPassword); err != nil {
		t.Errorf("the driver's bind: %v", err)
	}
}

// A panic of the caller's own while the connection is being encrypted ends the connection and its operation.
func TestPanicWhileEncrypting(t *testing.T) {
	t.Parallel()
	server, trust := company(t)
	scope := instrument.New()
	c := dial(t, scope, server.URL())
	trust.VerifyConnection = func(tls.ConnectionState) error { panic("a fault of the test") }
	if err := within(patience, func() error { return c.StartTLS(t.Context(), trust) }); err == nil || errors.Is(err, errHung) {
		t.Errorf("returned %v", err)
	}
	eventually(t, "its operation ends", func() bool {
		op := only(t, scope, instrument.KindExtended)
		return op.State == instrument.StateError && op.BytesReceived > 0
	})
	if c.Err() == nil {
		t.Error("the connection counts as usable")
	}
}
