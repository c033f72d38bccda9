// SPDX-License-Identifier: MIT

package instrument

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder keeps the newest operations with the HTTP requests and jobs that they belong to, bounded by number and memory.
// Every change gets the next sequence number. A reader keeps a cursor and asks for what has changed since; it is never
// waited for, and what it missed because it was evicted is told as a gap. All methods are safe for concurrent use.
type Recorder struct {
	epoch  string
	limits Limits
	off    atomic.Bool // changes under mu

	mu       sync.Mutex // guards everything below
	seq      uint64
	ops      numbered
	requests map[string]*request
	running  map[*request]struct{} // HTTP requests and jobs in flight, held or not
	byStart  list                  // requests, oldest first
	byUpdate list                  // both, least recently changed first
	vacant   vacancies
	bytes    int    // estimate of the memory that requests and operations hold
	evicted  uint64 // highest Updated of anything that was evicted
	lost     uint64 // operations evicted so far
	cleared  uint64 // seq of the last Clear
	stones   tombstones
	watchers map[chan struct{}]struct{}
	bucket   *request // open background bucket
	buckets  uint64
}

// Limits bound a Recorder.
type Limits struct {
	Operations int // operations, and likewise requests; default 100,000
	Bytes      int // estimated memory; default 64 MiB
}

func newRecorder(limits Limits) *Recorder {
	if limits.Operations <= 0 {
		limits.Operations = 100_000
	}
	if limits.Bytes <= 0 {
		limits.Bytes = 64 << 20
	}
	return &Recorder{
		epoch: randomID(), limits: limits, requests: map[string]*request{},
		running: map[*request]struct{}{}, stones: newTombstones(limits.Bytes), watchers: map[chan struct{}]struct{}{},
	}
}

// randomID names a recorder or a request: 16 hexadecimal digits.
func randomID() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails, see crypto/rand
	return hex.EncodeToString(id)
}

// Epoch identifies this recorder; sequence numbers of different epochs have nothing to do with each other.
func (r *Recorder) Epoch() string { return r.epoch }

// touch gives a node the next sequence number and moves it to the end of the list by update.
func (r *Recorder) touch(n *node) uint64 {
	r.seq++
	if n.updated != 0 {
		r.byUpdate.remove(n)
	}
	n.updated = r.seq
	r.byUpdate.push(n)
	return r.seq
}

// start stores a running operation under its request and returns its number, 0 when it is not recorded. Without a request
// it belongs to the background or, where guess allows, to the only HTTP request or job in flight.
func (r *Recorder) start(rec *record, in *request, guess bool, now time.Time) uint64 {
	rec.bytes = rec.size()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off.Load() {
		return 0
	}
	if in == nil && guess && len(r.running) == 1 {
		for in = range r.running {
			rec.inferred = true
		}
	}
	if in == nil {
		in = r.background(now)
	}
	r.hold(in)
	r.vacant.remove(in)
	rec.change.op = rec
	rec.request = in
	rec.seq = r.touch(&rec.change)
	if rec.call.N == 1 {
		rec.call.ID = rec.seq
	}
	r.ops.add(rec)
	r.bytes += in.begin(rec, now)
	r.publish(in)
	return rec.seq
}

// finish completes the operation, then publishes it. The record is the recorder's from then on.
func (r *Recorder) finish(rec *record, now time.Time, end *ending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end.apply(rec)
	in := rec.request
	in.end(end, now)
	if rec.change.updated == 0 {
		rec.recycle() // evicted or cleared while it ran
		return
	}
	r.touch(&rec.change)
	if rec.details != nil || rec.raw != nil { // else it is as large as before
		r.grow(in, rec.resize())
	}
	r.publish(in)
}

// publish makes a request's change visible: within the bounds, and known to the watchers.
func (r *Recorder) publish(q *request) {
	q.Updated = r.touch(&q.change)
	r.evict(q)
	r.wake()
}

// grow counts memory that a held request takes or gives back.
func (r *Recorder) grow(q *request, bytes int) {
	q.bytes += bytes
	if q.held {
		r.bytes += bytes
	}
}

// hold puts a request into the ring, again where it has left.
func (r *Recorder) hold(q *request) {
	if !q.held {
		q.held = true
		r.requests[q.ID] = q
		r.byStart.push(&q.started)
		r.bytes += q.bytes
	}
}

// wake tells the watchers that there is something new, without ever waiting for one.
func (r *Recorder) wake() {
	if len(r.watchers) == 0 { // to begin to walk an empty map costs more than to see that it is
		return
	}
	for w := range r.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Watch returns a channel that gets a value after changes; several changes may give one value. stop ends it.
func (r *Recorder) Watch() (changed <-chan struct{}, stop func()) {
	w := make(chan struct{}, 1)
	r.mu.Lock()
	r.watchers[w] = struct{}{}
	r.mu.Unlock()
	return w, func() {
		r.mu.Lock()
		delete(r.watchers, w)
		r.mu.Unlock()
	}
}

// SetRecording stops or resumes the storing of operations. Spans, metrics and counters go on.
func (r *Recorder) SetRecording(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off.Store(!on)
	r.wake()
}

// recording reports whether operations are stored, without waiting for anybody.
func (r *Recorder) recording() bool { return !r.off.Load() }

// RecorderStats tells how full a Recorder is.
type RecorderStats struct {
	Epoch      string
	Recording  bool
	First      uint64 // seq of the oldest change still held, 0 when empty
	Last       uint64 // seq of the newest change
	Operations int
	Requests   int
	Bytes      int
	Evicted    uint64 // operations that had to leave
	Limits     Limits
}

// Stats returns how full the recorder is.
func (r *Recorder) Stats() RecorderStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := RecorderStats{
		Epoch: r.epoch, Recording: !r.off.Load(), Last: r.seq, Operations: r.ops.count, Requests: len(r.requests), Bytes: r.bytes,
		Evicted: r.lost, Limits: r.limits,
	}
	if r.byUpdate.first != nil {
		s.First = r.byUpdate.first.updated
	}
	return s
}
