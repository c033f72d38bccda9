// SPDX-License-Identifier: MIT

package panel_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/gorilla/websocket"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

var sustained = flag.Duration("sustained", 5*time.Second, "how long the benchmark of the live stream asks 5,000 times a second")

// load is an application that asks a directory, with a panel that browsers follow.
type load struct {
	scope   *instrument.Scope
	clients []*instrument.Client
	server  *httptest.Server
}

const loadClients = 4

func newLoad(b *testing.B) *load {
	b.Helper()
	l := &load{scope: instrument.New()}
	for range loadClients {
		client, err := l.scope.Dial(b.Context(), "ldap://prompt", instrument.WithDomain("EXAMPLE"), instrument.WithDialer(dialPrompt))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = client.Close(context.Background()) })
		l.clients = append(l.clients, client)
	}
	p := panel.New(panel.Config{Scope: l.scope, Token: token})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }() // ends with ctx; the benchmark waits for it
	l.server = httptest.NewServer(p)
	b.Cleanup(func() { cancel(); <-done; l.server.Close() })
	return l
}

// tick is how far ahead of its time a client may ask: waiting for each question alone would cost more than asking it.
const tick = 2 * time.Millisecond

// runs asks n times, evenly at so many a second. 40 questions make one job.
func (l *load) runs(b *testing.B, n, perSecond int) (took time.Duration) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for _, client := range l.clients {
		all.Go(func() {
			ctx, end := l.scope.Job(context.Background(), "load")
			defer func() { end() }()
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if ahead := time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))); ahead > tick {
					<-time.After(ahead)
				}
				if i%40 == 0 {
					end()
					ctx, end = l.scope.Job(context.Background(), "load")
				}
				filter := fmt.Sprintf("(&(objectClass=*)(!(uid=user%d)))", i)
				if _, err := client.Search(ctx, ldap.NewSearchRequest("", 0, 0, 0, 0, false, filter, []string{"vendorName"}, nil)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// reader follows as a browser does, and holds the stream to leave nothing out.
type reader struct {
	conn                 *websocket.Conn
	last                 atomic.Uint64
	bytes, frames, holes atomic.Int64
	left                 atomic.Int64
	done                 chan struct{}
	ended                atomic.Value // why it no longer follows
}

func (l *load) reads(b *testing.B) *reader {
	b.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(b.Context(), "ws"+strings.TrimPrefix(l.server.URL, "http")+"/api/v1/live", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		b.Fatal(err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
		b.Fatal(err)
	}
	r := &reader{conn: conn, done: make(chan struct{})}
	go func() { defer close(r.done); r.follow() }() // ends with the connection; the benchmark waits for it
	b.Cleanup(func() { _ = conn.Close(); <-r.done })
	return r
}

func (r *reader) follow() {
	for {
		_, body, err := r.conn.ReadMessage()
		if err != nil {
			r.ended.Store(err.Error())
			return
		}
		var f struct {
			Type     string `json:"type"`
			From, To uint64
			Left     int64
		}
		if json.Unmarshal(body, &f) != nil || f.Type != "batch" && f.Type != "backfill" && f.Type != "gap" {
			continue
		}
		r.frames.Add(1)
		r.left.Add(f.Left)
		if f.Type == "gap" || f.Type == "batch" && f.From > r.last.Load() {
			r.holes.Add(1)
		}
		if f.Type == "batch" {
			r.bytes.Add(int64(len(body)))
		}
		r.last.Store(f.To)
		_ = r.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","seq":%d}`, f.To)) // the next read tells
	}
}

// catchesUp waits until a reader has everything, and returns how long that took.
func (l *load) catchesUp(b *testing.B, r *reader) time.Duration {
	b.Helper()
	start := time.Now()
	for r.last.Load() < l.scope.Recorder().Stats().Last {
		if time.Since(start) > time.Minute {
			b.Fatalf("the reader is at %d of %d, ended: %v", r.last.Load(), l.scope.Recorder().Stats().Last, r.ended.Load())
		}
		<-time.After(time.Millisecond)
	}
	return time.Since(start)
}

// BenchmarkStream is the live stream at the rates that it is meant for. It also holds that nothing is lost at 5,000 a second, nor in a
// burst of 20,000; ops/s says what rate the machine really reached.
//
//	go test -run '^$' -bench Stream ./panel
//	go test -run '^$' -bench Stream/sustained -timeout 0 ./panel -args -sustained 10m
func BenchmarkStream(b *testing.B) {
	tests := []struct {
		name          string
		lasts         time.Duration
		rate, readers int
	}{
		{"sustained 5000 per second", *sustained, 5000, 1},
		{"burst of 20000 per second", 10 * time.Second, 20_000, 1},
		{"50 browsers", 3 * time.Second, 1000, 50},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				l := newLoad(b)
				readers := make([]*reader, tt.readers)
				for i := range readers {
					readers[i] = l.reads(b)
				}
				for _, r := range readers {
					l.catchesUp(b, r)
				}
				n := int(tt.lasts.Seconds() * float64(tt.rate))
				took := l.runs(b, n, tt.rate)
				var behind time.Duration
				var bytes, frames, holes, left int64
				for _, r := range readers {
					behind = max(behind, l.catchesUp(b, r))
					bytes, frames, holes, left = bytes+r.bytes.Load(), frames+r.frames.Load(), holes+r.holes.Load(), left+r.left.Load()
				}
				if tt.readers == 1 && (holes > 0 || left > 0) {
					b.Errorf("at %.0f operations a second: %d holes, %d operations counted and not listed", float64(n)/took.Seconds(), holes, left)
				}
				each := int64(tt.readers)
				b.ReportMetric(float64(n)/took.Seconds(), "ops/s")
				b.ReportMetric(float64(bytes)/float64(each)/float64(n), "bytes/op")
				b.ReportMetric(float64(frames)/float64(each)/(took+behind).Seconds(), "frames/s")
				b.ReportMetric(float64(behind.Milliseconds()), "catchup-ms")
				b.ReportMetric(float64(left)/float64(each), "unlisted-ops")
				b.ReportMetric(float64(holes), "holes")
				b.ReportMetric(heapMB(), "heap-MB")
			}
		})
	}
}

// heapMB is what is held after a collection.
func heapMB() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}
