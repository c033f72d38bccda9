// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Every method of go-ldap's Conn is there with the same signature, so that a new one upstream is noticed.
func TestContextClientHasEveryMethod(t *testing.T) {
	t.Parallel()
	driver, ours := reflect.TypeFor[*ldap.Conn](), reflect.TypeFor[*instrument.ContextClient]()
	for i := range driver.NumMethod() {
		want := driver.Method(i)
		got, ok := ours.MethodByName(want.Name)
		if !ok || signature(got.Type) != signature(want.Type) {
			t.Errorf("%s %s: have %v", want.Name, signature(want.Type), got.Type)
		}
	}
}

// signature is the type of a method without its receiver.
func signature(f reflect.Type) string {
	text := f.String()
	_, rest, _ := strings.Cut(text, "(")
	if first, others, found := strings.Cut(rest, ", "); found && strings.HasPrefix(first, "*") {
		return others
	}
	_, rest, _ = strings.Cut(rest, ")")
	return ")" + rest
}

func TestContextClient(t *testing.T) {
	t.Parallel()
	w := newWatch()
	c := dial(t, w.Scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			switch m.Op {
			case wire.SearchRequest:
				s.entry(m, "cn=a", "cn", "a")
				s.answer(m, 0)
			case wire.CompareRequest:
				s.answer(m, 6)
			case wire.DelRequest:
				s.answer(m, 32)
			default:
				s.answer(m, 0)
			}
		}
	}))
	ctx, end := w.Job(t.Context(), "legacy")
	defer end()
	var client ldap.Client = c.With(ctx)
	calls := map[string]func() error{
		"bind":         func() error { return client.Bind("cn=a", "b") },
		"anonymous":    func() error { return client.UnauthenticatedBind("") },
		"simple":       func() error { _, err := client.SimpleBind(ldap.NewSimpleBindRequest("cn=a", "b", nil)); return err },
		"external":     client.ExternalBind,
		"add":          func() error { return client.Add(ldap.NewAddRequest("cn=a", nil)) },
		"modify":       func() error { return client.Modify(ldap.NewModifyRequest("cn=a", nil)) },
		"modify too":   func() error { _, err := client.ModifyWithResult(ldap.NewModifyRequest("cn=a", nil)); return err },
		"rename":       func() error { return client.ModifyDN(ldap.NewModifyDNRequest("cn=a", "cn=b", true, "")) },
		"compare":      func() error { _, err := client.Compare("cn=a", "cn", "a"); return err },
		"extended":     func() error { _, err := client.Extended(ldap.NewExtendedRequest("1.2.3", nil)); return err },
		"password":     func() error { _, err := client.PasswordModify(ldap.NewPasswordModifyRequest("", "a", "b")); return err },
		"search":       func() error { _, err := client.Search(search("(cn=a)")); return err },
		"paged search": func() error { _, err := client.SearchWithPaging(search("(cn=a)"), 5); return err },
		"dirsync":      func() error { _, err := client.DirSync(search("(cn=a)"), 0, 0, nil); return err },
		"who am I":     func() error { _, err := c.With(ctx).WhoAmI(nil); return err },
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := client.Del(deletion("/a")); !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		t.Errorf("refused: %v", err)
	}
	q, ops, _ := w.Recorder().Request(instrument.RequestID(ctx))
	if len(ops) != len(calls)+1 || q.Errors != 1 {
		t.Errorf("%d operations of %d calls: %+v", len(ops), len(calls)+1, q)
	}
	for _, op := range ops {
		if op.Inferred || len(op.Callers()) == 0 || !strings.Contains(op.Callers()[0].Function, "TestContextClient") {
			t.Errorf("%s: %+v", op.Kind, op.Callers())
		}
	}
	if _, ok := client.TLSConnectionState(); ok || client.IsClosing() || client.GetLastError() != nil {
		t.Error("a healthy connection in clear text says otherwise")
	}
	client.Start()
	if err := client.Unbind(); err != nil || !client.IsClosing() || client.GetLastError() == nil {
		t.Errorf("after the end: %v, %v", err, client.GetLastError())
	}
	if err := client.Bind("cn=a", "b"); !ldap.IsErrorWithCode(err, ldap.ErrorNetwork) || !errors.Is(err, instrument.ErrConnection) {
		t.Errorf("after the end: %v", err)
	}
}

