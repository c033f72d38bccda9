// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/codes"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// outcome is one way in which a server fails, what the client must make of it, and what go-ldap alone makes of it.
type outcome struct {
	name     string
	script   func(*session)
	timeouts instrument.Timeouts
	run      func(context.Context, *instrument.Client) error // default: a search
	limit    time.Duration                                   // of the context; default none
	cancel   time.Duration                                   // cancel the context after this; default never

	want    []error // errors.Is
	state   instrument.State
	failure string // error.type
	code    int64
	entries int
	broken  bool
	count   map[string]uint64
	alone   string                   // what go-ldap makes of it: success, panic, hangs, error
	plain   func(c *ldap.Conn) error // default: a search
}

func runSearch(ctx context.Context, c *instrument.Client) error {
	result, err := c.Search(ctx, search("(uid=ada)", "cn"))
	if err != nil && result != nil && len(result.Entries) > 0 && !ldap.IsErrorAnyOf(err, 3, 4, 11) {
		return errors.Join(err, errors.New("part of a broken search was returned"))
	}
	return err
}

func plainSearch(c *ldap.Conn) error { _, err := c.Search(search("(uid=ada)", "cn")); return err }

// then reads one request and lets react answer; the connection stays open until the client goes.
func then(react func(*session, wire.Message)) func(*session) {
	return func(s *session) {
		if m, ok := s.next(); ok {
			react(s, m)
			for ok {
				_, ok = s.next()
			}
		}
	}
}

// cut reads one request, lets react answer and closes the connection.
func cut(react func(*session, wire.Message)) func(*session) {
	return func(s *session) {
		if m, ok := s.next(); ok {
			react(s, m)
		}
	}
}

func silent(*session, wire.Message) {}

