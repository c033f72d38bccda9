// SPDX-License-Identifier: MIT

package wire_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

func TestParseMessage(t *testing.T) {
	t.Parallel()
	// build writes an envelope around whatever parts say.
	build := func(parts ...[]byte) []byte { return message(0, slices.Concat(parts...)) }
	id := []byte{2, 1, 5}
	done := []byte{0x65, 7, 0x0a, 1, 0, 4, 0, 4, 0}
	tests := []struct {
		name string
		raw  []byte
		want wire.Message
		err  error
	}{
		{"id and operation", build(id, done), wire.Message{ID: 5, Op: wire.SearchResultDone, Body: done[2:]}, nil},
		{"id 0 of a notice", build([]byte{2, 1, 0}, done), wire.Message{Op: wire.SearchResultDone, Body: done[2:]}, nil},
		{"largest id", build([]byte{2, 4, 0x7f, 255, 255, 255}, done), wire.Message{ID: math.MaxInt32, Op: wire.SearchResultDone, Body: done[2:]}, nil},
		{"id with leading zeros", build([]byte{2, 4, 0, 0, 0, 5}, done), wire.Message{ID: 5, Op: wire.SearchResultDone, Body: done[2:]}, nil},
		{"lengths as Active Directory writes them", message(4, append(slices.Clone(id), 0x65, 0x84, 0, 0, 0, 7, 0x0a, 1, 0, 4, 0, 4, 0)), wire.Message{ID: 5, Op: wire.SearchResultDone, Body: done[2:]}, nil},
		{"unbind, with an empty body", build(id, []byte{0x42, 0}), wire.Message{ID: 5, Op: wire.UnbindRequest, Body: []byte{}}, nil},
		{"unknown operation", build(id, []byte{0x7a, 0}), wire.Message{ID: 5, Op: 0x7a, Body: []byte{}}, nil},
		{"empty controls", build(id, done, []byte{0xa0, 0}), wire.Message{ID: 5, Op: wire.SearchResultDone, Body: done[2:]}, nil},

		{"nothing", nil, wire.Message{}, wire.ErrMalformed},
		{"no sequence", []byte{0x31, 0}, wire.Message{}, wire.ErrMalformed},
		{"empty sequence", build(), wire.Message{}, wire.ErrMalformed},
		{"no operation", build(id), wire.Message{}, wire.ErrMalformed},
		{"id of another type", build([]byte{4, 1, 5}, done), wire.Message{}, wire.ErrMalformed},
		{"id without bytes", build([]byte{2, 0}, done), wire.Message{}, wire.ErrMalformed},
		{"id of nine bytes", build([]byte{2, 9, 0, 0, 0, 0, 0, 0, 0, 0, 5}, done), wire.Message{}, wire.ErrMalformed},
		{"negative id", build([]byte{2, 1, 0xff}, done), wire.Message{}, wire.ErrMalformed},
		{"id above the largest", build([]byte{2, 5, 0, 0x80, 0, 0, 0}, done), wire.Message{}, wire.ErrMalformed},
		{"something else behind the operation", build(id, done, []byte{0xa1, 0}), wire.Message{}, wire.ErrMalformed},
		{"something behind the controls", build(id, done, []byte{0xa0, 0, 4, 0}), wire.Message{}, wire.ErrMalformed},
		{"something behind the message", append(build(id, done), 4, 0), wire.Message{}, wire.ErrMalformed},
		{"cut", build(id, done)[:10], wire.Message{}, wire.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.ParseMessage(test.raw)
			if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(wire.Message{})); err == nil && diff != "" {
				t.Error(diff)
			}
			if err == nil && got.HasControls() {
				t.Error("controls out of nothing")
			}
		})
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	cookie := []byte("a cookie\x00")
	paging := &ldap.ControlPaging{PagingSize: 1000, Cookie: cookie}
	search := ldap.NewSearchRequest("", 0, 0, 0, 0, false, "(a=b)", nil, []ldap.Control{
		paging,
		ldap.NewControlManageDsaIT(true),
		ldap.NewControlString("1.2.3.4", true, "text"),
		ldap.NewControlString("1.2.3.5", false, ""),
		ldap.NewControlSubtreeDelete(),
	})
	sent := withGoLDAP(t, func(c *ldap.Conn) { _, _ = c.Search(search) }, succeed)
	m, err := wire.ParseMessage(sent[0])
	if err != nil {
		t.Fatal(err)
	}
	if !m.HasControls() {
		t.Error("no controls seen")
	}
	got := controlsOf(t, m)
	want := []wire.Control{
		{OID: wire.OIDPaging, Value: wire.Paging(1000, cookie)},
		{OID: "2.16.840.1.113730.3.4.2", Critical: true},
		{OID: "1.2.3.4", Critical: true, Value: []byte("text")},
		{OID: "1.2.3.5"},
		{OID: "1.2.840.113556.1.4.805"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	size, value, err := wire.ParsePaging(got[0].Value)
	if size != 1000 || string(value) != string(cookie) || err != nil {
		t.Errorf("paging size %d, cookie %q, %v", size, value, err)
	}
	n := 0
	if err := m.Controls(func(wire.Control) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("yielded %d controls after false at the second, %v", n, err)
	}
}

// The OIDs that are not copied off the wire are still the right ones, and a criticality that is spelled out counts.
func TestControlAsSent(t *testing.T) {
	t.Parallel()
	for _, oid := range []string{wire.OIDPaging, wire.OIDSortRequest, wire.OIDSortResponse, wire.OIDWhoAmI, wire.OIDStartTLS, "1.2.3"} {
		for _, critical := range []byte{0, 1, 0xff} {
			var e wire.Encoder
			list := e.Begin(0xa0)
			control := e.Begin(0x30)
			e.OctetString(oid)
			e.String(0x01, []byte{critical})
			e.End(control)
			e.End(list)
			m, err := wire.ParseMessage(message(0, slices.Concat([]byte{2, 1, 1, 0x42, 0}, e.Bytes)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]wire.Control{{OID: oid, Critical: critical != 0}}, controlsOf(t, m)); diff != "" {
				t.Errorf("criticality %d: %s", critical, diff)
			}
		}
	}
}

func TestControlsThatAreMalformed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		controls []byte
		good     int // controls before the malformed one
	}{
		{"no sequence", []byte{4, 0}, 0},
		{"no OID", []byte{0x30, 0}, 0},
		{"OID of another type", []byte{0x30, 3, 2, 1, 1}, 0},
		{"unknown part", []byte{0x30, 8, 4, 3, '1', '.', '2', 2, 1, 1}, 0},
		{"boolean of two bytes", []byte{0x30, 9, 4, 3, '1', '.', '2', 1, 2, 0, 0}, 0},
		{"second is cut", []byte{0x30, 5, 4, 3, '1', '.', '2', 0x30, 9}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var list wire.Encoder
			list.String(0xa0, test.controls)
			m, err := wire.ParseMessage(message(0, slices.Concat([]byte{2, 1, 1, 0x42, 0}, list.Bytes)))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			err = m.Controls(func(wire.Control) bool { n++; return true })
			if !errors.Is(err, wire.ErrMalformed) || n != test.good {
				t.Errorf("%d controls, error %v", n, err)
			}
		})
	}
}

