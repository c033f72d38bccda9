// SPDX-License-Identifier: MIT

package instrument

import (
	"slices"
	"sync"
)

// callStack is where an operation was asked for: program counters, the innermost first, zero behind the last.
type callStack [callerDepth]uintptr

const callerDepth = 24

// counters returns the program counters alone.
func (s *callStack) counters() []uintptr {
	if n := slices.Index(s[:], 0); n >= 0 {
		return s[:n]
	}
	return s[:]
}

// stacks keeps every call stack once: an application asks from few places, and very often.
type stacks struct {
	mu    sync.RWMutex // guards known
	known map[callStack]*callStack
}

// mostStacks bounds what is kept, about 2 MiB; a stack beyond it belongs to its operation alone.
const mostStacks = 4096

// one returns the one copy of a stack, nil for an empty one.
func (s *stacks) one(stack *callStack) *callStack {
	if stack[0] == 0 {
		return nil
	}
	s.mu.RLock()
	known := s.known[*stack]
	s.mu.RUnlock()
	if known != nil {
		return known
	}
	known = new(callStack)
	*known = *stack
	s.mu.Lock()
	defer s.mu.Unlock()
	switch other := s.known[*stack]; {
	case other != nil:
		return other
	case s.known == nil:
		s.known = map[callStack]*callStack{}
		fallthrough
	case len(s.known) < mostStacks:
		s.known[*stack] = known
	}
	return known
}
