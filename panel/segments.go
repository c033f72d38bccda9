// SPDX-License-Identifier: MIT

package panel

import (
	"strings"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// segment is what changed between two numbers, encoded once for every reader that asks the same. A reader whose cursor lies
// within it takes it whole: rows are whole, and one that is read twice does no harm.
type segment struct {
	from, to uint64
	cleared  uint64
	gap      *instrument.Gap
	more     bool
	ended    int // operations in it that have ended
	made     time.Time
	body     []byte
}

// segments are the newest segments of each query that somebody follows.
type segments struct {
	mu     sync.Mutex // guards recent
	recent map[string][]*segment
}

// The bounds of what is kept for other readers.
const (
	segmentsKept = 32
	queriesKept  = 16
)

// after returns the segment behind a reader's cursor. fresh tells that it was made just now; one that was made for another
// reader knows nothing of what came since.
func (s *segments) after(f *follower) (found *segment, fresh bool) {
	level := f.pace.current
	if level != paceLive || strings.Contains(f.text, "since:") { // which counts from when it was asked
		return f.segment(level), true
	}
	s.mu.Lock()
	defer s.mu.Unlock() // while one reader encodes, the others wait: they would do the same
	for _, known := range s.recent[f.text] {
		if known.from <= f.cursor && f.cursor < known.to && known.gap == nil {
			return known, false
		}
	}
	made := f.segment(level)
	if made.to == f.cursor || made.gap != nil {
		return made, true
	}
	if s.recent == nil || len(s.recent) > queriesKept {
		s.recent = map[string][]*segment{}
	}
	kept := append(s.recent[f.text], made)
	if more := len(kept) - segmentsKept; more > 0 {
		clear(kept[:more])
		kept = kept[more:]
	}
	s.recent[f.text] = kept
	return made, true
}

// segment encodes what changed behind the cursor.
func (f *follower) segment(level paceLevel) *segment {
	changes := f.recorder.Since(f.cursor, frameRows)
	s := &segment{made: time.Now(), from: f.cursor, to: changes.To, cleared: changes.Cleared, gap: changes.Gap, more: changes.More}
	if changes.To == f.cursor {
		return s
	}
	head := framehead{Type: "batch", Epoch: changes.Epoch, From: f.cursor, To: changes.To}
	head.Left, s.ended = f.choose(&changes, level)
	s.body = newPacker(changes.Operations, changes.Requests).frame(head, changes.Operations, changes.Requests, f.panel.verdict)
	return s
}

// choose leaves what the query chooses and the level lets through. With a query, a request is sent only with one of its
// operations.
func (f *follower) choose(changes *instrument.Changes, level paceLevel) (left, ended int) {
	requests := requestCache{panel: f.panel}
	for i := range changes.Requests {
		requests.add(&changes.Requests[i])
	}
	chosen := map[string]bool{}
	kept := changes.Operations[:0]
	for i := range changes.Operations {
		op := &changes.Operations[i]
		if !f.query.Empty() && !f.query.Match(requests.subject(op)) {
			continue
		}
		if op.State != instrument.StateRunning {
			ended++
		}
		if level.leavesOut(op) {
			if op.State != instrument.StateRunning {
				left++
			}
			continue
		}
		chosen[op.RequestID] = true
		kept = append(kept, *op)
	}
	changes.Operations = kept
	if f.query.Empty() {
		return left, ended
	}
	some := changes.Requests[:0]
	for _, q := range changes.Requests {
		if chosen[q.ID] {
			some = append(some, q)
			delete(chosen, q.ID)
		}
	}
	changes.Requests = some
	for id := range chosen { // did not change itself, or in another segment, and may be unknown to the reader
		if q := requests.known[id]; q != nil {
			changes.Requests = append(changes.Requests, *q)
		}
	}
	return left, ended
}
