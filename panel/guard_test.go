// SPDX-License-Identifier: MIT

package panel_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// TestGuard is the matrix of who may see the panel. Host comes before Origin, Origin before the token.
func TestGuard(t *testing.T) {
	t.Parallel()
	const own = "127.0.0.1:8389"
	bearer := map[string]string{"Authorization": "Bearer " + token}
	tests := []struct {
		name   string
		host   string
		peer   string
		header map[string]string
		status int
	}{
		{"token", own, "", bearer, 200},
		{"localhost", "localhost:8389", "", bearer, 200},
		{"upper case", "LOCALHOST:8389", "", bearer, 200},
		{"IPv6", "[::1]:8389", "[::1]:4000", bearer, 200},
		{"listed host", "panel.example.org", "", bearer, 200},
		{"no token", own, "", nil, 401},
		{"wrong token", own, "", map[string]string{"Authorization": "Bearer nope"}, 401},
		{"empty token", own, "", map[string]string{"Authorization": "Bearer "}, 401},
		{"cookie that is the token", own, "", map[string]string{"Cookie": "ldapscope_8389=" + token}, 401},
		{"rebinding", "evil.example:8389", "", bearer, 421},
		{"rebinding with its own origin", "evil.example:8389", "", map[string]string{"Origin": "http://evil.example:8389", "Authorization": "Bearer " + token}, 421},
		{"trailing dot", "localhost.:8389", "", bearer, 421},
		{"any address", "0.0.0.0:8389", "", bearer, 421},
		{"decimal address", "2130706433:8389", "", bearer, 421},
		{"own origin", own, "", map[string]string{"Origin": "http://" + own, "Authorization": "Bearer " + token}, 200},
		{"foreign origin", own, "", map[string]string{"Origin": "http://evil.example", "Authorization": "Bearer " + token}, 403},
		{"origin null", own, "", map[string]string{"Origin": "null", "Authorization": "Bearer " + token}, 403},
		{"other scheme", own, "", map[string]string{"Origin": "https://" + own, "Authorization": "Bearer " + token}, 403},
		{"other port", own, "", map[string]string{"Origin": "http://127.0.0.1:9999", "Authorization": "Bearer " + token}, 403},
		{"fetch from another site", own, "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Authorization": "Bearer " + token}, 403},
		{"link from another site", own, "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Authorization": "Bearer " + token}, 200},
		{"foreign origin without a token", own, "", map[string]string{"Origin": "http://evil.example"}, 403},
		{"remote peer", own, "192.0.2.7:4000", bearer, 403},
		{"forwarded by a proxy", own, "", map[string]string{"X-Forwarded-For": "192.0.2.7", "Authorization": "Bearer " + token}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := panel.New(panel.Config{Scope: instrument.New(), Token: token, Hosts: []string{"panel.example.org"}})
			request := httptest.NewRequest(http.MethodGet, "/api/v1/operations", nil)
			request.Host, request.RemoteAddr = tt.host, "127.0.0.1:4000"
			if tt.peer != "" {
				request.RemoteAddr = tt.peer
			}
			for name, value := range tt.header {
				request.Header.Set(name, value)
			}
			answer := httptest.NewRecorder()
			p.ServeHTTP(answer, request)
			if answer.Code != tt.status {
				t.Errorf("got %d %s, want %d", answer.Code, answer.Body, tt.status)
			}
			if strings.Contains(answer.Body.String(), token) {
				t.Error("the answer holds the token")
			}
		})
	}
}

// TestStartLink follows the link as a browser does: the token becomes a cookie that is not the token and leaves the address.
func TestStartLink(t *testing.T) {
	t.Parallel()
	p := panel.New(panel.Config{Scope: instrument.New(), Token: token})
	link, err := url.Parse(p.Link("http://127.0.0.1:8389"))
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, link.RequestURI()+"&q=op:bind", nil)
	request.Host, request.RemoteAddr = link.Host, "127.0.0.1:4000"
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, request)
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/?q=op%3Abind" {
		t.Fatalf("got %d to %q", answer.Code, answer.Header().Get("Location"))
	}
	cookies := answer.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	c := cookies[0]
	if c.Name != "ldapscope_8389" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || strings.Contains(c.Value, token) || c.Path != "/" {
		t.Errorf("cookie %+v", c)
	}
	again := httptest.NewRequest(http.MethodGet, "/api/v1/operations", nil)
	again.Host, again.RemoteAddr = link.Host, "127.0.0.1:4000"
	again.AddCookie(c)
	answer = httptest.NewRecorder()
	if p.ServeHTTP(answer, again); answer.Code != http.StatusOK {
		t.Errorf("with the cookie: %d %s", answer.Code, answer.Body)
	}
}

func TestWrongTokensAreLimited(t *testing.T) {
	t.Parallel()
	p := panel.New(panel.Config{Scope: instrument.New(), Token: token})
	limited := false
	for range 20 { // five a second are allowed, and the loop may cross one turn of the second
		request := httptest.NewRequest(http.MethodGet, "/api/v1/operations", nil)
		request.Host, request.RemoteAddr = "127.0.0.1:8389", "127.0.0.1:4000"
		request.Header.Set("Authorization", "Bearer wrong")
		answer := httptest.NewRecorder()
		p.ServeHTTP(answer, request)
		limited = limited || answer.Code == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("20 wrong tokens at once were all looked at")
	}
}

func TestAccessDecidesInsteadOfToken(t *testing.T) {
	t.Parallel()
	p := panel.New(panel.Config{Scope: instrument.New(), Hosts: []string{"intern.example.org"}, Access: func(r *http.Request) bool { return r.Header.Get("X-Admin") == "yes" }})
	for admin, status := range map[string]int{"yes": 200, "no": 401} {
		request := httptest.NewRequest(http.MethodGet, "/api/v1/operations", nil)
		request.Host, request.RemoteAddr = "intern.example.org", "192.0.2.7:4000"
		request.Header.Set("X-Admin", admin)
		answer := httptest.NewRecorder()
		if p.ServeHTTP(answer, request); answer.Code != status {
			t.Errorf("admin %s: got %d, want %d", admin, answer.Code, status)
		}
	}
}
