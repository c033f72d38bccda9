// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"strconv"
	"sync"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const scopeName = "github.com/ldapscope/ldapscope/instrument"

// telemetry makes spans and metrics. Without an SDK, or for a span that is not sampled, only prebuilt options are used.
type telemetry struct {
	tracer   trace.Tracer
	silent   bool // the tracer never makes a span
	redact   redactor
	db       bool
	duration metric.Float64Histogram
	entries  metric.Int64Histogram
	sent     metric.Int64Histogram
	received metric.Int64Histogram
	active   metric.Int64UpDownCounter
	io       metric.Int64Counter

	referrals metric.Int64Counter
	faults    metric.Int64Counter
	create    metric.Float64Histogram
	wait      metric.Float64Histogram
	use       metric.Float64Histogram
	meter     metric.Meter
	pools     sync.Once // the pools are being watched
}

var (
	durationBounds = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	entriesBounds  = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}
)

func newTelemetry(o options) *telemetry {
	t := &telemetry{tracer: o.tracers.Tracer(scopeName), redact: newRedactor(o.spans), db: o.db}
	_, t.silent = t.tracer.(noop.Tracer)
	m := o.meters.Meter(scopeName)
	t.meter = m
	var errs [11]error
	t.duration, errs[0] = m.Float64Histogram(metricDuration, metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(durationBounds...),
		metric.WithDescription("Time from sending an LDAP request to its last answer."))
	t.entries, errs[1] = m.Int64Histogram(metricEntries, metric.WithUnit("{entry}"), metric.WithExplicitBucketBoundaries(entriesBounds...),
		metric.WithDescription("Entries that a search returned."))
	t.sent, errs[2] = m.Int64Histogram(metricSent, metric.WithUnit("By"), metric.WithDescription("Size of an LDAP request message."))
	t.received, errs[3] = m.Int64Histogram(metricReceived, metric.WithUnit("By"), metric.WithDescription("Size of all answers to one LDAP request."))
	t.active, errs[4] = m.Int64UpDownCounter(metricActive, metric.WithUnit("{request}"), metric.WithDescription("LDAP requests that wait for an answer."))
	t.io, errs[5] = m.Int64Counter(metricIO, metric.WithUnit("By"), metric.WithDescription("Bytes on LDAP connections, inside of TLS."))
	t.referrals, errs[6] = m.Int64Counter(metricReferrals, metric.WithUnit("{referral}"),
		metric.WithDescription("Referrals and references received, followed or not."))
	t.create, errs[7] = m.Float64Histogram(metricCreate, metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(durationBounds...),
		metric.WithDescription("Time to make an LDAP connection, with TLS and its first bind."))
	t.wait, errs[8] = m.Float64Histogram(metricWait, metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(durationBounds...),
		metric.WithDescription("Time to get an LDAP connection from a pool that had none free."))
	t.use, errs[9] = m.Float64Histogram(metricUse, metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(durationBounds...),
		metric.WithDescription("Time that one borrower held an LDAP connection of a pool."))
	t.faults, errs[10] = m.Int64Counter(metricFaults, metric.WithUnit("{fault}"),
		metric.WithDescription("Faults of LDAP servers, networks and accounts by class, each once however many operations meet it."))
	for _, err := range errs {
		if err != nil {
			otel.Handle(err)
		}
	}
	return t
}

// begin starts the span of an operation that is about to be sent. What it says of the request is returned for its end:
// an SDK copies all attributes each time it gets more.
func (t *telemetry) begin(ctx context.Context, e *endpoint, rec *record, v *requestView, namespace string) (trace.Span, []attribute.KeyValue) {
	t.active.Add(ctx, 1, e.active[rec.kind]...)
	if d := rec.details; d != nil && d.waited.WaitPool > 0 {
		t.wait.Record(ctx, d.waited.WaitPool.Seconds(), e.pool)
	}
	if t.silent {
		return noSpan, nil
	}
	start := e.spanStart(rec.kind, namespace)
	options := v.options[:copy(v.options[:], start.options)]
	_, span := t.tracer.Start(ctx, start.name, append(options, trace.WithTimestamp(rec.start))...)
	if !span.IsRecording() {
		return span, nil
	}
	return span, v.attributes(t.redact, rec, e)
}

