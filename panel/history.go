// SPDX-License-Identifier: MIT

package panel

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ldapscope/ldapscope/instrument"
)

// History is what a panel asks of saved usage; cmd hands it a *metricsdb.DB behind an adapter of a few lines. Absent is
// returned for a run that is not there.
type History interface {
	// Runs lists saved runs, the newest first.
	Runs(ctx context.Context, f RunFilter) ([]SavedUsage, error)
	// Run returns the last snapshot of each domain of a run.
	Run(ctx context.Context, id string) (instrument.Run, []instrument.Snapshot, error)
	// Series returns what happened between one point of a run and the next.
	Series(ctx context.Context, id string) ([]Point, error)
	// Shapes sums the shapes of one run, or of all for an empty id, the largest total time first.
	Shapes(ctx context.Context, id string, limit int) ([]instrument.ShapeTotal, error)
	// Compare sets runs side by side; the first is the baseline.
	Compare(ctx context.Context, ids []string) (Comparison, error)
	// Import merges another database's file and returns how many runs it holds. The file is not changed.
	Import(ctx context.Context, path string) (runs int, err error)
	// Delete forgets a run; its pinned operations stay.
	Delete(ctx context.Context, id string) error
	// Pin keeps an operation of this program's run beyond the recorder and the process. Pinning again renews it.
	Pin(ctx context.Context, o Pinned) error
	// Pins lists pinned operations of all runs, the newest first. One of this program's run has an empty Run.
	Pins(ctx context.Context) ([]Pinned, error)
	// Unpin gives a pinned operation up.
	Unpin(ctx context.Context, run string, seq uint64) error
}

// Pinned is an operation that somebody wants to keep.
type Pinned struct {
	Run      string // "" for this program's own
	Seq      uint64
	Domain   string
	Kind     string
	Shape    string
	Start    time.Time
	Duration time.Duration
	Code     int64
	Note     string
	Document json.RawMessage // as GET api/v1/operations/{seq} gives it
}

// RunFilter selects saved runs; what is set must all hold.
type RunFilter struct {
	Domain       string    // exact name
	PID          int       // process id; 0 for any
	Since, Until time.Time // runs that had not ended before, and that had started before
	Limit        int       // newest so many
}

// Comparison sets runs side by side; the first is what the others are held against.
type Comparison struct {
	Runs    []instrument.Run
	Domains []ComparedDomain
}

// ComparedDomain compares what the runs did with one domain.
type ComparedDomain struct {
	Domain   string       `json:"domain"`
	Counters []Difference `json:"counters"`
	Latency  []Difference `json:"latency"` // microseconds
	Shapes   []Difference `json:"shapes"`  // operations
}

// Difference is one figure in each run. Change and Notable are of the last run against the first.
type Difference struct {
	Name    string   `json:"name"`
	Text    string   `json:"text,omitempty"` // of a shape
	Values  []uint64 `json:"values"`
	Change  float64  `json:"change"`
	Notable bool     `json:"notable"` // more than chance explains
}

// What a History returns for a run that is not there, and for one that cannot be deleted because its process lives.
var (
	ErrAbsent = errors.New("no such run")
	ErrGoesOn = errors.New("the run goes on")
)

// SavedUsage is one domain of one saved run.
type SavedUsage struct {
	Run      instrument.Run
	Domain   string
	Server   string
	Counters instrument.Counters
	Elapsed  time.Duration
	P50, P95 time.Duration // of all operations
}

// Point is what one domain counted since the point before.
type Point struct {
	Domain     string
	At         time.Time
	Operations uint64
	Errors     uint64
	Received   uint64
}

// runRow is one line of saved usage; counters stand beside it by name.
func runRow(r instrument.Run) map[string]any {
	return map[string]any{
		"run": r.ID, "host": r.Host, "pid": r.PID, "app": r.App, "version": r.Version, "start": optional(r.Start),
		"end": optional(r.End), "ended": string(r.Ended),
	}
}

// withHistory answers for hosts without saved usage, so that the page can hide its screens.
func (p *Panel) withHistory(w http.ResponseWriter) (History, bool) {
	if p.config.History == nil {
		fail(w, http.StatusNotFound, "absent", "this program keeps no usage; give it a database")
		return nil, false
	}
	return p.config.History, true
}

func historyFailed(w http.ResponseWriter, err error) {
	if errors.Is(err, ErrAbsent) {
		fail(w, http.StatusNotFound, "absent", "there is no such run")
		return
	}
	if errors.Is(err, ErrGoesOn) {
		fail(w, http.StatusConflict, "running", "the run goes on; end its process first")
		return
	}
	fail(w, http.StatusInternalServerError, "history", "saved usage cannot be read: "+err.Error())
}

// run answers GET api/v1/runs/{id}.
func (p *Panel) run(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	id := chi.URLParam(r, "id")
	run, snapshots, err := h.Run(r.Context(), id)
	if err != nil {
		historyFailed(w, err)
		return
	}
	points, err := h.Series(r.Context(), id)
	if err != nil {
		historyFailed(w, err)
		return
	}
	domains := []domainRow{}
	for _, s := range snapshots {
		domains = append(domains, usageOf(s))
	}
	series := []map[string]any{}
	for _, pt := range points {
		series = append(series, map[string]any{
			"domain": pt.Domain, "at": stamp(pt.At), "operations": exact(pt.Operations), "errors": exact(pt.Errors), "bytes_received": exact(pt.Received),
		})
	}
	answer(w, http.StatusOK, map[string]any{"run": runRow(run), "domains": domains, "series": series})
}

// shapes answers GET api/v1/shapes?run=.
func (p *Panel) shapes(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	totals, err := h.Shapes(r.Context(), r.URL.Query().Get("run"), 200)
	if err != nil {
		historyFailed(w, err)
		return
	}
	rows := []shapeRow{}
	for _, t := range totals {
		rows = append(rows, shapeOf(t))
	}
	answer(w, http.StatusOK, map[string]any{"shapes": rows})
}

// deleteRun answers DELETE api/v1/runs/{id}.
func (p *Panel) deleteRun(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	if err := h.Delete(r.Context(), chi.URLParam(r, "id")); err != nil {
		historyFailed(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"deleted": chi.URLParam(r, "id")})
}
