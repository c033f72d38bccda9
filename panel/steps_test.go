// SPDX-License-Identifier: MIT

package panel_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// TestStepDiffs shows with one request what its steps changed, and spares lists of requests with it.
func TestStepDiffs(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, end := s.scope.Job(t.Context(), "sync")
	step, endStep := instrument.Step(ctx, "sync.save")
	from, to := "Ada\xff", "<b>Augusta</b>"
	many := make([]instrument.Difference, 500)
	for i := range many {
		many[i] = instrument.Difference{Of: "ada", How: instrument.DiffChanged, What: "field", Name: "given_name", From: &from, To: &to}
	}
	instrument.RecordDiff(step, many...)
	instrument.RecordDiff(step, instrument.Difference{How: instrument.DiffAdded, What: "group", To: &to})
	endStep()
	end()
	status, body := s.text(t, "/api/v1/requests/"+instrument.RequestID(ctx))
	want := `{"of":{"text":"ada","encoding":"utf8"},"how":"changed","what":"field","name":"given_name","from":{"text":"Ada?","encoding":"utf8"},"to":{"text":"\u003cb\u003eAugusta\u003c/b\u003e","encoding":"utf8"}}`
	if n := strings.Count(body, want); status != http.StatusOK || n != 500 || !strings.Contains(body, `"diffs_left":1`) {
		t.Errorf("%d with %d differences: %.600s", status, n, body)
	}
	if _, list := s.text(t, "/api/v1/requests"); strings.Contains(list, "given_name") || !strings.Contains(list, "sync.save") {
		t.Errorf("the list of requests: %.600s", list)
	}
}
