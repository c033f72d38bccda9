// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"slices"
	"time"
)

// Changes is what happened in a Recorder after a cursor.
type Changes struct {
	Epoch      string
	From, To   uint64 // the changes cover From < seq <= To without a hole, but for Gap
	Gap        *Gap
	Cleared    uint64      // seq of the last Clear; what was updated before it and has ended is gone
	Operations []Operation // each once, in its newest form, least recently changed first
	Requests   []Request
	More       bool // the limit was reached before the newest change
}

// Gap says that changes were evicted before they were read.
type Gap struct{ From, To uint64 }

// Since returns up to limit operations and requests that changed after the cursor, the least recently changed first.
// Entries are left out unless asked for by Operation. A cursor of 0 starts with what is held, without a gap.
func (r *Recorder) Since(after uint64, limit int) Changes {
	limit = max(limit, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	c := Changes{Epoch: r.epoch, From: after, To: r.seq, Cleared: r.cleared}
	if after > 0 && after < r.evicted {
		c.Gap = &Gap{after + 1, r.evicted}
	}
	now := time.Now()
	for e := r.changedAfter(after); e != nil; e = e.next {
		if len(c.Operations)+len(c.Requests) >= limit {
			c.More, c.To = true, e.prev.updated
			break
		}
		if e.op != nil {
			c.Operations = append(c.Operations, r.row(e.op, now))
		} else {
			c.Requests = append(c.Requests, e.request.view(now))
		}
	}
	return c
}

// Latest is Since for a reader without a cursor: the newest limit operations with their requests, and the newest requests
// that made no operation.
func (r *Recorder) Latest(limit int) Changes {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	c := Changes{Epoch: r.epoch, To: r.seq, Cleared: r.cleared}
	listed := map[*request]bool{}
	include := func(q *request) {
		if !listed[q] {
			listed[q] = true
			c.Requests = append(c.Requests, q.view(now))
		}
	}
	for e := r.byUpdate.last; e != nil; e = e.prev {
		if e.op == nil {
			if len(c.Requests) < limit {
				include(e.request)
			}
			continue
		}
		if len(c.Operations) >= limit {
			c.From, c.More = e.updated, true
			break
		}
		c.Operations = append(c.Operations, r.row(e.op, now))
		include(e.op.request)
	}
	slices.Reverse(c.Operations)
	slices.SortFunc(c.Requests, func(a, b Request) int { return cmp.Compare(a.Updated, b.Updated) })
	return c
}

// changedAfter returns the first node that changed after the cursor. It walks from the end that is probably nearer:
// numbers are spread evenly enough.
func (r *Recorder) changedAfter(after uint64) *node {
	first, last := r.byUpdate.first, r.byUpdate.last
	switch {
	case first == nil || last.updated <= after:
		return nil
	case after < first.updated || after-first.updated < last.updated-after:
		e := first
		for e.updated <= after {
			e = e.next
		}
		return e
	}
	e := last
	for e.prev != nil && e.prev.updated > after {
		e = e.prev
	}
	return e
}

// Operation returns one operation whole. gone is true when it was held and is not any more; what is then its kind, or ""
// when it left so long ago that this is forgotten too.
func (r *Recorder) Operation(seq uint64) (op Operation, ok, gone bool, what string) {
	op, raw, ok, gone, what := r.find(seq)
	if ok {
		op.EntryList = keptEntries(raw) // may take long, so that the recorder is free meanwhile
	}
	return op, ok, gone, what
}

// find is Operation with the entries as they are kept.
func (r *Recorder) find(seq uint64) (op Operation, raw []string, ok, gone bool, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.ops.find(seq); rec != nil {
		return r.row(rec, time.Now()), slices.Clone(rec.raw), true, false, ""
	}
	if kind, known := r.stones.kind(seq); known {
		return Operation{}, nil, false, true, kind.String()
	}
	return Operation{}, nil, false, seq > 0 && seq <= r.evicted, ""
}

// Before returns the cursor after which the newest n operations changed, or 0 when no more than n are held.
func (r *Recorder) Before(n int) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.byUpdate.last; e != nil; e = e.prev {
		if e.op == nil {
			continue
		}
		if n--; n < 0 {
			return e.updated
		}
	}
	return 0
}

// Requests returns up to limit requests and jobs that changed after the cursor, the oldest start first. Where there are
// more, they are the least recently changed ones, so that a reader who goes on after the highest Updated misses none.
func (r *Recorder) Requests(after uint64, limit int) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	var page []Request
	for e := r.changedAfter(after); e != nil && len(page) < limit; e = e.next {
		if e.op == nil {
			page = append(page, e.request.view(now))
		}
	}
	slices.SortStableFunc(page, func(a, b Request) int { return a.Start.Compare(b.Start) })
	return page
}

// NewestRequests returns up to limit requests and jobs, those that began last, the oldest start first.
func (r *Recorder) NewestRequests(limit int) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	var newest []Request
	for n := r.byStart.last; n != nil && len(newest) < limit; n = n.prev {
		newest = append(newest, n.request.view(now))
	}
	slices.Reverse(newest)
	return newest
}

// Request returns one request with the operations that are still held, the first first.
func (r *Recorder) Request(id string) (Request, []Operation, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q, ok := r.requests[id]
	if !ok {
		return Request{}, nil, false
	}
	now := time.Now()
	ops := make([]Operation, 0, len(q.ops.held()))
	for _, rec := range q.ops.held() {
		ops = append(ops, r.row(rec, now))
	}
	return q.view(now), ops, true
}

// Summary returns one request without its operations.
func (r *Recorder) Summary(id string) (Request, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q, ok := r.requests[id]
	if !ok {
		return Request{}, false
	}
	return q.view(time.Now()), true
}
