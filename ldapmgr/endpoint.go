// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// EndpointState is what is known of one server.
type EndpointState string

// The states of a server. A server that is suspect or recovering is shown as up or down, with the reason.
const (
	EndpointUnknown EndpointState = "unknown" // not tried yet
	EndpointUp      EndpointState = "up"
	EndpointDown    EndpointState = "down"
)

// The rules of the state machine.
const (
	stallWindow   = 10 * time.Second        // two stalls within this are a failure
	suspectTime   = time.Second             // for how long a server is spared after it was busy or slow
	overtakenTime = 10 * time.Second        // or while an attempt to connect to it goes on, at most
	probeFirst    = 500 * time.Millisecond  // first wait between probes of a server that is down
	probeLast     = 15 * time.Second        // longest wait between probes
	probeAsked    = 800 * time.Millisecond  // longest wait while calls are made
	failbackGood  = 3                       // probes that must succeed before a server is used again
	failbackAfter = 3500 * time.Millisecond // and at least this long from the first to the last; probeAsked comes before it
	probeGrace    = 400 * time.Millisecond  // for an answer to a probe, beside what the distance takes
)

// endpoint is one server of a domain. All methods are safe for concurrent use.
type endpoint struct {
	url     string
	address instrument.Address
	fleet   *fleet
	rank    atomic.Int32 // place in the order of preference, from 0
	alive   atomic.Int64 // last sign of life, in nanoseconds of clock
	reach   atomic.Int64 // what connecting took the last time, in nanoseconds
	secured atomic.Pointer[handshake]

	mu       sync.Mutex // guards what follows
	state    EndpointState
	reason   string // why it is down or spared, in plain words
	since    time.Time
	spare    time.Time // spared until
	stalls   time.Time // the last stall
	interval time.Duration
	probeAt  time.Time // next probe of a server that is down
	probing  bool
	listens  bool      // it is being asked whether it is frozen
	listenAt time.Time // not again before this
	patience time.Duration
	good     int // probes that succeeded in a row while down
	firstOK  time.Time
}

// clock turns an instant into nanoseconds that fit an atomic; they follow the monotonic clock and are never 0.
func (e *endpoint) clock(now time.Time) int64 { return int64(now.Sub(e.fleet.start)) + 1 }

// breathed notes a sign of life.
func (e *endpoint) breathed(now time.Time) { e.alive.Store(e.clock(now)) }

// probeTimeout bounds asking the server whether it is there, with the connecting. A server far away is not taken for a
// frozen one: it gets the time that connecting takes twice on top, once to connect and once for the answer.
func (e *endpoint) probeTimeout() time.Duration { return probeGrace + 2*time.Duration(e.reach.Load()) }

// set changes the state. The caller holds mu.
func (e *endpoint) set(state EndpointState, reason string, now time.Time) {
	if e.state != state {
		e.since = now
		e.fleet.changed(e, state, reason)
	}
	e.state, e.reason = state, reason
}

// connected notes that a connection was made and bound by somebody who needs it.
func (e *endpoint) connected(now time.Time) {
	e.breathed(now)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != EndpointDown {
		e.set(EndpointUp, "", now)
		e.spare = time.Time{}
	}
}

// failed notes that no connection could be made: the server is down until probes say otherwise.
func (e *endpoint) failed(reason string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fall(reason, now)
}

func (e *endpoint) fall(reason string, now time.Time) {
	e.good = 0
	if e.state != EndpointDown {
		e.interval = probeFirst
		e.probeAt = now.Add(fullJitter(e.interval))
		e.fleet.wake()
	}
	e.set(EndpointDown, reason, now)
}

// stalled notes a wait for an answer that a limit ended. The second one within the window takes the server down.
func (e *endpoint) stalled(reason string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stalls.IsZero() && now.Sub(e.stalls) <= stallWindow {
		e.fall(reason, now)
	}
	e.stalls = now
	e.sparedFor(suspectTime, reason, now)
}

// overloaded notes a server that says that it is busy: it is spared for a moment.
func (e *endpoint) overloaded(reason string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sparedFor(suspectTime, reason, now)
}

