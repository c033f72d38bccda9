// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

// bench is an application that asks a directory as evenly as it can, with a panel.
type bench struct {
	scope   *instrument.Scope
	clients []*instrument.Client
	address string
}

func newBench(b *testing.B) *bench {
	b.Helper()
	directory := ldaptest.Start(b, ldaptest.Config{})
	a := &bench{scope: instrument.New()}
	for range 4 {
		client, err := a.scope.Dial(b.Context(), directory.URL(), instrument.WithDomain("EXAMPLE"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = client.Close(context.Background()) })
		a.clients = append(a.clients, client)
	}
	p := panel.New(panel.Config{Scope: a.scope, Token: panelToken})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }() // ends with ctx; the benchmark waits for it
	server := httptest.NewServer(p)
	a.address = server.URL
	b.Cleanup(func() { cancel(); <-done; server.Close() })
	return a
}

// asks asks n times at so many a second, 40 to a job, or as fast as it goes for 0.
func (a *bench) asks(b *testing.B, n, perSecond int) time.Duration {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for _, client := range a.clients {
		all.Go(func() {
			ctx, end := a.scope.Job(context.Background(), "bench")
			defer func() { end() }()
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if perSecond > 0 {
					// A wait for each question alone would cost more than asking it.
					if ahead := time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))); ahead > 2*time.Millisecond {
						<-time.After(ahead)
					}
				}
				if i%40 == 0 {
					end()
					ctx, end = a.scope.Job(context.Background(), "bench")
				}
				if _, err := client.Search(ctx, ldap.NewSearchRequest("", 0, 0, 0, 0, false, fmt.Sprintf("(!(uid=user%d))", i), []string{"vendorName"}, nil)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// watch measures in the page, from the end of each operation to the frame after the one that painted the last row in sight.
const watch = `(async () => {
	const { list, store } = await ` + app + `;
	const m = window.measured = { waits: [], longest: 0, frames: [], slowest: { duration: 0 } };
	let known = store.last;
	store.addEventListener("change", () => {
		const ends = [];
		for (let i = store.sequence.length - 1; i >= 0 && store.sequence[i].updated > known; i--) if (store.sequence[i].state !== "running") ends.push((store.sequence[i].start + store.sequence[i].duration_us) / 1000);
		known = store.last;
		const painted = () => requestAnimationFrame(() => setTimeout(() => {
			if (list.next >= 0) return painted();
			const now = performance.timeOrigin + performance.now();
			for (const end of ends) m.waits.push(now - end);
		}));
		painted();
	});
	new PerformanceObserver((l) => l.getEntries().forEach((e) => { m.longest = Math.max(m.longest, e.duration); })).observe({ type: "longtask" });
	new PerformanceObserver((l) => l.getEntries().forEach((e) => { if (e.duration > m.slowest.duration) m.slowest = e; })).observe({ type: "long-animation-frame" });
	let before = 0;
	const frame = (t) => { if (before) m.frames.push(t - before); before = t; requestAnimationFrame(frame); };
	requestAnimationFrame(frame);
	return true;
})()`

// slowest says what the longest frame over 50 ms was made of; the rest of it waited for a processor.
const slowest = `(({ duration, startTime, scripts, styleAndLayoutStart }) => !duration ? "none over 50 ms" : Math.round(duration) + " ms, of them scripts " +
	(scripts.map(s => Math.round(s.duration) + " in " + s.invoker + (s.forcedStyleAndLayoutDuration ? " with layout " + Math.round(s.forcedStyleAndLayoutDuration) : "")).join(", ") || "0") +
	", style, layout and paint " + (styleAndLayoutStart ? Math.round(startTime + duration - styleAndLayoutStart) : 0))(window.measured.slowest)`

// measures are what the page counted, once it has everything.
type measures struct {
	P50, P95, Longest, Frame, Heap float64
	Nodes, Operations              int
}

const measured = `(async () => {
	const { store } = await ` + app + `;
	const m = window.measured;
	const at = (list, share) => list.sort((a, b) => a - b)[Math.floor(list.length * share)] ?? 0;
	globalThis.gc?.();
	return { P50: at(m.waits, 0.5), P95: at(m.waits, 0.95), Longest: m.longest, Frame: at(m.frames, 0.95), Heap: performance.memory.usedJSHeapSize / 1e6, Nodes: document.querySelectorAll("*").length, Operations: store.operations.size };
})()`

// BenchmarkBrowser follows 5,000 operations a second in a real browser, then asks 100,000 times as fast as it goes, loads it anew with
// those in the recorder, and takes its connection away.
//
//	go test -run '^$' -bench Browser ./cmd/ldapscope
func BenchmarkBrowser(b *testing.B) {
	const rate, seconds, many = 5000, 4, 100_000
	for b.Loop() {
		a := newBench(b)
		page := opensBrowser(b, 1440, 900)
		page.visit(a.address + "/?t=" + panelToken)
		page.await("the connection", `document.querySelector("[data-testid=conn-state]").dataset.state === "live"`)
		asks[bool](page, watch)
		var took time.Duration
		busy := page.busiest(func() {
			took = a.asks(b, rate*seconds, rate)
			page.holds(rate * seconds)
		})
		m := asks[measures](page, measured)
		b.ReportMetric(rate*seconds/took.Seconds(), "ops/s")
		b.ReportMetric(m.P50, "pixel-p50-ms")
		b.ReportMetric(m.P95, "pixel-p95-ms")
		b.ReportMetric(m.Frame, "frame-p95-ms")
		b.ReportMetric(m.Longest, "longest-task-ms")
		b.ReportMetric(busy, "longest-task-cpu-ms") // what is left of the longest task once nobody else wants the processors
		b.ReportMetric(float64(m.Nodes), "nodes")
		b.Logf("at 5,000 a second the longest frame took: %s", asks[string](page, slowest))

		a.asks(b, many-rate*seconds, 0)
		asks[bool](page, fmt.Sprintf(app+`.then(async ({ store }) => { while (store.last < %d) await new Promise((r) => setTimeout(r, 50)); return true; })`, a.scope.Recorder().Stats().Last))
		full := asks[measures](page, measured)
		b.ReportMetric(full.Heap, "full-heap-MB")
		b.ReportMetric(float64(full.Operations), "full-ops") // those that it was too far behind for are counted and not listed
		b.ReportMetric(float64(full.Nodes), "full-nodes")

		start := time.Now()
		page.visit(a.address + "/")
		page.await("rows", `document.querySelector("[data-testid=op-row]")`)
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "first-rows-ms")
		page.visit("about:blank")
	}
}