func TestParsePagingRefuses(t *testing.T) {
	t.Parallel()
	for _, value := range [][]byte{nil, {4, 0}, {0x30, 0}, {0x30, 3, 2, 1, 1}, {0x30, 5, 4, 1, 1, 4, 0}, {0x30, 4, 2, 0, 4, 0}, {0x30, 6, 2, 1, 0, 4, 0, 1}, {0x30, 5, 2, 1, 0, 4, 0, 0}} {
		if _, _, err := wire.ParsePaging(value); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%x: error %v", value, err)
		}
	}
}

func TestResponseTo(t *testing.T) {
	t.Parallel()
	want := map[wire.Op]wire.Op{
		wire.BindRequest: wire.BindResponse, wire.SearchRequest: wire.SearchResultDone, wire.ModifyRequest: wire.ModifyResponse,
		wire.AddRequest: wire.AddResponse, wire.DelRequest: wire.DelResponse, wire.ModifyDNRequest: wire.ModifyDNResponse,
		wire.CompareRequest: wire.CompareResponse, wire.ExtendedRequest: wire.ExtendedResponse,
	}
	for op := range 256 {
		if got := wire.ResponseTo(wire.Op(op)); got != want[wire.Op(op)] {
			t.Errorf("response to 0x%02x is 0x%02x, want 0x%02x", op, got, want[wire.Op(op)])
		}
	}
}
