// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// A log record made under an HTTP request or a span leads to both; one made outside of any says nothing of them.
func TestLogRecordsCarryIDs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(instrument.NewLogHandler(slog.NewTextHandler(&out, nil))).With(slog.String("app", "shop")).WithGroup("g")
	w := newWatch()
	ctx, end := w.Job(t.Context(), "sync")
	defer end()
	ctx, span := w.tracers.Tracer("test").Start(ctx, "request")
	defer span.End()
	log.InfoContext(ctx, "inside", slog.Int("n", 1))
	sc := span.SpanContext()
	for _, want := range []string{"trace_id=" + sc.TraceID().String(), "span_id=" + sc.SpanID().String(), "ldap_request=" + instrument.RequestID(ctx), "app=shop", "g.n=1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, &out)
		}
	}
	out.Reset()
	log.InfoContext(context.Background(), "outside")
	if strings.Contains(out.String(), "_id") || strings.Contains(out.String(), "ldap_request") {
		t.Errorf("outside of any: %s", &out)
	}
	if log.Enabled(ctx, slog.LevelDebug) {
		t.Error("the level of the next handler is not asked")
	}
}
