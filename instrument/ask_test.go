// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// heard is a server that answers searches with a script and keeps what it was asked, without the message ids.
type heard struct {
	mu     sync.Mutex
	bodies [][]byte
}

func (h *heard) serve(t *testing.T, answer func(*session, wire.Message)) (url string) {
	t.Helper()
	return serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			if m.Op != wire.SearchRequest {
				s.answer(m, 0)
				continue
			}
			var controls []byte
			_ = m.Controls(func(c wire.Control) bool {
				controls = append(append(append(controls, c.OID...), 0), c.Value...)
				return true
			})
			h.mu.Lock()
			h.bodies = append(h.bodies, append(bytes.Clone(m.Body), controls...))
			h.mu.Unlock()
			answer(s, m)
		}
	})
}

// askedSearch is a search and what a server may answer to it.
type askedSearch struct {
	name    string
	request *ldap.SearchRequest
	answer  func(*session, wire.Message)
}

func askedSearches() []askedSearch {
	const dn = "uid=ada,dc=example,dc=org"
	request := func(change func(*ldap.SearchRequest)) *ldap.SearchRequest {
		r := ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=ada)", []string{"cn"}, nil)
		change(r)
		return r
	}
	filter := func(text string) *ldap.SearchRequest {
		return request(func(r *ldap.SearchRequest) { r.Filter = text })
	}
	found := func(s *session, m wire.Message) { s.entry(m, dn, "cn", "Ada"); s.answer(m, 0) }
	return []askedSearch{
		{"one entry", request(func(*ldap.SearchRequest) {}), found},
		{"nothing", filter("(cn=)"), func(s *session, m wire.Message) { s.answer(m, 0) }},
		{"all fields", request(func(r *ldap.SearchRequest) {
			r.Scope, r.DerefAliases, r.SizeLimit, r.TimeLimit, r.TypesOnly, r.Attributes = ldap.ScopeSingleLevel, ldap.DerefAlways, 70_000, 300, false, nil
		}), found},
		{"types only", request(func(r *ldap.SearchRequest) { r.TypesOnly = true }), found},
		{"long values", request(func(r *ldap.SearchRequest) {
			r.Attributes = append(r.Attributes, string(bytes.Repeat([]byte("a"), 300)))
		}), found},
		{"controls", request(func(r *ldap.SearchRequest) {
			r.Controls = []ldap.Control{ldap.NewControlPaging(500), ldap.NewControlManageDsaIT(true), ldap.NewControlString("1.2.3.4", true, "value")}
		}), found},
		{"logic", filter("(&(objectClass=*)(|(cn=a*b*c)(!(sn=*x)))(mail>=a)(mail<=z)(mail~=m))"), found},
		{"escapes", filter(`(cn=\2a\28\29\5c\00 ü)`), found},
		{"extensible", filter("(member:1.2.840.113556.1.4.1941:=cn=x)"), found},
		{"dn attributes", filter("(ou:dn:2.4.8.10:=Lab)"), found},
		{"references", filter("(a=1)"), func(s *session, m wire.Message) {
			s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://a.test/dc=a", "ldap://b.test/dc=b") })
			s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://c.test/dc=c") })
			found(s, m)
		}},
		{"controls of the answer", filter("(a=2)"), func(s *session, m wire.Message) {
			s.answer(m, 0, wire.Control{OID: wire.OIDPaging, Value: wire.Paging(7, []byte("cookie"))}, wire.Control{OID: "1.2.3.4", Critical: true, Value: []byte("x")})
		}},
		{"intermediate response", filter("(a=3)"), func(s *session, m wire.Message) {
			s.message(m.ID, func(e *wire.Encoder) {
				mark := e.Begin(byte(wire.IntermediateResponse))
				e.Text(0x80, "1.2.3")
				e.End(mark)
			})
			found(s, m)
		}},
		{"success that says something", filter("(a=4)"), func(s *session, m wire.Message) {
			s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{Diagnostic: "in maintenance"}) })
		}},
		{"no such object", filter("(a=5)"), func(s *session, m wire.Message) {
			s.message(m.ID, func(e *wire.Encoder) {
				e.Result(wire.SearchResultDone, wire.Reply{Code: 32, MatchedDN: "dc=example,dc=org", Diagnostic: "gone"})
			})
		}},
		{"size limit", filter("(a=6)"), func(s *session, m wire.Message) { s.entry(m, dn, "cn", "Ada"); s.answer(m, 4) }},
		{"referral", filter("(a=7)"), func(s *session, m wire.Message) {
			s.message(m.ID, func(e *wire.Encoder) {
				e.Result(wire.SearchResultDone, wire.Reply{Code: 10, Referrals: []string{"ldap://d.test/dc=d"}})
			}, wire.Control{OID: "1.2.3.4", Value: []byte("x")})
		}},
	}
}

