// SPDX-License-Identifier: MIT

package panel_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ldapscope/ldapscope/panel"
)

// browser is the other end of a live connection.
type browser struct {
	t    *testing.T
	conn *websocket.Conn
}

func (s *stage) opens(t *testing.T) *browser {
	t.Helper()
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.server.URL, "http")+"/api/v1/live",
		http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err, response)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &browser{t, conn}
}

func (b *browser) says(message string) {
	b.t.Helper()
	if err := b.conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		b.t.Fatal(err)
	}
}

// hears returns the next frame of one of the types; others are passed over, but for problems.
func (b *browser) hears(types ...string) frame {
	b.t.Helper()
	_ = b.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		_, body, err := b.conn.ReadMessage()
		if err != nil {
			b.t.Fatalf("waiting for %v: %v", types, err)
		}
		f := unpack(b.t, body)
		for _, want := range types {
			if f.Type == want {
				return f
			}
		}
		if f.Type == "problem" {
			b.t.Fatalf("waiting for %v: %s", types, f.Message)
		}
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	s.runs(t)
	b := s.opens(t)
	b.says(`{"type":"hello"}`)
	welcome := b.hears("welcome")
	backfill := b.hears("backfill")
	if !backfill.Reset || len(backfill.Operations) != 1 || kindOf(backfill.Operations[0]) != "bind" || welcome.Epoch != backfill.Epoch {
		t.Fatalf("backfill %+v", backfill)
	}
	ctx, end := s.scope.Job(t.Context(), "test")
	s.search(t, ctx, "(sAMAccountName=ada)", "cn")
	end()
	last, seen := backfill.To, false
	for !seen {
		batch := b.hears("batch")
		if batch.From != last {
			t.Fatalf("a batch begins after %d, want %d", batch.From, last)
		}
		last = batch.To
		for _, op := range batch.Operations {
			seen = seen || kindOf(op) == "search" && stateOf(op) == "done"
		}
	}
	// Another connection that knows what this one knows misses nothing of what comes.
	again := s.opens(t)
	s.search(t, t.Context(), "(sAMAccountName=dora)", "cn")
	again.says(`{"type":"hello","mode":"resume","epoch":"` + welcome.Epoch + `","after":` + jsonNumber(last) + `}`)
	resumed := again.hears("batch")
	if resumed.From != last || len(resumed.Operations) != 1 || !strings.Contains(resumed.Operations[0]["subject"].(string), "dora") {
		t.Errorf("resumed with %+v", resumed)
	}
}

func TestLiveQuery(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	s.runs(t)
	s.search(t, t.Context(), "(sAMAccountName=ada)", "cn")
	b := s.opens(t)
	b.says(`{"type":"hello","q":"op:search"}`)
	if first := b.hears("backfill"); len(first.Operations) != 1 || kindOf(first.Operations[0]) != "search" || len(first.Requests) != 1 {
		t.Fatalf("backfill %+v", first)
	}
	b.says(`{"type":"query","q":"op:bind"}`)
	if second := b.hears("backfill"); !second.Reset || len(second.Operations) != 1 || kindOf(second.Operations[0]) != "bind" {
		t.Fatalf("backfill after the query %+v", second)
	}
	b.says(`{"type":"query","q":"opp:bind"}`)
	if problem := b.hears("problem"); !problem.Query || !strings.Contains(problem.Message, "did you mean op:?") {
		t.Errorf("problem %+v", problem)
	}
	s.search(t, t.Context(), "(sAMAccountName=dora)", "cn") // not chosen: the query of before still holds
	if batch := b.hears("batch"); len(batch.Operations) != 0 {
		t.Errorf("batch %+v holds what op:bind does not choose", batch)
	}
}

func TestLiveGarbage(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	s.runs(t)
	b := s.opens(t)
	for _, garbage := range []string{"garbage", `{"type":`, `[]`, `{"type":"launch"}`, ""} {
		b.says(garbage)
		if problem := b.hears("problem"); problem.Message == "" || problem.Query {
			t.Errorf("%q gives %+v", garbage, problem)
		}
	}
	b.says(`{"type":"hello"}`)
	b.hears("welcome")
	_ = b.conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 64<<10))) // may fail: the panel closes before it has read all
	_ = b.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		if _, _, err := b.conn.ReadMessage(); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatal("a message of 64 KiB does not end the connection")
			}
			return // with a close for its size, or reset where that was not read in time
		}
	}
}

func TestLiveWithoutRun(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	var answer struct {
		Error struct{ Message string }
	}
	if status := s.get(t, "/api/v1/live", &answer); status != http.StatusServiceUnavailable || !strings.Contains(answer.Error.Message, "Panel.Run") {
		t.Errorf("got %d %+v", status, answer)
	}
}

func TestLiveEndsWithRun(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.panel.Run(ctx) }()
	var b *browser
	for b == nil { // Run may not have begun yet
		if s.get(t, "/api/v1/live", nil) != http.StatusServiceUnavailable {
			b = s.opens(t)
		}
	}
	b.says(`{"type":"hello"}`)
	b.hears("welcome")
	cancel()
	_ = b.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		if _, _, err := b.conn.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
				t.Errorf("ended with %v, want going away", err)
			}
			break
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestClear holds the command to the origin: a page of another site cannot send it.
func TestClear(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	s.runs(t)
	b := s.opens(t)
	b.says(`{"type":"hello"}`)
	b.hears("backfill")
	post := func(origin string) int {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+"/api/v1/clear", strings.NewReader("{}"))
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Origin", origin)
		response, err := s.server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	if status := post("http://evil.example"); status != http.StatusForbidden {
		t.Errorf("a foreign page clears: %d", status)
	}
	if status := post(s.server.URL); status != http.StatusOK {
		t.Errorf("the own page cannot clear: %d", status)
	}
	b.hears("cleared")
}
