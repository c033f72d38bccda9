// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// held is a sampler that takes its time: it holds an operation where its span begins.
type held struct {
	reached, open chan struct{}
}

func (h *held) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if strings.HasPrefix(p.Name, "search") || strings.HasPrefix(p.Name, "delete") {
		h.reached <- struct{}{}
		<-h.open
	}
	return sdktrace.AlwaysSample().ShouldSample(p)
}

func (h *held) Description() string { return "held" }

// holding returns a scope whose operations are held, and the spans that have ended.
func holding() (*instrument.Scope, *held, *tracetest.SpanRecorder) {
	gate, spans := &held{make(chan struct{}, 1), make(chan struct{})}, tracetest.NewSpanRecorder()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSampler(gate), sdktrace.WithSpanProcessor(spans))
	return instrument.New(instrument.WithTracerProvider(tracers)), gate, spans
}

// asking are the ways on which a message leaves: sent by the observer, by the driver for a Client, and by the driver alone.
var asking = map[string]func(context.Context, *instrument.Client) error{
	"search": func(ctx context.Context, c *instrument.Client) error {
		_, err := c.Search(ctx, search("(uid=ada)", "cn"))
		return err
	},
	"delete": func(ctx context.Context, c *instrument.Client) error { return c.Delete(ctx, deletion("/ada")) },
	"driver": func(_ context.Context, c *instrument.Client) error {
		_, err := c.Conn().Search(search("(uid=ada)", "cn"))
		return err
	},
}

// TestRequestLeavesFirst holds a request to be on its way while its operation is still being written down, and an answer
// that is quicker to wait for that.
func TestRequestLeavesFirst(t *testing.T) {
	t.Parallel()
	for name, ask := range asking {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answered := make(chan struct{}, 1)
			scope, gate, spans := holding()
			c := dial(t, scope, serve(t, func(s *session) {
				for m, ok := s.next(); ok; m, ok = s.next() {
					if m.Op == wire.SearchRequest {
						s.entry(m, "uid=ada,dc=example,dc=org", "cn", "Ada")
					}
					s.answer(m, 0)
					answered <- struct{}{}
				}
			}))
			before := len(spans.Ended())
			done := make(chan error, 1)
			sent := time.Now()
			go func() { done <- ask(t.Context(), c) }()
			for what, happens := range map[string]chan struct{}{"the operation begins": gate.reached, "the server answers": answered} {
				select {
				case <-happens:
				case <-time.After(patience):
					t.Fatalf("waited in vain: %s", what)
				}
			}
			select {
			case err := <-done:
				t.Errorf("it ended before it began: %v", err)
			case <-time.After(20 * time.Millisecond):
			}
			close(gate.open)
			eventually(t, "the operation ends", func() bool {
				ops := operations(scope)
				return len(ops) == 1 && ops[0].State == instrument.StateDone
			})
			op := operations(scope)[0]
			if held := time.Since(sent); op.Start.Before(sent) || op.Duration <= 0 || op.Start.Add(op.Duration).After(sent.Add(held)) {
				t.Errorf("sent at %v: it began at %v and took %v", sent, op.Start, op.Duration)
			}
			eventually(t, "its span ends", func() bool { return len(spans.Ended()) == before+1 })
			if span := spans.Ended()[before]; !span.StartTime().Equal(op.Start) {
				t.Errorf("its span starts at %v, it at %v", span.StartTime(), op.Start)
			}
		})
	}
}

// stuck is a socket that takes its time to send: it holds who writes, before the message leaves or after.
type stuck struct {
	net.Conn
	after         bool
	reached, open chan struct{}
}

func (s *stuck) Write(p []byte) (n int, err error) {
	if s.after {
		n, err = s.Conn.Write(p)
	}
	select {
	case s.reached <- struct{}{}:
	default:
	}
	<-s.open
	if !s.after {
		n, err = s.Conn.Write(p)
	}
	return n, err
}

func (s *stuck) dial() instrument.DialOption { return throughSocket(&s.Conn, s) }

