// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"sync"
	"time"
)

// maxRemembered bounds each of the caches and counters of a domain.
const maxRemembered = 10_000

// remembered is a bounded map whose entries expire. Only what a server said is put in, never a failure.
type remembered[V any] struct {
	mu      sync.Mutex // guards entries
	entries map[string]dated[V]
}

type dated[V any] struct {
	value V
	until time.Time
}

func (r *remembered[V]) get(key string, now time.Time) (value V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[key]
	if !ok || !now.Before(e.until) {
		return value, false
	}
	return e.value, true
}

func (r *remembered[V]) put(key string, value V, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries == nil {
		r.entries = map[string]dated[V]{}
	}
	if _, known := r.entries[key]; !known && len(r.entries) >= maxRemembered {
		r.makeRoom(time.Now())
	}
	r.entries[key] = dated[V]{value, until}
}

// makeRoom drops what has expired, or else any tenth.
func (r *remembered[V]) makeRoom(now time.Time) {
	for key, e := range r.entries {
		if !now.Before(e.until) {
			delete(r.entries, key)
		}
	}
	for key := range r.entries {
		if len(r.entries) < maxRemembered*9/10 {
			return
		}
		delete(r.entries, key)
	}
}

func (r *remembered[V]) drop(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, key)
}

// dropAll drops what is told to be dropped, and returns it.
func (r *remembered[V]) dropAll(is func(key string, value V) bool) (dropped []V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, e := range r.entries {
		if is(key, e.value) {
			dropped = append(dropped, e.value)
			delete(r.entries, key)
		}
	}
	return dropped
}

func (r *remembered[V]) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = nil
}
