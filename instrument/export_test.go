// SPDX-License-Identifier: MIT

package instrument

import "context"

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
