// SPDX-License-Identifier: MIT

package panel_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// prompt is a connection to a directory that answers every search in no time and within the process: what a burst costs beside it belongs to
// the application, the recorder and the panel.
type prompt struct {
	net.Conn // for its addresses alone

	mu      sync.Mutex // guards everything below
	changed *sync.Cond
	answers bytes.Buffer
	closed  bool
}

func dialPrompt(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	_ = far.Close()
	p := &prompt{Conn: near}
	p.changed = sync.NewCond(&p.mu)
	return p, nil
}

// Write takes one whole message, as the client sends them, and has the answer ready.
func (p *prompt) Write(b []byte) (int, error) {
	m, err := wire.ParseMessage(b)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.Op == wire.SearchRequest {
		e := wire.Encoder{Bytes: p.answers.AvailableBuffer()}
		e.Message(m.ID, func(e *wire.Encoder) {
			e.Entry("", func(add func(string, [][]byte)) { add("vendorName", [][]byte{[]byte("ldapscope")}) })
		}, nil)
		e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{}) }, nil)
		p.answers.Write(e.Bytes)
		p.changed.Signal()
	}
	return len(b), nil
}

func (p *prompt) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.answers.Len() == 0 && !p.closed {
		p.changed.Wait()
	}
	if p.answers.Len() == 0 {
		return 0, io.EOF
	}
	return p.answers.Read(b)
}

func (p *prompt) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.changed.Broadcast()
	return p.Conn.Close()
}