var outcomes = []outcome{
	{
		name: "cut between entries", alone: "error",
		script: cut(func(s *session, m wire.Message) { s.entry(m, "cn=a"); s.entry(m, "cn=b") }),
		want:   []error{instrument.ErrConnection}, state: instrument.StateError, failure: "connection_closed", entries: 2, broken: true,
	}, {
		name: "cut inside an entry", alone: "error",
		script: cut(func(s *session, m wire.Message) { s.entry(m, "cn=a"); s.send(0x30, 0x20, 2, 1, byte(m.ID)) }),
		want:   []error{instrument.ErrConnection}, state: instrument.StateError, failure: "connection_closed", entries: 1, broken: true,
	}, {
		name: "reset", alone: "error",
		script: cut(func(s *session, _ wire.Message) { _ = s.conn.(*net.TCPConn).SetLinger(0) }),
		want:   []error{instrument.ErrConnection}, state: instrument.StateError, failure: "connection_closed", broken: true,
	}, {
		name: "message without an operation", alone: "error",
		script: then(func(s *session, m wire.Message) { s.send(0x30, 3, 2, 1, byte(m.ID)) }),
		want:   []error{instrument.ErrMalformed}, state: instrument.StateError, failure: "malformed_packet", broken: true,
		count: map[string]uint64{"malformed_messages": 1},
	}, {
		name: "entry without values", alone: "error",
		script: then(func(s *session, m wire.Message) {
			s.entry(m, "cn=a")
			s.send(0x30, 16, 2, 1, byte(m.ID), 0x64, 11, 4, 1, 'x', 0x30, 6, 0x30, 4, 4, 2, 'c', 'n')
			s.answer(m, 0)
		}),
		want: []error{instrument.ErrMalformed}, state: instrument.StateError, failure: "malformed_packet", entries: 1, broken: true,
	}, {
		name: "result of another operation", alone: "success",
		script: then(func(s *session, m wire.Message) {
			s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{}) })
		}),
		run:   func(ctx context.Context, c *instrument.Client) error { return c.Bind(ctx, "cn=a", "b") },
		plain: func(c *ldap.Conn) error { return c.Bind("cn=a", "b") },
		want:  []error{instrument.ErrMalformed}, state: instrument.StateError, failure: "malformed_packet", broken: true,
		count: map[string]uint64{"bind_failures": 1},
	}, {
		name: "result code beyond 16 bits", alone: "error",
		script: then(func(s *session, m wire.Message) { s.answer(m, 65536) }),
		run:    func(ctx context.Context, c *instrument.Client) error { return c.Bind(ctx, "cn=a", "b") },
		plain:  func(c *ldap.Conn) error { return c.Bind("cn=a", "b") },
		want:   []error{instrument.ErrMalformed}, state: instrument.StateError, failure: "malformed_packet", broken: true,
	}, {
		name: "promise of a gigabyte", alone: "hangs",
		script: then(func(s *session, _ wire.Message) { s.send(0x30, 0x84, 0x40, 0, 0, 0) }),
		want:   []error{instrument.ErrLimit}, state: instrument.StateError, failure: "malformed_packet", broken: true,
	}, {
		name: "a search answer to a bind", alone: "hangs",
		script: then(func(s *session, m wire.Message) { s.entry(m, "cn=a") }),
		run: func(ctx context.Context, c *instrument.Client) error {
			return c.Delete(ctx, ldap.NewDelRequest("cn=a", nil))
		},
		plain: func(c *ldap.Conn) error { return within(patience, func() error { return plainSearch(c) }) },
		want:  []error{instrument.ErrMalformed}, state: instrument.StateError, failure: "malformed_packet", broken: true,
	}, {
		name: "entry for a message that was never sent", alone: "success",
		script: then(func(s *session, m wire.Message) {
			s.message(m.ID+7, func(e *wire.Encoder) { entryBody(e, "cn=a") })
			s.answer(m, 0)
		}),
		want: []error{instrument.ErrMalformed}, state: instrument.StateError, failure: "malformed_packet", broken: true,
	}, {
		name: "notice of disconnection", alone: "hangs",
		script: then(func(s *session, _ wire.Message) {
			s.message(0, func(e *wire.Encoder) {
				e.Result(wire.ExtendedResponse, wire.Reply{Code: 52, Diagnostic: "going down", OID: wire.OIDDisconnection})
			})
		}),
		want: []error{instrument.ErrConnection}, state: instrument.StateError, failure: "connection_closed", broken: true,
		count: map[string]uint64{"notices": 1},
	}, {
		name: "no answer, with a deadline", alone: "hangs", script: then(silent), limit: 50 * time.Millisecond,
		want: []error{instrument.ErrTimeout, context.DeadlineExceeded}, state: instrument.StateTimeout, failure: "timeout", broken: true,
		count: map[string]uint64{"timeouts": 1, "abandon_operations": 1},
	}, {
		name: "no answer, cancelled", alone: "hangs", script: then(silent), cancel: 50 * time.Millisecond,
		want: []error{context.Canceled}, state: instrument.StateAbandoned, failure: "canceled", broken: true,
		count: map[string]uint64{"abandoned": 1, "abandon_operations": 1},
	}, {
		name: "no answer, idle limit", alone: "hangs", script: then(silent), timeouts: instrument.Timeouts{Idle: 50 * time.Millisecond},
		want: []error{instrument.ErrTimeout}, state: instrument.StateTimeout, failure: "timeout", broken: true,
		count: map[string]uint64{"timeouts": 1},
	}, {
		name: "no answer, total limit", alone: "hangs", script: then(silent), timeouts: instrument.Timeouts{Total: 50 * time.Millisecond},
		want: []error{instrument.ErrTimeout, context.DeadlineExceeded}, state: instrument.StateTimeout, failure: "timeout", broken: true,
	}, {
		name: "a message that trickles", alone: "hangs", timeouts: instrument.Timeouts{Idle: 60 * time.Millisecond},
		script: then(func(s *session, m wire.Message) {
			ticks := time.NewTicker(10 * time.Millisecond)
			defer ticks.Stop()
			for _, b := range append([]byte{0x30, 0x7f, 2, 1, byte(m.ID), 4, 0x70}, make([]byte, 20)...) {
				<-ticks.C
				s.send(b)
			}
		}),
		want: []error{instrument.ErrTimeout}, state: instrument.StateTimeout, failure: "timeout", broken: true,
	}, {
		name: "more entries than asked for", alone: "error",
		script: then(func(s *session, m wire.Message) {
			for i := range 5 {
				s.entry(m, "cn="+strconv.Itoa(i))
			}
			s.answer(m, 0)
		}),
		run: func(ctx context.Context, c *instrument.Client) error {
			r := search("(uid=ada)")
			r.SizeLimit, r.EnforceSizeLimit = 2, true
			_, err := c.Search(ctx, r)
			return err
		},
		plain: func(c *ldap.Conn) error {
			r := search("(uid=ada)")
			r.SizeLimit, r.EnforceSizeLimit = 2, true
			_, err := c.Search(r)
			return err
		},
		want: []error{instrument.ErrLimit}, state: instrument.StateError, failure: "malformed_packet", entries: 3, broken: true,
	}, {
		name: "paging control that cannot be read", alone: "error",
		script: then(func(s *session, m wire.Message) {
			s.entry(m, "cn=a")
			s.answer(m, 0, wire.Control{OID: wire.OIDPaging, Value: []byte{0x30, 9, 2, 1, 0}})
		}),
		run: func(ctx context.Context, c *instrument.Client) error {
			_, err := c.SearchPaged(ctx, search("(uid=ada)"), 1)
			return err
		},
		plain: func(c *ldap.Conn) error { _, err := c.SearchWithPaging(search("(uid=ada)"), 1); return err },
		want:  []error{instrument.ErrMalformed}, state: instrument.StateError, failure: "malformed_packet", entries: 1, broken: true,
	}, {
		name: "refused", alone: "error", script: then(func(s *session, m wire.Message) { s.answer(m, 50) }),
		state: instrument.StateError, failure: "insufficientAccessRights", code: 50,
	}, {
		name: "size limit of the server", alone: "error",
		script: then(func(s *session, m wire.Message) { s.entry(m, "cn=a"); s.answer(m, 4) }),
		state:  instrument.StateError, failure: "sizeLimitExceeded", code: 4, entries: 1,
	}, {
		name: "referral", alone: "error", script: then(func(s *session, m wire.Message) { s.answer(m, 10) }),
		state: instrument.StateError, failure: "referral", code: 10,
		count: map[string]uint64{"referrals_received": 1, "referrals_followed": 0},
	}, {
		name: "unavailable", alone: "error", script: then(func(s *session, m wire.Message) { s.answer(m, 52) }),
		state: instrument.StateError, failure: "unavailable", code: 52, broken: true,
	},
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, test := range outcomes {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWatch()
			c := dial(t, w.Scope, serve(t, test.script), instrument.WithTimeouts(test.timeouts))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.limit > 0 {
				ctx, cancel = context.WithTimeout(ctx, test.limit)
				defer cancel()
			}
			if test.cancel > 0 {
				time.AfterFunc(test.cancel, cancel)
			}
			if test.run == nil {
				test.run = runSearch
			}
			err := within(patience, func() error { return test.run(ctx, c) })
			test.checkError(t, err)
			test.checkOperation(t, w)
			test.checkTelemetry(t, w)
			if broken := instrument.Broken(err); broken != test.broken {
				t.Errorf("broken %v", broken)
			}
			if test.broken && test.code == 0 {
				eventually(t, "the connection knows its end", func() bool { return c.Err() != nil })
				if err := c.Bind(t.Context(), "cn=a", "b"); !errors.Is(err, instrument.ErrConnection) {
					t.Errorf("the next operation on it: %v", err)
				}
			}
		})
	}
}

