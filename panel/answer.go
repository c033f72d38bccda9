// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// failure is the body of every error answer.
type failure struct {
	Error     problem    `json:"error"`
	Tombstone *tombstone `json:"tombstone,omitempty"`
}

type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type tombstone struct {
	Seq  uint64 `json:"seq"`
	Kind string `json:"kind"`
}

func fail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, failure{Error: problem{code, message}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the peer has gone if this fails
}

// number reads a query parameter; absent gives fallback. ok is false, and the answer sent, for what is no number.
func number(w http.ResponseWriter, r *http.Request, name string, fallback uint64) (n uint64, ok bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, true
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		fail(w, http.StatusBadRequest, "number", name+" must be a number, such as "+name+"=100")
		return 0, false
	}
	return n, true
}
