// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/json"
	"net/http"
)

// recording answers POST api/v1/recording {"on": bool}. Spans, metrics and counters go on in either case.
func (p *Panel) recording(w http.ResponseWriter, r *http.Request) {
	var body struct {
		On *bool `json:"on"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body); err != nil || body.On == nil {
		fail(w, http.StatusBadRequest, "body", `send {"on": true} or {"on": false}`)
		return
	}
	p.config.Scope.Recorder().SetRecording(*body.On)
	answer(w, http.StatusOK, map[string]bool{"on": *body.On})
}

// clear answers POST api/v1/clear: what has ended is forgotten for everybody.
func (p *Panel) clear(w http.ResponseWriter, _ *http.Request) {
	p.config.Scope.Recorder().Clear()
	answer(w, http.StatusOK, map[string]bool{"cleared": true})
}
