// SPDX-License-Identifier: MIT

package panel_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// A page of the panel that stays open, below the middleware of the application, is no HTTP request that could have asked.
func TestPanelBelowMiddlewareIsNotGuessed(t *testing.T) {
	t.Parallel()
	in, leave := make(chan struct{}), make(chan struct{})
	s := newStage(t, panel.Config{Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(in); <-leave })})
	s.runs(t)
	site := httptest.NewServer(s.scope.Middleware(s.panel))
	t.Cleanup(site.Close)
	guessed := func(beside string) {
		t.Helper()
		ctx, end := s.scope.Job(t.Context(), "asks")
		defer end()
		if _, err := s.client.Conn().WhoAmI(nil); err != nil {
			t.Fatal(err)
		}
		last := s.scope.Recorder().Latest(1).Operations
		if len(last) != 1 || last[0].Kind != instrument.KindExtended || last[0].RequestID != instrument.RequestID(ctx) || !last[0].Inferred {
			t.Errorf("beside %s the operation is not the job's: %+v", beside, last)
		}
	}
	ask := func(path string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+path, nil)
		if err != nil {
			t.Error(err)
			return nil
		}
		request.Header.Set("Authorization", "Bearer "+token)
		answer, err := site.Client().Do(request)
		if err != nil {
			t.Error(err)
			return nil
		}
		return answer
	}
	live := ask("/api/v1/live.sse")
	defer live.Body.Close()
	if line, err := bufio.NewReader(live.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "id: ") {
		t.Fatalf("the live stream begins with %q, %v", line, err)
	}
	guessed("a live stream")
	slow := make(chan *http.Response)
	go func() { slow <- ask("/metrics") }()
	<-in
	guessed("a page that takes its time")
	close(leave)
	if answer := <-slow; answer != nil {
		_ = answer.Body.Close()
	}
}
