// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// The addresses of referrals hold names of entries, and are kept where those are.
func TestReferralsByLevel(t *testing.T) {
	t.Parallel()
	url := serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://a.test/cn=ada") })
			s.message(m.ID, func(e *wire.Encoder) {
				e.Result(wire.SearchResultDone, wire.Reply{Code: 10, Referrals: []string{"ldap://b.test/cn=ada", "ldap://c.test/cn=ada"}})
			})
		}
	})
	for level := instrument.LevelNames; level <= instrument.LevelValues; level++ {
		scope := instrument.New(instrument.WithPolicy(instrument.Policy{Level: level}))
		_, _ = dial(t, scope, url).Search(t.Context(), search("(cn=a)"))
		want := 0
		if level == instrument.LevelValues {
			want = 3
		}
		if op := only(t, scope, instrument.KindSearch); len(op.Result.Referrals) != want || op.References != 1 {
			t.Errorf("%v: %d references, %q are kept", level, op.References, op.Result.Referrals)
		}
	}
}

// A notification that is named by no OID is a text of the server's choice.
func TestNoticeWithoutAnOID(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		s.message(0, func(e *wire.Encoder) {
			e.Result(wire.ExtendedResponse, wire.Reply{OID: "<b>" + strings.Repeat("x", 1000)})
		})
		willing(0)(s)
	}))
	if err := c.Delete(t.Context(), deletion("/a")); err != nil {
		t.Fatal(err)
	}
	if op := only(t, scope, instrument.KindNotice); strings.Contains(op.Extended.OID, "<") || len(op.Extended.OID) > 100 {
		t.Errorf("kept: %q", op.Extended.OID)
	}
}

// A number of a password policy that is negative is none that can be shown as seconds or logins.
func TestPasswordPolicyNumbers(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]int64{"\x05": 5, "\x00\xff": 255, "\xff": 1 << 62, "\x80\x00": 1 << 62, "\x012345678": 1 << 62} {
		value := append([]byte{wire.TagSequence, byte(4 + len(number)), 0xa0, byte(2 + len(number)), 0x80, byte(len(number))}, number...)
		scope := instrument.New()
		c := dial(t, scope, serve(t, then(func(s *session, m wire.Message) {
			s.answer(m, 0, wire.Control{OID: ldap.ControlTypeBeheraPasswordPolicy, Value: value})
		})))
		_ = c.Bind(t.Context(), "cn=a", "b")
		if p := only(t, scope, instrument.KindBind).Result.Policy; p.Warning != "timeBeforeExpiration" || p.Left != want {
			t.Errorf("%x: %+v, want %d", number, p, want)
		}
	}
}

// Whoever begins an NTLM bind anew does not go on with the one that was not brought to its end.
func TestNTLMBindBegunAgain(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w := wireUp(t, scope)
	for i, tag := range []byte{byte(wire.BindNTLM1), byte(wire.BindNTLM1), byte(wire.BindNTLM2)} {
		var request, answer wire.Encoder
		request.Message(int64(i+1), func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.BindRequest))
			e.Integer(wire.TagInteger, 3)
			e.OctetString("")
			e.Text(tag, "NTLMSSP")
			e.End(mark)
		}, nil)
		if _, err := w.conn.Write(request.Bytes); err != nil {
			t.Fatal(err)
		}
		answer.Message(int64(i+1), func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{}) }, nil)
		w.far.in.Write(answer.Bytes)
		if _, err := w.conn.Read(w.buf[:]); err != nil {
			t.Fatal(err)
		}
	}
	ops := operations(scope)
	for i, want := range []instrument.Call{{ID: ops[0].Seq, N: 1}, {ID: ops[1].Seq, N: 1}, {ID: ops[1].Seq, N: 2}} {
		if ops[i].Call != want {
			t.Errorf("message %d: call %+v, want %+v", i+1, ops[i].Call, want)
		}
	}
}

// Middleware further out reads the route off the request that it gave, as around http.ServeMux alone.
func TestMiddlewareTellsTheRoute(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /people/{id}", func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest(http.MethodGet, "/people/7", nil)
	instrument.New().Middleware(mux).ServeHTTP(httptest.NewRecorder(), r)
	if r.Pattern != "GET /people/{id}" {
		t.Errorf("pattern %q", r.Pattern)
	}
}

// lookup asks a server for its naming contexts and then for something in one of them.
func lookup(ctx context.Context, t *testing.T, c *instrument.Client, suffix string) {
	t.Helper()
	root := ldap.NewSearchRequest("", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{suffix}, nil)
	below := search("(cn=a)")
	below.BaseDN = "ou=people," + suffix
	for _, r := range []*ldap.SearchRequest{root, below} {
		if _, err := c.Search(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
}

// fickle has another naming context each time that it is asked: the one in the list of requested attributes.
func fickle(s *session) {
	for m, ok := s.next(); ok; m, ok = s.next() {
		if request, _ := wire.ParseSearch(m.Body); len(request.Base) == 0 {
			_ = request.Attributes(func(suffix []byte) bool {
				s.entry(m, "", "namingContexts", string(suffix))
				return true
			})
		}
		s.answer(m, 0)
	}
}

// Naming contexts become names of spans. A server that has ever new ones, or very long ones, fills neither the memory nor
// the backend.
func TestNamingContextsAreBounded(t *testing.T) {
	t.Parallel()
	const changes, most = 100, 64
	w := newWatch()
	url := serve(t, fickle)
	c := dial(t, w.Scope, url)
	for i := range changes {
		lookup(t.Context(), t, c, fmt.Sprintf("dc=d%d", i))
	}
	w.span(t, fmt.Sprintf("search dc=d%d", changes-1)) // also of those that are not kept
	if n := instrument.Prepared(c, instrument.KindSearch); n != most {
		t.Errorf("%d beginnings of spans are kept, want %d", n, most)
	}
	for suffix, shown := range map[string]bool{"dc=" + strings.Repeat("x", 125): true, "dc=" + strings.Repeat("x", 126): false} {
		w := newWatch()
		lookup(t.Context(), t, dial(t, w.Scope, url), suffix)
		name := "search"
		if shown {
			name += " " + suffix
		}
		if ended := w.spans.Ended(); ended[len(ended)-1].Name() != name {
			t.Errorf("%d bytes: span %q", len(suffix), ended[len(ended)-1].Name())
		}
	}
}

// A server that is busy or going down is left, every other refusal leaves the connection as it is.
func TestCodesThatBreakTheConnection(t *testing.T) {
	t.Parallel()
	for code, want := range map[uint16]bool{
		ldap.LDAPResultBusy: true, ldap.LDAPResultUnavailable: true, ldap.LDAPResultUnwillingToPerform: false,
		ldap.LDAPResultInsufficientAccessRights: false, ldap.LDAPResultInvalidCredentials: false,
	} {
		if err := ldap.NewError(code, errors.New("refused")); instrument.Broken(err) != want {
			t.Errorf("%d: broken %v", code, !want)
		}
	}
}
