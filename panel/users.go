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
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Users is what a panel asks of an application's local accounts. A host that sets Config.Users lets people who see the panel
// read them and sync them from the directory; the directory itself is never changed. ErrNoUser is returned for an account
// that is not there. A host puts it together from an *ldapmgr.Syncer and its own table.
type Users interface {
	// Users lists accounts whose name or domain contains a text, "" for all, at most limit.
	Users(ctx context.Context, text string, limit int) ([]LocalUser, error)
	// Plan tells what a sync would change, and changes nothing.
	Plan(ctx context.Context, id string) (ldapmgr.Plan, error)
	// Sync makes the change and returns what it was.
	Sync(ctx context.Context, id string) (ldapmgr.Plan, error)
}

// ErrNoUser is returned by Users for an account that is not there.
var ErrNoUser = errors.New("no such user")

// LocalUser is an account of the application that belongs to a person in a directory.
type LocalUser struct {
	ID        string
	Name      string
	Domain    string
	LastSync  time.Time // zero for never
	LastError string    // of the last sync, in plain words; "" when it went well
	TraceID   string    // of the last sync; "" for unknown
}

type userRow struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Domain    string `json:"domain"`
	LastSync  *stamp `json:"last_sync"`
	LastError string `json:"last_error,omitempty"`
	TraceID   string `json:"trace_id,omitempty"`
	TraceURL  string `json:"trace_url,omitempty"`
}

const (
	mostUsers  = 500
	syncBudget = 30 * time.Second
)

func (p *Panel) withUsers(w http.ResponseWriter) (Users, bool) {
	if p.config.Users == nil {
		fail(w, http.StatusNotFound, "absent", "this program shows no users; the application sets Config.Users")
		return nil, false
	}
	return p.config.Users, true
}

// users answers GET api/v1/users?q=.
func (p *Panel) users(w http.ResponseWriter, r *http.Request) {
	u, ok := p.withUsers(w)
	if !ok {
		return
	}
	all, err := u.Users(r.Context(), r.URL.Query().Get("q"), mostUsers)
	if err != nil {
		fail(w, http.StatusInternalServerError, "users", "the users cannot be read: "+err.Error())
		return
	}
	rows := []userRow{}
	for _, l := range all {
		rows = append(rows, userRow{l.ID, text(l.Name), l.Domain, optional(l.LastSync), text(l.LastError), l.TraceID, p.traceURL(l.TraceID)})
	}
	answer(w, http.StatusOK, map[string]any{"users": rows})
}

// syncUser answers POST api/v1/users/{id}/sync {"apply": bool}: what would change, or what has changed.
func (p *Panel) syncUser(w http.ResponseWriter, r *http.Request) {
	u, ok := p.withUsers(w)
	if !ok {
		return
	}
	var body struct {
		Apply bool `json:"apply"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body); err != nil {
		fail(w, http.StatusBadRequest, "body", `send {"apply": false} for the plan or {"apply": true} to sync`)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), syncBudget)
	defer cancel()
	ctx, end := p.config.Scope.Job(ctx, "panel: sync user")
	defer end()
	act := u.Plan
	if body.Apply {
		act = u.Sync
	}
	plan, err := act(ctx, chi.URLParam(r, "id"))
	switch {
	case errors.Is(err, ErrNoUser):
		fail(w, http.StatusNotFound, "absent", "there is no such user")
	case err != nil:
		fail(w, http.StatusBadGateway, "sync", "the sync failed: "+text(err.Error()))
	default:
		answer(w, http.StatusOK, map[string]any{"applied": body.Apply, "changed": plan.Changed(), "plan": plan, "diffs": planned(plan), "request_id": instrument.RequestID(ctx)})
	}
}

// planned shows a plan as the steps of a request show it, to who may carry it out: readable.
func planned(plan ldapmgr.Plan) []diffRow {
	value := func(s *string) *valueRow {
		if s == nil {
			return nil
		}
		row := valueOf("", instrument.Value{Text: *s})
		return &row
	}
	rows := []diffRow{}
	for _, d := range plan.Differences() {
		rows = append(rows, diffRow{valueOf("", instrument.Value{Text: d.Of}), string(d.How), d.What, text(d.Name), value(d.From), value(d.To), text(d.Reason)})
	}
	return rows
}
