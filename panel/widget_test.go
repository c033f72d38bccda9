// SPDX-License-Identifier: MIT

package panel_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// TestWidget puts the handle into pages that can take it, and into no other answer.
func TestWidget(t *testing.T) {
	t.Parallel()
	const page = "<!doctype html><body><p>one</p></body>"
	tests := []struct {
		name, kind, encoding, policy, body string
		access, handle                     bool
		nonce                              string
	}{
		{"page", "text/html", "", "", page, true, true, ""},
		{"page with a nonce", "text/html", "", "script-src 'nonce-aGk='", page, true, true, ` nonce="aGk="`},
		{"a nonce that is none", "text/html", "", `script-src 'nonce-"><x'`, page, true, true, ""},
		{"browser that may not see the panel", "text/html", "", "", page, false, false, ""},
		{"JSON", "application/json", "", "", page, true, false, ""},
		{"compressed page", "text/html", "gzip", "", page, true, false, ""},
		{"page without an end", "text/html", "", "", "<p>one", true, false, ""},
		{"large page", "text/html", "", "", strings.Repeat(" ", 3<<20) + page, true, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			p := panel.New(panel.Config{Scope: scope, Token: token, Access: func(*http.Request) bool { return tt.access }})
			site := scope.Middleware(p.Widget("/debug/ldap", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				for name, value := range map[string]string{"Content-Encoding": tt.encoding, "Content-Security-Policy": tt.policy} {
					if value != "" {
						w.Header().Set(name, value)
					}
				}
				_, _ = io.WriteString(w, tt.body)
			})))
			answer := httptest.NewRecorder()
			site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
			body := answer.Body.String()
			script := cut(body, `<script type="module"`, `></script></body>`)
			if (script != "") != tt.handle || !tt.handle && body != tt.body {
				t.Fatalf("got %.300q", body)
			}
			if tt.handle && (strings.Contains(script, "nonce") != (tt.nonce != "") || !strings.HasPrefix(script, tt.nonce+` src="/debug/ldap/assets/widget.js" data-base="/debug/ldap/" data-request="`)) {
				t.Errorf("the handle is loaded by %q", script)
			}
			if timing := answer.Header().Get("Server-Timing"); !strings.Contains(timing, answer.Header().Get("Ldapscope-Request")) || !strings.HasPrefix(timing, `ldap;dur=0.0;desc="0 ops, 0 dup, 0 alike, `) {
				t.Errorf("Server-Timing %q", timing)
			}
		})
	}
}

// TestHandleCookie follows a browser from the start link of a mounted panel to a page beside it.
func TestHandleCookie(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	p := panel.New(panel.Config{Scope: scope, Token: token, Prefix: "/debug/ldap"})
	site := scope.Middleware(p.Widget("/debug/ldap", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<body></body>")
	})))
	ask := func(handler http.Handler, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
		request := httptest.NewRequest(http.MethodGet, path, nil)
		request.Host, request.RemoteAddr = "127.0.0.1:8390", "127.0.0.1:4000"
		for _, c := range cookies {
			if strings.HasPrefix(request.URL.Path, c.Path) {
				request.AddCookie(c)
			}
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		return answer
	}
	cookies := ask(p, "/debug/ldap/?t="+token).Result().Cookies()
	if len(cookies) != 2 {
		t.Fatalf("cookies %v", cookies)
	}
	if body := ask(site, "/page", cookies...).Body.String(); !strings.Contains(body, "widget.js") {
		t.Errorf("after the start link the page is %q", body)
	}
	if body := ask(site, "/page").Body.String(); strings.Contains(body, "widget.js") {
		t.Errorf("a browser without the start link gets %q", body)
	}
	for _, c := range cookies { // the one for pages is no key to the panel, under either name
		if c.Path == "/" {
			if code := ask(p, "/debug/ldap/api/v1/operations", c, &http.Cookie{Name: "ldapscope_8390", Value: c.Value}).Code; code != http.StatusUnauthorized {
				t.Errorf("the cookie for pages opens the panel: %d", code)
			}
		}
	}
}

// TestWidgetLetsUpgradesPass: an application keeps its own websockets behind the widget.
func TestWidgetLetsUpgradesPass(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	p := panel.New(panel.Config{Scope: scope, Token: token})
	var upgrader websocket.Upgrader
	site := httptest.NewServer(scope.Middleware(p.Widget("/debug/ldap", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // Upgrade has answered
		}
		defer conn.Close()
		if kind, body, err := conn.ReadMessage(); err == nil {
			_ = conn.WriteMessage(kind, append(body, " too"...))
		}
	}))))
	defer site.Close()
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(site.URL, "http"), nil)
	if err != nil {
		t.Fatal(err, response)
	}
	defer conn.Close()
	if err := conn.WriteMessage(websocket.TextMessage, []byte("this")); err != nil {
		t.Fatal(err)
	}
	if _, body, err := conn.ReadMessage(); err != nil || string(body) != "this too" {
		t.Errorf("got %q, %v", body, err)
	}
}
