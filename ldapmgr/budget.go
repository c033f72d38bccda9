// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"sync"
	"time"
)

// retryBudget lets a tenth of the calls of the last ten seconds be sent again, so that retries cannot multiply the load on
// servers that fail. A few are always allowed, or a quiet application would never retry.
type retryBudget struct {
	mu      sync.Mutex // guards what follows
	slots   [budgetSlots]budgetSlot
	start   time.Time
	current int64 // second of the newest slot, from start on the monotonic clock
}

type budgetSlot struct{ calls, retries int }

const (
	budgetSlots = 10 // seconds
	budgetShare = 10 // one retry per this many calls
	budgetFloor = 3  // retries per window that need no calls
)

// count notes a call.
func (b *retryBudget) count(now time.Time) {
	b.mu.Lock()
	b.slot(now).calls++
	b.mu.Unlock()
}

// take reports whether a call may be sent again, and counts that it is.
func (b *retryBudget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	slot := b.slot(now)
	calls, retries := 0, 0
	for _, s := range b.slots {
		calls += s.calls
		retries += s.retries
	}
	if retries >= max(budgetFloor, calls/budgetShare) {
		return false
	}
	slot.retries++
	return true
}

// slot returns the slot of now and empties those that are over. The caller holds mu.
func (b *retryBudget) slot(now time.Time) *budgetSlot {
	if b.start.IsZero() {
		b.start = now
	}
	second := int64(now.Sub(b.start) / time.Second)
	if gone := second - b.current; gone > 0 {
		for i := range min(gone, budgetSlots) {
			b.slots[(second-i)%budgetSlots] = budgetSlot{}
		}
		b.current = second
	}
	return &b.slots[b.current%budgetSlots]
}