// Requests are never changed, however often they are used. go-ldap alone appends its controls to them.
func TestRequestsAreNotChanged(t *testing.T) {
	t.Parallel()
	url := serve(t, willing(1))
	client := dial(t, instrument.New(), url).With(t.Context())
	alone := plain(t, url)
	defer alone.Close()
	uses := map[string]func(ldap.Client, *ldap.SearchRequest){
		"paging":  func(c ldap.Client, r *ldap.SearchRequest) { _, _ = c.SearchWithPaging(r, 500) },
		"dirsync": func(c ldap.Client, r *ldap.SearchRequest) { _, _ = c.DirSync(r, 0, 0, nil) },
		"async": func(c ldap.Client, r *ldap.SearchRequest) {
			for s := c.DirSyncAsync(t.Context(), r, 1, 0, 0, nil); s.Next(); {
			}
		},
		"syncrepl": func(c ldap.Client, r *ldap.SearchRequest) {
			for s := c.Syncrepl(t.Context(), r, 1, ldap.SyncRequestModeRefreshOnly, nil, false); s.Next(); {
			}
		},
	}
	for name, use := range uses {
		r := search("(cn=a)", "cn")
		use(client, r)
		if !reflect.DeepEqual(r, search("(cn=a)", "cn")) {
			t.Errorf("%s: the request is now %+v", name, r)
		}
		use(alone, r)
		if len(r.Controls) == 0 {
			t.Errorf("%s: go-ldap does not change it any more", name)
		}
	}
}

func TestSetTimeoutBoundsOneOperation(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*instrument.ContextClient) error{
		"search":    func(c *instrument.ContextClient) error { _, err := c.Search(search("(cn=a)")); return err },
		"bind":      func(c *instrument.ContextClient) error { return c.Bind("cn=a", "secret") },
		"delete":    func(c *instrument.ContextClient) error { return c.Del(deletion("/a")) },
		"start TLS": func(c *instrument.ContextClient) error { return c.StartTLS(&tls.Config{ServerName: "localhost"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, instrument.New(), serve(t, then(silent))).With(t.Context())
			client.SetTimeout(30 * time.Millisecond)
			err := within(patience, func() error { return run(client) })
			if !errors.Is(err, instrument.ErrTimeout) || !ldap.IsErrorWithCode(err, ldap.ErrorNetwork) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A bind in several messages is one call under one span, under the context of the caller.
func TestBindInSteps(t *testing.T) {
	t.Parallel()
	w := newWatch()
	url := serve(t, func(s *session) {
		for step := int64(0); ; step++ {
			m, ok := s.next()
			if !ok {
				return
			}
			code := int64(14)
			if step == 2 {
				code = 0
			}
			s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{Code: code, Value: []byte("token")}) })
		}
	})
	c := dial(t, w.Scope, url)
	ctx, end := w.Job(t.Context(), "login")
	ctx, span := w.tracers.Tracer("test").Start(ctx, "request")
	if err := c.With(ctx).GSSAPIBind(&kerberos{}, "ldap/host", ""); err != nil {
		t.Fatal(err)
	}
	if err := c.Conn().UnauthenticatedBind(""); err != nil && !ldap.IsErrorWithCode(err, 14) {
		t.Fatal(err)
	}
	span.End()
	end()
	_, ops, _ := w.Recorder().Request(instrument.RequestID(ctx))
	if len(ops) != 4 {
		t.Fatalf("%d operations: %+v", len(ops), ops)
	}
	for i, op := range ops[:3] {
		if op.Call.ID != ops[0].Seq || op.Call.N != i+1 || op.Inferred || op.Bind.Mechanism != "GSSAPI" || op.TraceID != span.SpanContext().TraceID() {
			t.Errorf("step %d: call %+v, bind %+v, inferred %v", i+1, op.Call, op.Bind, op.Inferred)
		}
		if op.State != instrument.StateDone || op.Result.Failed() {
			t.Errorf("step %d: %v, %+v", i+1, op.State, op.Result)
		}
	}
	if ops[3].Call != (instrument.Call{}) || !ops[3].Inferred {
		t.Errorf("the bind after: %+v", ops[3])
	}
	compound := w.span(t, "bind GSSAPI")
	if compound.SpanKind() != trace.SpanKindInternal || compound.Parent().SpanID() != span.SpanContext().SpanID() || compound.Status().Code != codes.Unset {
		t.Errorf("compound span %+v", compound)
	}
	children := 0
	for _, s := range w.spans.Ended() {
		if s.Parent().SpanID() == compound.SpanContext().SpanID() && s.Name() == "bind" && s.SpanKind() == trace.SpanKindClient {
			children++
		}
	}
	if children != 3 {
		t.Errorf("%d bind spans under it", children)
	}
}

