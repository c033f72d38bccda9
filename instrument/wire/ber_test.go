// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// nested returns depth sequences inside one another around inner.
func nested(depth int, inner []byte) []byte {
	var e wire.Encoder
	marks := make([]int, depth)
	for i := range marks {
		marks[i] = e.Begin(0x30)
	}
	e.Bytes = append(e.Bytes, inner...)
	for _, mark := range slices.Backward(marks) {
		e.End(mark)
	}
	return e.Bytes
}

// hostile returns one message of about size bytes that is nothing but headers of nested sequences.
func hostile(size int) []byte {
	const header = 6
	b := make([]byte, 0, size)
	for left := size - header; left >= 0; left -= header {
		b = append(b, 0x30, 0x84, byte(left>>24), byte(left>>16), byte(left>>8), byte(left))
	}
	return append(b, make([]byte, size-len(b))...)
}

func TestScan(t *testing.T) {
	t.Parallel()
	empty := []byte{4, 0}
	garbage := []byte{0x30, 0x7f, 0xff}
	tests := []struct {
		name   string
		input  []byte
		limits wire.Limits
		want   error
	}{
		{"entry", entryMessage(500), wire.Limits{}, nil},
		{"nothing", nil, wire.Limits{}, nil},
		{"empty sequence", []byte{0x30, 0}, wire.Limits{}, nil},
		{"lengths as Active Directory writes them", []byte{0x30, 0x84, 0, 0, 0, 8, 0x30, 0x84, 0, 0, 0, 2, 4, 0}, wire.Limits{}, nil},
		{"depth at the default limit", nested(64, empty), wire.Limits{}, nil},
		{"depth above the default limit", nested(65, empty), wire.Limits{}, wire.ErrLimit},
		{"depth at a limit", nested(3, empty), wire.Limits{Depth: 3}, nil},
		{"depth above a limit", nested(4, empty), wire.Limits{Depth: 3}, wire.ErrLimit},
		{"a depth limit above 128 is 128", nested(129, empty), wire.Limits{Depth: 1000}, wire.ErrLimit},
		{"depth at 128", nested(128, empty), wire.Limits{Depth: 1000}, nil},
		{"siblings do not nest", message(0, slices.Repeat(nested(62, empty), 20)), wire.Limits{}, nil},
		{"elements at a limit", message(0, slices.Repeat(empty, 9)), wire.Limits{Elements: 10}, nil},
		{"elements above a limit", message(0, slices.Repeat(empty, 10)), wire.Limits{Elements: 10}, wire.ErrLimit},
		{"stops at the limit, not at the garbage behind it", nested(70, garbage), wire.Limits{}, wire.ErrLimit},
		{"garbage at the bottom", nested(10, garbage), wire.Limits{}, wire.ErrMalformed},
		{"element past its container", []byte{0x30, 3, 4, 2, 0, 0}, wire.Limits{}, wire.ErrMalformed},
		{"element past the message", []byte{0x30, 3, 4, 2, 0}, wire.Limits{}, wire.ErrMalformed},
		{"half a header", []byte{0x30, 1, 4}, wire.Limits{}, wire.ErrMalformed},
		{"half a length", []byte{0x30, 2, 4, 0x82}, wire.Limits{}, wire.ErrMalformed},
		{"indefinite length inside", []byte{0x30, 4, 0x30, 0x80, 0, 0}, wire.Limits{}, wire.ErrMalformed},
		{"long tag inside", []byte{0x30, 3, 0x1f, 0x22, 0}, wire.Limits{}, wire.ErrMalformed},
		{"a length that would overflow", []byte{0x30, 10, 4, 0x88, 0x7f, 255, 255, 255, 255, 255, 255, 255}, wire.Limits{}, wire.ErrLimit},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := wire.Scan(test.input, test.limits); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

// What a decoder that builds a tree would answer with gigabytes is refused for the price of its error.
func TestScanCostsNothing(t *testing.T) { // not parallel, it measures the process
	const limit = 64 << 10 // the error, and what the runtime does meanwhile
	tests := []struct {
		name  string
		input []byte
		want  error
	}{
		{"1 MiB of nothing but nesting", hostile(1 << 20), wire.ErrLimit},
		{"3 MiB of empty strings", message(0, slices.Repeat([]byte{4, 0}, 3<<19)), wire.ErrLimit},
		{"an entry of 1 MiB", entryMessage(1 << 20), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var err error
			if cost := allocated(func() { err = wire.Scan(test.input, wire.Limits{}) }); cost > limit {
				t.Errorf("%d bytes allocated, at most %d are fine", cost, limit)
			}
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestScanOfGoodMessageDoesNotAllocate(t *testing.T) { // not parallel, it measures the process
	entry := entryMessage(500)
	if n := testing.AllocsPerRun(100, func() { _ = wire.Scan(entry, wire.Limits{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestElement(t *testing.T) {
	t.Parallel()
	body, rest, err := wire.Element([]byte{0x30, 2, 4, 0, 2, 1, 5})
	if err != nil || !bytes.Equal(body, []byte{4, 0}) || !bytes.Equal(rest, []byte{2, 1, 5}) {
		t.Errorf("body %x, rest %x, %v", body, rest, err)
	}
	if _, _, err := wire.Element([]byte{0x30, 2, 4}); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("error %v of a cut element", err)
	}
}

// The encoder writes what asn1-ber writes, which is the shortest form.
func TestEncoderAgainstASN1BER(t *testing.T) {
	t.Parallel()
	for _, v := range []int64{
		0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 8388607, 8388608, math.MaxInt32, math.MaxInt32 + 1, math.MaxInt64,
		-1, -127, -128, -129, -255, -256, -257, -32768, -32769, math.MinInt32, math.MinInt64,
	} {
		var e wire.Encoder
		e.Integer(0x02, v)
		if want := ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, v, "").Bytes(); !bytes.Equal(e.Bytes, want) {
			t.Errorf("integer %d: %x, want %x", v, e.Bytes, want)
		}
	}
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24} {
		value := make([]byte, n)
		want := ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, string(value), "").Bytes()
		var text, slice, open wire.Encoder
		text.OctetString(string(value))
		slice.String(0x04, value)
		mark := open.Begin(0x04)
		open.Bytes = append(open.Bytes, value...)
		open.End(mark)
		for name, got := range map[string][]byte{"OctetString": text.Bytes, "String": slice.Bytes, "Begin and End": open.Bytes} {
			if !bytes.Equal(got, want) {
				t.Errorf("%s of %d bytes differs: header %x, want %x", name, n, got[:min(8, len(got))], want[:min(8, len(want))])
			}
		}
	}
	for _, v := range []bool{true, false} {
		var e wire.Encoder
		e.Bool(0x01, v)
		if want := ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, v, "").Bytes(); !bytes.Equal(e.Bytes, want) {
			t.Errorf("boolean %v: %x, want %x", v, e.Bytes, want)
		}
	}
}

// What the encoder writes of a result, ParseResult reads, for each response its own parts.
func TestResultsOfEncoder(t *testing.T) {
	t.Parallel()
	type view struct {
		Code                        int64
		Matched, Diagnostic, OID, V string
		Referrals                   []string
	}
	uris := []string{"ldap://a/", "ldap://b/"}
	tests := []struct {
		name  string
		op    wire.Op
		reply wire.Reply
		want  view
	}{
		{"SASL challenge", wire.BindResponse, wire.Reply{Code: 14, Value: []byte("token")}, view{Code: 14, V: "token", Referrals: []string{}}},
		{"referral", wire.SearchResultDone, wire.Reply{Code: 10, MatchedDN: "dc=org", Diagnostic: "there", Referrals: uris}, view{Code: 10, Matched: "dc=org", Diagnostic: "there", Referrals: uris}},
		{"notice", wire.ExtendedResponse, wire.Reply{Code: 52, OID: wire.OIDDisconnection, Value: []byte("v")}, view{Code: 52, OID: wire.OIDDisconnection, V: "v", Referrals: []string{}}},
		{"code beyond 16 bits", wire.CompareResponse, wire.Reply{Code: 65536}, view{Code: 65536, Referrals: []string{}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var e wire.Encoder
			e.Message(0, func(e *wire.Encoder) { e.Result(test.op, test.reply) }, nil)
			m, err := wire.ParseMessage(e.Bytes)
			if err != nil || m.Op != test.op {
				t.Fatalf("operation 0x%02x, %v", m.Op, err)
			}
			r, err := wire.ParseResult(m.Op, m.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := view{r.Code, string(r.MatchedDN), string(r.Diagnostic), string(r.OID), string(r.Value), collect(t, r.Referrals)}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
