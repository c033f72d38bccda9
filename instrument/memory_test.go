// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// manyPeople answers a search, or each page of one, with entries of about 500 bytes.
func manyPeople(entries int) func(*session) {
	return func(s *session) {
		sent := 0
		for m, ok := s.next(); ok; m, ok = s.next() {
			if m.Op != wire.SearchRequest {
				s.answer(m, 0)
				continue
			}
			size := int64(0)
			_ = m.Controls(func(c wire.Control) bool { size, _, _ = wire.ParsePaging(c.Value); return true })
			for page := 0; sent < entries && (size == 0 || page < int(size)); page++ {
				var e wire.Encoder
				for range min(50, entries-sent) { // a few at a time, as servers do
					e.Message(m.ID, func(e *wire.Encoder) {
						entryBody(e, fmt.Sprintf("uid=user%d,ou=people,dc=example,dc=org", sent), "cn", "Ada Lovelace", "description", longText)
					}, nil)
					if sent++; size > 0 {
						if page++; page >= int(size) {
							break
						}
					}
				}
				s.send(e.Bytes...)
			}
			cookie := ""
			if sent < entries {
				cookie = strconv.Itoa(sent)
			} else {
				sent = 0
			}
			s.answer(m, 0, wire.Control{OID: wire.OIDPaging, Value: wire.Paging(0, []byte(cookie))})
		}
	}
}

var longText = fmt.Sprintf("%0400d", 7)

// live is what the heap holds. Others go on between the collection and the look; the least of some looks is without them.
func live() int64 {
	least := int64(math.MaxInt64)
	for range 4 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		least = min(least, int64(stats.HeapAlloc))
	}
	return least
}

// A search of 100,000 entries, 50 MB on the wire, is read in the memory of a page or of a few entries.
func TestStreamingMemoryIsFlat(t *testing.T) { // not parallel, it measures the process
	entries := 100_000
	if raceEnabled || testing.Short() {
		entries = 20_000
	}
	const limit = 8 << 20 // a page of 500, what the recorder keeps of each, and garbage on its way
	tests := []struct {
		name string
		read func(context.Context, *instrument.Client, func(*ldap.Entry)) error
	}{
		{"pages", func(ctx context.Context, c *instrument.Client, take func(*ldap.Entry)) error {
			for entry, err := range c.Entries(ctx, search("(uid=*)"), 500) {
				if err != nil {
					return err
				}
				take(entry)
			}
			return nil
		}},
		{"stream", func(ctx context.Context, c *instrument.Client, take func(*ldap.Entry)) error {
			s := c.With(ctx).SearchAsync(ctx, search("(uid=*)"), 64)
			for s.Next() {
				if entry := s.Entry(); entry != nil {
					take(entry)
				}
			}
			return s.Err()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scope := instrument.New(instrument.WithRecorderLimits(instrument.Limits{Bytes: 2 << 20}))
			c := dial(t, scope, serve(t, manyPeople(entries)))
			before, most, got := live(), int64(0), 0
			err := test.read(t.Context(), c, func(*ldap.Entry) {
				if got++; got%(entries/10) == 0 {
					most = max(most, live()-before)
				}
			})
			if err != nil || got != entries {
				t.Fatalf("%d entries, %v", got, err)
			}
			if most > limit {
				t.Errorf("%d bytes are held on the way, at most %d are fine", most, limit)
			}
			t.Logf("%d entries, %d bytes held at most", got, most)
		})
	}
}

// 1 MiB of nesting costs at most three times its size, from the socket to the error. asn1-ber would take 2 GiB.
func TestNestedAnswerCostsLittle(t *testing.T) { // not parallel, it measures the process
	const size = 1 << 20
	nested := make([]byte, 0, size+8)
	for left := size; left > 6; left -= 6 {
		nested = append(nested, 0x30, 0x84, byte(left>>24), byte(left>>16), byte(left>>8), byte(left))
	}
	var before, after runtime.MemStats
	c := dial(t, instrument.New(), serve(t, then(func(s *session, m wire.Message) {
		var e wire.Encoder
		e.Bytes = make([]byte, 0, size+100)
		e.Message(m.ID, func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.ExtendedResponse))
			e.Bytes = append(e.Bytes, nested...)
			e.End(mark)
		}, nil)
		runtime.ReadMemStats(&before)
		s.send(e.Bytes...)
	})))
	_, err := c.WhoAmI(t.Context())
	runtime.ReadMemStats(&after)
	if !errors.Is(err, instrument.ErrMalformed) && !errors.Is(err, instrument.ErrLimit) {
		t.Errorf("error %v", err)
	}
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 3*size {
		t.Errorf("%d bytes were allocated", cost)
	} else {
		t.Logf("%d bytes were allocated", cost)
	}
}

// Elements that answers have behind those that are known are passed over, but not at any depth: the driver copies what is within once for
// each element around it.
func TestDeepAnswerCostsLittle(t *testing.T) { // not parallel, it measures the process
	const size, depth = 1 << 20, 50
	var before, after runtime.MemStats
	c := dial(t, instrument.New(), serve(t, then(func(s *session, m wire.Message) {
		e := wire.Encoder{Bytes: make([]byte, 0, 2*size)}
		e.Message(m.ID, func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.ExtendedResponse))
			e.Integer(wire.TagEnumerated, 0)
			e.OctetString("")
			e.OctetString("")
			var marks []int
			for range depth {
				marks = append(marks, e.Begin(0xbe))
			}
			e.String(wire.TagOctetString, make([]byte, size))
			for range depth {
				e.End(marks[len(marks)-1])
				marks = marks[:len(marks)-1]
			}
			e.End(mark)
		}, nil)
		runtime.ReadMemStats(&before)
		s.send(e.Bytes...)
	})))
	_, err := c.WhoAmI(t.Context())
	runtime.ReadMemStats(&after)
	if !errors.Is(err, instrument.ErrLimit) {
		t.Errorf("error %v", err)
	}
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 5*size {
		t.Errorf("%d bytes were allocated", cost)
	}
}
