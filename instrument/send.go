// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Write sends LDAP messages. One write usually is one message, as go-ldap makes it; parts are put together first.
func (c *Conn) Write(p []byte) (int, error) {
	if c.blind.Load() {
		return c.inner.Write(p)
	}
	if !c.begun.Load() {
		if len(p) > 0 && p[0] == tlsHandshake {
			if err := c.goBlind(); err != nil {
				return 0, err
			}
			return c.inner.Write(p)
		}
		message := &wire.Message{}
		if err := message.Parse(p); err == nil {
			return c.send(c.announced(message), message, p, c.limits.Write)
		}
	}
	return c.collect(p)
}

// collect puts messages together that do not come one by one.
func (c *Conn) collect(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	defer func() { c.begun.Store(len(c.partial) > 0) }()
	c.partial = append(c.partial, p...)
	for len(c.partial) > 0 {
		if c.partial[0] != wire.TagSequence || len(c.partial) > c.scope.wire.MessageBytes {
			return 0, c.refuse(fmt.Errorf("%w: request is no LDAP message, or larger than the limit", ErrNotSent))
		}
		_, rest, err := wire.Element(c.partial)
		if err != nil {
			return len(p), nil // the rest is still to come, or the limit ends it
		}
		raw := c.partial[:len(c.partial)-len(rest)]
		message := &wire.Message{}
		if err := message.Parse(raw); err != nil {
			return 0, c.refuse(fmt.Errorf("%w: %w", ErrNotSent, err))
		}
		c.partial = nil
		c.writing.Unlock()
		_, err = c.send(c.announced(message), message, raw, c.limits.Write)
		c.writing.Lock()
		if err != nil {
			return 0, err
		}
		c.partial = append(c.partial, rest...)
	}
	return len(p), nil
}

// refuse drops a request that never leaves, and gives its caller the reason.
func (c *Conn) refuse(err error) error {
	c.partial = nil
	if k := c.announce(nil); k != nil {
		k.keepBack(err)
	}
	return err
}

// announce says which call the next message belongs to, nil for none, and returns the one that was announced before.
func (c *Conn) announce(k *call) (before *call) { return c.handoff.Swap(k) }

// withdraw takes back an announcement; false means that the message has left, or something has taken its place.
func (c *Conn) withdraw(k *call) bool {
	return c.handoff.Load() == k && c.handoff.CompareAndSwap(k, nil)
}

// announced returns the call that a message belongs to: the announced one when it is of that kind and about the same
// entry. Somebody may use the driver directly at the same time. The driver sends from one goroutine, so that nobody else takes
// the call while it is looked at.
func (c *Conn) announced(m *wire.Message) *call {
	k := c.handoff.Load()
	if k == nil || wire.ResponseTo(m.Op) != responseOf(k.kind) || k.target != "" && k.target != string(target(m)) {
		return unannounced()
	}
	var following *call
	if k.steps != nil {
		following = k.following()
	}
	if !c.handoff.CompareAndSwap(k, following) { // withdrawn in this moment
		return unannounced()
	}
	return k
}

// target returns the DN or OID that a request is about.
func target(m *wire.Message) []byte {
	if m.Op == wire.DelRequest {
		return m.Body
	}
	name, rest, err := wire.Element(m.Body)
	if m.Op == wire.BindRequest && err == nil { // the first is the version
		name, _, err = wire.Element(rest)
	}
	if err != nil {
		return nil
	}
	return name
}

// about sets what the message of a call will name.
func about(target string) func(*call) { return func(k *call) { k.target = target } }

// atOnce is the size up to which a message leaves before its operation is published: meanwhile the server works on it.
// What is longer may take its time to leave, and is seen as running while it does.
const atOnce = 4 << 10

// send writes the message of a call.
func (c *Conn) send(k *call, message *wire.Message, raw []byte, within time.Duration) (int, error) {
	v := &k.view
	err := v.read(message)
	if err == nil {
		err = c.refuses(v)
	}
	if k.steps != nil && k.steps.sent.Add(1) > longestBind {
		err = fmt.Errorf("the server wants more than %d messages for a bind", longestBind)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotSent, err)
		k.keepBack(err)
		return 0, err
	}
	now := c.scope.clock.now()
	k.id, k.patient = message.ID, k.patient || v.lasts
	if v.kind == KindAbandon {
		c.giveUp(v.abandon, now)
	}
	long := len(raw) > atOnce
	if long {
		c.begin(k, len(raw), now)
	}
	answered, turn := wire.ResponseTo(message.Op) != 0, k.turn
	err = c.track(k, answered, now)
	tracked := answered && err == nil // from the end of begin on the call is the reader's, and may be another one at any time
	if turn != nil {
		turn.giveBack()
	}
	if err == nil {
		err = c.write(raw, now, within)
	}
	if !long {
		c.begin(k, len(raw), now)
	}
	if err != nil {
		c.fail(err) // with every call that is tracked
	}
	if !tracked {
		failure := ErrorType("")
		if err != nil {
			failure = failureOf(err)
		}
		c.finish(k, failure, time.Now())
	}
	if err != nil {
		_ = c.raw.Close() // half a message may have left; the driver learns it by reading
		return 0, err
	}
	return len(raw), nil
}

