// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// told is what an operation leaves to the code that asked for it.
type told struct {
	seq      uint64 // of the operation; 0 when it is not recorded
	paged    bool   // the answer has a paging control
	cookie   []byte // of it
	unknown  bool   // the answer has a control that nobody here reads
	refused  error  // why it was never sent
	answered bool   // a last answer came
	code     int64  // of it
	part     bool   // something was received
	free     bool   // its end is published and nobody holds the call any more
}

// do runs one operation of the driver under ctx. prepare, if any, sets what the observer should do with the answers.
func (c *Client) do(ctx context.Context, kind Kind, prepare func(*call), run func() error) (t told, err error) {
	if deadline, has := ctx.Deadline(); c.total > 0 && (!has || time.Until(deadline) > c.total) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.total)
		defer cancel()
	}
	k := newCall(ctx, kind)
	k.turn = &c.turn
	if c.conn.scope.recorder.recording() { // nobody else looks at it
		walk(&k.stack)
	}
	if prepare != nil {
		prepare(k)
	}
	if err := c.enter(ctx, k); err != nil {
		return t, c.failed(kind, err)
	}
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { c.conn.abandon(k, ender(ctx).Err()) })
	}
	returned := false
	defer func() {
		if !returned { // a control of the caller's may panic while it is encoded: the turn must not be lost
			c.leave(k)
			stop()
		}
	}()
	err = run()
	returned = true
	last, sent := c.leave(k)
	alone := stop()
	last.tells(&t)
	err = c.outcome(ctx, &t, kind, err, sent)
	if err == nil && alone && t.free {
		last.recycle()
	}
	return t, err
}

// tells writes down what a call leaves behind.
func (k *call) tells(t *told) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t.seq, t.paged, t.cookie, t.unknown = k.recorded, k.paged, k.cookie, k.unknown
	t.refused, t.answered, t.code = k.refused, k.answered, k.code
	t.part, t.free = k.bytes > 0, k.ended && k.settled && k.steps == nil
}

// enter waits for the sender's turn and announces the call.
func (c *Client) enter(ctx context.Context, k *call) error {
	if !c.turn.take(ctx) {
		return fmt.Errorf("%w: %w", ErrNotSent, contextError(ctx))
	}
	if ctx.Err() != nil { // nothing may be sent any more, and the connection stays good
		c.turn.giveBack()
		return fmt.Errorf("%w: %w", ErrNotSent, contextError(ctx))
	}
	if err := c.conn.ended(); err != nil {
		c.turn.giveBack()
		return fmt.Errorf("%w: %w", ErrConnection, err)
	}
	if c.conn.blind.Load() {
		c.turn.giveBack()
		return fmt.Errorf("%w: %w", ErrNotSent, errBlind)
	}
	c.takeWait(&k.wait)
	if k.alone() {
		k.turn = nil // kept until the last message has been answered
	}
	if k.reply == nil { // else it is sent as it is, see ask
		c.conn.announce(k)
	}
	return nil
}

// leave withdraws what was announced and not sent, and returns the call that has the outcome.
func (c *Client) leave(k *call) (last *call, sent bool) {
	if k.steps == nil {
		sent = !c.conn.withdraw(k)
		if !sent || k.alone() {
			c.turn.giveBack()
		}
		return k, sent
	}
	k.steps.over.Store(true)
	c.conn.announce(nil)
	c.turn.giveBack()
	if last = k.steps.last.Load(); last == nil {
		return k, false
	}
	return last, true
}

// outcome classifies, in one place, how an operation ended. Only what the wire saw counts: the driver's success without
// a last answer is no success.
func (c *Client) outcome(ctx context.Context, t *told, kind Kind, err error, sent bool) error {
	switch {
	case t.refused != nil:
		return c.failed(kind, t.refused)
	case t.answered && err == nil:
		if codeFails(kind, t.code) || t.code == ldap.LDAPResultSaslBindInProgress { // the driver is content with a bind that is not over
			err = &ldap.Error{ResultCode: uint16(t.code), Err: errors.New("refused")}
			return c.failed(kind, err)
		}
		return nil
	case t.answered:
		return c.failed(kind, err)
	case !sent && err != nil && c.conn.ended() == nil && ctx.Err() == nil:
		return c.failed(kind, fmt.Errorf("%w: %w", ErrNotSent, err))
	case err == nil:
		err = ErrIncomplete
	}
	err = transport(ctx, c.conn, err)
	if t.part && kind == KindSearch && !errors.Is(err, ErrIncomplete) {
		err = fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return c.failed(kind, err)
}

func (c *Client) failed(kind Kind, err error) error {
	return &OperationError{Kind: kind, Domain: c.conn.domain.name, Server: c.conn.server, Err: err}
}
