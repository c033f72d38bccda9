// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// gate is a TCP relay between the browser and the panel that can be shut, as a network that goes away.
type gate struct {
	t  *testing.T
	on net.Listener
	to string

	mu    sync.Mutex // guards everything below
	shut  bool
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

// opensGate relays to an address until the test ends.
func opensGate(t *testing.T, to string) *gate {
	t.Helper()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, on: on, to: to, conns: map[net.Conn]bool{}}
	g.all.Go(func() {
		for {
			conn, err := on.Accept()
			if err != nil {
				return
			}
			g.all.Go(func() { g.relay(conn) })
		}
	})
	t.Cleanup(func() {
		_ = on.Close()
		g.close(true)
		g.all.Wait()
	})
	return g
}

func (g *gate) relay(front net.Conn) {
	back, err := net.Dial("tcp", g.to)
	if err != nil {
		_ = front.Close()
		return
	}
	if !g.keep(front, back) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(back, front); _ = back.Close() })
	both.Go(func() { _, _ = io.Copy(front, back); _ = front.Close() })
	both.Wait()
}

// keep remembers a pair of connections, or closes it while the gate is shut.
func (g *gate) keep(pair ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range pair {
		if g.shut {
			_ = c.Close()
			continue
		}
		g.conns[c] = true
	}
	return !g.shut
}

// close shuts the gate and cuts what goes through it, or opens it again.
func (g *gate) close(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	if shut {
		for c := range g.conns {
			_ = c.Close()
		}
		clear(g.conns)
	}
}

// opensBehindGate opens the panel of a demo whose network can go away, which the page may complain of.
func opensBehindGate(t *testing.T) (*running, *tab, *gate) {
	t.Helper()
	b := opensBrowser(t, 1440, 900)
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	g := opensGate(t, strings.TrimPrefix(r.panel, "http://"))
	t.Cleanup(func() { b.visit("about:blank") })
	b.visit("http://" + g.on.Addr().String() + "/?t=" + panelToken)
	b.await("the first operation on the page", `document.querySelector("[data-testid=op-row]")`)
	b.allow("net::ERR_")
	b.allow("WebSocket")
	return r, b, g
}

// TestBrowserReconnect takes the network away while operations happen. Afterwards the page has exactly what the API has.
func TestBrowserReconnect(t *testing.T) {
	t.Parallel()
	r, b, g := opensBehindGate(t)
	r.visit("/people?q=ada")
	before := b.lists(r)
	for turn := range 3 {
		g.close(true)
		b.await("the loss to be told", `document.querySelector("[data-testid=conn-state]").dataset.state === "down"`)
		r.visit("/groups")
		r.visit(fmt.Sprintf("/people?q=turn%d", turn))
		g.close(false)
		start := time.Now()
		b.await("the connection", `document.querySelector("[data-testid=conn-state]").dataset.state === "live"`)
		t.Logf("connected again after %v", time.Since(start).Round(time.Millisecond))
		after := b.lists(r)
		if len(after) < len(before)+40 {
			t.Errorf("turn %d: %d operations became %d, want more than 40 more", turn, len(before), len(after))
		}
		before = after
	}
	b.click(`[data-testid=group]`)
	b.visit("http://" + g.on.Addr().String() + "/?group=flat")
	b.await("the flat list", fmt.Sprintf(`document.querySelector("[data-testid=live-list]").ariaRowCount === "%d"`, len(before)+1))
	if rows := asks[int](b, `new Set([...document.querySelectorAll("[data-testid=op-row]")].map(e => e.dataset.id)).size - document.querySelectorAll("[data-testid=op-row]").length`); rows != 0 {
		t.Errorf("%d rows are there twice", -rows)
	}
}

// hides makes the page believe that nobody looks at it, or that somebody does again.
func (b *tab) hides(hidden bool) {
	asks[bool](b, fmt.Sprintf(`(Object.defineProperty(document, "hidden", { configurable: true, get: () => %t }), document.dispatchEvent(new Event("visibilitychange")))`, hidden))
}

