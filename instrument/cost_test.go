// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"net"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// exchange is one search without entries over an observed connection, without a driver, a network and anything that
// allocates by itself: what it costs is what observing costs.
type exchange struct {
	client  *instrument.Client
	conn    *instrument.Conn
	request []byte
	buf     []byte
	run     func() error
}

// echo is a socket that has an answer as soon as a request was written.
type echo struct {
	answer []byte
	left   []byte
	remote address
}

func (e *echo) Read(p []byte) (int, error) {
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

func (e *echo) Write(p []byte) (int, error)      { e.left = e.answer; return len(p), nil }
func (e *echo) Close() error                     { return nil }
func (e *echo) LocalAddr() net.Addr              { return address("127.0.0.1:1") }
func (e *echo) RemoteAddr() net.Addr             { return e.remote }
func (e *echo) SetDeadline(time.Time) error      { return nil }
func (e *echo) SetReadDeadline(time.Time) error  { return nil }
func (e *echo) SetWriteDeadline(time.Time) error { return nil }

// newExchange prepares a search as applications make it.
func newExchange(tb testing.TB, scope *instrument.Scope) *exchange {
	tb.Helper()
	return newExchangeOf(tb, scope, "(&(objectClass=person)(uid=ada))")
}

// newExchangeOf prepares a search with this filter; its message id is always the same, for it is answered at once.
func newExchangeOf(tb testing.TB, scope *instrument.Scope, text string) *exchange {
	tb.Helper()
	return newExchangeTo(tb, scope, "127.0.0.1:389", text)
}

func newExchangeTo(tb testing.TB, scope *instrument.Scope, remote address, text string) *exchange {
	tb.Helper()
	filter, err := wire.ParseFilterText(text)
	if err != nil {
		tb.Fatal(err)
	}
	var request, answer wire.Encoder
	request.Message(7, func(e *wire.Encoder) {
		mark := e.Begin(byte(wire.SearchRequest))
		e.OctetString("ou=people,dc=example,dc=org")
		e.Integer(0x0a, 2)
		e.Integer(0x0a, 0)
		e.Integer(2, 0)
		e.Integer(2, 0)
		e.Bool(1, false)
		e.Bytes = wire.AppendFilter(e.Bytes, filter)
		attributes := e.Begin(0x30)
		e.OctetString("cn")
		e.OctetString("mail")
		e.End(attributes)
		e.End(mark)
	}, nil)
	answer.Message(7, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{}) }, nil)
	x := &exchange{request: request.Bytes, buf: make([]byte, 4096)}
	x.conn = scope.Wrap(&echo{answer: answer.Bytes, remote: remote}, instrument.WithDomain("TEST"))
	x.client = instrument.Undriven(x.conn)
	x.run = x.pass
	return x
}

// pass sends the request and takes the answer, as the driver does.
func (x *exchange) pass() error {
	if _, err := x.conn.Write(x.request); err != nil {
		return err
	}
	_, err := x.conn.Read(x.buf)
	return err
}

// observed does the same as a Client does it: under a context, with its caller.
func (x *exchange) observed(ctx context.Context) error {
	return x.client.Observe(ctx, instrument.KindSearch, x.run)
}

// seen is one way of observing.
type seen struct {
	name    string
	tracers trace.TracerProvider
	record  bool
	bare    bool // without a Client, as the wire alone sees it
}

// neverSampled is an SDK that samples nothing.
var neverSampled = sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))

var ways = []seen{
	{name: "eye", tracers: noop.NewTracerProvider(), bare: true},
	{name: "off", tracers: noop.NewTracerProvider()},
	{name: "recorder", tracers: noop.NewTracerProvider(), record: true},
	{name: "unsampled", tracers: neverSampled, record: true},
}

// prepare returns one operation, observed in this way. The recorder is small, so that it is full after a moment and what
// is measured is what goes on for ever.
func (w seen) prepare(tb testing.TB) func() error {
	tb.Helper()
	scope := instrument.New(
		instrument.WithTracerProvider(w.tracers), instrument.WithMeterProvider(metricnoop.NewMeterProvider()),
		instrument.WithRecorderLimits(instrument.Limits{Operations: 2000}),
	)
	scope.Recorder().SetRecording(w.record)
	x := newExchange(tb, scope)
	ctx, end := scope.Job(context.Background(), "cost")
	tb.Cleanup(end)
	run := func() error { return x.observed(ctx) }
	if w.bare {
		run = x.pass
	}
	for range 5000 {
		if err := run(); err != nil {
			tb.Fatal(err)
		}
	}
	return run
}

// BenchmarkObserve is what observing costs by itself, without a driver and a network. The budget: at most 1 us for the eye
// alone and 2 us for the recorder with the caller's stack and a span that is not sampled, of which the part of the SDK is
// measured alone; the price of a span that is sampled stands beside.
func BenchmarkObserve(b *testing.B) {
	b.Run("sdk", func(b *testing.B) {
		tracer, now := neverSampled.Tracer("cost"), time.Now()
		said := trace.WithAttributes(attribute.String("server.address", "127.0.0.1"), attribute.Int("server.port", 389), attribute.String("ldap.operation.name", "search"))
		options := [3]trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), said}
		b.ReportAllocs()
		for b.Loop() {
			_, span := tracer.Start(context.Background(), "search", append(options[:2], trace.WithTimestamp(now))...)
			span.End()
		}
	})
	exporter := sdktrace.NewTracerProvider(sdktrace.WithBatcher(tracetest.NewNoopExporter()))
	b.Cleanup(func() { _ = exporter.Shutdown(context.Background()) })
	for _, way := range append(ways[:len(ways):len(ways)], seen{name: "sampled", tracers: exporter, record: true}) {
		b.Run(way.name, func(b *testing.B) {
			run := way.prepare(b)
			b.ReportAllocs()
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