// TestAnswerBeforeBegin lets the answer come while the request is still leaving, as far as its sender knows.
func TestAnswerBeforeBegin(t *testing.T) {
	t.Parallel()
	for name, ask := range asking {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			socket := &stuck{after: true, reached: make(chan struct{}, 1), open: make(chan struct{})}
			c := dial(t, scope, serve(t, willing(1)), socket.dial())
			done := make(chan error, 1)
			go func() { done <- ask(t.Context(), c) }()
			<-socket.reached
			select {
			case err := <-done:
				t.Fatalf("it ended before it was sent: %v", err)
			case <-time.After(50 * time.Millisecond): // enough for an answer that does not wait to do harm
			}
			close(socket.open)
			if err := within(patience, func() error { return <-done }); err != nil {
				t.Errorf("returned %v", err)
			}
			eventually(t, "the operation ends well", func() bool {
				ops := operations(scope)
				return len(ops) == 1 && ops[0].State == instrument.StateDone && ops[0].Result.Received
			})
		})
	}
}

// TestEndBeforeBegin ends operations while their request is leaving: by a context, and by the connection.
func TestEndBeforeBegin(t *testing.T) {
	t.Parallel()
	ends := []struct {
		name string
		end  func(cancel, hangUp func())
		want instrument.State
	}{
		{"context", func(cancel, _ func()) { cancel() }, instrument.StateAbandoned},
		{"server", func(_, hangUp func()) { hangUp() }, instrument.StateError},
	}
	for name, ask := range asking {
		for _, end := range ends {
			if name == "driver" && end.name == "context" {
				continue // it has none
			}
			t.Run(name+" by "+end.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				over, hangUp := context.WithCancel(t.Context())
				defer hangUp()
				spans := tracetest.NewSpanRecorder()
				scope := instrument.New(instrument.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
				socket := &stuck{reached: make(chan struct{}, 1), open: make(chan struct{})}
				c := dial(t, scope, serve(t, func(*session) { <-over.Done() }), socket.dial())
				before := len(spans.Ended())
				done := make(chan error, 1)
				go func() { done <- ask(ctx, c) }()
				<-socket.reached
				end.end(cancel, hangUp)
				eventually(t, "the connection has ended", func() bool { return c.Err() != nil })
				close(socket.open)
				if err := within(patience, func() error { return <-done }); err == nil || errors.Is(err, errHung) {
					t.Errorf("returned %v, want an error", err)
				}
				eventually(t, "the operation is over", func() bool {
					ops := operations(scope)
					return len(ops) > 0 && !slices.ContainsFunc(ops, func(op instrument.Operation) bool { return op.State == instrument.StateRunning })
				})
				if ops := operations(scope); ops[0].State != end.want {
					t.Errorf("it ended as %v (%+v), want %v", ops[0].State, ops[0].Result, end.want)
				}
				eventually(t, "every span has ended", func() bool { return len(spans.Ended())-before == len(operations(scope)) })
			})
		}
	}
}

// TestLongRequestIsSeenRunning holds a request that the server does not take to be seen while it waits.
func TestLongRequestIsSeenRunning(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) { <-t.Context().Done() }), instrument.WithTimeouts(instrument.Timeouts{Write: patience}))
	request := ldap.NewAddRequest("cn=ada,dc=example,dc=org", nil)
	request.Attribute("jpegPhoto", []string{strings.Repeat("x", 15<<20)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Add(ctx, request) }()
	eventually(t, "the request is seen", func() bool {
		ops := operations(scope)
		return len(ops) == 1 && ops[0].Kind == instrument.KindAdd && ops[0].State == instrument.StateRunning
	})
	select {
	case err := <-done:
		t.Errorf("the server took it: %v", err)
	default:
	}
	cancel()
	if err := within(patience, func() error { return <-done }); !errors.Is(err, context.Canceled) {
		t.Errorf("returned %v, want canceled", err)
	}
}

// TestAttributesAreThoseAskedFor holds searches that share a shape to keep their own list of attributes.
func TestAttributesAreThoseAskedFor(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, willing(0)))
	lists := [][]string{{"cn", "mail"}, {"mail", "cn"}, {"CN", "mail"}, {"cn", "mail"}, {"cn"}, nil, {"cn", "cn"}}
	for _, list := range lists {
		if _, err := c.Search(t.Context(), search("(uid=ada)", list...)); err != nil {
			t.Fatal(err)
		}
	}
	ops := operations(scope)
	for i, list := range lists {
		if got := ops[i].Search.Attributes; !slices.Equal(got, list) {
			t.Errorf("asked for %v, kept %v", list, got)
		}
	}
	if ops[0].Shape != ops[1].Shape || &ops[0].Search.Attributes[0] != &ops[3].Search.Attributes[0] {
		t.Error("searches of one shape and one list keep it twice")
	}
}
