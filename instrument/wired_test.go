// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// wired drives an observed connection message by message, without a driver and a network, so that a test decides when an
// operation starts and when it ends. It belongs to one goroutine.
type wired struct {
	t    testing.TB
	conn *instrument.Conn
	far  *loose
	id   int64
	buf  [64 << 10]byte
}

// loose is a socket whose other end is a buffer.
type loose struct{ in bytes.Buffer }

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

func (l *loose) Read(p []byte) (int, error)       { return l.in.Read(p) }
func (l *loose) Write(p []byte) (int, error)      { return len(p), nil }
func (l *loose) Close() error                     { return nil }
func (l *loose) LocalAddr() net.Addr              { return address("127.0.0.1:1") }
func (l *loose) RemoteAddr() net.Addr             { return address("127.0.0.1:389") }
func (l *loose) SetDeadline(time.Time) error      { return nil }
func (l *loose) SetReadDeadline(time.Time) error  { return nil }
func (l *loose) SetWriteDeadline(time.Time) error { return nil }

func wireUp(t testing.TB, scope *instrument.Scope, opts ...instrument.DialOption) *wired {
	far := &loose{}
	return &wired{t: t, conn: scope.Wrap(far, append([]instrument.DialOption{instrument.WithDomain("TEST")}, opts...)...), far: far}
}

// start sends a compare and returns its message id.
func (w *wired) start(dn string) int64 {
	w.t.Helper()
	w.id++
	var e wire.Encoder
	e.Message(w.id, func(e *wire.Encoder) {
		mark := e.Begin(byte(wire.CompareRequest))
		e.OctetString(dn)
		assertion := e.Begin(0x30)
		e.OctetString("cn")
		e.OctetString("Ada")
		e.End(assertion)
		e.End(mark)
	}, nil)
	if _, err := w.conn.Write(e.Bytes); err != nil {
		w.t.Fatal(err)
	}
	return w.id
}

// end answers one that was started.
func (w *wired) end(id int64) {
	w.t.Helper()
	var e wire.Encoder
	e.Message(id, func(e *wire.Encoder) { e.Result(wire.CompareResponse, wire.Reply{Code: 6}) }, nil)
	w.far.in.Write(e.Bytes)
	if _, err := w.conn.Read(w.buf[:]); err != nil {
		w.t.Fatal(err)
	}
}

// run starts and ends so many operations with different targets.
func (w *wired) run(n int) {
	w.t.Helper()
	for range n {
		w.end(w.start("cn=" + strconv.FormatInt(w.id, 10) + ",dc=example,dc=org"))
	}
}
