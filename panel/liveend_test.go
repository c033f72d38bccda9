// SPDX-License-Identifier: MIT

package panel_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ldapscope/ldapscope/panel"
)

// TestLiveEndsWithDeafBrowser lets a browser ask without end, read nothing and go: its connection ends on both sides,
// although more of its messages wait to be taken.
func TestLiveEndsWithDeafBrowser(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	s.runs(t)
	for i := range 500 {
		_, end := s.scope.Job(t.Context(), fmt.Sprint(i, strings.Repeat("n", 390))) // makes answers large
		end()
	}
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.panel.ServeHTTP(w, r)
		if r.URL.Path == "/api/v1/live" && w.Header().Get("Content-Type") == "" { // a live one, not the 503 of before Run
			close(ended)
		}
	}))
	defer server.Close()
	for s.get(t, "/api/v1/live", nil) == http.StatusServiceUnavailable { // Run may not have begun yet
		<-time.After(time.Millisecond)
	}
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/api/v1/live",
		http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err, response)
	}
	for range 300 {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"query"}`)); err != nil {
			break // the panel takes no more
		}
	}
	_ = conn.Close()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the handler of a connection that is closed does not return")
	}
}
