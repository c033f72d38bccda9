// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"time"
)

// Undriven returns a Client without a driver beneath, so that a test can measure what observing costs by itself.
func Undriven(c *Conn) *Client { return &Client{conn: c} }

// Observe runs one operation of a test that stands in for the driver.
func (c *Client) Observe(ctx context.Context, kind Kind, run func() error) error {
	_, err := c.do(ctx, kind, nil, run)
	return err
}

// RememberedDN returns a function that sums one name after the other, and one that sums a name alone.
func RememberedDN() (remembered, alone func(dn string) (shape, exact uint64)) {
	var l lastDN
	return func(dn string) (uint64, uint64) { p := l.fingerprint([]byte(dn)); return p.shape, p.exact },
		func(dn string) (uint64, uint64) { p := fingerprintDN([]byte(dn)); return p.shape, p.exact }
}

// Open returns how many operations of a connection may still be answered.
func Open(c *Conn) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inflight.count
}

// Prepared returns how many beginnings of spans of a kind are kept for a connection's server.
func Prepared(c *Client, kind Kind) int { return len(*c.conn.endpoint.Load().start[kind].Load()) }

// Walked is the call stack of who calls it, as the observer takes it.
//
//go:noinline
func Walked() []Frame {
	var s callStack
	walk(&s)
	return s.frames()
}

// CallerDepth is how much of a call stack is kept.
const CallerDepth = callerDepth

// Turn returns the two ends of a sender's turn.
func Turn() (take func(context.Context) bool, giveBack func()) {
	t := &turn{}
	return t.take, t.giveBack
}

// Clock returns a clock and the last time that it read off the wall.
func Clock() (now func() time.Time, last func() *time.Time) {
	c := &clock{}
	return c.now, c.last.Load
}

// WallAge is how old a reading of the clock on the wall may be.
const WallAge = wallAge

// MostUnread is how long a filter may be that is kept as it was sent.
const MostUnread = mostUnread

// FilledRow returns what a reader gets of an operation of which everything is known.
func FilledRow(start time.Time) Operation {
	r := newRecorder(Limits{})
	in := newRequest(Request{ID: "r", Kind: "job"})
	shape := &Shape{ID: 7, Text: "search"}
	for range 2 { // so that it repeats another
		rec := newRecord()
		*rec = record{
			from: &source{"CORP", "dc1:389", 3}, kind: KindSearch, security: SecurityTLS, inferred: true, messageID: 4, call: Call{N: 1}, step: "sync",
			start: start, search: Search{"dc=x", 2, true, 1, 2, time.Second, "(cn=a)", []string{"cn"}, 5, 6}, sent: 8, shape: shape, exact: 9,
			traceID: [16]byte{1}, spanID: [8]byte{2}, stack: &callStack{1},
			details: &details{
				waited: Timing{WaitPool: 1, Dial: 2, TLS: 3, SetupBind: 4}, dn: "cn=a", bind: &Bind{"simple", "", "cn=a"}, extended: &Extended{"1.2", "x"},
				changes: []Change{{Operation: "add"}}, controls: []Control{{OID: "1.2"}},
			},
		}
		r.start(rec, in, false, start)
		r.finish(rec, start, &ending{
			state: StateError, duration: 5, first: 6, stream: 7, entries: 8, refs: 9, bytes: 10,
			result: &Result{true, 32, "noSuchObject", "dc=x", "text", "52e", "hint", PasswordPolicy{"a", "b", 1}, []string{"ldap://x"}, "noSuchObject"},
		})
	}
	return r.Latest(1).Operations[0]
}
