// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// again is an endless stream of one message.
type again struct {
	message []byte
	at      int
}

func (a *again) Read(b []byte) (n int, err error) {
	for n < len(b) {
		c := copy(b[n:], a.message[a.at:])
		a.at = (a.at + c) % len(a.message)
		n += c
	}
	return n, nil
}

// BenchmarkFrame cuts an entry of 500 bytes off a stream and reads its envelope: at most 0.3 us and no allocation.
func BenchmarkFrame(b *testing.B) {
	entry := entryMessage(500)
	framer := wire.NewFramer(&again{message: entry}, wire.Limits{})
	b.SetBytes(int64(len(entry)))
	b.ReportAllocs()
	for b.Loop() {
		raw, err := framer.Next()
		if err != nil {
			b.Fatal(err)
		}
		if m, err := wire.ParseMessage(raw); err != nil || m.Op != wire.SearchResultEntry {
			b.Fatal(err)
		}
	}
}

// BenchmarkEntry reads every attribute and value of an entry of 500 bytes; the price in asn1-ber stands beside it.
func BenchmarkEntry(b *testing.B) {
	raw := entryMessage(500)
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		values := 0
		value := func([]byte) bool { values++; return true }
		attribute := func(a wire.Attribute) bool { return a.Values(value) == nil }
		for b.Loop() {
			m, err := wire.ParseMessage(raw)
			if err != nil {
				b.Fatal(err)
			}
			entry, err := wire.ParseEntry(m.Body)
			if err != nil {
				b.Fatal(err)
			}
			if err := entry.Attributes(attribute); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("asn1-ber", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ber.ReadPacket(bytes.NewReader(raw)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkScan walks a good entry and refuses 1 MiB of nesting.
func BenchmarkScan(b *testing.B) {
	for _, bench := range []struct {
		name  string
		input []byte
		good  bool
	}{{"entry", entryMessage(500), true}, {"nested", hostile(1 << 20), false}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := wire.Scan(bench.input, wire.Limits{}); (err == nil) != bench.good {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFilterText parses a common filter of Active Directory; go-ldap's compiler stands beside it.
func BenchmarkFilterText(b *testing.B) {
	const text = "(&(objectCategory=person)(objectClass=user)(sAMAccountName=ada)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.ParseFilterText(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("go-ldap", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ldap.CompileFilter(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The budget of BenchmarkFrame that does not depend on the machine.
func TestFrameDoesNotAllocate(t *testing.T) { // not parallel, it measures the process
	framer := wire.NewFramer(&again{message: entryMessage(500)}, wire.Limits{})
	n := testing.AllocsPerRun(1000, func() {
		raw, err := framer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.ParseMessage(raw); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