// A server that never has enough does not keep a bind going for ever, as it does with go-ldap alone.
func TestBindWithoutEnd(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{Code: 14, Value: []byte("more")}) })
		}
	}))
	err := within(patience, func() error { return c.With(t.Context()).GSSAPIBind(&kerberos{endless: true}, "ldap/host", "") })
	if !errors.Is(err, instrument.ErrNotSent) {
		t.Errorf("error %v", err)
	}
	if n := len(operations(scope)); n != 20 {
		t.Errorf("%d messages", n)
	}
}

// kerberos is a mechanism of three messages.
type kerberos struct {
	ldap.GSSAPIClient
	endless bool
	asked   int
}

func (k *kerberos) InitSecContext(string, []byte) ([]byte, bool, error) {
	k.asked++
	return []byte("more"), k.endless || k.asked == 1, nil
}

func (k *kerberos) InitSecContextWithOptions(name string, input []byte, _ []int) ([]byte, bool, error) {
	return k.InitSecContext(name, input)
}

func (k *kerberos) NegotiateSaslAuth(_ []byte, _ string) ([]byte, error) { return []byte("done"), nil }
func (k *kerberos) DeleteSecContext() error                              { return nil }

// NTLM tells its steps by tags and is answered with success all along.
func TestNTLMBindIsOneCall(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w := wireUp(t, scope)
	for i, tag := range []byte{0x8a, 0x8b, 0x80} {
		var e wire.Encoder
		e.Message(int64(i+1), func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.BindRequest))
			e.Integer(2, 3)
			e.OctetString("")
			e.Text(tag, "NTLMSSP hash of a password")
			e.End(mark)
		}, nil)
		if _, err := w.conn.Write(e.Bytes); err != nil {
			t.Fatal(err)
		}
		e.Bytes = e.Bytes[:0]
		e.Message(int64(i+1), func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{}) }, nil)
		w.far.in.Write(e.Bytes)
		if _, err := w.conn.Read(w.buf[:]); err != nil {
			t.Fatal(err)
		}
	}
	ops := operations(scope)
	want := []instrument.Call{{ID: ops[0].Seq, N: 1}, {ID: ops[0].Seq, N: 2}, {}}
	for i, op := range ops {
		if op.Call != want[i] || strings.Contains(op.Bind.Method+op.Bind.Name+op.Bind.Mechanism, "hash") {
			t.Errorf("message %d: call %+v, bind %+v", i+1, op.Call, op.Bind)
		}
	}
	if ops[1].Bind.Method != "ntlm" || ops[2].Bind.Method != "simple" {
		t.Errorf("methods %q and %q", ops[1].Bind.Method, ops[2].Bind.Method)
	}
}

// Messages of a connection that comes in parts, or several at a time, are seen one by one.
func TestWrapTakesAnyWrites(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w := wireUp(t, scope)
	var e wire.Encoder
	for id := range int64(3) {
		e.Message(id+1, func(e *wire.Encoder) { e.Text(byte(wire.DelRequest), "cn=a") }, nil)
	}
	for part := range slices.Chunk(e.Bytes, 11) {
		if n, err := w.conn.Write(part); err != nil || n != len(part) {
			t.Fatal(n, err)
		}
	}
	if ops := operations(scope); len(ops) != 3 || ops[2].DN != "cn=a" || ops[2].MessageID != 3 {
		t.Errorf("operations %+v", ops)
	}
	if _, err := w.conn.Write([]byte("GET / HTTP/1.1")); !errors.Is(err, instrument.ErrNotSent) {
		t.Errorf("error %v for what is no LDAP", err)
	}
}