// overtaken notes that another server was asked because this one takes long to connect to. How that ends is noted later,
// at the latest when the attempt's stages are over.
func (e *endpoint) overtaken(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sparedFor(overtakenTime, "connecting takes long", now)
}

func (e *endpoint) sparedFor(d time.Duration, reason string, now time.Time) {
	e.spare = now.Add(d)
	if e.state != EndpointDown {
		e.reason = reason
	}
}

// probed notes how a probe ended. A server is used again after several good ones, or after one when there is no other.
func (e *endpoint) probed(err error, now time.Time) {
	needed := !e.replaceable(now)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.probing = false
	if e.state != EndpointDown {
		return
	}
	if err != nil {
		e.good = 0
		e.reason = Reason(err)
		e.interval = min(2*e.interval, probeLast)
		e.probeAt = now.Add(fullJitter(e.interval))
		return
	}
	e.breathed(now)
	if e.good == 0 {
		e.firstOK = now
	}
	e.good++
	if needed || e.good >= failbackGood && now.Sub(e.firstOK) >= failbackAfter {
		e.stalls, e.spare, e.good = time.Time{}, time.Time{}, 0
		e.set(EndpointUp, "", now)
		return
	}
	e.interval = probeFirst
	e.probeAt = now.Add(failbackAfter / (failbackGood - 1))
}

// probeDue reports whether it is time to try a server that is down, and takes the turn; otherwise it tells when it will be.
func (e *endpoint) probeDue(asked bool, now time.Time) (due bool, next time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != EndpointDown || e.probing {
		return false, time.Time{}
	}
	if soon := e.probeAt; asked && e.good == 0 && soon.Sub(now) > probeAsked {
		e.probeAt = now.Add(probeAsked)
	}
	if now.Before(e.probeAt) {
		return false, e.probeAt
	}
	e.probing = true
	return true, time.Time{}
}

// startListening takes the turn to ask a server that is silent. A server that turns out to be alive, only slow, is asked
// again after ever longer waits.
func (e *endpoint) startListening(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.listens || e.state == EndpointDown || now.Before(e.listenAt) {
		return false
	}
	e.listens = true
	return true
}

func (e *endpoint) listened(alive bool, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listens = false
	if now.Sub(e.listenAt) > probeLast { // the silence before was another one
		e.patience = 0
	}
	if alive {
		e.patience = min(max(2*e.patience, probeFirst), probeLast)
	}
	e.listenAt = now.Add(e.patience)
}

// usable tells how a server may be used now: preferred, for want of another (spared or recovering), or not at all.
func (e *endpoint) usable(now time.Time) (ok, wanting bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == EndpointDown {
		return false, e.good > 0
	}
	spared := now.Before(e.spare)
	return !spared, spared
}

// spared reports whether connections to this server should rest while others can serve.
func (e *endpoint) spared(now time.Time) bool {
	if p := e.fleet.pinned(now); p != nil {
		return p != e
	}
	ok, _ := e.usable(now)
	return !ok
}

// replaceable reports whether another server could serve in the place of this one.
func (e *endpoint) replaceable(now time.Time) bool {
	return slices.ContainsFunc(e.fleet.servers(), func(other *endpoint) bool {
		if other == e {
			return false
		}
		ok, _ := other.usable(now)
		return ok
	})
}

// draining reports whether connections to this server end when they come back, because a preferred one serves again.
func (e *endpoint) draining(now time.Time) bool {
	if e.rank.Load() == 0 || e.fleet.pinned(now) == e {
		return false
	}
	return slices.ContainsFunc(e.fleet.servers(), func(other *endpoint) bool {
		if other.rank.Load() >= e.rank.Load() {
			return false
		}
		other.mu.Lock()
		defer other.mu.Unlock()
		return other.state == EndpointUp && !now.Before(other.spare)
	})
}

// status returns the state for people.
func (e *endpoint) status() EndpointStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := EndpointStatus{URL: e.url, State: e.state, Reason: e.reason, Since: e.since}
	if e.state == EndpointDown && e.good > 0 {
		s.Reason = "answers again; used after a few more good probes"
	}
	if e.state != EndpointDown && !time.Now().Before(e.spare) {
		s.Reason = ""
	}
	return s
}

func fullJitter(d time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(d))) //nolint:gosec // spreading needs no secrecy
}
