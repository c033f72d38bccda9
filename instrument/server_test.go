// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// patience bounds everything that a test waits for; nothing takes that long unless it hangs.
const patience = 10 * time.Second

// unhurried lets connecting take as long on a loaded machine.
var unhurried = instrument.WithStages(instrument.Stages{Connect: patience, TLS: patience})

// session is one connection as the server of a test sees it. A script reads requests and writes whatever it likes.
type session struct {
	conn   net.Conn
	framer *wire.Framer
}

// next waits for the next request; ok is false when the client has gone.
func (s *session) next() (m wire.Message, ok bool) {
	raw, err := s.framer.Next()
	if err != nil {
		return m, false
	}
	m, err = wire.ParseMessage(bytes.Clone(raw))
	return m, err == nil
}

func (s *session) send(raw ...byte) { _, _ = s.conn.Write(raw) }

// message sends one LDAPMessage.
func (s *session) message(id int64, body func(*wire.Encoder), controls ...wire.Control) {
	var e wire.Encoder
	e.Message(id, body, controls)
	s.send(e.Bytes...)
}

// answer ends a request with a result.
func (s *session) answer(m wire.Message, code int64, controls ...wire.Control) {
	if op := wire.ResponseTo(m.Op); op != 0 {
		s.message(m.ID, func(e *wire.Encoder) { e.Result(op, wire.Reply{Code: code}) }, controls...)
	}
}

// entry sends an entry of a search.
func (s *session) entry(m wire.Message, dn string, attributes ...string) {
	s.message(m.ID, func(e *wire.Encoder) { entryBody(e, dn, attributes...) })
}

// entryBody appends an entry; attributes are names and values in turn.
func entryBody(e *wire.Encoder, dn string, attributes ...string) {
	e.Entry(dn, func(add func(string, [][]byte)) {
		for i := 0; i+1 < len(attributes); i += 2 {
			add(attributes[i], [][]byte{[]byte(attributes[i+1])})
		}
	})
}

// serve answers every connection with the script and returns the server's URL. The end of the test waits for all scripts.
func serve(t testing.TB, script func(*session)) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			open.Go(func() {
				defer conn.Close()
				script(&session{conn, wire.NewFramer(conn, wire.DefaultLimits)})
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		open.Wait()
	})
	return "ldap://" + listener.Addr().String()
}

// willing answers every request with success, and searches with the given number of entries.
func willing(entries int) func(*session) {
	return func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			if m.Op == wire.SearchRequest {
				for i := range entries {
					s.entry(m, "uid=u"+string(rune('a'+i%26))+",dc=example,dc=org", "uid", "u", "cn", "Ada")
				}
			}
			s.answer(m, 0)
		}
	}
}

// dial connects with the observer; the end of the test closes.
func dial(t testing.TB, scope *instrument.Scope, url string, opts ...instrument.DialOption) *instrument.Client {
	t.Helper()
	c, err := scope.Dial(t.Context(), url, append([]instrument.DialOption{instrument.WithDomain("TEST"), unhurried}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// throughSocket connects as usual, and puts a socket of the test's over the real one.
func throughSocket(inner *net.Conn, over net.Conn) instrument.DialOption {
	return instrument.WithDialer(func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		*inner, err = new(net.Dialer).DialContext(ctx, network, address)
		return over, err
	})
}

// plain connects with go-ldap alone.
func plain(t testing.TB, url string) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// search is a request over the whole tree.
func search(filter string, attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, 0, 0, 0, false, filter, attributes, nil)
}

// eventually waits until condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// errHung is what within returns for a function that does not come back.
var errHung = errors.New("does not come back")

// within runs f for at most so long. A function that hangs goes on in the background, until the test takes its ground away.
func within(limit time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return errHung
	}
}

// operations returns what a recorder holds, by start.
func operations(scope *instrument.Scope) []instrument.Operation {
	return scope.Recorder().Latest(1_000_000).Operations
}

// only returns the newest operation of a kind.
func only(t testing.TB, scope *instrument.Scope, kind instrument.Kind) instrument.Operation {
	t.Helper()
	var found *instrument.Operation
	for _, op := range operations(scope) {
		if op.Kind == kind {
			found = &op
		}
	}
	if found == nil {
		t.Fatalf("no %s was recorded", kind)
	}
	return *found
}

// deletion is a request whose target is the last part of a path.
func deletion(path string) *ldap.DelRequest { return ldap.NewDelRequest("cn="+path[1:], nil) }
