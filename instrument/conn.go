// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Conn is a net.Conn that sees every LDAP message that passes and refuses what is malformed before the protocol driver
// meets it. It stands above TLS. One goroutine may read and any number may write at a time.
type Conn struct {
	scope  *Scope
	domain *domain
	*source
	limits   Timeouts
	guard    Guard
	raw      net.Conn // the socket: carries the deadlines, is closed first
	endpoint atomic.Pointer[endpoint]
	secured  atomic.Pointer[tls.Conn] // nil in clear text
	blind    atomic.Bool              // the application encrypts above: nothing to see
	asked    asked

	reader  *reader
	framer  *wire.Framer // with what follows, belongs to the goroutine that reads
	pending []byte       // a whole message on its way to the driver
	passed  bool         // the driver once got part of an answer: it does not read on before its user took that
	heard   traffic      // not counted yet

	handoff atomic.Pointer[call] // the announced call whose message leaves next

	writing sync.Mutex                // guards inner and partial
	inner   net.Conn                  // TLS or plain; StartTLS replaces it, in the goroutine that reads
	partial []byte                    // of a message that comes in several writes
	begun   atomic.Bool               // there is a part
	hurry   atomic.Pointer[time.Time] // until when all that is written has to leave; nil for no hurry

	mu       sync.Mutex // guards what follows
	inflight inflight
	cause    error     // why the connection ended, the first reason
	armed    time.Time // when the read deadline was last set
	chain    Call      // of a bind that is not over yet
	patient  int       // of inflight, those that silence does not end
	given    []int64   // ids of those that were given up last, oldest first
	closing  sync.Once
	gone     chan struct{} // closed with cause
}

// Timeouts bound the waiting on one connection.
type Timeouts struct {
	Write time.Duration // one message to the socket; default 2 s
	Idle  time.Duration // without any message while an operation is open; default 30 s, negative for none
	Total time.Duration // one operation from call to last answer; 0 leaves it to the context
}

func (t Timeouts) filled() Timeouts {
	if t.Write <= 0 {
		t.Write = 2 * time.Second
	}
	if t.Idle == 0 {
		t.Idle = 30 * time.Second
	}
	return t
}

var connections atomic.Uint64

func newConn(s *Scope, o dialOptions, server string, security Security, inner, raw net.Conn) *Conn {
	c := &Conn{
		scope: s, domain: s.domain(o.domain), source: &source{o.domain, server, connections.Add(1)}, limits: o.timeouts.filled(), guard: o.guard,
		inner: inner, raw: raw, framer: wire.NewFramer(inner, s.wire), reader: newReader(), gone: make(chan struct{}),
	}
	c.endpoint.Store(s.endpoint(o.domain, server, security, raw.RemoteAddr()))
	if secured, ok := inner.(*tls.Conn); ok {
		c.secured.Store(secured)
	}
	c.domain.opened(server, time.Now(), security == SecurityTLS)
	return c
}

// track remembers a call that waits for an answer, unless the connection has ended. Silence is counted from the first of
// those that wait: a server that hangs is to be noticed however much it is asked.
func (c *Conn) track(k *call, answered bool, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	if answered {
		awaited := c.awaited()
		c.inflight.add(k)
		if k.patient {
			c.patient++
		}
		if !awaited {
			c.arm(now)
		}
		if k.reply == nil {
			c.reader.want()
		}
	}
	return nil
}

// giveUp ends a call that is being abandoned. What still comes for it is known, and not waited for.
func (c *Conn) giveUp(id int64, now time.Time) {
	c.mu.Lock()
	k := c.inflight.get(id)
	if k != nil && !k.given {
		if k.given = true; !k.patient {
			k.patient = true
			c.patient++
		}
		if !c.awaited() {
			c.arm(now)
		}
		c.outlive(id)
	}
	c.mu.Unlock()
	if k != nil {
		c.finish(k, ErrorCanceled, now)
	}
}

// mostGivenUp bounds the calls that were given up and may still be answered. A server need not (RFC 4511 section 4.11), and
// what was given up so many others ago is on no wire any more.
const mostGivenUp = 1024

