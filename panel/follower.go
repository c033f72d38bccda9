// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/json"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel/query"
)

// follower is one live connection: a cursor into the recorder and a query. It belongs to one goroutine.
type follower struct {
	panel    *Panel
	recorder *instrument.Recorder
	query    query.Query
	text     string // of the query
	cursor   uint64
	cleared  uint64
	seen     int  // operations that ended, for the rate
	stale    bool // see next
	sampled  time.Time
	pace     pace
}

func (p *Panel) follow() *follower {
	return &follower{panel: p, recorder: p.config.Scope.Recorder(), sampled: time.Now()}
}

// The bounds of what one frame carries, of what a browser gets at first, and of how far behind one may be and still be
// sent everything.
const (
	frameRows    = 1000
	framesAtOnce = 20
	tailRows     = 500
	mostBehind   = 5000 // operations
	changesOfOne = 4    // of the recorder, for one operation: its start and its end, each with its request's
)

// framed is a frame as it travels. to is the cursor of whoever has read it.
type framed struct {
	body []byte
	to   uint64
}

// frame encodes a frame that does not move the cursor.
func (f *follower) frame(frame any) framed {
	body, err := json.Marshal(frame)
	if err != nil {
		panic(err) //nolint:forbidigo // a frame holds texts and numbers
	}
	return framed{body, f.cursor}
}

func (f *follower) welcome() framed {
	s := f.recorder.Stats()
	c := f.panel.config
	return f.frame(welcomeFrame{
		Type: "welcome", Epoch: s.Epoch, Version: c.Version, First: s.First, Last: s.Last, Recording: s.Recording,
		Limits: limitsRow{s.Limits.Operations, s.Limits.Bytes}, Level: c.Scope.Policy().Level.String(), Now: stamp(time.Now()),
		Features: map[string]bool{
			"domains": c.Domains != nil, "history": c.History != nil, "users": c.Users != nil, "replay": c.Replay != nil, "metrics": c.Metrics != nil,
		},
		Jaeger: c.JaegerURL,
	})
}

// start sets the query and the cursor as a hello asks, and returns the frames that answer it.
func (f *follower) start(m message) []framed {
	frames := []framed{f.welcome()}
	problem, bad := f.setQuery(m.Q)
	if m.Mode == "resume" && m.Epoch == f.recorder.Epoch() {
		f.cursor = min(m.After, f.recorder.Stats().Last)
		frames = append(frames, f.resume()...)
	} else {
		frames = append(frames, f.backfill())
	}
	if bad { // last: a backfill answers a query that parses
		frames = append(frames, problem)
	}
	return frames
}

// resume goes on after the cursor. A reader who was away for long gets the newest operations, and is told what was left out.
func (f *follower) resume() []framed {
	behind := f.recorder.Stats().Last - f.cursor
	if behind <= mostBehind*changesOfOne {
		return f.next()
	}
	newest := f.recorder.Before(mostBehind)
	if newest <= f.cursor {
		return f.next()
	}
	from := f.cursor + 1
	f.cursor = newest
	return append([]framed{f.frame(gapFrame{"gap", f.recorder.Epoch(), from, newest, "skipped"})}, f.next()...)
}

// backfill starts anew with the newest operations that the query chooses.
func (f *follower) backfill() framed {
	changes := instrument.Changes{Epoch: f.recorder.Epoch()}
	if f.query.Empty() {
		changes = f.recorder.Latest(tailRows)
	} else {
		changes.To = f.recorder.Stats().Last
		f.panel.matching(0, f.query, func(op *instrument.Operation) bool {
			if changes.Operations = append(changes.Operations, *op); len(changes.Operations) > 2*tailRows {
				keepNewest(&changes)
			}
			return true
		})
		keepNewest(&changes)
		changes.Requests = f.requestsOf(changes.Operations)
	}
	f.cursor = changes.To
	head := framehead{Type: "backfill", Epoch: changes.Epoch, From: changes.From, To: changes.To, Reset: true, More: changes.More}
	body := newPacker(changes.Operations, changes.Requests).frame(head, changes.Operations, changes.Requests, f.panel.verdict)
	return framed{body, f.cursor}
}

// keepNewest leaves the newest operations of a backfill, and tells after which change they begin.
func keepNewest(changes *instrument.Changes) {
	if more := len(changes.Operations) - tailRows; more > 0 {
		changes.From, changes.More = changes.Operations[more-1].Updated, true
		changes.Operations = append(changes.Operations[:0], changes.Operations[more:]...)
	}
}

func (f *follower) requestsOf(operations []instrument.Operation) (list []instrument.Request) {
	listed := map[string]bool{}
	for i := range operations {
		if id := operations[i].RequestID; !listed[id] {
			listed[id] = true
			if q, ok := f.recorder.Summary(id); ok {
				list = append(list, q)
			}
		}
	}
	return list
}

// next returns what changed since the cursor, as far as one turn goes. stale is set when that was read for another reader a
// moment ago: what came since may wait for the next turn, so that many readers share few frames.
func (f *follower) next() (frames []framed) {
	f.stale = false
	for len(frames) < framesAtOnce {
		s, fresh := f.panel.segments.after(f)
		if s.cleared > f.cleared {
			f.cleared = s.cleared
			frames = append(frames, f.frame(clearedFrame{"cleared", f.recorder.Epoch(), s.cleared}))
		}
		if s.gap != nil {
			frames = append(frames, f.frame(gapFrame{"gap", f.recorder.Epoch(), s.gap.From, s.gap.To, "evicted"}))
		}
		if s.to == f.cursor {
			return frames
		}
		f.cursor = s.to
		f.seen += s.ended
		frames = append(frames, framed{s.body, s.to})
		f.stale = !fresh && !s.more && time.Since(s.made) < flushInterval
		if f.stale || fresh && !s.more {
			return frames
		}
	}
	return frames
}

// setQuery changes the query; a text that does not parse leaves it as it was.
func (f *follower) setQuery(text string) (problem framed, bad bool) {
	q, err := query.Parse(text, time.Now())
	if err != nil {
		return f.frame(problemFrame{"problem", f.recorder.Epoch(), "the query does not parse " + err.Error(), true}), true
	}
	f.query, f.text = q, text
	return framed{}, false
}

func (f *follower) problem(message string) framed {
	return f.frame(problemFrame{"problem", f.recorder.Epoch(), message, false})
}

func (f *follower) stats(now time.Time) framed {
	s := f.recorder.Stats()
	rate := float64(f.seen) / max(now.Sub(f.sampled).Seconds(), 0.001)
	f.seen, f.sampled = 0, now
	return f.frame(statsFrame{
		Type: "stats", Epoch: s.Epoch, Rate: rate, Operations: s.Operations, Requests: s.Requests, Bytes: s.Bytes, Evicted: s.Evicted,
		Recording: s.Recording, Last: s.Last, LagUS: f.pace.lag(now).Microseconds(), Pace: f.pace.level(now).String(),
	})
}