// TestBrowserRestart holds the page to tell what was made before the application restarted from what was made after.
func TestBrowserRestart(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	first := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	address := strings.TrimPrefix(first.panel, "http://")
	b.visit(first.panel + "/?t=" + panelToken)
	b.await("the first operation on the page", `document.querySelector("[data-testid=op-row]")`)
	first.visit("/people?q=before")
	old := b.lists(first)
	b.allow("net::ERR_")
	b.allow("WebSocket")
	first.stop()
	b.await("the loss to be told", `document.querySelector("[data-testid=conn-state]").dataset.state === "down"`)
	second := startHere(t, nil, nil, append(slices.Clone(anywhere), "--quiet", "--listen", address)...)
	t.Cleanup(func() { b.visit("about:blank") })
	b.await("the restart", `document.querySelector("[data-testid=restart-row]")`)
	second.visit("/people?q=after")
	b.lists(second)
	b.await("what was before, apart", fmt.Sprintf(`document.querySelectorAll("[data-testid=op-row].past").length === %d`, len(old)))
	b.await("what is new, the restart, then what is old", `[...document.querySelectorAll("[data-testid=live-list] .row[data-drawn]")].filter(e => e.checkVisibility() && e.dataset.drawn).sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
		.map(e => e.classList.contains("restart") ? "|" : e.innerText.includes("*before*") ? "old" : e.innerText.includes("*after*") ? "new" : "").join("") === "new|old"`)
	b.await("the warning", `document.querySelector("[role=status]").innerText.includes("restarted")`)
}

// TestBrowserEvents puts a proxy before the panel that knows no websockets: the page follows by server-sent events, loses nothing
// when they are cut, asks with another query from the beginning, and costs nothing while it is hidden.
func TestBrowserEvents(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	target, err := url.Parse(r.panel)
	if err != nil {
		t.Fatal(err)
	}
	var streams atomic.Int32
	relay := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host }, ErrorLog: log.New(io.Discard, "", 0)}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Upgrade") != "" {
			http.Error(w, "this proxy knows no websockets", http.StatusNotImplemented)
			return
		}
		if strings.HasSuffix(q.URL.Path, ".sse") {
			streams.Add(1)
			defer streams.Add(-1)
		}
		relay.ServeHTTP(w, q)
	}))
	t.Cleanup(func() { b.visit("about:blank"); proxy.CloseClientConnections(); proxy.Close() })
	b.allow("WebSocket")
	b.allow("net::ERR_")
	live := `document.querySelector("[data-testid=conn-state]").dataset.state === "live"`
	b.visit(proxy.URL + "/?t=" + panelToken)
	b.await("the events", live)
	r.visit("/people?q=ada")
	before := b.lists(r)
	for range 2 {
		proxy.CloseClientConnections()
		b.await("the loss to be told", `document.querySelector("[data-testid=conn-state]").dataset.state === "down"`)
		start := time.Now()
		r.visit("/groups")
		b.await("the events", live)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("the events came back after %v", took)
		}
		after := b.lists(r)
		if len(after) < len(before)+40 {
			t.Errorf("%d operations became %d, want at least 40 more", len(before), len(after))
		}
		before = after
	}
	b.hides(true)
	r.await("the end of the stream", func() bool { return streams.Load() == 0 })
	r.visit("/people?q=hidden")
	b.hides(false)
	b.lists(r)
	for _, query := range []string{"op:bind", "(cn=*hidden*)", ""} {
		b.types(query)
		r.await("what "+query+" chooses", func() bool {
			return slices.Equal(seqs(r.operations(query)), asks[[]uint64](b, app+`.then(({ store }) => [...store.operations.keys()].sort((a, b) => a - b))`))
		})
	}
}

// TestBrowserHidden holds a hidden tab to cost nothing, and to be whole when it is looked at again.
func TestBrowserHidden(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/people?q=ada")
	before := b.lists(r)
	frames := app + `.then(({ store }) => store.version)`
	b.hides(true)
	r.visit("/people?q=hidden")
	r.await("the operation in the API", func() bool { return len(filtered("*hidden*", r.operations(""))) == 1 })
	version := asks[int](b, frames)
	r.visit("/groups")
	if now := asks[int](b, frames); now > version+1 {
		t.Errorf("a hidden page took %d changes", now-version)
	}
	b.hides(false)
	if after := b.lists(r); len(after) < len(before)+40 {
		t.Errorf("%d operations, want those that came while the page was hidden", len(after))
	}
}