// outlive remembers what was given up, and forgets the oldest for it. The caller holds mu.
func (c *Conn) outlive(id int64) {
	if c.given = append(c.given, id); len(c.given) <= mostGivenUp {
		return
	}
	if k := c.inflight.get(c.given[0]); k != nil && k.given {
		c.inflight.remove(k.id)
		c.patient--
	}
	c.given = c.given[1:]
}

// claim returns the call that a message answers, nil for none. A last answer takes it off the list of those that wait; alone
// tells that nobody else has got hold of it there.
func (c *Conn) claim(m *wire.Message, now time.Time) (k *call, alone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k = c.inflight.get(m.ID)
	if k != nil && lastAnswers[m.Op] {
		c.inflight.remove(k.id)
		if alone = !k.patient; !alone {
			c.patient--
		}
		c.arm(now)
	} else if c.limits.Idle > 0 && now.Sub(c.armed) > c.limits.Idle/8 { // setting it for every entry would cost more than the entry
		c.arm(now)
	}
	return k, alone
}

// reclaim puts a call back whose last answer made no sense, so that it ends with the connection.
func (c *Conn) reclaim(k *call, bytes int, now time.Time) {
	k.mu.Lock()
	k.hear(bytes, now)
	k.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inflight.add(k)
	if k.patient {
		c.patient++
	}
}

// awaited reports whether somebody waits who does not bear silence. The caller holds mu.
func (c *Conn) awaited() bool { return c.inflight.count > c.patient }

// arm sets the read deadline while somebody waits, and lifts it otherwise. The caller holds mu.
func (c *Conn) arm(now time.Time) {
	c.armed = now
	var deadline time.Time
	if c.awaited() && c.limits.Idle > 0 {
		deadline = now.Add(c.limits.Idle)
	}
	_ = c.raw.SetReadDeadline(deadline)
}

// fail remembers why the connection ended and ends every open operation with it. The first reason stays.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = err
		close(c.gone)
	}
	cause := c.cause
	open := c.inflight
	c.inflight, c.patient = inflight{}, 0
	c.mu.Unlock()
	c.reader.want()
	now := time.Now()
	for k := range open.each {
		c.finish(k, failureOf(cause), now)
		if k.reply != nil {
			k.reply.end()
		}
	}
}

// ended returns why the connection ended, or nil.
func (c *Conn) ended() error {
	select {
	case <-c.gone:
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// busy reports whether an operation waits for its answer.
func (c *Conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inflight.count > 0
}

// Close closes the socket at once, so that nothing can hang behind a blocked write, then what is above it.
func (c *Conn) Close() error {
	var err error
	c.closing.Do(func() {
		err = c.raw.Close()
		c.fail(net.ErrClosed)
		if secured := c.secured.Load(); secured != nil {
			_ = secured.Close() // its close-notify fails on the closed socket, which is meant
		}
		c.domain.closed(time.Now())
	})
	return err
}

// failureOf returns the error.type of a transport error.
func failureOf(err error) ErrorType {
	switch {
	case errors.Is(err, context.Canceled):
		return ErrorCanceled
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return ErrorTimeout
	case isMalformed(err):
		return ErrorMalformed
	case errors.Is(err, errTLS):
		return ErrorTLS
	}
	return ErrorClosed
}

// LocalAddr returns the address of this side.
func (c *Conn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr returns the server's address.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// SetDeadline is ignored: the connection sets its own deadlines, see Timeouts. Blind, it has none of its own.
func (c *Conn) SetDeadline(t time.Time) error { return c.deadline(c.raw.SetDeadline, t) }

// SetReadDeadline is ignored, see SetDeadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.deadline(c.raw.SetReadDeadline, t) }

// SetWriteDeadline is ignored, see SetDeadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.deadline(c.raw.SetWriteDeadline, t) }

func (c *Conn) deadline(set func(time.Time) error, t time.Time) error {
	if c.blind.Load() {
		return set(t)
	}
	return nil
}