// measures reports whether anybody reads one of the metrics of an operation's end.
func (t *telemetry) measures(ctx context.Context) bool {
	return t.duration.Enabled(ctx) || t.entries.Enabled(ctx) || t.sent.Enabled(ctx) || t.received.Enabled(ctx) || t.io.Enabled(ctx)
}

// noSpan is the span of a tracer that makes none.
var noSpan = trace.SpanFromContext(context.Background())

// end finishes an operation's span and records its metrics. The span's status stays unset for a user's refused password,
// which is an outcome and no fault.
func (t *telemetry) end(k *call, at *endpoint, e *ending) {
	ctx, result := k.ctx, e.result
	if t.measures(ctx) {
		options := at.recordOptions(k.seen, result)
		t.duration.Record(ctx, e.duration.Seconds(), options...)
		if k.seen == KindSearch {
			t.entries.Record(ctx, int64(e.entries), options...)
		}
		t.sent.Record(ctx, k.op.sent, options...)
		if e.bytes > 0 {
			t.received.Record(ctx, e.bytes, options...)
			t.io.Add(ctx, e.bytes, at.receive...)
		}
		t.io.Add(ctx, k.op.sent, at.transmit...)
		n := e.refs
		if result.Code == ldap.LDAPResultReferral {
			n++
		}
		if n > 0 {
			t.referrals.Add(ctx, int64(n), at.pool)
		}
	}
	t.active.Add(ctx, -1, at.active[k.seen]...)
	if k.span.IsRecording() {
		k.span.SetAttributes(e.attributes(k.said, k.seen, at.db)...)
		if result.Failed() && !(k.userBind && result.Code == ldap.LDAPResultInvalidCredentials) {
			k.span.SetStatus(codes.Error, result.Error)
		}
	}
	k.span.End()
}

// attributes appends what a span says of the answer.
func (e *ending) attributes(set []attribute.KeyValue, kind Kind, db bool) []attribute.KeyValue {
	result := e.result
	if result.Received {
		set = append(set, attribute.Int64(attrStatusCode, result.Code))
		if db {
			set = append(set, attribute.String(attrDBStatus, strconv.FormatInt(result.Code, 10)))
		}
	}
	if result.Error != "" {
		set = append(set, attribute.String(attrErrorType, result.Error))
	}
	if result.SubCode != "" {
		set = append(set, attribute.String(attrSubCode, result.SubCode))
	}
	if p := result.Policy; p.Error != "" {
		set = append(set, attribute.String(attrPolicyError, p.Error))
	}
	if p := result.Policy; p.Warning != "" {
		set = append(set, attribute.String(attrPolicyWarning, p.Warning))
	}
	switch kind {
	case KindSearch:
		set = append(set, attribute.Int(attrEntries, e.entries))
		if e.refs > 0 {
			set = append(set, attribute.Int(attrReferences, e.refs))
		}
	case KindCompare:
		if result.Code == ldap.LDAPResultCompareFalse || result.Code == ldap.LDAPResultCompareTrue {
			set = append(set, attribute.Bool(attrCompare, result.Code == ldap.LDAPResultCompareTrue))
		}
	}
	return set
}

// internal starts a span of kind INTERNAL: of one stage of making a connection, or around the operations of one call.
func (t *telemetry) internal(ctx context.Context, name string) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindInternal))
}

// endCompound ends the span around the operations of one call.
func endCompound(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		spanFailed(span, errorTypeOf(err))
	}
	span.End()
}

// errorTypeOf returns the error.type of an error: the result code's name where a server answered.
func errorTypeOf(err error) ErrorType {
	if code, answered := ResultCode(err); answered {
		return CodeName(code)
	}
	return failureOf(err)
}

func spanFailed(span trace.Span, failure ErrorType) {
	span.SetAttributes(attribute.String(attrErrorType, failure))
	span.SetStatus(codes.Error, failure)
}
