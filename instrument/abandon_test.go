// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// abandon gives an operation up, with a message id of its own.
func (w *wired) abandon(id int64) {
	w.t.Helper()
	w.id++
	var e wire.Encoder
	e.Message(w.id, func(e *wire.Encoder) { e.Abandon(id) }, nil)
	if _, err := w.conn.Write(e.Bytes); err != nil {
		w.t.Fatal(err)
	}
}

// A server need not answer what was abandoned. On a connection that lives for long the memory of it does not grow, and
// an answer that was on its way is still no reason to end the connection.
func TestAbandonedIsForgotten(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w := wireUp(t, scope)
	waits := w.start("cn=waits")
	var last []int64
	for range 5000 {
		id := w.start("cn=a")
		w.abandon(id)
		last = append(last, id)
	}
	if open := instrument.Open(w.conn); open > 1100 {
		t.Errorf("%d operations are waited for, 1 of them by somebody", open)
	}
	for _, id := range last[len(last)-500:] {
		w.end(id) // crossed the abandon
	}
	w.end(waits)
	w.run(1)
	done := 0
	for _, op := range operations(scope) {
		if op.Kind == instrument.KindCompare && op.State == instrument.StateDone {
			done++
		}
	}
	if done != 2 {
		t.Errorf("%d operations were done, want the one that waited and the last one", done)
	}
	if usage := scope.Snapshots()[0].Usage.Counters; usage.Abandoned != 5000 || usage.MalformedMessages != 0 {
		t.Errorf("usage %+v", usage)
	}
}

// That holds for searches that tell of changes too, although nobody minds their silence.
func TestAbandonedChangesAreForgotten(t *testing.T) {
	t.Parallel()
	w := wireUp(t, instrument.New())
	for range 1500 {
		w.id++
		var e wire.Encoder
		e.Message(w.id, func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.SearchRequest))
			e.OctetString("")
			e.Bytes = append(e.Bytes, 10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0, 0x87, 1, 'a', 0x30, 0)
			e.End(mark)
		}, []wire.Control{{OID: wire.OIDPersistent}})
		if _, err := w.conn.Write(e.Bytes); err != nil {
			t.Fatal(err)
		}
		w.abandon(w.id)
	}
	if open := instrument.Open(w.conn); open > 1100 {
		t.Errorf("%d operations are waited for", open)
	}
	w.run(1)
}

// A search that is cancelled is abandoned. A bind and StartTLS cannot be (RFC 4511 section 4.11): the connection ends, and that is all.
func TestWhatIsAbandoned(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ask  func(ctx context.Context, c *instrument.Client) error
		want []wire.Op
	}{
		"search": {func(ctx context.Context, c *instrument.Client) error {
			_, err := c.Search(ctx, byUID("ada"))
			return err
		}, []wire.Op{wire.SearchRequest, wire.AbandonRequest}},
		"bind": {func(ctx context.Context, c *instrument.Client) error { return c.Bind(ctx, "cn=ada", "x") }, []wire.Op{wire.BindRequest}},
		"StartTLS": {func(ctx context.Context, c *instrument.Client) error {
			return c.StartTLS(ctx, &tls.Config{ServerName: "ada.example.org", MinVersion: tls.VersionTLS12})
		}, []wire.Op{wire.ExtendedRequest}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var came []wire.Op
			first, over := make(chan struct{}), make(chan struct{})
			c := dial(t, instrument.New(), serve(t, func(s *session) {
				defer close(over)
				for m, ok := s.next(); ok; m, ok = s.next() {
					if came = append(came, m.Op); len(came) == 1 {
						close(first)
					}
				}
			}))
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-first; cancel() }()
			if err := test.ask(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("returned %v", err)
			}
			<-over
			if diff := cmp.Diff(test.want, came); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// lateEnd is a guard's refusal that ends a context while its caller is being told, and lets what watches the context run.
type lateEnd struct{ end context.CancelFunc }

func (*lateEnd) Error() string { return "not today" }

func (l *lateEnd) As(any) bool {
	l.end()
	synctest.Wait()
	return false
}

// A search that was kept back was never on the wire: that its context ends in the same moment is no reason to close the connection.
func TestContextEndsWhileKeptBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		refusal := &lateEnd{cancel}
		c := piped(t, instrument.New(), func(s *session) { s.next() }, instrument.WithGuard(func(instrument.Kind, string) error { return refusal }))
		if _, err := c.Search(ctx, byUID("ada")); !errors.Is(err, instrument.ErrNotSent) || ctx.Err() == nil {
			t.Errorf("returned %v, the context %v", err, ctx.Err())
		}
		if err := c.Err(); err != nil {
			t.Errorf("the connection ended: %v", err)
		}
	})
}
