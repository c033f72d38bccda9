// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"fmt"
	"net/http"
	"testing"
)

// pinRow is a pin as the panel lists it.
type pinRow struct {
	Run       string `json:"run"`
	Seq       uint64 `json:"seq"`
	Note      string `json:"note"`
	Operation struct {
		Search struct {
			Filter string `json:"filter"`
		} `json:"search"`
		Copies map[string]string `json:"copies"`
	} `json:"operation"`
}

func (r *running) pins() []pinRow {
	r.t.Helper()
	var all struct {
		Pins []pinRow `json:"pins"`
	}
	r.get("/api/v1/pins", &all)
	return all.Pins
}

// TestPinsSurviveRestart: what was pinned is there, whole, after the program was ended or killed and started again, also where
// it failed and the program keeps the shape of what failed by itself. It leaves when it is given up.
func TestPinsSurviveRestart(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*process){
		"ended": func(p *process) { p.stop() },
		"killed": func(p *process) {
			if err := p.command.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-p.ended
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := startProcess(t, nil, "ldapscope", append(anywhere, "--quiet")...)
			first.visit("/people?q=grace")
			first.visit("/failing")
			pinned := map[string]operationRow{"odd": filtered("*grace*", first.operations("op:search"))[0], "failed": first.operations("is:error op:search")[0]}
			for note, op := range pinned {
				if status, body := first.post("/api/v1/pins", fmt.Sprintf(`{"seq": %d, "note": %q}`, op.Seq, note)); status != http.StatusOK {
					t.Fatalf("pinning: %d %s", status, body)
				}
			}
			end(first)
			second := startProcess(t, []string{"XDG_STATE_HOME=" + first.home}, "ldapscope", append(anywhere, "--quiet")...)
			pins := map[string]pinRow{}
			for _, p := range second.pins() {
				pins[p.Note] = p
			}
			for note, op := range pinned {
				p := pins[note]
				if p.Run == "" || p.Seq != op.Seq || p.Operation.Search.Filter != op.Search.Filter || len(p.Operation.Copies) == 0 {
					t.Errorf("after the restart the pin of %q is %+v", op.Search.Filter, p)
				}
				request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, fmt.Sprintf("%s/api/v1/pins/%d?run=%s", second.panel, op.Seq, p.Run), nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Authorization", "Bearer "+panelToken)
				if status, body := second.send(request); status != http.StatusOK {
					t.Errorf("giving it up: %d %s", status, body)
				}
			}
			if left := second.pins(); len(left) != 0 {
				t.Errorf("left: %+v", left)
			}
		})
	}
}
