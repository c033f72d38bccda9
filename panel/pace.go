// SPDX-License-Identifier: MIT

package panel

import (
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel/query"
)

// paceLevel is how much a reader is sent who does not keep up. The recorder never waits for one.
type paceLevel uint8

const (
	paceLive      paceLevel = iota // everything, every 50 ms
	paceCoalesced                  // everything that has ended, every 250 ms
	paceSampled                    // errors, slow operations and repeats; the others are counted
	paceSummary                    // numbers only, until the reader has caught up
)

// String returns the word that the page shows.
func (l paceLevel) String() string {
	return [...]string{"live", "coalesced", "sampled", "summary"}[l]
}

// leavesOut reports whether an operation is not sent at this level.
func (l paceLevel) leavesOut(op *instrument.Operation) bool {
	switch l {
	case paceLive:
		return false
	case paceCoalesced:
		return op.State == instrument.StateRunning
	}
	return !op.Result.Failed() && op.Duration < query.Slow && op.Repeat == 0
}

// flush is the time within which changes become one frame.
func (l paceLevel) flush() time.Duration {
	if l == paceLive {
		return flushInterval
	}
	return 5 * flushInterval
}

// From these lags on a reader is sent less. A reader acknowledges several times a second.
const (
	lagCoalesced = time.Second
	lagSampled   = 2500 * time.Millisecond
	lagSummary   = 6 * time.Second
	slowWrite    = 50 * time.Millisecond
	calm         = 3 * time.Second // without lag, before a reader is sent more again
	mostUnacked  = 1024
)

// pace follows how far a reader is behind what was sent. It belongs to one goroutine. Readers that acknowledge nothing, as
// those of server-sent events, are judged by how long writing takes.
type pace struct {
	unacked []sent
	known   uint64 // highest number that was acknowledged
	acks    bool
	slow    time.Duration // the last write
	current paceLevel
	since   time.Time // when the current level was last needed
}

type sent struct {
	to uint64
	at time.Time
}

// wrote remembers rows that were sent.
func (p *pace) wrote(to uint64, now time.Time) {
	if n := len(p.unacked); to <= p.known || n > 0 && p.unacked[n-1].to >= to {
		return
	}
	if p.unacked = append(p.unacked, sent{to, now}); len(p.unacked) > mostUnacked {
		p.unacked = append(p.unacked[:0], p.unacked[mostUnacked/2:]...)
	}
}

func (p *pace) acked(to uint64) {
	p.acks, p.known = true, max(p.known, to)
	n := 0
	for n < len(p.unacked) && p.unacked[n].to <= to {
		n++
	}
	p.unacked = append(p.unacked[:0], p.unacked[n:]...)
}

// lag is the age of the oldest rows that the reader has not acknowledged, or how long the last write took.
func (p *pace) lag(now time.Time) time.Duration {
	if p.acks && len(p.unacked) > 0 {
		return max(now.Sub(p.unacked[0].at), p.slow)
	}
	return p.slow
}

// level decides anew: at once for less, after a while of calm for more.
func (p *pace) level(now time.Time) paceLevel {
	needed := paceLive
	switch lag := p.lag(now); {
	case lag > lagSummary:
		needed = paceSummary
	case lag > lagSampled:
		needed = paceSampled
	case lag > lagCoalesced || p.slow > slowWrite:
		needed = paceCoalesced
	}
	if needed >= p.current {
		p.current, p.since = needed, now
	} else if now.Sub(p.since) > calm {
		p.current, p.since = p.current-1, now
	}
	return p.current
}
