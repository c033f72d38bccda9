// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// A server that does not read makes writes block. go-ldap alone waits for ever, and its Close with it.
func TestBlockedWrites(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url := serve(t, func(*session) { <-release })
	t.Cleanup(func() { close(release) }) // before the server's end, which waits for the scripts
	huge := ldap.NewModifyRequest("cn=a", nil)
	huge.Replace("description", []string{strings.Repeat("x", 15<<20)})

	w := newWatch()
	c := dial(t, w.Scope, url, instrument.WithTimeouts(instrument.Timeouts{Write: 100 * time.Millisecond}))
	err := within(patience, func() error { _, err := c.Modify(t.Context(), huge); return err })
	if !errors.Is(err, instrument.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) || !instrument.Broken(err) {
		t.Errorf("error %v", err)
	}
	if op := only(t, w.Scope, instrument.KindModify); op.State != instrument.StateTimeout || op.Result.Error != "timeout" {
		t.Errorf("operation %v, %+v", op.State, op.Result)
	}
	if usage := w.usage(t); usage.Timeouts != 1 || usage.Errors != 1 {
		t.Errorf("usage %+v", usage)
	}
	if err := within(patience, func() error { return c.Close(context.Background()) }); errors.Is(err, errHung) {
		t.Error("close hangs")
	}

	c = dial(t, w.Scope, url)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = within(patience, func() error { _, err := c.Modify(ctx, huge); return err })
	if !errors.Is(err, instrument.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a deadline: %v", err)
	}

	alone := plain(t, url)
	alone.SetTimeout(50 * time.Millisecond)
	if err := within(300*time.Millisecond, func() error { return alone.Modify(huge) }); !errors.Is(err, errHung) {
		t.Errorf("go-ldap alone: %v", err)
	}
	if err := within(300*time.Millisecond, alone.Close); !errors.Is(err, errHung) {
		t.Logf("go-ldap's close behind a blocked write: %v", err)
	}
}

// A server that accepts StartTLS and then says nothing must not hold anybody up.
func TestSilentStartTLS(t *testing.T) {
	t.Parallel()
	scripts := map[string]func(*session){
		"no answer":    then(silent),
		"no handshake": cut(func(s *session, m wire.Message) { s.answer(m, 0); _, _ = io.Copy(io.Discard, s.conn) }),
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatch()
			url := serve(t, script)
			start := time.Now()
			_, err := w.Dial(t.Context(), url, instrument.WithDomain("TEST"), instrument.WithStartTLS(), instrument.WithStages(instrument.Stages{Connect: patience, TLS: 100 * time.Millisecond}))
			var stage *instrument.DialError
			if !errors.As(err, &stage) || stage.Stage != "start_tls" || !errors.Is(err, instrument.ErrTimeout) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(start); took > patience/2 {
				t.Errorf("took %v", took)
			}
			if usage := w.usage(t); usage.DialFailures != 1 || usage.OpenSockets != 1 || usage.ClosedSockets != 1 || usage.ExtendedOperations != 1 {
				t.Errorf("usage %+v", usage)
			}
			if span := attributes(w.span(t, "connect").Attributes()); span["error.type"] != "timeout" {
				t.Errorf("connect span %v", span)
			}

			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			err = within(patience, func() error {
				_, err := w.Dial(ctx, url, instrument.WithStartTLS(), instrument.WithStages(instrument.Stages{Connect: patience, TLS: time.Hour}))
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}

			alone := plain(t, url)
			alone.SetTimeout(50 * time.Millisecond)
			err = within(300*time.Millisecond, func() error {
				return alone.StartTLS(&tls.Config{ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
			})
			if name == "no handshake" && !errors.Is(err, errHung) {
				t.Errorf("go-ldap alone: %v", err)
			}
		})
	}
}

// Bytes behind the answer to StartTLS were not written by whoever holds the key.
func TestStartTLSInjection(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	url := serve(t, then(func(s *session, m wire.Message) {
		var e wire.Encoder
		e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.ExtendedResponse, wire.Reply{}) }, nil)
		e.Message(m.ID+1, func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{}) }, nil)
		s.send(e.Bytes...)
	}))
	if _, err := scope.Dial(t.Context(), url, unhurried, instrument.WithStartTLS()); !errors.Is(err, instrument.ErrMalformed) {
		t.Errorf("error %v", err)
	}
	refused := serve(t, then(func(s *session, m wire.Message) { s.answer(m, 2) }))
	if _, err := scope.Dial(t.Context(), refused, unhurried, instrument.WithStartTLS()); !ldap.IsErrorWithCode(err, 2) {
		t.Errorf("refused: %v", err)
	}
}