// A search that is sent without the driver is the one that the driver would send, and its result the same, for all that a
// server may answer.
func TestSearchIsTheDriversSearch(t *testing.T) {
	t.Parallel()
	for _, test := range askedSearches() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var ours, theirs heard
			client := dial(t, instrument.New(), ours.serve(t, test.answer))
			driver := plain(t, theirs.serve(t, test.answer))
			want, wantErr := driver.Search(test.request)
			got, gotErr := client.Search(context.Background(), test.request)
			for _, tag := range []byte{0x01, 0x84} { // the driver sends true as 1, against RFC 4511 section 5.1
				theirs.bodies[0] = bytes.Replace(theirs.bodies[0], []byte{tag, 1, 1}, []byte{tag, 1, 0xff}, 1)
			}
			if diff := cmp.Diff(theirs.bodies, ours.bodies); diff != "" {
				t.Errorf("what is sent (-driver +ours):\n%s", diff)
			}
			compareErrors(t, wantErr, gotErr)
			if want == nil || got == nil {
				if want != nil || got != nil {
					t.Errorf("result %v, the driver's %v", got, want)
				}
				return
			}
			if diff := cmp.Diff(want.Referrals, got.Referrals) + cmp.Diff(want.Controls, got.Controls); diff != "" {
				t.Errorf("result (-driver +ours):\n%s", diff)
			}
			if len(want.Entries) != len(got.Entries) || want.ResultCode != got.ResultCode || want.DiagnosticMessage != got.DiagnosticMessage {
				t.Errorf("result %+v, the driver's %+v", got, want)
			}
		})
	}
}

// Blanks that libldap and Active Directory forgive are forgiven, where the driver refuses or sends them as part of a name.
func TestForgivenBlanks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"uid=ada", "( uid =ada)", " (uid=ada)\n"} {
		var forgiven, strict heard
		nothing := func(s *session, m wire.Message) { s.answer(m, 0) }
		for filter, h := range map[string]*heard{text: &forgiven, "(uid=ada)": &strict} {
			if _, err := dial(t, instrument.New(), h.serve(t, nothing)).Search(context.Background(), search(filter)); err != nil {
				t.Errorf("%q: %v", filter, err)
			}
		}
		if diff := cmp.Diff(strict.bodies, forgiven.bodies); diff != "" {
			t.Errorf("%q is sent as (-strict +forgiven):\n%s", text, diff)
		}
	}
}

func compareErrors(t *testing.T, want, got error) {
	t.Helper()
	var theirs, ours *ldap.Error
	if (want == nil) != (got == nil) || errors.As(want, &theirs) != errors.As(got, &ours) {
		t.Fatalf("error %v, the driver's %v", got, want)
	}
	if theirs == nil || theirs.ResultCode >= ldap.ErrorNetwork { // those of the driver itself have words of ours
		return
	}
	if ours.ResultCode != theirs.ResultCode || ours.MatchedDN != theirs.MatchedDN || ours.Err.Error() != theirs.Err.Error() {
		t.Errorf("error %v, the driver's %v", ours, theirs)
	}
	if (ours.Packet == nil) != (theirs.Packet == nil) || ours.Packet != nil && len(ours.Packet.Children) != len(theirs.Packet.Children) {
		t.Errorf("packet %v, the driver's %v", ours.Packet, theirs.Packet)
	}
}
