// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// ending is how an operation ended.
type ending struct {
	state    State
	duration time.Duration
	first    time.Duration
	stream   time.Duration
	result   *Result // never nil
	entries  int
	refs     int
	bytes    int64
	raw      []string
}

func (e *ending) apply(rec *record) {
	rec.state, rec.duration, rec.first, rec.stream = e.state, e.duration, e.first, e.stream
	rec.entries, rec.references, rec.received, rec.raw = e.entries, e.refs, e.bytes, e.raw
	if rec.successful = e.result == &success; !rec.successful {
		rec.more().result = e.result
	}
}

// finish publishes the end of an operation without an answer, once. failure is its error.type, "" for one that gets none.
func (c *Conn) finish(k *call, failure ErrorType, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.ended:
	case k.seen == 0:
		k.cut = cmp.Or(k.cut, failure)
	default:
		c.end(k, nil, nil, failure, now)
	}
}

// answer publishes the end of an operation by its last answer. alone tells that nobody else took the call off the list of
// those that wait. It runs in the goroutine that reads.
func (c *Conn) answer(k *call, r *wire.Result, bytes int, alone bool, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hear(bytes, now)
	k.code, k.answered, k.settled = r.Code, true, alone
	if !k.ended {
		c.end(k, r, &c.heard, "", now)
	}
}

// hear counts one message of the answer. The caller holds mu.
func (k *call) hear(bytes int, now time.Time) {
	if k.first.IsZero() {
		k.first = now
	}
	k.last = now
	k.bytes += int64(bytes)
}

// end publishes the end of an operation whose start is published, and counts what came in with it. The caller holds the
// call's mu.
func (c *Conn) end(k *call, r *wire.Result, came *traffic, failure ErrorType, now time.Time) {
	k.ended = true
	e := &ending{
		state: StateDone, duration: now.Sub(k.start), entries: k.entries, refs: k.refs, bytes: k.bytes, raw: k.kept,
		result: c.scope.redact.outcome(k, r, failure),
	}
	if !k.first.IsZero() {
		e.first, e.stream = k.first.Sub(k.start), k.last.Sub(k.first)
	}
	switch {
	case failure == ErrorCanceled:
		e.state = StateAbandoned
	case failure == ErrorTimeout:
		e.state = StateTimeout
	case e.result.Failed():
		e.state = StateError
	}
	c.domain.ended(k, e, came)
	c.scope.telemetry.end(k, c.endpoint.Load(), e)
	k.op = nil
	if k.recorded != 0 { // last, because from here on the record may be another operation's
		c.scope.recorder.finish(k.record, now, e)
	}
}

// outcome returns what became of a call: a server's answer, nil without one, and why there is none.
func (r *redactor) outcome(k *call, w *wire.Result, failure ErrorType) *Result {
	if w != nil && w.Plain() && failure == "" && k.urls == nil && k.policy == (PasswordPolicy{}) { // as nearly every one
		return &success
	}
	res := &Result{Policy: k.policy}
	if w != nil {
		r.result(res, k.seen, w)
		if codeFails(k.seen, w.Code) && k.policy.Error != "" {
			res.Hint = k.policy.hint()
		}
	}
	if failure != "" {
		res.Error = failure
	}
	res.Referrals = append(res.Referrals, k.urls...)
	return res
}

// result writes down a server's answer as the level allows.
func (r *redactor) result(res *Result, kind Kind, w *wire.Result) {
	res.Received, res.Code, res.Name = true, w.Code, CodeName(w.Code)
	res.MatchedDN, res.Diagnostic = r.dn(w.MatchedDN), r.text(w.Diagnostic)
	if len(w.Diagnostic) > 0 {
		res.SubCode = SubCode(string(w.Diagnostic))
	}
	res.Hint = Hint(w.Code, res.SubCode)
	if codeFails(kind, w.Code) {
		res.Error = res.Name
	}
	_ = w.Referrals(func(uri []byte) bool {
		if r.level == LevelValues {
			res.Referrals = append(res.Referrals, bounded(string(uri), keptReferral))
		}
		return len(res.Referrals) < keptReferrals
	})
}

// bounds of the referrals that one operation keeps.
const (
	keptReferrals = 16
	keptReferral  = 1 << 10
)