// paged answers a paged search of so many pages with one entry each; cookie names the place to go on at.
func paged(pages int, cookie func(page int) string, dn func(page int) string) func(*session) {
	return func(s *session) {
		for page := 1; page <= pages; page++ {
			m, ok := s.next()
			if !ok {
				return
			}
			s.entry(m, dn(page))
			next := ""
			if page < pages {
				next = cookie(page)
			}
			s.answer(m, 0, wire.Control{OID: wire.OIDPaging, Value: wire.Paging(0, []byte(next))})
		}
		s.next()
	}
}

func TestPagingCookies(t *testing.T) {
	t.Parallel()
	number := func(page int) string { return "cn=" + strconv.Itoa(page) }
	same := func(int) string { return "0" }
	tests := []struct {
		name    string
		script  func(*session)
		entries int
		want    error
	}{
		{"fresh cookies", paged(30, strconv.Itoa, number), 30, nil},
		{"the same cookie with new entries, as 389 Directory Server does it", paged(30, same, number), 30, nil},
		{"the same page for ever", paged(30, same, same), 1, instrument.ErrRepeatedCookie},
		{"a page without its control", func(s *session) {
			m, _ := s.next()
			s.entry(m, "cn=1")
			s.answer(m, 0, wire.Control{OID: wire.OIDPaging, Value: wire.Paging(0, []byte("1"))})
			m, _ = s.next()
			s.entry(m, "cn=2")
			s.answer(m, 0)
			s.next()
		}, 1, instrument.ErrIncomplete},
		{"a server without paging", willing(7), 7, nil},
		{"an error in between", func(s *session) {
			m, _ := s.next()
			s.entry(m, "cn=1")
			s.answer(m, 0, wire.Control{OID: wire.OIDPaging, Value: wire.Paging(0, []byte("1"))})
			m, _ = s.next()
			s.entry(m, "cn=2")
			s.answer(m, 11)
			s.next()
		}, 2, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			c := dial(t, scope, serve(t, test.script))
			result, err := c.SearchPaged(t.Context(), search("(cn=*)"), 1)
			if len(result.Entries) != test.entries || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%d entries, error %v", len(result.Entries), err)
			}
			code, answered := instrument.ResultCode(err)
			if test.want == nil && err != nil && (!answered || code != 11) {
				t.Errorf("error %v", err)
			}
			for i, op := range operations(scope) {
				if op.Call.N != i+1 || op.Call.ID != operations(scope)[0].Seq || op.Search.Page != i+1 || op.Search.PageSize != 1 {
					t.Errorf("page %d: %+v, %+v", i+1, op.Call, op.Search)
				}
			}
		})
	}
	alone := plain(t, serve(t, paged(30, same, same)))
	defer alone.Close()
	if result, err := alone.SearchWithPaging(search("(cn=*)"), 1); err != nil || len(result.Entries) != 30 {
		t.Errorf("go-ldap alone stops: %v", err) // it went on for as long as the server did
	}
}