// write writes one message. Who writes has so long from the moment in which it is its turn: what others ask for meanwhile
// does not give it longer.
func (c *Conn) write(raw []byte, now time.Time, within time.Duration) error {
	if !c.writing.TryLock() {
		if within < c.limits.Write {
			c.hasten(now.Add(within))
		}
		c.writing.Lock()
		now = c.scope.clock.now()
	}
	defer c.writing.Unlock()
	_ = c.raw.SetWriteDeadline(now.Add(within))
	if last := c.hurry.Load(); last != nil { // behind the line above: who hurries stores it before it sets the deadline
		_ = c.raw.SetWriteDeadline(*last)
	}
	_, err := c.inner.Write(raw)
	if c.secured.Load() != nil {
		// TLS also writes by itself, in the goroutine that reads: the answer to a KeyUpdate (RFC 8446 section 4.6.3) would fail
		// by the deadline of a message that left long ago, and with it all that is sent afterwards.
		_ = c.raw.SetWriteDeadline(time.Time{})
	}
	return err
}

// hasten bounds all that is still written: somebody takes leave, and closes the connection next.
func (c *Conn) hasten(deadline time.Time) {
	c.hurry.CompareAndSwap(nil, &deadline)
	_ = c.raw.SetWriteDeadline(deadline)
}

// keepBack ends a call that was never sent, and gives the sender's turn back. In a bind of several messages the call before,
// which has the outcome, is told.
func (k *call) keepBack(err error) {
	told := k
	if k.steps != nil {
		if last := k.steps.last.Load(); last != nil {
			told = last
		}
	}
	told.mu.Lock()
	told.refused = err
	told.mu.Unlock()
	if k.turn != nil {
		k.turn.giveBack()
	}
}

// farewell bounds the writing of an abandon or unbind: nobody should wait for a goodbye.
const farewell = 100 * time.Millisecond

// errGivenUp is why the other operations of a connection end when one is cancelled.
var errGivenUp = errors.New("closed because an operation on it was given up")

// ownID is where the message ids begin that the observer itself uses; the driver counts from 1.
const ownID = 1 << 30

// abandon gives a call up: it tells the server (RFC 4511 section 4.11), then closes, because the driver would go on
// waiting. reason is the context's. A call that has just ended leaves the connection as it is.
func (c *Conn) abandon(k *call, reason error) {
	if k.steps != nil {
		if last := k.steps.last.Load(); last != nil {
			k = last
		}
	}
	k.mu.Lock()
	sent, ended, refused := k.seen != 0, k.ended, k.refused != nil
	k.mu.Unlock()
	if ended && (k.steps == nil || k.steps.over.Load()) || refused {
		return
	}
	c.finish(k, failureOf(reason), time.Now())
	if sent && !ended && k.kind != KindBind && k.secure == nil { // those two cannot be abandoned
		var e wire.Encoder
		e.Message(ownID+k.id, func(e *wire.Encoder) { e.Abandon(k.id) }, nil)
		c.sendOwn(own(k.ctx, KindAbandon), e.Bytes)
	}
	c.fail(errGivenUp)
	_ = c.Close()
}

// unbind takes leave of the server (RFC 4511 section 4.3), unless the connection is already lost.
func (c *Conn) unbind(ctx context.Context) {
	if c.ended() != nil || c.blind.Load() {
		return
	}
	var e wire.Encoder
	e.Message(2*ownID-1, func(e *wire.Encoder) { e.Text(byte(wire.UnbindRequest), "") }, nil)
	c.sendOwn(own(ctx, KindUnbind), e.Bytes)
}

// sendOwn sends a message of the observer. Nobody waits for its outcome, which is recorded.
func (c *Conn) sendOwn(k *call, raw []byte) {
	message := &wire.Message{}
	if err := message.Parse(raw); err == nil {
		_, _ = c.send(k, message, raw, farewell)
	}
}
