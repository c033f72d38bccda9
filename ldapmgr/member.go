// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// member is one connection of a pool. The fields without an atomic type belong to the pool's lock.
type member struct {
	client   *instrument.Client
	endpoint *endpoint
	making   time.Duration // what it took to make it
	expires  time.Time
	maxIdle  time.Duration
	used     time.Time // when it was last given back
	uses     int

	gate gate

	lent     atomic.Int64 // when it was lent, in nanoseconds of the endpoint's clock; 0 while idle
	stack    [12]uintptr  // of the borrower, set before lent
	traced   atomic.Int64 // the loan that stack belongs to
	reported atomic.Bool  // the leak was told
	killed   atomic.Bool  // closed by the keeper, because its server is frozen
}

// held returns for how long the connection has been lent. Its borrower calls it.
func (m *member) held(now time.Time) time.Duration {
	return time.Duration(m.endpoint.clock(now) - m.lent.Load())
}

// tellWait tells the next operation what its borrower waited for, and not what one before waited for who sent nothing. The
// making of the connection is a part of it where that was begun for this borrower.
func (m *member) tellWait(waited time.Duration) {
	if m.uses == 0 && waited >= m.making {
		waited -= m.making
	} else {
		m.client.ForgetWait()
	}
	if waited > 0 {
		m.client.Waited(instrument.Timing{WaitPool: waited})
	}
}

// leaseDepth is how many frames lie between runtime.Callers and who calls a method of Domain.
const leaseDepth = 4

// lend marks a loan. The caller holds the pool's lock.
func (m *member) lend(now time.Time) {
	m.reported.Store(false)
	m.lent.Store(m.endpoint.clock(now))
}

// remember keeps the borrower's stack for a leak report.
func (m *member) remember() {
	n := runtime.Callers(leaseDepth, m.stack[:])
	clear(m.stack[n:])
	m.traced.Store(m.lent.Load())
}

// unfit returns why the connection may not be lent, as far as can be told without asking the server, and 0 where it may.
func (m *member) unfit(now time.Time) instrument.CloseReason {
	switch err := m.client.Err(); {
	case m.killed.Load():
		return instrument.CloseServer
	case err != nil:
		return ended(err)
	case m.client.Conn().IsClosing():
		return instrument.CloseError
	case !now.Before(m.expires):
		return instrument.CloseLifetime
	}
	return 0
}

// ended tells a server that took leave, or just closed, from everything else that ends a connection.
func ended(err error) instrument.CloseReason {
	if errors.Is(err, io.EOF) || errors.As(err, new(*instrument.DisconnectError)) {
		return instrument.CloseServer
	}
	return instrument.CloseError
}

// jitter shortens d by up to a tenth, so that connections made together do not end together.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/10+1)) //nolint:gosec // spreading needs no secrecy
}
