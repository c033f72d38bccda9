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
	result   Result
	entries  int
	refs     int
	bytes    int64
	raw      []string
}

func (e *ending) apply(rec *record) {
	rec.state, rec.duration, rec.first, rec.stream = e.state, e.duration, e.first, e.stream
	rec.entries, rec.references, rec.received, rec.raw = e.entries, e.refs, e.bytes, e.raw
	if rec.successful = e.result.plain(); !rec.successful {
		rec.more().result = e.result
	}
}

// finish publishes the end of an operation, once. failure is the error.type when no result came.
func (c *Conn) finish(k *call, r *wire.Result, failure ErrorType, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r != nil {
		k.code, k.answered, k.settled = r.Code, true, c.settle(k, now)
	}
	switch {
	case k.ended:
	case k.seen == 0:
		k.cut = cmp.Or(k.cut, failure)
	default:
		c.end(k, r, failure, now)
	}
}

// end publishes the end of an operation whose start is published. The caller holds the call's mu.
func (c *Conn) end(k *call, r *wire.Result, failure ErrorType, now time.Time) {
	k.ended = true
	e := &ending{state: StateDone, duration: now.Sub(k.start), entries: k.entries, refs: k.refs, bytes: k.bytes, raw: k.kept}
	if !k.first.IsZero() {
		e.first, e.stream = k.first.Sub(k.start), k.last.Sub(k.first)
	}
	if r != nil {
		c.scope.redact.result(&e.result, k.seen, r)
		if e.result.Policy = k.policy; codeFails(k.seen, r.Code) && k.policy.Error != "" {
			e.result.Hint = k.policy.hint()
		}
	}
	if failure != "" {
		e.result.Error = failure
	}
	e.result.Referrals = append(e.result.Referrals, k.urls...)
	switch {
	case failure == ErrorCanceled:
		e.state = StateAbandoned
	case failure == ErrorTimeout:
		e.state = StateTimeout
	case e.result.Failed():
		e.state = StateError
	}
	c.domain.ended(k, e)
	c.scope.telemetry.end(k, c.endpoint.Load(), e)
	k.op = nil
	if k.recorded != 0 { // last, because from here on the record may be another operation's
		c.scope.recorder.finish(k.record, now, e)
	}
}

// result writes down a server's answer as the level allows.
func (r redactor) result(res *Result, kind Kind, w *wire.Result) {
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
