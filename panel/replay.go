// SPDX-License-Identifier: MIT

package panel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Asker repeats recorded questions; *ldapmgr.Manager satisfies it.
type Asker interface {
	Repeat(ctx context.Context, op *instrument.Operation, most int) (ldapmgr.Repeated, error)
}

// The bounds of a repeated question.
const (
	replayEntries = 100
	replayTime    = 10 * time.Second
	replayPause   = time.Second
)

// replays lets one question be repeated at a time, and one a second.
type replays struct {
	mu   sync.Mutex // guards last, and is held while a question is repeated
	last time.Time
}

// replayRow says what came now, beside what came then.
type replayRow struct {
	RequestID  string   `json:"request_id"`
	Error      string   `json:"error,omitempty"`
	DurationUS int64    `json:"duration_us"`
	BeforeUS   int64    `json:"before_us"`
	Entries    int      `json:"entries"`
	Before     int      `json:"before"`
	Added      []string `json:"added"`   // names of entries that were not there then; only where then's are all known
	Removed    []string `json:"removed"` // and that are no longer there
	Answer     string   `json:"answer,omitempty"`
}

// replay answers POST api/v1/replay {"seq": 42}: a search, a compare or a who am I is asked once more, as it was recorded.
// The request says which and never what, so that the panel cannot be used to ask anything else.
func (p *Panel) replay(w http.ResponseWriter, r *http.Request) {
	if p.config.Replay == nil {
		fail(w, http.StatusForbidden, "off", "repeating questions is off; start ldapscope with --replay, an application sets Config.Replay")
		return
	}
	var body struct {
		Seq uint64 `json:"seq"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body); err != nil {
		fail(w, http.StatusBadRequest, "body", `send {"seq": 42}`)
		return
	}
	op, ok, _, _ := p.config.Scope.Recorder().Operation(body.Seq)
	if !ok {
		fail(w, http.StatusNotFound, "absent", "the recorder has no such operation")
		return
	}
	if why := p.unrepeatable(&op); why != "" {
		fail(w, http.StatusConflict, "kind", why)
		return
	}
	if !p.replays.mu.TryLock() {
		fail(w, http.StatusTooManyRequests, "busy", "another question is being repeated; try again in a moment")
		return
	}
	defer p.replays.mu.Unlock()
	if time.Since(p.replays.last) < replayPause {
		fail(w, http.StatusTooManyRequests, "pace", "one question a second can be repeated; try again in a moment")
		return
	}
	p.replays.last = time.Now()
	answer(w, http.StatusOK, p.repeat(r.Context(), &op))
}

// unrepeatable says why an operation is not asked again; "" for those that are.
func (p *Panel) unrepeatable(op *instrument.Operation) string {
	asked := ""
	switch {
	case op.Kind == instrument.KindSearch && op.Search != nil:
		asked = op.Search.Filter
	case op.Kind == instrument.KindCompare && len(op.Changes) == 1 && len(op.Changes[0].Values) == 1:
		if v := op.Changes[0].Values[0]; v.Hidden {
			return "the value was not recorded"
		}
	case op.Kind == instrument.KindExtended && op.Extended != nil && op.Extended.OID == whoAmI:
	default:
		return "only searches, compares and who am I are repeated: nothing that changes a directory, and no login"
	}
	if p.config.Scope.Policy().Level != instrument.LevelValues || strings.Contains(asked, "<hidden>") {
		return "its values were not recorded, see recorder.level"
	}
	return ""
}

// repeat asks as a job of its own, so that the question stands in the list apart from the application's.
func (p *Panel) repeat(ctx context.Context, op *instrument.Operation) replayRow {
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	defer cancel()
	ctx, end := p.config.Scope.Job(ctx, "replay")
	defer end()
	row := replayRow{RequestID: instrument.RequestID(ctx), BeforeUS: op.Duration.Microseconds(), Before: op.Entries, Added: []string{}, Removed: []string{}}
	start := time.Now()
	now, err := p.config.Replay.Repeat(ctx, op, replayEntries)
	row.DurationUS, row.Entries, row.Answer = time.Since(start).Microseconds(), len(now.Names), text(now.Identity)
	switch {
	case err != nil:
		row.Error = text(err.Error())
	case op.Kind == instrument.KindCompare:
		row.Answer = fmt.Sprint(now.Matches)
	case op.Kind == instrument.KindSearch:
		row.differ(op, now.Names)
	}
	return row
}

// differ compares names, where all entries of then are known and now's were not cut off.
func (row *replayRow) differ(op *instrument.Operation, now []string) {
	if len(op.EntryList) < op.Entries || len(now) >= replayEntries || op.Entries > replayEntries {
		return
	}
	then := map[string]bool{}
	for _, e := range op.EntryList {
		then[e.DN] = true
	}
	for _, dn := range now {
		if !then[dn] {
			row.Added = append(row.Added, text(dn))
		}
		delete(then, dn)
	}
	for dn := range then {
		row.Removed = append(row.Removed, text(dn))
	}
	slices.Sort(row.Removed)
}
