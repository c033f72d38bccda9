// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/ldapscope/ldapscope/instrument"
)

// mostPins bounds what one database keeps by hand.
const mostPins = 200

// noteBytes bounds what somebody writes beside a pin.
const noteBytes = 500

type pinRow struct {
	Run        string          `json:"run"` // "" for the running program's own
	Seq        uint64          `json:"seq"`
	Domain     string          `json:"domain"`
	Kind       string          `json:"kind"`
	Start      stamp           `json:"start"`
	DurationUS int64           `json:"duration_us"`
	Code       int64           `json:"code"`
	Note       string          `json:"note"`
	Operation  json.RawMessage `json:"operation"`
}

// pins answers GET api/v1/pins.
func (p *Panel) pins(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	all, err := h.Pins(r.Context())
	if err != nil {
		historyFailed(w, err)
		return
	}
	rows := []pinRow{}
	for _, o := range all {
		rows = append(rows, pinRow{o.Run, o.Seq, o.Domain, o.Kind, stamp(o.Start), o.Duration.Microseconds(), o.Code, o.Note, o.Document})
	}
	answer(w, http.StatusOK, map[string]any{"pins": rows})
}

// pin answers POST api/v1/pins {"seq": 42, "note": ""}: the operation outlives the recorder and the process, as it is shown.
func (p *Panel) pin(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	var body struct {
		Seq  uint64 `json:"seq"`
		Note string `json:"note"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&body); err != nil || len(body.Note) > noteBytes {
		fail(w, http.StatusBadRequest, "body", fmt.Sprintf(`send {"seq": 42, "note": "why"}, with a note of at most %d bytes`, noteBytes))
		return
	}
	op, ok, _, _ := p.config.Scope.Recorder().Operation(body.Seq)
	if !ok || op.State == instrument.StateRunning {
		fail(w, http.StatusConflict, "absent", "only an operation that has ended and that the recorder still has can be pinned")
		return
	}
	all, err := h.Pins(r.Context())
	if err != nil {
		historyFailed(w, err)
		return
	}
	if len(all) >= mostPins {
		fail(w, http.StatusConflict, "full", fmt.Sprintf("%d operations are pinned already; unpin some first", mostPins))
		return
	}
	whole := p.detailOf(&op)
	whole.Pinned = new(true)
	document, err := json.Marshal(whole)
	if err == nil {
		err = h.Pin(r.Context(), pinnedOf(&op, text(body.Note), document))
	}
	if err != nil {
		historyFailed(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]uint64{"pinned": op.Seq})
}

func pinnedOf(op *instrument.Operation, note string, document json.RawMessage) Pinned {
	o := Pinned{Seq: op.Seq, Domain: op.Domain, Kind: op.Kind.String(), Start: op.Start, Duration: op.Duration, Code: -1, Note: note, Document: document}
	if op.Result.Received {
		o.Code = op.Result.Code
	}
	if op.Shape != nil {
		o.Shape = op.Shape.Text
	}
	return o
}

// unpin answers DELETE api/v1/pins/{seq}?run=.
func (p *Panel) unpin(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	seq, err := strconv.ParseUint(chi.URLParam(r, "seq"), 10, 64)
	if err != nil {
		fail(w, http.StatusBadRequest, "number", "an operation is named by its number, such as pins/42")
		return
	}
	if err := h.Unpin(r.Context(), r.URL.Query().Get("run"), seq); err != nil {
		historyFailed(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]uint64{"unpinned": seq})
}

// pinned finds what was pinned of this program's run.
func (p *Panel) pinned(r *http.Request, seq uint64) (json.RawMessage, bool) {
	if p.config.History == nil {
		return nil, false
	}
	all, err := p.config.History.Pins(r.Context())
	if err != nil {
		return nil, false // the answer is then what the recorder says
	}
	for _, o := range all {
		if o.Run == "" && o.Seq == seq && len(o.Document) > 0 {
			return o.Document, true
		}
	}
	return nil, false
}
