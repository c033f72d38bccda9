// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

func TestParseFilterRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		raw  []byte
		want error
	}{
		{"nothing", nil, wire.ErrMalformed},
		{"unknown choice", []byte{0xaa, 0}, wire.ErrMalformed},
		{"universal tag", []byte{0x30, 0}, wire.ErrMalformed},
		{"bytes behind", []byte{0x87, 1, 'a', 0}, wire.ErrMalformed},
		{"not of nothing", []byte{0xa2, 0}, wire.ErrMalformed},
		{"not of two", []byte{0xa2, 6, 0x87, 1, 'a', 0x87, 1, 'b'}, wire.ErrMalformed},
		{"equality without a value", []byte{0xa3, 3, 4, 1, 'a'}, wire.ErrMalformed},
		{"equality of numbers", []byte{0xa3, 6, 2, 1, 1, 2, 1, 1}, wire.ErrMalformed},
		{"child cut", []byte{0xa0, 2, 0x87, 1}, wire.ErrMalformed},
		{"substrings without parts", []byte{0xa4, 5, 4, 1, 'a', 0x30, 0}, wire.ErrMalformed},
		{"substrings with an empty part", []byte{0xa4, 7, 4, 1, 'a', 0x30, 2, 0x80, 0}, wire.ErrMalformed},
		{"two initial parts", []byte{0xa4, 11, 4, 1, 'a', 0x30, 6, 0x80, 1, 'x', 0x80, 1, 'y'}, wire.ErrMalformed},
		{"initial behind any", []byte{0xa4, 11, 4, 1, 'a', 0x30, 6, 0x81, 1, 'x', 0x80, 1, 'y'}, wire.ErrMalformed},
		{"any behind final", []byte{0xa4, 11, 4, 1, 'a', 0x30, 6, 0x82, 1, 'x', 0x81, 1, 'y'}, wire.ErrMalformed},
		{"two final parts", []byte{0xa4, 11, 4, 1, 'a', 0x30, 6, 0x82, 1, 'x', 0x82, 1, 'y'}, wire.ErrMalformed},
		{"unknown part", []byte{0xa4, 8, 4, 1, 'a', 0x30, 3, 0x83, 1, 'x'}, wire.ErrMalformed},
		{"extensible of nothing", []byte{0xa9, 0}, wire.ErrMalformed},
		{"extensible without a value", []byte{0xa9, 3, 0x82, 1, 'a'}, wire.ErrMalformed},
		{"extensible without rule and attribute", []byte{0xa9, 3, 0x83, 1, 'x'}, wire.ErrMalformed},
		{"extensible with an unknown part", []byte{0xa9, 9, 0x82, 1, 'a', 0x83, 1, 'x', 0x85, 1, 0}, wire.ErrMalformed},
		{"deeper than a search may be", nestedNot(61), wire.ErrLimit},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if f, err := wire.ParseFilter(test.raw); !errors.Is(err, test.want) {
				t.Errorf("%s, error %v, want %v", f, err, test.want)
			}
		})
	}
}

// nestedNot returns depth filters inside one another, the innermost a presence.
func nestedNot(depth int) []byte {
	raw := []byte{0x87, 1, 'a'}
	for range depth - 1 {
		var e wire.Encoder
		e.String(byte(wire.Not), raw)
		raw = e.Bytes
	}
	return raw
}

// The deepest filter that parses travels in a message that Scan lets pass with the default limits.
func TestDeepestFilterPassesScan(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("(!", 59) + "(a=b*)" + strings.Repeat(")", 59)
	f, err := wire.ParseFilterText(text)
	if err != nil {
		t.Fatal(err)
	}
	var e wire.Encoder
	e.Message(1, func(e *wire.Encoder) {
		mark := e.Begin(byte(wire.SearchRequest))
		e.Bytes = wire.AppendFilter(e.Bytes, f)
		e.End(mark)
	}, nil)
	if err := wire.Scan(e.Bytes, wire.DefaultLimits); err != nil {
		t.Error(err)
	}
	if _, err := wire.ParseFilter(wire.AppendFilter(nil, f)); err != nil {
		t.Error(err)
	}
}

// A name is bytes from the network: in the text it must not read as another filter.
func TestHostileNamesDoNotLie(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		filter wire.Filter
		want   string
	}{
		{"injected equality", wire.Filter{Op: wire.Equal, Attr: []byte("uid)(uid=admin"), Value: []byte("x")}, `(uid\29\28uid\3dadmin=x)`},
		{"injected presence", wire.Filter{Op: wire.Present, Attr: []byte("a=*)(b")}, `(a\3d\2a\29\28b=*)`},
		{"operator at the end", wire.Filter{Op: wire.Equal, Attr: []byte("cn>"), Value: []byte("5")}, `(cn\3e=5)`},
		{"rule in the attribute", wire.Filter{Op: wire.Equal, Attr: []byte("cn:1.2:"), Value: []byte("5")}, `(cn\3a1.2\3a=5)`},
		{"rule", wire.Filter{Op: wire.Extensible, Attr: []byte("cn"), Rule: []byte("1)(x=*"), Value: []byte("v")}, `(cn:1\29\28x\3d\2a:=v)`},
		{"rule named dn", wire.Filter{Op: wire.Extensible, Attr: []byte("cn"), Rule: []byte("dn"), Value: []byte("v")}, `(cn:\64\6e:=v)`},
		{"line break", wire.Filter{Op: wire.Present, Attr: []byte("a\nb\x1b[31m")}, `(a\0ab\1b\5b31m=*)`},
		{"substrings", wire.Filter{Op: wire.Substrings, Attr: []byte("*"), Initial: []byte("x")}, `(\2a=x*)`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.filter.String(); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if f, err := wire.ParseFilterText(test.filter.String()); err == nil {
				t.Errorf("the text parses, as %s", f)
			}
		})
	}
}

func TestAppendTextShowsWhatItIsTold(t *testing.T) {
	t.Parallel()
	f, err := wire.ParseFilterText("(&(cn=a*b*c)(sn>=d)(:dn:1.2:=e)(!(uid=*)))")
	if err != nil {
		t.Fatal(err)
	}
	got := f.AppendText([]byte("filter "), func(dst, attr, value []byte) []byte {
		return append(append(append(append(dst, '<'), attr...), bytes.ToUpper(value)...), '>')
	})
	if want := "filter (&(cn=<cnA>*<cnB>*<cnC>)(sn>=<snD>)(:dn:1.2:=<E>)(!(uid=*)))"; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAppendEscaped(t *testing.T) {
	t.Parallel()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	tests := []struct{ name, value, want string }{
		{"plain", "Ada Lovelace <x>", "Ada Lovelace <x>"},
		{"the five", "*()\\\x00", `\2a\28\29\5c\00`},
		{"control", "\x1f\x7f", `\1f\7f`},
		{"text beyond ASCII", "Ä함😀", "Ä함😀"},
		{"broken UTF-8", "\xc3(\xe2\x82", `\c3\28\e2\82`},
		{"a SID that holds what looks like a character", "\x01\x05\x00\xa7\x16\xd6\xa1", `\01\05\00\a7\16\d6\a1`},
		{"text of two lines", "Ä\nB", `Ä\0aB`},
		{"replacement character", "\ufffd", "\ufffd"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := string(wire.AppendEscaped(nil, []byte(test.value))); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	f, err := wire.ParseFilterText("(a=" + string(wire.AppendEscaped(nil, all)) + ")")
	if err != nil || !bytes.Equal(f.Value, all) {
		t.Errorf("all bytes do not survive: %x, %v", f.Value, err)
	}
}
