// SPDX-License-Identifier: MIT

package panel_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/panel"
)

// people are local users, of whom one cannot be synced.
type people struct{ synced []string }

func (p *people) Users(_ context.Context, text string, limit int) ([]panel.LocalUser, error) {
	if limit < 1 || text == "nobody" {
		return nil, nil
	}
	return []panel.LocalUser{{ID: "1", Name: "ada", Domain: "EXAMPLE", LastSync: time.Unix(1_700_000_000, 0), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}, {ID: "2", Name: "bob", Domain: "EXAMPLE", LastError: "the server is down"}}, nil
}

func (p *people) Plan(_ context.Context, id string) (ldapmgr.Plan, error) {
	switch id {
	case "1":
		from, to := "Ada", "Augusta"
		return ldapmgr.Plan{Name: "ada", Fields: []ldapmgr.FieldChange{{Name: "given_name", From: &from, To: &to}}, Join: []string{"staff"}}, nil
	case "2":
		return ldapmgr.Plan{}, errors.New("the server is down")
	}
	return ldapmgr.Plan{}, panel.ErrNoUser
}

func (p *people) Sync(ctx context.Context, id string) (ldapmgr.Plan, error) {
	p.synced = append(p.synced, id)
	return p.Plan(ctx, id)
}

// TestUsers lists users, plans without changing anything, and applies.
func TestUsers(t *testing.T) {
	t.Parallel()
	p := &people{}
	s := newStage(t, panel.Config{Users: p, JaegerURL: "http://jaeger"})
	if status, body := s.text(t, "/api/v1/users"); status != http.StatusOK || !strings.Contains(body, `"trace_url":"http://jaeger/trace/4bf92f3577b34da6a3ce929d0e0e4736"`) || !strings.Contains(body, `"last_sync":null,"last_error":"the server is down"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := s.send(t, http.MethodPost, "/api/v1/users/1/sync", `{"apply": false}`); status != http.StatusOK || len(p.synced) > 0 || !strings.Contains(body, `"applied":false,"changed":true`) || !strings.Contains(body, `"to":"Augusta"`) ||
		!strings.Contains(body, `{"of":{"text":"ada","encoding":"utf8"},"how":"changed","what":"field","name":"given_name","from":{"text":"Ada","encoding":"utf8"},"to":{"text":"Augusta","encoding":"utf8"}}`) {
		t.Errorf("the plan: %d %s, synced %v", status, body, p.synced)
	}
	if status, body := s.send(t, http.MethodPost, "/api/v1/users/1/sync", `{"apply": true}`); status != http.StatusOK || len(p.synced) != 1 || !strings.Contains(body, `"join":["staff"]`) {
		t.Errorf("the sync: %d %s, synced %v", status, body, p.synced)
	}
	for id, want := range map[string]int{"2": http.StatusBadGateway, "3": http.StatusNotFound} {
		if status, body := s.send(t, http.MethodPost, "/api/v1/users/"+id+"/sync", `{}`); status != want {
			t.Errorf("user %s: %d %s, want %d", id, status, body, want)
		}
	}
	without := newStage(t, panel.Config{})
	if status, body := without.text(t, "/api/v1/users"); status != http.StatusNotFound || !strings.Contains(body, "Config.Users") {
		t.Errorf("a host that shows no users: %d %s", status, body)
	}
}
