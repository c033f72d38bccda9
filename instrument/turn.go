// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// turn is the right to send, which one goroutine has at a time. It is waited for under a context, in the order in which it
// was asked for. A channel would do the same at four times the price, which every operation pays. The zero value is free.
type turn struct {
	state   atomic.Int32
	mu      sync.Mutex      // guards waiting; state changes from and to turnAwaited under it
	waiting []chan struct{} // oldest first, each closed when the turn is its
}

// The states of a turn.
const (
	turnFree int32 = iota
	turnTaken
	turnAwaited // taken, and somebody may wait
)

// take waits for the turn; false means that the context ended first.
func (t *turn) take(ctx context.Context) bool {
	return t.state.CompareAndSwap(turnFree, turnTaken) || t.await(ctx)
}

func (t *turn) await(ctx context.Context) bool {
	t.mu.Lock()
	if t.state.Swap(turnAwaited) == turnFree {
		t.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-ctx.Done():
	}
	t.mu.Lock()
	at := slices.Index(t.waiting, mine)
	if at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
	}
	t.mu.Unlock()
	if at < 0 { // it came in the same moment
		t.giveBack()
	}
	return false
}

// giveBack ends the turn of who has it.
func (t *turn) giveBack() {
	if t.state.CompareAndSwap(turnTaken, turnFree) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.state.Store(turnFree)
		return
	}
	close(t.waiting[0])
	t.waiting = slices.Delete(t.waiting, 0, 1)
}