func (o *outcome) checkError(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errHung) || err == nil {
		t.Fatalf("error %v", err)
	}
	for _, want := range o.want {
		if !errors.Is(err, want) {
			t.Errorf("error %v is no %v", err, want)
		}
	}
	var operation *instrument.OperationError
	if !errors.As(err, &operation) || operation.Domain != "TEST" || operation.Server == "" {
		t.Errorf("error %#v does not say what failed where", err)
	}
	code, answered := instrument.ResultCode(err)
	if code != o.code || answered != (o.code != 0) {
		t.Errorf("result code %d, %v; want %d", code, answered, o.code)
	}
}

func (o *outcome) checkOperation(t *testing.T, w *watch) {
	t.Helper()
	var op instrument.Operation
	for _, candidate := range operations(w.Scope) {
		if candidate.Kind != instrument.KindAbandon && candidate.Kind != instrument.KindNotice {
			op = candidate
			break
		}
	}
	if op.State != o.state || op.Result.Error != o.failure || op.Entries != o.entries || op.Result.Code != o.code || op.Result.Received != (o.code != 0) {
		t.Errorf("state %v, result %+v, %d entries; want %v, %s, code %d, %d entries", op.State, op.Result, op.Entries, o.state, o.failure, o.code, o.entries)
	}
	if op.Domain != "TEST" || op.Duration <= 0 || op.BytesSent <= 0 || !strings.HasPrefix(op.RequestID, instrument.Background) {
		t.Errorf("operation %+v", op)
	}
	usage := w.usage(t)
	if usage.Errors == 0 || usage.OpenSockets != 1 {
		t.Errorf("%d errors, %d sockets", usage.Errors, usage.OpenSockets)
	}
	for _, field := range instrument.CounterFields {
		if want, listed := o.count[field.Name]; listed && *field.Field(&usage) != want {
			t.Errorf("%s is %d, want %d", field.Name, *field.Field(&usage), want)
		}
	}
}

