// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"net"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// withGoLDAP lets use talk through go-ldap to a server that answers each message as answer says, and returns the messages
// that go-ldap sent.
func withGoLDAP(t testing.TB, use func(*ldap.Conn), answer func(wire.Message, *wire.Encoder)) [][]byte {
	t.Helper()
	near, far := net.Pipe()
	var sent [][]byte
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer far.Close()
		framer := wire.NewFramer(far, wire.DefaultLimits)
		for {
			raw, err := framer.Next()
			if err != nil {
				return
			}
			sent = append(sent, bytes.Clone(raw))
			m, err := wire.ParseMessage(raw)
			if err != nil {
				t.Errorf("go-ldap's message does not parse: %v\n%x", err, raw)
				return
			}
			var reply wire.Encoder
			answer(m, &reply)
			if _, err := far.Write(reply.Bytes); err != nil {
				return
			}
		}
	}()
	conn := ldap.NewConn(near, false)
	conn.Start()
	use(conn)
	conn.Close()
	<-served
	return sent
}

// succeed answers every request with success and nothing else.
func succeed(m wire.Message, reply *wire.Encoder) {
	if op := wire.ResponseTo(m.Op); op != 0 {
		reply.Message(m.ID, func(e *wire.Encoder) { e.Result(op, wire.Reply{}) }, nil)
	}
}

// collect turns one of the package's iterations into a list of texts.
func collect(t testing.TB, iterate func(func([]byte) bool) error) []string {
	t.Helper()
	list := []string{}
	if err := iterate(func(b []byte) bool { list = append(list, string(b)); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

// attribute is a wire.Attribute with its values read.
type attribute struct {
	Name   string
	Values []string
}

func attributeOf(t testing.TB, a wire.Attribute) attribute {
	t.Helper()
	return attribute{string(a.Name), collect(t, a.Values)}
}

func attributesOf(t testing.TB, add wire.Add) []attribute {
	t.Helper()
	list := []attribute{}
	if err := add.Attributes(func(a wire.Attribute) bool { list = append(list, attributeOf(t, a)); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

func controlsOf(t testing.TB, m wire.Message) []wire.Control {
	t.Helper()
	var list []wire.Control
	if err := m.Controls(func(c wire.Control) bool { list = append(list, c); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

// entryMessage encodes a SearchResultEntry of about the given number of bytes.
func entryMessage(size int) []byte {
	values := [][]byte{[]byte("top"), []byte("person"), []byte("organizationalPerson"), []byte("user")}
	var e wire.Encoder
	e.Message(7, func(e *wire.Encoder) {
		e.Entry("cn=Ada Lovelace,ou=people,dc=example,dc=org", func(add func(string, [][]byte)) {
			add("objectClass", values)
			add("mail", [][]byte{[]byte("ada@example.org")})
			add("department", [][]byte{[]byte("Analytical engines")})
			add("memberOf", slices.Repeat([][]byte{[]byte("cn=engineers,ou=groups,dc=example,dc=org")}, 3))
			if rest := size - len(e.Bytes) - 20; rest > 0 {
				add("description", [][]byte{bytes.Repeat([]byte("x"), rest)})
			}
		})
	}, nil)
	return e.Bytes
}
