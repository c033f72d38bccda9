// SPDX-License-Identifier: MIT

package instrument

// over reports whether the ring holds more than it may.
func (r *Recorder) over() bool {
	return r.ops.count > r.limits.Operations || len(r.requests) > r.limits.Operations || r.bytes > r.limits.Bytes-r.stones.bytes()
}

// large reports whether one request holds more than a quarter of the ring.
func (r *Recorder) large(q *request) bool {
	return len(q.ops.held()) > r.limits.Operations/4 || q.bytes > r.limits.Bytes/4
}

// vacancies is the list of what is in the ring, has ended and never had an operation, oldest end first: static files and
// health checks of the application. They may fill an eighth of the ring, so that they do not push out what has operations.
type vacancies struct {
	list  list
	count int
	bytes int
}

// vacancy is the place of a request in that list.
type vacancy struct {
	node
	listed bool
	bytes  int // of the request when it came in
}

func (s *vacancies) add(q *request) {
	if q.vacant.listed {
		return
	}
	q.vacant.listed, q.vacant.bytes = true, q.bytes
	s.list.push(&q.vacant.node)
	s.count++
	s.bytes += q.bytes
}

func (s *vacancies) remove(q *request) {
	if !q.vacant.listed {
		return
	}
	q.vacant.listed = false
	s.list.remove(&q.vacant.node)
	s.count--
	s.bytes -= q.vacant.bytes
}

// over reports whether they fill more than their part of the ring.
func (s *vacancies) over(l Limits) bool { return s.count > l.Operations/8 || s.bytes > l.Bytes/8 }

// evict drops whole requests until the bounds hold: those without operations where they are too many, else the oldest
// first. A request above a quarter of the ring that goes on running or growing loses its oldest operations instead, and
// counts them. grown is the request that has just changed.
func (r *Recorder) evict(grown *request) {
	for r.over() && r.byStart.first != nil {
		if r.vacant.over(r.limits) {
			r.drop(r.vacant.list.first.request, true)
			continue
		}
		victim := r.byStart.first.request
		if len(grown.ops.held()) > 1 && r.large(grown) && grown.held {
			victim = grown
		}
		if len(victim.ops.held()) > 1 && (victim == grown || victim.Running && r.large(victim)) {
			r.forget(victim.ops.shift(), true)
			victim.Dropped++
			continue
		}
		r.drop(victim, true)
	}
}

// drop forgets a request with all its operations.
func (r *Recorder) drop(q *request, evicted bool) {
	for _, rec := range q.ops.held() {
		r.forget(rec, evicted)
	}
	q.Dropped += len(q.ops.held())
	q.ops = operations{}
	if q.held {
		q.held = false
		delete(r.requests, q.ID)
		r.byStart.remove(&q.started)
		r.vacant.remove(q)
		r.bytes -= q.bytes
	}
	r.unlist(&q.change, evicted)
	if r.bucket == q {
		r.bucket = nil
	}
}

// forget takes one operation out of the ring; the caller takes it out of its request. One that still runs is its call's
// until it ends.
func (r *Recorder) forget(rec *record, evicted bool) {
	r.ops.remove(rec)
	r.unlist(&rec.change, evicted)
	r.grow(rec.request, -rec.bytes)
	if evicted {
		r.lost++
	}
	r.stones.add(rec.seq, rec.kind)
	if rec.state != StateRunning {
		rec.recycle()
	}
}

// unlist takes a node out of the list by update. What was evicted, and not cleared, leaves a gap for its readers.
func (r *Recorder) unlist(n *node, evicted bool) {
	if n.updated == 0 {
		return
	}
	r.byUpdate.remove(n)
	if evicted {
		r.evicted = max(r.evicted, n.updated)
	}
	n.updated = 0
}

// Clear forgets everything that has ended; what still runs stays.
func (r *Recorder) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := r.byStart.first; n != nil; {
		q, following := n.request, n.next
		switch {
		case q.active == 0 && (!q.Running || q.Kind == Background):
			r.drop(q, false)
		default:
			r.clear(q)
		}
		n = following
	}
	r.seq++
	r.cleared = r.seq
	r.wake()
}

// clear forgets the operations of a running request that have ended.
func (r *Recorder) clear(q *request) {
	var open operations
	for _, rec := range q.ops.held() {
		if rec.state == StateRunning {
			open.add(rec)
			continue
		}
		r.forget(rec, false)
		q.Dropped++
	}
	q.ops = open
}

// tombstones remember what operations were that have left, the newest ones only: each in the place that its number gives it,
// where a later one takes it from it.
type tombstones []uint64 // seq and kind; 0 for none

const (
	stoneBytes = 8
	mostStones = 100_000
)

// newTombstones takes a thirtieth of a recorder's memory at most.
func newTombstones(bytes int) tombstones {
	return make(tombstones, min(mostStones, bytes/(30*stoneBytes)))
}

func (t tombstones) bytes() int { return len(t) * stoneBytes }

func (t tombstones) add(seq uint64, kind Kind) {
	if len(t) > 0 {
		t[seq%uint64(len(t))] = seq<<8 | uint64(kind)
	}
}

// kind returns what an operation was.
func (t tombstones) kind(seq uint64) (kind Kind, known bool) {
	if len(t) == 0 {
		return 0, false
	}
	stone := t[seq%uint64(len(t))]
	return Kind(stone & 0xff), stone>>8 == seq && stone != 0
}
