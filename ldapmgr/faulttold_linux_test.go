// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// witness sees what a domain tells: spans, metrics, its status and its log.
type witness struct {
	manager *ldapmgr.Manager
	domain  *ldapmgr.Domain
	scope   *instrument.Scope
	tracer  *trace.TracerProvider
	spans   *tracetest.SpanRecorder
	metrics *metric.ManualReader
	log     lockedBuffer
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// toldDomain returns a domain that is watched, whose spans go further ways too.
func toldDomain(t *testing.T, c ldapmgr.DomainConfig, more ...trace.TracerProviderOption) *witness {
	t.Helper()
	w := &witness{spans: tracetest.NewSpanRecorder(), metrics: metric.NewManualReader()}
	w.tracer = trace.NewTracerProvider(append(more, trace.WithSpanProcessor(w.spans))...)
	w.scope = instrument.New(instrument.WithTracerProvider(w.tracer), instrument.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(w.metrics))))
	m, err := ldapmgr.New(ldapmgr.Config{
		Scope: w.scope, Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c},
		Logger: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.WithoutCancel(t.Context())) })
	w.manager = m
	w.domain, _ = m.Domain("")
	return w
}

// within calls f under a span of the application.
func (w *witness) within(t *testing.T, f func(ctx context.Context) error) error {
	t.Helper()
	ctx, span := w.tracer.Tracer("application").Start(t.Context(), "request")
	defer span.End()
	return f(ctx)
}

// search is a call of the application, whatever becomes of it.
func (w *witness) search(t *testing.T) error {
	t.Helper()
	return w.within(t, func(ctx context.Context) error {
		_, err := w.domain.Search(ctx, people("(ou=people)"))
		return err
	})
}

// events are the classes of the events on spans that have ended.
func (w *witness) events() (classes []string) {
	for _, span := range w.spans.Ended() {
		for _, event := range span.Events() {
			if event.Name != "ldap.fault" {
				continue
			}
			for _, kv := range event.Attributes {
				if kv.Key == "error.type" {
					classes = append(classes, kv.Value.AsString())
				}
			}
		}
	}
	return classes
}

// counted are the classes of the metric, each as often as it was counted.
func (w *witness) counted(t *testing.T) (classes []string) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := w.metrics.Collect(context.WithoutCancel(t.Context()), &all); err != nil {
		t.Error(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != "ldap.client.faults" {
				continue
			}
			for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
				class, _ := p.Attributes.Value("error.type")
				classes = append(classes, slices.Repeat([]string{class.AsString()}, int(p.Value))...)
			}
		}
	}
	return classes
}

// logged are the classes of the log's lines about faults.
func (w *witness) logged() (classes []string) {
	for line := range strings.Lines(w.log.String()) {
		if _, rest, ok := strings.Cut(line, "msg=fault "); ok {
			_, rest, _ = strings.Cut(rest, "class=")
			class, _, _ := strings.Cut(rest, " ")
			classes = append(classes, class)
		}
	}
	return classes
}

// lines are the classes of what Status lists, which the panel shows. Each has its cause in words.
func (w *witness) lines(t *testing.T) (classes []string) {
	t.Helper()
	for _, f := range w.domain.Status().Faults {
		classes = append(classes, string(f.Class))
		if f.Reason == "" || f.Count == 0 || f.First.IsZero() || f.Last.Before(f.First) {
			t.Errorf("the line says too little: %+v", f)
		}
	}
	return classes
}

// want proves that a fault was told once in each place, and nothing else: by a span event, the metric and a line for people.
// No class means that nothing was.
func (w *witness) want(t *testing.T, class ldapmgr.Class) {
	t.Helper()
	var want []string
	if class != "" {
		want = []string{string(class)}
	}
	for place, got := range map[string][]string{
		"span events": w.events(), "the metric": w.counted(t), "the status": w.lines(t), "the log": w.logged(),
	} {
		if !slices.Equal(got, want) {
			t.Errorf("%s tell of %q, want %q", place, got, want)
		}
	}
}

// tells proves I7 for a fault: it strikes, calls meet it, and it is told once.
func tells(t *testing.T, f fault) {
	t.Helper()
	if f.meets != nil {
		f.meets(t, f.told)
		return
	}
	meets(func(n *network) ldapmgr.DomainConfig { return n.config(3) }, func(n *network, w *witness) {
		pause(f.rest)
		f.hit(n.host(0), first())
	})(t, f.told)
}

// meets proves what is told of something that happens to a network in memory: a call before it, then calls for ten seconds.
func meets(config func(n *network) ldapmgr.DomainConfig, strike func(*network, *witness)) func(*testing.T, ldapmgr.Class) {
	return func(t *testing.T, told ldapmgr.Class) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			n := start(t, 3, small)
			w := toldDomain(t, config(n))
			_ = w.search(t)
			strike(n, w)
			for range 10 {
				_ = w.search(t)
				pause(time.Second)
			}
			w.want(t, told)
		})
	}
}

// meetsAlone is meets with one server.
func meetsAlone(strike func(*network, *witness)) func(*testing.T, ldapmgr.Class) {
	return meets(func(n *network) ldapmgr.DomainConfig { return n.config(1) }, strike)
}

// at is the domain on a server of the test's own making.
func at(url string, h *host) func(*network) ldapmgr.DomainConfig {
	return func(n *network) ldapmgr.DomainConfig {
		n.hosts["own.test"] = h
		c := n.config(0)
		c.Servers = []string{url}
		return c
	}
}

func quiet(*network, *witness) {}

// meetsLive is meets with real sockets and a fault from the beginning.
func meetsLive(config func(*testing.T) ldapmgr.DomainConfig) func(*testing.T, ldapmgr.Class) {
	return func(t *testing.T, told ldapmgr.Class) {
		t.Helper()
		w := toldDomain(t, config(t))
		for range 3 {
			if err := w.search(t); err == nil {
				t.Error("a call succeeds")
			}
		}
		for end := time.Now().Add(10 * time.Second); len(w.events()) == 0 && time.Now().Before(end); {
			pause(10 * time.Millisecond)
		}
		w.want(t, told)
	}
}

// TestFaultsAreToldOnce: one fault is told again once it was over for half a minute, and is one meanwhile, however often it
// is met.
func TestFaultsAreToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		w := toldDomain(t, n.config(2))
		_ = w.search(t)
		for _, round := range []struct {
			want int
			rest time.Duration
		}{{1, 10 * time.Second}, {1, time.Minute}, {2, 0}} {
			n.host(0).set(refusing)
			for range 20 {
				if err := w.search(t); err != nil {
					t.Fatal(err)
				}
				pause(time.Second)
			}
			if got := len(w.counted(t)); got != round.want || len(w.events()) != got || len(w.lines(t)) != got {
				t.Errorf("%d times told, want %d: %v", got, round.want, w.domain.Status().Faults)
			}
			if got := strings.Count(w.log.String(), "msg=fault"); got != round.want {
				t.Errorf("%d lines in the log, want %d:\n%s", got, round.want, w.log.String())
			}
			if got := w.domain.Status().Faults[0]; got.Count < 10 || got.Server != "a.test:389" {
				t.Errorf("it was met 10 times and more: %+v", got)
			}
			n.host(0).set(serving)
			pause(round.rest)
		}
	})
}
