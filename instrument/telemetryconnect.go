// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http/httptrace"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// connect starts the span of making a connection.
func (t *telemetry) connect(ctx context.Context, a Address, o dialOptions) (context.Context, trace.Span) {
	host, port, transport := splitServer(a.Address)
	set := append(serverAttributes(host, port), attribute.String(attrTransport, transport))
	if o.domain != "" {
		set = append(set, attribute.String(attrPool, o.domain))
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(set...)}
	if o.cause != nil {
		options = append(options, trace.WithNewRoot())
		if link := trace.LinkFromContext(o.cause); link.SpanContext.IsValid() {
			options = append(options, trace.WithLinks(link))
		}
	}
	return t.tracer.Start(ctx, "connect", options...)
}

// endConnect ends the span of making a connection.
func endConnect(span trace.Span, c *Client, err error) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	if err != nil {
		spanFailed(span, dialFailure(err))
		return
	}
	span.SetAttributes(attribute.Int64(attrConnection, int64(c.ID())))
	if state, ok := c.TLS(); ok {
		span.SetAttributes(
			attribute.String(attrTLSVersion, tls.VersionName(state.Version)), attribute.String(attrTLSCipher, tls.CipherSuiteName(state.CipherSuite)),
			attribute.Bool(attrTLSResumed, state.DidResume),
		)
	}
}

// dialFailure returns the error.type of a failed connection.
func dialFailure(err error) ErrorType {
	var stage *DialError
	switch failure := errorTypeOf(err); {
	case failure != ErrorClosed:
		return failure
	case errors.As(err, &stage) && stage.Stage == "tls":
		return ErrorTLS
	}
	return ErrorDial
}

// handshake runs a TLS handshake under its span.
func (t *telemetry) handshake(ctx context.Context, c *tls.Conn) error {
	ctx, span := t.internal(ctx, "tls")
	defer span.End()
	err := c.HandshakeContext(ctx)
	if err != nil {
		spanFailed(span, ErrorTLS)
	}
	return err
}

// traceDial returns a context under which name look-up and TCP connects have spans, where anybody records them.
func (t *telemetry) traceDial(ctx context.Context) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	d := &dialTrace{open: map[string]trace.Span{}}
	start := func(key, name string) {
		_, span := t.internal(ctx, name)
		d.mu.Lock()
		d.open[key] = span
		d.mu.Unlock()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { start("", "dns") },
		DNSDone:      func(i httptrace.DNSDoneInfo) { d.end("", i.Err) },
		ConnectStart: func(_, address string) { start(address, "tcp") },
		ConnectDone:  func(_, address string, err error) { d.end(address, err) },
	})
}

// dialTrace holds the open spans of one dial; addresses are tried side by side.
type dialTrace struct {
	mu   sync.Mutex // guards open
	open map[string]trace.Span
}

func (d *dialTrace) end(key string, err error) {
	d.mu.Lock()
	span := d.open[key]
	delete(d.open, key)
	d.mu.Unlock()
	if span == nil {
		return
	}
	if err != nil {
		spanFailed(span, ErrorDial)
	}
	span.End()
}
