// SPDX-License-Identifier: MIT

package panel_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// door is one value of a dimension of the matrix.
type door struct {
	value string
	open  bool
}

// TestMatrix tries every host with every origin and every token on a read, a change, the websocket and the page: what is let
// in has all three right, and of several faults the first is told: Host 421, Origin 403, token 401.
func TestMatrix(t *testing.T) {
	t.Parallel()
	hosts := []door{{"127.0.0.1:8389", true}, {"localhost:8389", true}, {"[::1]:8389", true}, {"panel.example.org:8389", true}, {"evil.example:8389", false}, {"127.0.0.1.evil.example", false}, {"localhost.:8389", false}, {"0.0.0.0:8389", false}, {"", false}}
	origins := []door{{"", true}, {"own", true}, {"http://evil.example", false}, {"null", false}, {"https own", false}, {"http://127.0.0.1:1", false}, {"own.evil.example", false}}
	tokens := []door{{"Bearer " + token, true}, {"", false}, {"Bearer", false}, {"Bearer " + token[:31], false}, {"Bearer " + token + "0", false}, {"Basic " + token, false}}
	routes := []struct{ method, path string }{{http.MethodGet, "/api/v1/operations"}, {http.MethodPost, "/api/v1/clear"}, {http.MethodGet, "/api/v1/live"}, {http.MethodGet, "/assets/app.css"}, {http.MethodDelete, "/api/v1/runs/x"}, {http.MethodGet, "/?plain=1"}}
	tried := 0
	for _, host := range hosts {
		for _, origin := range origins {
			for _, given := range tokens {
				p := panel.New(panel.Config{Scope: instrument.New(), Token: token, Hosts: []string{"panel.example.org"}})
				for _, route := range routes {
					tried++
					request := httptest.NewRequest(route.method, route.path, nil)
					request.Host, request.RemoteAddr = host.value, "127.0.0.1:4000"
					if origin.value != "" {
						request.Header.Set("Origin", strings.NewReplacer("https own", "https://"+host.value, "own", "http://"+host.value).Replace(origin.value))
					}
					if given.value != "" {
						request.Header.Set("Authorization", given.value)
					}
					answer := httptest.NewRecorder()
					p.ServeHTTP(answer, request)
					want := 0
					switch {
					case !host.open:
						want = http.StatusMisdirectedRequest
					case !origin.open:
						want = http.StatusForbidden
					case !given.open:
						want = http.StatusUnauthorized
					}
					// What passes is answered by the route: a live connection is not running here, and there is no history.
					passed := answer.Code != http.StatusMisdirectedRequest && answer.Code != http.StatusForbidden && answer.Code != http.StatusUnauthorized
					limited := want == http.StatusUnauthorized && answer.Code == http.StatusTooManyRequests
					if (want == 0) != passed && !limited || want != 0 && answer.Code != want && !limited {
						t.Errorf("%s %s, Host %q, Origin %q, token %q: %d, want %d", route.method, route.path, host.value, origin.value, given.value, answer.Code, want)
					}
				}
			}
		}
	}
	t.Logf("%d combinations", tried)
}
