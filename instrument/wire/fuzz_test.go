// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// known says that an error is one that the package documents.
func known(err error) bool {
	return errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrLimit)
}

// slowFrames cuts b into messages the plain way.
func slowFrames(b []byte, limit int) (messages [][]byte, err error) {
	for len(b) > 0 {
		if b[0]&0x1f == 0x1f {
			if len(b) < 2 {
				return messages, io.ErrUnexpectedEOF
			}
			return messages, wire.ErrMalformed
		}
		if len(b) < 2 {
			return messages, io.ErrUnexpectedEOF
		}
		head, length := 2, uint64(b[1])
		if b[1] >= 0x80 {
			head = 2 + int(b[1]&0x7f)
			if head == 2 || head > 10 {
				return messages, wire.ErrMalformed
			}
			if len(b) < head {
				return messages, io.ErrUnexpectedEOF
			}
			length = 0
			for _, c := range b[2:head] {
				length = length<<8 | uint64(c)
			}
		}
		switch {
		case length > 1<<31-1:
			return messages, wire.ErrLimit
		case b[0] != 0x30:
			return messages, wire.ErrMalformed
		case uint64(head)+length > uint64(limit):
			return messages, wire.ErrLimit
		case uint64(len(b)) < uint64(head)+length:
			return messages, io.ErrUnexpectedEOF
		}
		end := head + int(length)
		messages, b = append(messages, b[:end:end]), b[end:]
	}
	return messages, io.EOF
}

// However a stream arrives, the Framer cuts it like the plain way does.
func FuzzFramer(f *testing.F) {
	f.Add(slices.Concat(stream()...), uint16(3))
	f.Add(slices.Concat(requestSeeds(f)...), uint16(1))
	f.Add(slices.Concat(responseSeeds()...), uint16(100))
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3}, uint16(2))
	f.Add(message(0, make([]byte, 17_000)), uint16(7000))
	f.Add(bytes.Repeat(message(0, make([]byte, 300)), 60), uint16(0xffff))
	f.Fuzz(func(t *testing.T, input []byte, piece uint16) {
		const limit = 100_000
		want, wantErr := slowFrames(input, limit)
		chunks := pieces(slices.Collect(slices.Chunk(input, max(1, int(piece)))))
		got, err := frames(wire.NewFramer(&chunks, wire.Limits{MessageBytes: limit}))
		if diff := unlike(want, got); diff != "" || !errors.Is(err, wantErr) {
			t.Errorf("error %v, want %v\n%s", err, wantErr, diff)
		}
	})
}

// No message makes a view panic, and an envelope that we take asn1-ber reads alike.
func FuzzMessage(f *testing.F) {
	for _, seed := range append(requestSeeds(f), responseSeeds()...) {
		f.Add(seed)
	}
	f.Add(message(0, []byte{2, 1, 5, 0x50, 1, 4, 0xa0, 0}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := wire.ParseMessage(raw)
		if err != nil {
			if !known(err) {
				t.Errorf("error %v", err)
			}
			return
		}
		if err := readAll(m.Op, m.Body); err != nil && !known(err) {
			t.Errorf("error %v", err)
		}
		for op := range 32 { // bodies that belong to another operation
			_ = readAll(wire.Op(0x60|op), m.Body)
		}
		controls := 0
		controlErr := m.Controls(func(c wire.Control) bool {
			_, _, _ = wire.ParsePaging(c.Value)
			controls++
			return true
		})
		if wire.Scan(raw, wire.Limits{}) != nil {
			return
		}
		packet, err := ber.DecodePacketErr(raw)
		if err != nil {
			return // it reads inside what it takes for dates and real numbers
		}
		if id, ok := packet.Children[0].Value.(int64); !ok || id != m.ID {
			t.Errorf("id %d, asn1-ber says %v", m.ID, packet.Children[0].Value)
		}
		op := packet.Children[1]
		if byte(op.ClassType)|byte(op.TagType)|byte(op.Tag) != byte(m.Op) {
			t.Errorf("operation 0x%02x, asn1-ber says %+v", byte(m.Op), op.Identifier)
		}
		if controlErr == nil && len(packet.Children) > 2 && len(packet.Children[2].Children) != controls {
			t.Errorf("%d controls, asn1-ber says %d", controls, len(packet.Children[2].Children))
		}
	})
}

