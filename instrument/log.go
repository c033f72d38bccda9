// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// LogHandler adds trace_id, span_id and ldap_request, where the context has them, to every record that it passes on, so
// that log lines lead to traces and to the panel.
type LogHandler struct{ next slog.Handler }

// NewLogHandler returns a LogHandler in front of next.
func NewLogHandler(next slog.Handler) *LogHandler { return &LogHandler{next} }

// Enabled asks the next handler.
func (h *LogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes a record on, with the ids.
func (h *LogHandler) Handle(ctx context.Context, r slog.Record) error {
	span, request := trace.SpanContextFromContext(ctx), RequestID(ctx)
	if span.IsValid() || request != "" {
		r = r.Clone()
	}
	if span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	if request != "" {
		r.AddAttrs(slog.String("ldap_request", request))
	}
	return h.next.Handle(ctx, r)
}

// WithAttrs returns a LogHandler over next.WithAttrs.
func (h *LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &LogHandler{h.next.WithAttrs(attrs)}
}

// WithGroup returns a LogHandler over next.WithGroup.
func (h *LogHandler) WithGroup(name string) slog.Handler { return &LogHandler{h.next.WithGroup(name)} }
