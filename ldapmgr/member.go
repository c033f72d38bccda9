// SPDX-License-Identifier: MIT

package ldapmgr

import (
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
	setup    time.Duration // what its bind took, told to its first borrower
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

// fit reports whether the connection may be lent, as far as can be told without asking the server.
func (m *member) fit(now time.Time) bool {
	return m.client.Err() == nil && !m.client.Conn().IsClosing() && now.Before(m.expires) && !m.killed.Load()
}

// jitter shortens d by up to a tenth, so that connections made together do not end together.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/10+1)) //nolint:gosec // spreading needs no secrecy
}
