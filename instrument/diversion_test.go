// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// piped connects to a server of one connection without a network.
func piped(tb testing.TB, scope *instrument.Scope, script func(*session), opts ...instrument.DialOption) *instrument.Client {
	tb.Helper()
	served := make(chan struct{})
	dialer := instrument.WithDialer(func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() { // ends with the connection
			defer close(served)
			defer far.Close()
			script(&session{far, wire.NewFramer(far, wire.DefaultLimits)})
		}()
		return near, nil
	})
	c, err := scope.Dial(context.Background(), "ldap://pipe", append(opts, dialer)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close(context.Background()); <-served })
	return c
}

// An entry that we read is, to its last value, the entry that go-ldap makes of the same bytes.
func FuzzDiversion(f *testing.F) {
	seeds := [][]string{
		{"cn=Ada,dc=example,dc=org", "cn", "Ada", "mail", "ada@example.org"},
		{"", "", ""},
		{"cn=\xff\x00", "objectGUID", "\x00\x01\xfe", "jpegPhoto;binary", strings.Repeat("\xff\xd8", 300)},
	}
	for _, seed := range seeds {
		var e wire.Encoder
		entryBody(&e, seed[0], seed[1:]...)
		body, _, _ := wire.Element(e.Bytes)
		f.Add(body)
	}
	f.Add([]byte{4, 1, 'a', 0x30, 7, 0x30, 5, 4, 1, 'b', 0x31, 0})                                           // without a value
	f.Add([]byte{4, 0x84, 0, 0, 0, 1, 'a', 0x30, 0x84, 0, 0, 0, 0})                                          // lengths as Active Directory writes them
	f.Add([]byte{4, 1, 'a', 0x30, 18, 0x30, 7, 4, 1, 'b', 0x31, 2, 4, 0, 0x30, 7, 4, 1, 'b', 0x31, 2, 4, 0}) // a name that comes twice
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := func(s *session) {
			for m, ok := s.next(); ok; m, ok = s.next() {
				s.message(m.ID, func(e *wire.Encoder) { e.String(byte(wire.SearchResultEntry), body) })
				s.answer(m, 0)
			}
		}
		scope := instrument.New()
		got, gotErr := piped(t, scope, answer).Search(t.Context(), search("(cn=a)"))
		want, wantErr := piped(t, scope, answer, instrument.WithoutDiversion()).Search(t.Context(), search("(cn=a)"))
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("ours %v, go-ldap %v", gotErr, wantErr)
		}
		if gotErr == nil && !reflect.DeepEqual(want.Entries, got.Entries) {
			t.Errorf("go-ldap (-), ours (+):\n%s", cmp.Diff(want.Entries, got.Entries))
		}
	})
}

// What our client returns of a slapd is what go-ldap returns, value for value: names, operational attributes, binary
// values, references, sizes and errors.
func TestSlapdSameAsGoLDAP(t *testing.T) {
	t.Parallel()
	ldif := overheadLDIF() + "dn: cn=Søren Ångström,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\ncn: Søren Ångström\nsn: Ångström\n" +
		"jpegPhoto:: /9j/4AAQAP8A/w==\ndescription:: IGxlYWRpbmcgYmxhbms=\n\n" +
		"dn: ou=elsewhere,dc=example,dc=org\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://other.example.org/ou=elsewhere,dc=example,dc=org\n\n"
	server := slapd.Start(t, slapd.Config{LDIF: ldif})
	alone := plain(t, server.LDAP)
	defer alone.Close()
	ours := dial(t, instrument.New(), server.LDAP)
	if err := alone.Bind(server.RootDN, server.RootPW); err != nil {
		t.Fatal(err)
	}
	if err := ours.Bind(t.Context(), server.RootDN, server.RootPW); err != nil {
		t.Fatal(err)
	}
	request := func(base string, scope int, size int, types bool, filter string, attributes ...string) *ldap.SearchRequest {
		return ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, size, 0, types, filter, attributes, nil)
	}
	tests := []struct {
		name    string
		request *ldap.SearchRequest
		least   int
	}{
		{"root DSE", request("", 0, 0, false, "(objectClass=*)", "*", "+"), 1},
		{"schema", request("cn=Subschema", 0, 0, false, "(objectClass=*)", "+"), 1},
		{"everybody, with a reference", request("dc=example,dc=org", 2, 0, false, "(objectClass=*)", "*", "+"), overheadPeople},
		{"binary values and letters", request("dc=example,dc=org", 2, 0, false, "(sn=Ångström)", "*"), 1},
		{"names only", request("ou=people,dc=example,dc=org", 1, 0, true, "(uid=user00001*)"), 10},
		{"no attributes", request("ou=people,dc=example,dc=org", 1, 0, false, "(uid=user00001*)", "1.1"), 10},
		{"nobody", request("dc=example,dc=org", 2, 0, false, "(uid=nobody)"), 0},
		{"a part", request("dc=example,dc=org", 2, 7, false, "(uid=*)", "uid"), 7},
		{"no such entry", request("cn=nobody,dc=example,dc=org", 0, 0, false, "(objectClass=*)"), 0},
		{"no name", request("nonsense", 0, 0, false, "(objectClass=*)"), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want, wantErr := alone.Search(test.request)
			got, gotErr := ours.Search(t.Context(), test.request)
			wantCode, wantAnswered := instrument.ResultCode(wantErr)
			gotCode, gotAnswered := instrument.ResultCode(gotErr)
			if wantCode != gotCode || wantAnswered != gotAnswered || (wantErr == nil) != (gotErr == nil) {
				t.Fatalf("go-ldap %v, ours %v", wantErr, gotErr)
			}
			if len(got.Entries) < test.least {
				t.Errorf("only %d entries to compare", len(got.Entries))
			}
			if fmt.Sprint(want.Referrals) != fmt.Sprint(got.Referrals) || want.DiagnosticMessage != got.DiagnosticMessage || want.ResultCode != got.ResultCode {
				t.Errorf("go-ldap %+v, ours %+v", want, got)
			}
			if !reflect.DeepEqual(want.Entries, got.Entries) {
				t.Errorf("go-ldap (-), ours (+):\n%.5000s", cmp.Diff(want.Entries, got.Entries))
			}
		})
	}
	want, wantErr := alone.SearchWithPaging(pagedRequest(), 300)
	got, gotErr := ours.SearchPaged(t.Context(), pagedRequest(), 300)
	if wantErr != nil || gotErr != nil || len(got.Entries) != overheadPeople+1 || !reflect.DeepEqual(want.Entries, got.Entries) {
		t.Errorf("by pages: %v and %v, %d entries", wantErr, gotErr, len(got.Entries))
	}
}