// A filter text that we take survives being encoded, decoded and printed, and means to go-ldap what it means to us.
func FuzzFilterText(f *testing.F) {
	for _, test := range goodFilters {
		f.Add(test.filter)
	}
	for _, filter := range badFilters {
		f.Add(filter)
	}
	for _, test := range ourWay {
		f.Add(test.filter[:min(len(test.filter), 200)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := wire.ParseFilterText(text)
		if err != nil {
			var failure *wire.FilterError
			if !errors.As(err, &failure) || failure.Offset < 0 || failure.Offset > len(text) {
				t.Errorf("error %v", err)
			}
			return
		}
		encoded := wire.AppendFilter(nil, filter)
		decoded, err := wire.ParseFilter(encoded)
		if err != nil {
			t.Fatalf("%x does not decode: %v", encoded, err)
		}
		printed := decoded.String()
		again, err := wire.ParseFilterText(printed)
		if err != nil {
			t.Fatalf("%s does not parse: %v", printed, err)
		}
		if got := wire.AppendFilter(nil, again); !bytes.Equal(got, encoded) {
			t.Errorf("%s is %x, want %x", printed, got, encoded)
		}
		packet, err := ldap.CompileFilter(printed)
		if err != nil {
			if !strings.Contains(printed, "\ufffd") {
				t.Errorf("go-ldap refuses %s: %v", printed, err)
			}
			return
		}
		// What go-ldap compiles must decode to the same filter; its bytes differ where it writes TRUE as 0x01.
		theirs, err := wire.ParseFilter(packet.Bytes())
		if err != nil {
			t.Fatalf("%s from go-ldap's bytes: %v", printed, err)
		}
		if got := wire.AppendFilter(nil, theirs); !bytes.Equal(got, encoded) {
			t.Errorf("go-ldap makes of %s %x, want %x", printed, got, encoded)
		}
	})
}

// A filter from the wire prints as a text that either does not parse or parses to that very filter.
func FuzzFilter(f *testing.F) {
	for _, test := range goodFilters {
		if packet, err := ldap.CompileFilter(test.filter); err == nil {
			f.Add(packet.Bytes())
		}
	}
	f.Add([]byte{0xa3, 8, 4, 3, 'a', '=', 'b', 4, 1, 'c'})
	f.Add([]byte{0xa9, 8, 0x81, 2, 'd', 'n', 0x83, 1, 'x', 0x84, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		filter, err := wire.ParseFilter(raw)
		if err != nil {
			if !known(err) {
				t.Errorf("error %v", err)
			}
			return
		}
		encoded := wire.AppendFilter(nil, filter)
		printed := filter.String()
		again, err := wire.ParseFilterText(printed)
		if err != nil {
			if plainNames(filter) {
				t.Errorf("%s does not parse: %v", printed, err)
			}
			return
		}
		if got := wire.AppendFilter(nil, again); !bytes.Equal(got, encoded) {
			t.Errorf("%x prints as %s, which is %x", encoded, printed, got)
		}
	})
}

// plainNames says that every name in a filter is one that a text may hold.
func plainNames(f wire.Filter) bool {
	if f.Op == wire.Extensible && strings.EqualFold(string(f.Rule), "dn") && !f.DNAttributes {
		return false
	}
	for _, name := range [][]byte{f.Attr, f.Rule} {
		for _, c := range name {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;_", rune(c)) {
				return false
			}
		}
	}
	for _, child := range f.Children {
		if !plainNames(child) {
			return false
		}
	}
	return len(f.Children) > 0 || f.Op == wire.And || f.Op == wire.Or || len(f.Attr)+len(f.Rule) > 0
}
