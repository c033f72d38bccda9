// SPDX-License-Identifier: MIT

// Package spanburst makes spans cheap for who ends them. The SDK's batch processor takes each ended span through a channel
// into a goroutine of its own, which wakes for every one; on a busy machine that is the dearest part of a sampled LDAP
// span. New stands before it and hands spans over many at a time:
//
//	trace.WithSpanProcessor(spanburst.New(trace.NewBatchSpanProcessor(exporter)))
//
// Nothing else changes: order, limits, export and OTEL_BSP_* variables stay the batch processor's, and what still waits
// leaves with ForceFlush and Shutdown.
package spanburst

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
)

// Size is how many spans wait at most. The queue of the next processor must hold as many at once, and better several times
// as many: the SDK's holds 2,048 unless OTEL_BSP_MAX_QUEUE_SIZE says otherwise.
const Size = 64

// Delay is how long a span waits at most, beside the delay of the next processor (5 s, OTEL_BSP_SCHEDULE_DELAY).
const Delay = 100 * time.Millisecond

// New returns a processor that gives what ended to next, in order, as soon as Size spans wait or the first has waited for
// Delay. It is safe for concurrent use as far as next is, has no goroutine of its own, and passes on what next returns.
func New(next trace.SpanProcessor) trace.SpanProcessor {
	p := &processor{next: next}
	p.timer = time.AfterFunc(Delay, p.hand)
	p.timer.Stop()
	return p
}

type processor struct {
	next  trace.SpanProcessor
	timer *time.Timer // runs while spans wait

	mu    sync.Mutex // guards what follows, and the order in which next gets spans
	ended [Size]trace.ReadOnlySpan
	count int
}

func (p *processor) OnStart(ctx context.Context, s trace.ReadWriteSpan) { p.next.OnStart(ctx, s) }

func (p *processor) OnEnd(s trace.ReadOnlySpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended[p.count] = s
	p.count++
	switch p.count {
	case 1:
		p.timer.Reset(Delay)
	case Size:
		p.timer.Stop()
		p.pass()
	}
}

// hand passes on what waits, be it much or little.
func (p *processor) hand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
}

// pass gives the spans to the next processor. The caller holds mu.
func (p *processor) pass() {
	for _, s := range p.ended[:p.count] {
		p.next.OnEnd(s)
	}
	clear(p.ended[:p.count]) // a span holds its attributes
	p.count = 0
}

func (p *processor) ForceFlush(ctx context.Context) error {
	p.hand()
	return p.next.ForceFlush(ctx)
}

func (p *processor) Shutdown(ctx context.Context) error {
	p.timer.Stop()
	p.hand()
	return p.next.Shutdown(ctx)
}
