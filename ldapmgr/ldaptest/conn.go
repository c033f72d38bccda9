// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

const (
	maxInFlight   = 256                    // operations of one connection at a time; further ones wait unread
	noticeTimeout = 200 * time.Millisecond // for the last words to a client that may not be reading
)

// conn is one client connection: one goroutine reads, each operation runs in its own, and writes are whole messages.
type conn struct {
	dir       *Directory
	id        int64
	ctx       context.Context
	cancel    context.CancelFunc
	framer    *wire.Framer
	encrypted atomic.Bool
	slots     chan struct{}
	running   sync.WaitGroup

	out chan struct{} // holds one token, taken for each write, so that messages stay whole

	mu      sync.Mutex // guards what follows
	net     net.Conn
	who     identity
	half    bool          // a bind in steps has begun
	said    *ntlmExchange // what the next step of an NTLM bind must answer; nil outside of one
	inUse   map[int64]*operation
	binding *operation // the last bind; what comes behind waits for it
	pages   []*page
	pageIDs uint64
}

// identity is who a connection is bound as; the zero value is anonymous.
type identity struct {
	text string
	key  string
	root bool
}

func (i identity) anonymous() bool { return i.key == "" }

func (d *Directory) newConn(ctx context.Context, raw net.Conn) *conn {
	c := &conn{dir: d, id: d.connections.Add(1), net: raw, inUse: map[int64]*operation{}, out: make(chan struct{}, 1), slots: make(chan struct{}, maxInFlight)}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.framer = wire.NewFramer(raw, wire.DefaultLimits)
	_, isTLS := raw.(*tls.Conn)
	c.encrypted.Store(isTLS)
	return c
}

// serve reads until the connection ends, then ends and awaits its operations.
func (c *conn) serve() {
	c.dir.connected.Add(1)
	defer c.dir.connected.Add(-1)
	defer c.running.Wait()
	defer c.close()
	for number := 1; ; number++ {
		raw, err := c.framer.Next()
		if err == nil {
			err = wire.Scan(raw, wire.DefaultLimits)
		}
		var m wire.Message
		if err == nil {
			m, err = wire.ParseMessage(bytes.Clone(raw))
		}
		if err != nil {
			if errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrLimit) {
				c.dir.cfg.Logger.Debug("ldaptest: connection ends", slog.Int64("conn", c.id), slog.Any("error", err))
				c.disconnect(codeProtocolError, "the message cannot be decoded")
			}
			return
		}
		if !c.dispatch(m, number) {
			return
		}
	}
}

// dispatch starts one request and reports whether to go on reading.
func (c *conn) dispatch(m wire.Message, number int) bool {
	c.dir.requests[m.Op].Add(1)
	switch m.Op {
	case wire.UnbindRequest:
		return false
	case wire.AbandonRequest:
		if id, err := wire.ParseAbandon(m.Body); err == nil {
			c.abandon(id, nil)
		}
		return true
	}
	if m.ID == 0 || wire.ResponseTo(m.Op) == 0 {
		c.disconnect(codeProtocolError, "the message is no request")
		return false
	}
	o := c.begin(m, number)
	if o == nil {
		return false
	}
	if isStartTLS(m) {
		return o.startTLS()
	}
	c.running.Go(o.run)
	return true
}

// begin registers an operation; it waits while too many are running and returns nil when the connection is at its end. A
// bind changes who the connection is, so it runs alone (RFC 4511 section 4.2.1): it waits for all before it, and those
// behind it wait for it.
func (c *conn) begin(m wire.Message, number int) *operation {
	select {
	case c.slots <- struct{}{}:
	case <-c.ctx.Done():
		return nil
	}
	o := &operation{dir: c.dir, conn: c, message: m, number: number, done: make(chan struct{})}
	o.ctx, o.cancel = context.WithCancel(c.ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case m.Op == wire.BindRequest || isStartTLS(m):
		for _, other := range c.inUse {
			o.after = append(o.after, other.done)
		}
		c.binding = o
	case c.binding != nil:
		o.after = append(o.after, c.binding.done)
	}
	c.inUse[m.ID] = o
	return o
}

// end takes the operation out of the books.
func (o *operation) end() {
	c := o.conn
	c.mu.Lock()
	if c.inUse[o.message.ID] == o {
		delete(c.inUse, o.message.ID)
	}
	if c.binding == o {
		c.binding = nil
	}
	c.mu.Unlock()
	o.cancel()
	close(o.done)
	<-c.slots
}

// abandon stops an operation, which then sends nothing more; cause tells a cancelled one to answer. It reports whether
// there was one to stop.
func (c *conn) abandon(id int64, cause func(*operation)) bool {
	c.mu.Lock()
	o := c.inUse[id]
	if o != nil {
		if cause != nil {
			cause(o)
		}
		o.cancel()
	}
	c.mu.Unlock()
	return o != nil
}

// link returns the connection as it is now: plain, or TLS once StartTLS has happened.
func (c *conn) link() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.net
}

// write sends whole messages.
func (c *conn) write(b []byte) {
	c.out <- struct{}{}
	defer func() { <-c.out }()
	if _, err := c.link().Write(b); err != nil {
		c.cancel()
	}
}

// close ends the connection at once, also while somebody is stuck in a write.
func (c *conn) close() {
	c.cancel()
	_ = c.link().Close() // nobody is left to tell
}

// disconnect sends a notice of disconnection and closes. A client that does not read cannot hold it up for long: the
// deadline ends a write that is stuck too.
func (c *conn) disconnect(code int64, message string) {
	_ = c.link().SetWriteDeadline(time.Now().Add(noticeTimeout)) // a connection without deadlines is closed just as well
	var e wire.Encoder
	e.Message(0, func(e *wire.Encoder) {
		e.Result(wire.ExtendedResponse, wire.Reply{Code: code, Diagnostic: message, OID: wire.OIDDisconnection})
	}, nil)
	c.write(e.Bytes)
	c.close()
}
