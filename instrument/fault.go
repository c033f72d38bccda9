// SPDX-License-Identifier: MIT

package instrument

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Fault is something wrong with a server, the way to it or the account used there.
type Fault struct {
	Domain string
	Server string // host:port or path of a socket; "" where it is about no one server
	Class  string // a word of a small set, for counting
	Reason string // in plain words, without names, filters or values of the directory
}

// Faulted tells of a fault that a caller met, as one count by class and one event. The event is on the span of ctx; where
// that has ended meanwhile, or there is none because it was met in the background, it has a span of its own. The caller sees
// to it that a fault is told once. It may be called from several goroutines.
func (s *Scope) Faulted(ctx context.Context, f Fault) {
	t := s.telemetry
	set := []attribute.KeyValue{attribute.String(attrPool, f.Domain), attribute.String(attrErrorType, f.Class)}
	if f.Server != "" {
		host, port, _ := splitServer(f.Server)
		set = append(set, serverAttributes(host, port)...)
	}
	t.faults.Add(ctx, 1, metric.WithAttributes(set...))
	if t.silent {
		return
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() { // over, or not sampled, which its child is not either
		_, span = t.internal(ctx, "fault")
		span.SetStatus(codes.Error, f.Class)
		defer span.End()
	}
	span.AddEvent(eventFault, trace.WithAttributes(append(set, attribute.String(attrFaultReason, f.Reason))...))
}