// A loop that stops early tells the server to forget the rest.
func TestPagesStopEarly(t *testing.T) {
	t.Parallel()
	sizes := make(chan int64, 10)
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok && m.Op == wire.SearchRequest; m, ok = s.next() {
			_ = m.Controls(func(c wire.Control) bool {
				size, cookie, _ := wire.ParsePaging(c.Value)
				if string(cookie) == "more" {
					sizes <- size
				}
				return true
			})
			s.entry(m, "cn=a")
			s.answer(m, 0, wire.Control{OID: wire.OIDPaging, Value: wire.Paging(0, []byte("more"))})
		}
	}))
	for e, err := range c.Entries(t.Context(), search("(cn=*)"), 100) {
		if err != nil || e.DN != "cn=a" {
			t.Errorf("%v, %v", e, err)
		}
		break
	}
	if size := <-sizes; size != 0 {
		t.Errorf("a page of %d was asked for", size)
	}
	r := search("(cn=*)")
	r.Controls = []ldap.Control{ldap.NewControlPaging(7)}
	for range c.Pages(t.Context(), r, 0) {
		break
	}
	ops := operations(scope)
	if op := ops[2]; op.Search.PageSize != 500 || len(op.Controls) != 1 {
		t.Errorf("default page: %+v, controls %+v", op.Search, op.Controls)
	}
}

// Idle time and total time are two things: an answer that takes long but keeps coming is no dead one.
func TestSteadyAnswerIsNotIdle(t *testing.T) {
	t.Parallel()
	const idle, entries = 3 * time.Second, 45
	steady := then(func(s *session, m wire.Message) {
		ticks := time.NewTicker(100 * time.Millisecond)
		defer ticks.Stop()
		for i := range entries {
			<-ticks.C
			s.entry(m, "cn="+strconv.Itoa(i))
		}
		s.answer(m, 0)
	})
	url := serve(t, steady)
	c := dial(t, instrument.New(), url, instrument.WithTimeouts(instrument.Timeouts{Idle: idle}))
	if result, err := c.Search(t.Context(), search("(cn=*)")); err != nil || len(result.Entries) != entries {
		t.Errorf("%v", err)
	}
	alone := plain(t, url)
	defer alone.Close()
	alone.SetTimeout(idle)
	if _, err := alone.Search(search("(cn=*)")); err == nil {
		t.Error("go-ldap alone tells them apart now")
	}
}

// Operations of one connection that overlap are answered in any order, each with its own.
func TestReorderedAnswers(t *testing.T) {
	t.Parallel()
	const n = 20
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		var waiting []wire.Message
		for m, ok := s.next(); ok; m, ok = s.next() {
			if waiting = append(waiting, m); len(waiting) < n {
				continue
			}
			for i := range waiting {
				m := waiting[len(waiting)-1-i]
				request, _ := wire.ParseSearch(m.Body)
				s.entry(m, string(request.Base))
				s.answer(m, 0)
			}
		}
	}))
	errs := make(chan error, n)
	for i := range n {
		go func() {
			ctx, end := scope.Job(t.Context(), "job"+strconv.Itoa(i))
			defer end()
			r := search("(cn=*)")
			r.BaseDN = "cn=" + strconv.Itoa(i)
			result, err := c.Search(ctx, r)
			if err == nil && (len(result.Entries) != 1 || result.Entries[0].DN != r.BaseDN) {
				err = errors.New("the answer of another")
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, op := range operations(scope) {
		q, _ := scope.Recorder().Summary(op.RequestID)
		if q.Name != "job"+strings.TrimPrefix(op.Search.Base, "cn=") {
			t.Errorf("%s is recorded for %s", op.Search.Base, q.Name)
		}
	}
}

// One operation that is given up ends the others of its connection with a lost connection, not with its own reason.
func TestCancellationIsNotContagious(t *testing.T) {
	t.Parallel()
	got := make(chan struct{}, 2)
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		for _, ok := s.next(); ok; _, ok = s.next() {
			got <- struct{}{}
		}
	}))
	other := make(chan error, 1)
	go func() { other <- c.Delete(t.Context(), deletion("/other")) }()
	<-got
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the page was closed")
	go func() { <-got; cancel(why) }()
	if err := c.Delete(ctx, deletion("/cancelled")); !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("cancelled: %v", err)
	}
	if err := <-other; !errors.Is(err, instrument.ErrConnection) || errors.Is(err, context.Canceled) {
		t.Errorf("the other: %v", err)
	}
	eventually(t, "both have ended", func() bool {
		states := map[string]instrument.State{}
		for _, op := range operations(scope) {
			states[op.DN] = op.State
		}
		return states["cn=other"] == instrument.StateError && states["cn=cancelled"] == instrument.StateAbandoned
	})
}

