// SPDX-License-Identifier: MIT

package spanburst_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/ldapscope/ldapscope/instrument/spanburst"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kept is a processor that keeps the names of what it gets.
type kept struct {
	mu    sync.Mutex
	names []string
	says  []string // the other calls
}

func (k *kept) called(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.says = append(k.says, what+" after "+strconv.Itoa(len(k.names)))
}

func (k *kept) got() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.names)
}

func (k *kept) OnStart(context.Context, trace.ReadWriteSpan) { k.called("start") }

func (k *kept) OnEnd(s trace.ReadOnlySpan) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.names = append(k.names, s.Name())
}

var errNext = errors.New("said the next processor")

func (k *kept) ForceFlush(context.Context) error { k.called("flush"); return errNext }
func (k *kept) Shutdown(context.Context) error   { k.called("shutdown"); return errNext }

func end(tracers *trace.TracerProvider, names ...string) {
	for _, name := range names {
		_, span := tracers.Tracer("test").Start(context.Background(), name)
		span.End()
	}
}

func numbered(n int) (names []string) {
	for i := range n {
		names = append(names, strconv.Itoa(i))
	}
	return names
}

// TestSpansLeave holds spans to leave when a burst is full, when the first has waited, and when the application asks; in
// order, each once.
func TestSpansLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &kept{}
		tracers := trace.NewTracerProvider(trace.WithSpanProcessor(spanburst.New(next)))
		all := numbered(spanburst.Size + 3)
		end(tracers, all[:spanburst.Size-1]...)
		if got := next.got(); len(got) != 0 {
			t.Errorf("%d spans left one by one", len(got))
		}
		end(tracers, all[spanburst.Size-1:]...)
		if got := next.got(); !slices.Equal(got, all[:spanburst.Size]) {
			t.Errorf("of a full burst these left: %v", got)
		}
		time.Sleep(spanburst.Delay - 1) //nolint:forbidigo // the bubble's clock
		if got := next.got(); len(got) != spanburst.Size {
			t.Errorf("%d spans before the delay was over", len(got))
		}
		time.Sleep(time.Nanosecond) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		if got := next.got(); !slices.Equal(got, all) {
			t.Errorf("after the delay these left: %v", got)
		}
		end(tracers, "flushed")
		if err := tracers.ForceFlush(t.Context()); !errors.Is(err, errNext) {
			t.Errorf("flush returned %v", err)
		}
		end(tracers, "last")
		if err := tracers.Shutdown(t.Context()); !errors.Is(err, errNext) {
			t.Errorf("shutdown returned %v", err)
		}
		if got := next.got(); !slices.Equal(got, append(all, "flushed", "last")) {
			t.Errorf("in the end these left: %v", got)
		}
		n := spanburst.Size + 4
		want := []string{fmt.Sprintf("flush after %d", n), fmt.Sprintf("shutdown after %d", n+1)}
		if said := slices.DeleteFunc(next.says, func(s string) bool { return s[:5] == "start" }); !slices.Equal(said, want) {
			t.Errorf("the next processor heard %v, want %v", said, want)
		}
	})
}

// TestSpansOfMany ends spans in many goroutines before the SDK's own processor, whose queue is the smallest allowed.
func TestSpansOfMany(t *testing.T) {
	t.Parallel()
	const goroutines, each = 8, 2000
	exporter := tracetest.NewInMemoryExporter()
	next := trace.NewBatchSpanProcessor(&keepsShutdown{exporter}, trace.WithMaxQueueSize(spanburst.Size), trace.WithMaxExportBatchSize(spanburst.Size), trace.WithBlocking())
	tracers := trace.NewTracerProvider(trace.WithSpanProcessor(spanburst.New(next)))
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() { end(tracers, numbered(each)...) })
	}
	all.Wait()
	if err := tracers.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, s := range exporter.GetSpans() {
		count[s.Name]++
	}
	for _, name := range numbered(each) {
		if count[name] != goroutines {
			t.Fatalf("span %s came %d times, want %d", name, count[name], goroutines)
		}
	}
}

// keepsShutdown leaves the exporter its spans, which its Shutdown would drop.
type keepsShutdown struct{ *tracetest.InMemoryExporter }

func (*keepsShutdown) Shutdown(context.Context) error { return nil }
