// SPDX-License-Identifier: MIT

package instrument

import (
	"fmt"
	"sync/atomic"
	"time"
)

// reader says which goroutine reads a connection, one at a time. A search that the observer sends itself reads its own
// answer when nobody else does: to have the driver's goroutine read it and wake the one that asked costs more than the
// search, because waking a goroutine may wake a thread of the runtime too. The driver's goroutine reads what the driver
// asked for and watches over an idle connection; while searches follow each other quickly it stands by.
type reader struct {
	role   atomic.Int32
	wanted chan struct{} // wakes the driver's goroutine; one call is remembered
	asleep atomic.Bool   // the driver's goroutine waits until a search gives up the role
	asks   atomic.Uint64 // searches of our own that have ended

	seen  uint64 // of asks; with after, belongs to the driver's goroutine
	after *time.Timer
}

// The roles.
const (
	nobodyReads int32 = iota
	driverReads
	askerReads
)

// standBy is how long an idle connection stays unwatched after a search of our own.
const standBy = 10 * time.Millisecond

func newReader() *reader { return &reader{wanted: make(chan struct{}, 1)} }

// want calls the driver's goroutine in case it stands by.
func (r *reader) want() {
	select {
	case r.wanted <- struct{}{}:
	default:
	}
}

// quiet reports whether no search of our own has ended since it was asked last.
func (r *reader) quiet() bool {
	before := r.seen
	r.seen = r.asks.Load()
	return r.seen == before
}

// moment returns a channel that gets a value once nothing was asked for a while; none while a search reads, which calls
// the driver's goroutine at its end.
func (r *reader) moment() <-chan time.Time {
	r.asleep.Store(true)
	if r.role.Load() == askerReads {
		return nil
	}
	r.asleep.Store(false)
	if r.after == nil {
		r.after = time.NewTimer(standBy)
	} else {
		r.after.Reset(standBy)
	}
	return r.after.C
}

// attend gives the driver's goroutine the role as soon as it is needed. Without it, it returns for a connection that went
// blind.
func (c *Conn) attend() {
	r := c.reader
	for quiet := r.quiet(); r.role.Load() != driverReads && !c.blind.Load(); quiet = r.quiet() {
		if (quiet || c.waitedFor()) && r.role.CompareAndSwap(nobodyReads, driverReads) {
			return
		}
		select {
		case <-r.wanted:
		case <-r.moment():
		}
	}
}

// waitedFor reports whether somebody has to read: for an answer, or to learn of the connection's end.
func (c *Conn) waitedFor() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inflight.count > 0 || c.cause != nil
}

// lead reads until a search of our own has its answer, unless somebody else reads.
func (c *Conn) lead(k *call) {
	if !c.reader.role.CompareAndSwap(nobodyReads, askerReads) {
		return
	}
	defer c.follow()
	for len(k.reply.done) == 0 && len(c.pending) == 0 { // what is pending only the driver can take
		if err := c.receive(); err != nil {
			c.fail(err)
			return
		}
	}
}

// follow gives the role up, to the driver when somebody waits for it. A panic ends the connection and nothing else, as in
// the driver's goroutine.
func (c *Conn) follow() {
	if p := recover(); p != nil {
		c.fail(fmt.Errorf("%w: panic while reading: %v", ErrMalformed, p))
	}
	r := c.reader
	if len(c.pending) > 0 {
		r.role.Store(driverReads)
		r.want()
		return
	}
	r.role.Store(nobodyReads)
	if r.asleep.Swap(false) || c.waitedFor() {
		r.want()
	}
}