// A context that ends together with its operation does the connection no harm.
func TestCancelAfterTheEnd(t *testing.T) {
	t.Parallel()
	c := dial(t, instrument.New(), serve(t, willing(0)))
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.Delete(ctx, deletion("/a")); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

// The server's own reason for the end reaches the caller and everybody after.
func TestNoticeOfDisconnection(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		s.message(0, func(e *wire.Encoder) { e.Result(wire.ExtendedResponse, wire.Reply{Code: 51, OID: "1.2.3.4"}) }) // not the end
		s.next()
		s.message(0, func(e *wire.Encoder) {
			e.Result(wire.ExtendedResponse, wire.Reply{Code: 52, OID: wire.OIDDisconnection, Diagnostic: "idle for too long"})
		})
		s.next()
	}))
	var reason *instrument.DisconnectError
	err := c.Delete(t.Context(), deletion("/a"))
	if !errors.As(err, &reason) || reason.Code != 52 || !strings.Contains(err.Error(), "unavailable") {
		t.Errorf("error %v", err)
	}
	if err := c.Delete(t.Context(), deletion("/a")); !errors.As(err, &reason) {
		t.Errorf("afterwards: %v", err)
	}
	if op := only(t, scope, instrument.KindNotice); op.Extended.Name != "notice of disconnection" || op.Result.Code != 52 || op.Result.Diagnostic != "idle for too long" || op.State != instrument.StateDone {
		t.Errorf("notice %+v, %+v", op.Extended, op.Result)
	}
}

// Deeply nested bytes are refused at once; go-ldap's decoder builds a tree of them first.
func TestNestedAnswer(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	nested := make([]byte, 0, size+8)
	for left := size; left > 6; left -= 6 {
		nested = append(nested, 0x30, 0x84, byte(left>>24), byte(left>>16), byte(left>>8), byte(left))
	}
	c := dial(t, instrument.New(), serve(t, then(func(s *session, m wire.Message) {
		s.message(m.ID, func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.ExtendedResponse))
			e.Bytes = append(e.Bytes, nested...)
			e.End(mark)
		})
	})))
	if _, err := c.WhoAmI(t.Context()); !errors.Is(err, instrument.ErrMalformed) && !errors.Is(err, instrument.ErrLimit) {
		t.Errorf("error %v", err)
	}
}

// An entry of millions of empty values would cost a hundred times its size.
func TestBusyEntry(t *testing.T) {
	t.Parallel()
	limits := wire.Limits{Elements: 1000}
	c := dial(t, instrument.New(instrument.WithWireLimits(limits)), serve(t, then(func(s *session, m wire.Message) {
		s.message(m.ID, func(e *wire.Encoder) {
			e.Entry("cn=a", func(add func(string, [][]byte)) { add("x", make([][]byte, 1001)) })
		})
	})))
	if _, err := c.Search(t.Context(), search("(cn=*)")); !errors.Is(err, instrument.ErrLimit) {
		t.Errorf("error %v", err)
	}
}

// Close ends open operations at once, also behind a server that says nothing.
func TestCloseEndsOperations(t *testing.T) {
	t.Parallel()
	got := make(chan struct{})
	scope := instrument.New()
	c := dial(t, scope, serve(t, then(func(*session, wire.Message) { close(got) })))
	result := make(chan error, 1)
	go func() { result <- c.Delete(context.Background(), deletion("/a")) }()
	<-got
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-result; !errors.Is(err, instrument.ErrConnection) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v", err)
	}
	usage := scope.Snapshots()[0].Usage
	if usage.OpenSockets != 1 || usage.ClosedSockets != 1 || usage.UnbindOperations != 1 || usage.ConnectionStopTime.IsZero() || usage.Elapsed(time.Now()) <= 0 {
		t.Errorf("usage %+v", usage)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Errorf("twice: %v", err)
	}
}
