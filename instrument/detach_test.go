// SPDX-License-Identifier: MIT

package instrument_test

import (
	"net/http"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// An answer that is a stream of events goes on for as long as a page is open, as a websocket does, and so may what the
// application says. The only other one in flight is still the one that asks.
func TestStreamsAreNotGuessed(t *testing.T) {
	t.Parallel()
	events := func(begin func(http.ResponseWriter)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			begin(w)
		}
	}
	tests := []struct {
		name   string
		handle http.HandlerFunc
	}{
		{"written", events(func(w http.ResponseWriter) { _, _ = w.Write([]byte("data: 1\n\n")) })},
		{"header", events(func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) })},
		{"flushed", events(func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() })},
		{"said so", func(_ http.ResponseWriter, r *http.Request) { instrument.Detach(r.Context()) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			leave, in, out := make(chan struct{}), make(chan struct{}), make(chan struct{})
			url := app(t, scope.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.handle(w, r)
				close(in)
				<-leave
			})))
			go func() { // ends with the handler
				defer close(out)
				get(t, url)
			}()
			<-in
			w := wireUp(t, scope)
			w.run(1)
			if op := only(t, scope, instrument.KindCompare); op.Inferred {
				t.Errorf("a stream alone has the operation %+v", op)
			}
			ctx, end := scope.Job(t.Context(), "asks")
			w.run(1)
			if op := only(t, scope, instrument.KindCompare); op.RequestID != instrument.RequestID(ctx) || !op.Inferred {
				t.Errorf("beside a stream, a job does not have the operation %+v", op)
			}
			end()
			close(leave)
			<-out
			eventually(t, "the request ends", func() bool {
				for _, q := range scope.Recorder().Requests(0, 10) {
					if q.Running && q.Kind == "http" {
						return false
					}
				}
				return true
			})
		})
	}
	instrument.Detach(t.Context()) // without a request, it does nothing
}
