// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a listener in memory, so that a directory runs inside a synctest bubble, where waiting takes no time.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func newPipes() *pipes {
	return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// bubble is a directory on pipes.
type bubble struct {
	t    *testing.T
	dir  *ldaptest.Directory
	ln   *pipes
	stop func() // ends Serve and waits for it
}

const smallLDIF = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=one,dc=example,dc=org
objectClass: device
cn: one

dn: cn=two,dc=example,dc=org
objectClass: device
cn: two

dn: cn=three,dc=example,dc=org
objectClass: device
cn: three
`

func newBubble(t *testing.T, cfg ldaptest.Config) *bubble {
	t.Helper()
	if cfg.LDIF == nil {
		cfg.LDIF = strings.NewReader(smallLDIF)
	}
	cfg.RootPassword = rootPassword
	dir, err := ldaptest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := &bubble{t: t, dir: dir, ln: newPipes()}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- dir.Serve(ctx, b.ln) }()
	b.stop = func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	return b
}

// dial returns a session without a deadline: in a bubble, what would wait forever is a deadlock, and that fails the test.
func (b *bubble) dial() *session {
	client, server := net.Pipe()
	b.ln.accepted <- server
	return &session{t: b.t, conn: client, framer: wire.NewFramer(client, wire.DefaultLimits)}
}

// send writes one request without waiting for its answer and returns its id.
func (s *session) send(op wire.Op, command string) int64 {
	s.t.Helper()
	words := splitWords(s.t, command)
	s.id++
	var e wire.Encoder
	e.Message(s.id, func(e *wire.Encoder) {
		if op == wire.AbandonRequest {
			e.Abandon(s.id - 1)
			return
		}
		requests[words[0]](s.t, e, words[1:])
	}, nil)
	if _, err := s.conn.Write(e.Bytes); err != nil {
		s.t.Fatal(err)
	}
	return s.id
}