func (o *outcome) checkTelemetry(t *testing.T, w *watch) {
	t.Helper()
	var found bool
	for _, span := range w.spans.Ended() {
		set := attributes(span.Attributes())
		if span.Name() == "abandon" || span.Name() == "connect" || set["ldap.operation.name"] == "" {
			continue
		}
		found = true
		if span.Status().Code != codes.Error || span.Status().Description != o.failure || set["error.type"] != o.failure {
			t.Errorf("span %s: status %+v, error.type %q; want %s", span.Name(), span.Status(), set["error.type"], o.failure)
		}
		if status, sent := set["ldap.response.status_code"]; sent != (o.code != 0) || sent && status != strconv.FormatInt(o.code, 10) {
			t.Errorf("span %s: status code %q", span.Name(), status)
		}
	}
	if !found {
		t.Error("no span")
	}
	failed := false
	for _, p := range w.points(t, "ldap.client.operation.duration") {
		failed = failed || p.attributes["error.type"] == o.failure && p.count == 1
	}
	if !failed {
		t.Errorf("no duration with error.type %s: %v", o.failure, w.points(t, "ldap.client.operation.duration"))
	}
	for _, p := range w.points(t, "ldap.client.active_requests") {
		if p.count != 0 {
			t.Errorf("%d active requests left: %v", p.count, p.attributes)
		}
	}
}

// What go-ldap alone makes of the same servers is why the observer stands in between.
func TestOutcomesOfGoLDAPAlone(t *testing.T) {
	t.Parallel()
	for _, test := range outcomes {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := plain(t, serve(t, test.script))
			if test.plain == nil {
				test.plain = plainSearch
			}
			got := "success"
			switch err := within(300*time.Millisecond, func() error { return test.plain(c) }); {
			case errors.Is(err, errHung):
				got = "hangs"
			case err != nil:
				got = "error"
				var typed *ldap.Error
				if !errors.As(err, &typed) {
					got = "error" // without a type, which nobody can branch on
				}
			}
			if got != test.alone {
				t.Errorf("%s, the table says %s", got, test.alone)
			}
		})
	}
}
