// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// drain reads a stream to its end.
func drain(r ldap.Response) (entries int, err error) {
	for r.Next() {
		if r.Entry() != nil {
			entries++
		}
	}
	return entries, r.Err()
}

// A stream that does not come to its end says so. go-ldap v3.4.14 gave no error for a closed connection, for a context that
// ended and for a malformed entry, so that nobody at all looked like everybody.
func TestStreamsEndWithTheirReason(t *testing.T) {
	t.Parallel()
	entries := func(n int, then func(*session, wire.Message)) func(*session) {
		return func(s *session) {
			m, ok := s.next()
			for range n {
				s.entry(m, "cn=a", "cn", "a")
			}
			for then(s, m); ok; {
				_, ok = s.next()
			}
		}
	}
	tests := []struct {
		name    string
		script  func(*session)
		limit   time.Duration
		close   bool
		entries int
		want    error
	}{
		{"closed connection", willing(3), 0, true, 0, instrument.ErrConnection},
		{"deadline", entries(2, silent), 100 * time.Millisecond, false, 2, context.DeadlineExceeded},
		{"malformed entry", entries(2, func(s *session, m wire.Message) {
			s.send(0x30, 16, 2, 1, byte(m.ID), 0x64, 11, 4, 1, 'x', 0x30, 6, 0x30, 4, 4, 2, 'c', 'n')
			s.entry(m, "cn=a")
			s.answer(m, 0)
		}), 0, false, 2, instrument.ErrMalformed},
		{"cut", entries(2, func(s *session, _ wire.Message) { s.conn.Close() }), 0, false, 2, instrument.ErrConnection},
		{"refused at the end", entries(2, func(s *session, m wire.Message) { s.answer(m, 11) }), 0, false, 2, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, instrument.New(), serve(t, test.script))
			if test.close {
				_ = c.Close(t.Context())
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.limit > 0 {
				ctx, cancel = context.WithTimeout(ctx, test.limit)
				defer cancel()
			}
			n := 0
			err := within(patience, func() (err error) { n, err = drain(c.With(ctx).SearchAsync(ctx, search("(cn=*)"), 1)); return err })
			if err == nil || errors.Is(err, errHung) || n != test.entries || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%d entries, error %v", n, err)
			}
			if code, _ := instrument.ResultCode(err); test.want == nil && code != 11 {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A reader that stops in the middle of a stream holds up neither Close nor whoever waits with a limit. go-ldap's dispatcher
// waits for the reader, and everybody for the dispatcher.
func TestStalledStreamHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	flood := func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			if m.Op == wire.SearchRequest {
				for range 1000 {
					s.entry(m, "cn=a", "cn", "a")
				}
			}
			s.answer(m, 0)
		}
	}
	c := dial(t, instrument.New(), serve(t, flood))
	stalled := c.With(t.Context()).SearchAsync(t.Context(), search("(cn=*)"), 1)
	if !stalled.Next() {
		t.Fatal(stalled.Err())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := within(patience, func() error { return c.Delete(ctx, deletion("/a")) }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beside it: %v", err)
	}
	if err := within(patience, func() error { return c.Close(context.Background()) }); errors.Is(err, errHung) {
		t.Error("close hangs")
	}
	if n, err := drain(stalled); err == nil || n > 1000 {
		t.Errorf("the stream itself: %d entries, %v", n, err)
	}
}

// The answers on which go-ldap v3.4.14 panicked in the goroutine of its caller are errors.
func TestMalformedAnswersAreErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		op   []byte // the protocol operation
	}{
		{"nothing", nil},
		{"entry without parts", []byte{0x64, 0}},
		{"reference without parts, and then no end", []byte{0x73, 2, 2, 0}},
		{"number for a name", []byte{0x64, 5, 2, 1, 7, 0x30, 0}},
		{"attribute without values", []byte{0x64, 10, 4, 0, 0x30, 6, 0x30, 4, 4, 2, 'c', 'n'}},
		{"attribute with a number for values", []byte{0x64, 13, 4, 0, 0x30, 9, 0x30, 7, 4, 2, 'c', 'n', 2, 1, 7}},
		{"result without a code", []byte{0x65, 0}},
		{"result with a text for a code", []byte{0x65, 7, 4, 1, 'x', 4, 0, 4, 0}},
		{"result without a message", []byte{0x65, 5, 0x0a, 1, 0, 4, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, option := range [][]instrument.DialOption{nil, {instrument.WithoutDiversion()}} {
				c := dial(t, instrument.New(), serve(t, then(func(s *session, m wire.Message) {
					var e wire.Encoder
					e.Message(m.ID, func(e *wire.Encoder) { e.Bytes = append(e.Bytes, test.op...) }, nil)
					s.send(e.Bytes...)
				})), option...)
				if err := within(patience, func() error { _, err := c.Search(t.Context(), search("(cn=a)")); return err }); !errors.Is(err, instrument.ErrMalformed) {
					t.Errorf("error %v", err)
				}
			}
		})
	}
}

// A refused bind carries its reason in a control, which go-ldap's Bind throws away.
func TestPasswordPolicyBesideARefusal(t *testing.T) {
	t.Parallel()
	w := newWatch()
	locked := wire.Control{OID: ldap.ControlTypeBeheraPasswordPolicy, Value: []byte{0x30, 3, 0x81, 1, 1}}
	c := dial(t, w.Scope, serve(t, then(func(s *session, m wire.Message) { s.answer(m, 49, locked) })))
	result, err := c.SimpleBind(t.Context(), ldap.NewSimpleBindRequest("cn=a", "b", []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}))
	if !ldap.IsErrorWithCode(err, 49) || result == nil || len(result.Controls) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	if control, ok := result.Controls[0].(*ldap.ControlBeheraPasswordPolicy); !ok || control.Error != 1 {
		t.Errorf("control %+v", result.Controls[0])
	}
	if op := only(t, w.Scope, instrument.KindBind); op.Result.Policy.Error != "accountLocked" || op.Result.Hint != "the account is locked" {
		t.Errorf("result %+v", op.Result)
	}
	if got := attributes(w.span(t, "bind").Attributes())["ldap.password_policy.error"]; got != "accountLocked" {
		t.Errorf("the span says %q", got)
	}
}

// A connection that the server ends while nothing is asked is known to be dead before the next operation.
func TestServerClosesWhileIdle(t *testing.T) {
	t.Parallel()
	c := dial(t, instrument.New(), serve(t, func(s *session) {
		m, _ := s.next()
		s.answer(m, 0)
	}))
	if err := c.Delete(t.Context(), deletion("/a")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end is known", func() bool { return errors.Is(c.Err(), io.EOF) && c.With(t.Context()).IsClosing() })
	if err := c.Delete(t.Context(), deletion("/a")); !errors.Is(err, instrument.ErrConnection) || !errors.Is(err, io.EOF) {
		t.Errorf("error %v", err)
	}
}
