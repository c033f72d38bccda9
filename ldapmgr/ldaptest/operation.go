// SPDX-License-Identifier: MIT

package ldaptest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// operation is one request being carried out and the writer of its answer.
type operation struct {
	dir       *Directory
	conn      *conn
	ctx       context.Context // ends with an abandon and with the connection
	cancel    context.CancelFunc
	done      chan struct{}
	after     []chan struct{} // what must end before this may start
	message   wire.Message
	number    int
	who       identity
	half      bool // a bind in steps has begun, behind which only binds may come
	action    Action
	controls  requestControls
	cancelled bool // by the Cancel operation, which wants an answer; guarded by conn.mu

	out     *wire.Encoder // whole messages that were not sent yet
	entries int
}

var encoders = sync.Pool{New: func() any { return new(wire.Encoder) }}

const (
	flushAt = 32 << 10
	keepMax = 1 << 20 // an encoder above this is not kept
)

// run carries the request out. A panic ends this connection only: it is a fault of ours that a client must not pay for
// with the whole process.
func (o *operation) run() {
	defer o.end()
	defer func() {
		if p := recover(); p != nil {
			o.dir.panics.Add(1)
			o.dir.cfg.Logger.Error("ldaptest: operation panicked", slog.Int64("conn", o.conn.id), slog.Any("operation", o.message.Op), slog.Any("panic", p))
			o.conn.close()
		}
	}()
	if !o.turn() {
		return
	}
	o.out = encoders.Get().(*wire.Encoder)
	o.action = o.dir.decide(o)
	if o.pause(o.action.Delay) && !o.misbehave() {
		o.carryOut()
	}
	o.finish()
}

// turn waits until the operation may start.
func (o *operation) turn() bool {
	for _, other := range o.after {
		select {
		case <-other:
		case <-o.conn.ctx.Done():
			return false
		}
	}
	o.conn.mu.Lock()
	o.who, o.half = o.conn.who, o.conn.half
	o.conn.mu.Unlock()
	return o.ctx.Err() == nil
}

// pause waits and reports whether the operation is still wanted afterwards. The time limit of a search ends the wait.
func (o *operation) pause(d time.Duration) bool {
	if d <= 0 {
		return o.ctx.Err() == nil
	}
	limit := time.Duration(0)
	if o.message.Op == wire.SearchRequest {
		if s, err := wire.ParseSearch(o.message.Body); err == nil && s.TimeLimit > 0 {
			limit = time.Duration(min(s.TimeLimit, 1<<31)) * time.Second
		}
	}
	late := limit > 0 && limit < d
	if late {
		d = limit
	}
	if !o.wait(d) {
		return false
	}
	if late {
		o.reply(wire.Reply{Code: codeTimeLimit}, nil)
	}
	return !late
}

// wait waits, and reports whether the operation was not given up meanwhile.
func (o *operation) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-o.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// misbehave does what a fault asks for in the place of the request.
func (o *operation) misbehave() bool {
	switch a := o.action; {
	case a.Hang:
		<-o.ctx.Done()
	case a.Drop:
		o.conn.close()
	case a.Notice != "":
		o.conn.disconnect(codeUnavailable, a.Notice)
	case a.Raw != nil:
		o.conn.write(a.Raw)
	case a.Result != nil:
		o.reply(*a.Result, nil)
	default:
		return false
	}
	return true
}

func (o *operation) carryOut() {
	if o.half && o.message.Op != wire.BindRequest {
		o.reply(saslInProgress, nil)
		return
	}
	if reply := o.readControls(); reply != nil {
		o.reply(*reply, nil)
		return
	}
	switch o.message.Op {
	case wire.BindRequest:
		o.bind()
	case wire.SearchRequest:
		o.search()
	case wire.ModifyRequest:
		o.change(o.modify)
	case wire.AddRequest:
		o.change(o.add)
	case wire.DelRequest:
		o.change(o.remove)
	case wire.ModifyDNRequest:
		o.change(o.rename)
	case wire.CompareRequest:
		o.reply(o.compare(), nil)
	case wire.ExtendedRequest:
		o.extended()
	}
}

// reply adds the final response.
func (o *operation) reply(r wire.Reply, controls []wire.Control) {
	tag := wire.ResponseTo(o.message.Op)
	if o.action.Tag != 0 {
		tag = o.action.Tag
	}
	o.out.Message(o.message.ID, func(e *wire.Encoder) { e.Result(tag, r) }, controls)
}

// malformed answers a request whose envelope was right and whose body is not.
func (o *operation) malformed() {
	o.reply(wire.Reply{Code: codeProtocolError, Diagnostic: "decoding error"}, nil)
}

// send adds one message before the final response, such as an entry.
func (o *operation) send(body func(*wire.Encoder)) bool {
	if o.action.PerEntry > 0 {
		o.flush()
		if !o.wait(o.action.PerEntry) {
			return false
		}
	}
	before := len(o.out.Bytes)
	o.out.Message(o.message.ID, body, nil)
	if o.entries++; o.action.CutEntry == o.entries {
		o.out.Bytes = o.out.Bytes[:before+(len(o.out.Bytes)-before)/2]
		o.flush()
		o.conn.close()
		return false
	}
	if len(o.out.Bytes) >= flushAt {
		o.flush()
	}
	return o.ctx.Err() == nil
}

func (o *operation) flush() {
	if len(o.out.Bytes) > 0 {
		o.conn.write(o.out.Bytes)
		o.out.Bytes = o.out.Bytes[:0]
	}
}

// finish sends what is left. An abandoned operation sends nothing more; a cancelled one says so (RFC 3909).
func (o *operation) finish() {
	o.conn.mu.Lock()
	cancelled := o.cancelled
	o.conn.mu.Unlock()
	if o.ctx.Err() != nil {
		o.out.Bytes = o.out.Bytes[:0]
		if cancelled {
			o.reply(wire.Reply{Code: codeCanceled}, nil)
		}
	}
	o.flush()
	if cap(o.out.Bytes) <= keepMax {
		encoders.Put(o.out)
	}
	o.out = nil
}
