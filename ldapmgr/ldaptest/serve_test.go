// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func TestShutdownSaysGoodbye(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, ldaptest.Config{})
		s := b.dial()
		s.run("whoami")
		go b.stop()
		if got, want := s.read(), "  notice = 52 oid 1.3.6.1.4.1.1466.20036\n  closed\n"; got != want {
			t.Errorf("at the end the client read %q, want %q", got, want)
		}
		s.close()
	})
}

// TestShutdownWithAClientThatDoesNotRead fails by deadlock where a blocked write holds up the end.
func TestShutdownWithAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, ldaptest.Config{})
		s := b.dial()
		s.send(wire.SearchRequest, searchAll)
		synctest.Wait() // the answer is stuck in the pipe
		start := time.Now()
		b.stop()
		if took := time.Since(start); took > time.Second {
			t.Errorf("the end took %v", took)
		}
		s.close()
	})
}

func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, bytes string }{
		{"no message", "GET / HTTP/1.1\r\n\r\n"},
		{"message id zero", "0\x05\x02\x01\x00\x42\x00"[:2] + "\x02\x01\x00\x4a\x00"},
		{"a response", "0\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"},
		{"an element past its end", "0\x05\x02\x01\x01\x63\x20"},
		{"an unknown operation", "0\x05\x02\x01\x01\x7e\x00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, ldaptest.Config{})
				s := b.dial()
				if _, err := s.conn.Write([]byte(test.bytes)); err != nil {
					t.Fatal(err)
				}
				if got, want := s.read(), "  notice = 2 oid 1.3.6.1.4.1.1466.20036\n  closed\n"; got != want {
					t.Errorf("the client read %q, want %q", got, want)
				}
				s.close()
				b.stop()
			})
		})
	}
}

// TestStartTLSInjection: a request sent in clear behind StartTLS must not be carried out as if it had come encrypted.
func TestStartTLSInjection(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(smallLDIF), RootPassword: rootPassword})
	c := newSession(t, s.Addr())
	defer c.close()
	var e wire.Encoder
	e.Message(1, func(e *wire.Encoder) { e.Extended(wire.OIDStartTLS, nil) }, nil)
	e.Message(2, func(e *wire.Encoder) { encodeBind(t, e, []string{"root"}) }, nil)
	if _, err := c.conn.Write(e.Bytes); err != nil {
		t.Fatal(err)
	}
	if got := c.read(); got != "  = 2\n" {
		t.Errorf("StartTLS with a request behind it: %q, want code 2", got)
	}
	if got := c.read(); got != "  closed\n" {
		t.Errorf("after it the client read %q, want the end", got)
	}
}

func TestStartOffersTLS(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(20))})
	trust := &tls.Config{RootCAs: s.CA, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	plain, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := plain.StartTLS(trust); err != nil {
		t.Fatal(err)
	}
	encrypted, err := ldap.DialURL(s.TLSURL(), ldap.DialWithTLSConfig(trust))
	if err != nil {
		t.Fatal(err)
	}
	defer encrypted.Close()
	for name, c := range map[string]*ldap.Conn{"StartTLS": plain, "ldaps": encrypted} {
		if err := c.Bind("ada@example.org", ldaptest.CompanyPassword); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := ldap.DialURL(s.TLSURL()); err == nil {
		c.Close()
		t.Error("the certificate is trusted without its authority")
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(smallLDIF)})
	url := s.URL()
	c := newSession(t, s.Addr())
	defer c.close()
	c.run(searchAll) // until then the connection may wait to be accepted
	s.Stop()
	if got := c.read(); !strings.Contains(got, "notice = 52") {
		t.Errorf("the open connection read %q", got)
	}
	if conn, err := ldap.DialURL(url); err == nil {
		conn.Close()
		t.Fatal("a stopped server accepts connections")
	}
	s.Start()
	if s.URL() != url {
		t.Errorf("after a restart at %s, before at %s", s.URL(), url)
	}
	again := newSession(t, s.Addr())
	defer again.close()
	if got := again.run(searchAll); got != allFound {
		t.Errorf("after a restart: %q", got)
	}
}

// TestBindRunsAlone: requests sent behind a bind without waiting for it belong to the new identity.
func TestBindRunsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := ldaptest.On(wire.BindRequest, ldaptest.Delay(time.Second))
		b := newBubble(t, ldaptest.Config{Fault: slow})
		s := b.dial()
		go func() {
			s.send(wire.BindRequest, "bind root")
			s.send(wire.ExtendedRequest, "whoami")
		}()
		if got := s.read(); got != "  = 0\n" {
			t.Errorf("bind: %q", got)
		}
		if got, want := s.read(), "  = 0 value \"dn:"+rootDN+"\"\n"; got != want {
			t.Errorf("who am I behind a bind: %q, want %q", got, want)
		}
		s.close()
		b.stop()
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(smallLDIF), RootPassword: rootPassword})
	shared, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	if err := shared.Bind(rootDN, rootPassword); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			name := fmt.Sprintf("cn=n%d,%s", i, suffix)
			add := ldap.NewAddRequest(name, nil)
			add.Attribute("objectClass", []string{"device"})
			if err := shared.Add(add); err != nil {
				t.Errorf("add: %v", err)
			}
			for n := range 20 {
				change := ldap.NewModifyRequest(name, nil)
				change.Replace("description", []string{fmt.Sprint(n)})
				if err := shared.Modify(change); err != nil {
					t.Errorf("modify: %v", err)
				}
				found, err := shared.Search(ldap.NewSearchRequest(suffix, 2, 0, 0, 0, false, fmt.Sprintf("(&(|(description=%d)(cn=n%d))(cn=n%[2]d)(description=%[1]d))", n, i), nil, nil))
				if err != nil || len(found.Entries) != 1 {
					t.Errorf("search after modify %d: %v, %v", n, found, err)
				}
			}
			if err := shared.Del(ldap.NewDelRequest(name, nil)); err != nil {
				t.Errorf("delete: %v", err)
			}
		})
	}
	wait.Wait()
	if n := s.Dir.Entries(); n != 4 {
		t.Errorf("%d entries are left, want 4", n)
	}
	if n := s.Dir.Requests(wire.ModifyRequest); n != 160 {
		t.Errorf("%d modifies were counted, want 160", n)
	}
	if accepted, _ := s.Dir.Connections(); accepted != 1 {
		t.Errorf("%d connections were counted, want 1", accepted)
	}
}