// A part of a message that looks like a message is none: what is compared here is an unbind.
func TestWrapTakesAPartForAPart(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w := wireUp(t, scope)
	var inner, e wire.Encoder
	inner.Message(9, func(e *wire.Encoder) { e.Text(byte(wire.UnbindRequest), "") }, nil)
	e.Message(1, func(e *wire.Encoder) {
		compare := e.Begin(byte(wire.CompareRequest))
		e.OctetString("cn=a")
		assertion := e.Begin(0x30)
		e.OctetString("description")
		e.OctetString(string(inner.Bytes))
		e.End(assertion)
		e.End(compare)
	}, nil)
	at := bytes.Index(e.Bytes, inner.Bytes)
	for _, part := range [][]byte{e.Bytes[:at], e.Bytes[at:]} {
		if n, err := w.conn.Write(part); err != nil || n != len(part) {
			t.Fatal(n, err)
		}
	}
	if ops := operations(scope); len(ops) != 1 || ops[0].Kind != instrument.KindCompare || ops[0].DN != "cn=a" {
		t.Errorf("operations %+v", ops)
	}
}

func TestGuardKeepsRequestsBack(t *testing.T) {
	t.Parallel()
	forbidden := errors.New("read only")
	scope := instrument.New()
	c := dial(t, scope, serve(t, willing(1)), instrument.WithGuard(func(kind instrument.Kind, _ string) error {
		if kind.Writes() {
			return forbidden
		}
		return nil
	}))
	for range 3 { // the turn to send must come back each time
		if err := c.Delete(t.Context(), deletion("/a")); !errors.Is(err, instrument.ErrNotSent) || !errors.Is(err, forbidden) || instrument.Broken(err) {
			t.Errorf("error %v", err)
		}
	}
	if err := c.Conn().Del(deletion("/a")); err == nil {
		t.Error("the driver was not kept back")
	}
	if _, err := c.Search(t.Context(), search("(cn=a)")); err != nil {
		t.Error(err)
	}
	if ops := operations(scope); len(ops) != 1 {
		t.Errorf("operations %+v", ops)
	}
}

// What never leaves says so, and does no harm to the connection.
func TestNotSent(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, willing(1)))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var syntax *wire.FilterError
	tests := []struct {
		name string
		run  func() error
		want error
		as   any
	}{
		{"empty password", func() error { return c.Bind(t.Context(), "cn=a", "") }, nil, nil},
		{"empty password of a user", func() error { return c.BindUser(t.Context(), "cn=a", "") }, nil, nil},
		{"filter", func() error { _, err := c.Search(t.Context(), search("(cn=Lovelace")); return err }, nil, &syntax},
		{"context that has ended", func() error { return c.Bind(ended, "cn=a", "b") }, context.Canceled, nil},
	}
	for _, test := range tests { // one after the other, on one connection
		err := test.run()
		if !errors.Is(err, instrument.ErrNotSent) || instrument.Broken(err) || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.as != nil && !errors.As(err, test.as) {
			t.Errorf("%s: %v is no %T", test.name, err, test.as)
		}
		if strings.Contains(err.Error(), "Lovelace") {
			t.Errorf("%s: %v repeats the value", test.name, err)
		}
	}
	if _, err := c.Search(t.Context(), search("(cn=a)")); err != nil || len(operations(scope)) != 1 {
		t.Errorf("%v, %d operations", err, len(operations(scope)))
	}
}

// TestConnectInTheBackground links the span of a connection that is made beside a request, and makes it no part of its trace.
func TestConnectInTheBackground(t *testing.T) {
	t.Parallel()
	w := newWatch()
	ctx, request := w.tracers.Tracer("test").Start(t.Context(), "request")
	url := serve(t, willing(0))
	dial(t, w.Scope, url, instrument.WithCause(ctx))
	beside := w.span(t, "connect")
	if len(beside.Links()) != 1 || beside.Links()[0].SpanContext.SpanID() != request.SpanContext().SpanID() ||
		beside.Parent().IsValid() || beside.SpanContext().TraceID() == request.SpanContext().TraceID() {
		t.Errorf("parent %v, links %v", beside.Parent(), beside.Links())
	}
	c, err := w.Dial(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if within := w.span(t, "connect"); within.Parent().SpanID() != request.SpanContext().SpanID() {
		t.Errorf("a connection that the request waits for has the parent %v", within.Parent())
	}
}
