// SPDX-License-Identifier: MIT

package instrument_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// Static files and health checks come by the thousand. They push out one another, and not the requests that asked a
// directory; the newest of them stay to be seen.
func TestRequestsWithoutOperationsPushNobodyOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		limits instrument.Limits
	}{
		{"by number", instrument.Limits{Operations: 160}},
		{"by bytes", instrument.Limits{Operations: 100_000, Bytes: 200 << 10}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New(instrument.WithRecorderLimits(test.limits))
			r, w := scope.Recorder(), wireUp(t, scope)
			asks := scope.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
				if request.URL.Path == "/ask" {
					w.run(2)
				}
			}))
			request := func(path string) {
				asks.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
			}
			const asked = 20
			for range asked {
				request("/ask")
			}
			for i := range 2000 {
				request("/file/" + strconv.Itoa(i))
			}
			kept, files := 0, 0
			for _, q := range r.Requests(0, 5000) {
				switch {
				case q.Operations > 0 && q.Dropped == 0:
					kept++
				case q.Path == "/file/1999":
					files++
				}
			}
			if kept != asked || files != 1 {
				t.Errorf("%d requests with operations are kept, want %d; the newest without is there %d times", kept, asked, files)
			}
			stats := r.Stats()
			if stats.Bytes > stats.Limits.Bytes || stats.Requests > stats.Limits.Operations || stats.Evicted != 0 {
				t.Errorf("%+v", stats)
			}
			// One that asks when it has ended, in the background, is no such request any more.
			late := httptest.NewRequest(http.MethodGet, "/late", nil)
			var ask func()
			scope.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
				c := dial(t, scope, serve(t, willing(0)))
				ctx := request.Context()
				ask = func() { _ = c.Delete(ctx, deletion("/a")) }
			})).ServeHTTP(httptest.NewRecorder(), late)
			ask()
			for i := range 2000 {
				request("/file/" + strconv.Itoa(i))
			}
			found := false
			for _, q := range r.Requests(0, 5000) {
				found = found || q.Path == "/late" && q.Operations == 1
			}
			if !found {
				t.Error("a request that asked after its end was pushed out")
			}
			// Clear forgets them like all else, and they come again.
			r.Clear()
			for i := range 2000 {
				request("/file/" + strconv.Itoa(i))
			}
			if stats := r.Stats(); stats.Bytes > stats.Limits.Bytes || stats.Requests > stats.Limits.Operations || stats.Requests < 10 {
				t.Errorf("after a Clear: %+v", stats)
			}
		})
	}
}
