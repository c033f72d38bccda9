// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// nestedValue is a string of so many bytes in so many sequences.
func nestedValue(depth, size int) []byte {
	const header = 6
	value := make([]byte, 0, header*(depth+1)+size)
	for left := depth; left >= 0; left-- {
		tag, n := byte(wire.TagSequence), header*left+size
		if left == 0 {
			tag = wire.TagOctetString
		}
		value = append(value, tag, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(value, make([]byte, size)...)
}

// busyValue is a sequence of nothing but empty elements.
func busyValue(elements int) []byte {
	var e wire.Encoder
	mark := e.Begin(wire.TagSequence)
	e.Bytes = append(e.Bytes, bytes.Repeat([]byte{wire.TagOctetString, 0}, elements)...)
	e.End(mark)
	return e.Bytes
}

// carrier is an answer that takes a value to where the driver decodes it.
type carrier struct {
	name   string
	answer func(e *wire.Encoder, id int64, value []byte)
	ask    func(*testing.T, *instrument.Client) error
}

func carriers() []carrier {
	controls := func(oid string, value []byte) []wire.Control { return []wire.Control{{OID: oid, Value: value}} }
	done := func(op wire.Op, oid string) func(*wire.Encoder, int64, []byte) {
		return func(e *wire.Encoder, id int64, value []byte) {
			e.Message(id, func(e *wire.Encoder) { e.Result(op, wire.Reply{}) }, controls(oid, value))
		}
	}
	entry := func(e *wire.Encoder, id int64, value []byte) {
		e.Message(id, func(e *wire.Encoder) { entryBody(e, "cn=a") }, controls(ldap.ControlTypeSyncState, value))
	}
	intermediate := func(e *wire.Encoder, id int64, value []byte) {
		e.Message(id, func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.IntermediateResponse))
			e.Text(0x80, ldap.ControlTypeSyncInfo)
			e.String(0x81, value)
			e.End(mark)
		}, nil)
	}
	generated := func(tag byte) func(*wire.Encoder, int64, []byte) {
		return func(e *wire.Encoder, id int64, value []byte) {
			e.Message(id, func(e *wire.Encoder) {
				mark := e.Begin(byte(wire.ExtendedResponse))
				e.Integer(wire.TagEnumerated, 0)
				e.OctetString("")
				e.OctetString("")
				e.String(tag, value)
				e.End(mark)
			}, nil)
		}
	}
	asks := func(t *testing.T, c *instrument.Client) error {
		_, err := c.Search(t.Context(), search("(cn=a)"))
		return err
	}
	binds := func(t *testing.T, c *instrument.Client) error {
		_, err := c.SimpleBind(t.Context(), ldap.NewSimpleBindRequest("cn=a", "b", nil))
		return err
	}
	streams := func(t *testing.T, c *instrument.Client) error {
		_, err := drain(c.With(t.Context()).SearchAsync(t.Context(), search("(cn=a)"), 1))
		return err
	}
	beneath := func(t *testing.T, c *instrument.Client) error { // the driver alone reads the answer
		_, _ = drain(c.Conn().SearchAsync(t.Context(), search("(cn=a)"), 1))
		return c.Err()
	}
	change := ldap.NewPasswordModifyRequest("cn=a", "old", "")
	changes := func(t *testing.T, c *instrument.Client) error {
		_, err := c.PasswordModify(t.Context(), change)
		return err
	}
	return []carrier{
		{"search", done(wire.SearchResultDone, ldap.ControlTypeDirSync), asks},
		{"bind", done(wire.BindResponse, ldap.ControlTypeBeheraPasswordPolicy), binds},
		{"stream", done(wire.SearchResultDone, ldap.ControlTypeSyncDone), streams},
		{"entry of a stream", entry, streams},
		{"entry of the driver's stream", entry, beneath},
		{"intermediate response", intermediate, streams},
		{"intermediate response of the driver's stream", intermediate, beneath},
		{"password modify", generated(0x8b), changes},
		{"password modify, by a tag that the driver takes for the same", generated(0x0b), changes},
		{"the driver's password modify", generated(0x8b), func(_ *testing.T, c *instrument.Client) error {
			_, _ = c.Conn().PasswordModify(change)
			return c.Err()
		}},
	}
}

// A value is a message within a message, and what is hostile in it costs at most three times its size too. For 200 KiB in
// 990 sequences asn1-ber takes 400 MiB.
func TestHostileValuesCostLittle(t *testing.T) { // not parallel, it measures the process
	values := map[string][]byte{"nested": nestedValue(990, 200<<10), "nested a little": nestedValue(20, 200<<10), "busy": busyValue(100 << 10)}
	for _, way := range carriers() {
		for name, value := range values {
			t.Run(way.name+", "+name, func(t *testing.T) {
				var before, after runtime.MemStats
				c := dial(t, instrument.New(), serve(t, then(func(s *session, m wire.Message) {
					e := wire.Encoder{Bytes: make([]byte, 0, 2*len(value))}
					way.answer(&e, m.ID, value)
					runtime.ReadMemStats(&before)
					s.send(e.Bytes...)
				})))
				err := way.ask(t, c)
				runtime.ReadMemStats(&after)
				if !errors.Is(err, instrument.ErrLimit) {
					t.Errorf("error %.200v", err)
				}
				if cost := after.TotalAlloc - before.TotalAlloc; cost > 3*uint64(len(value)) {
					t.Errorf("a value of %d KiB cost %d KiB", len(value)>>10, cost>>10)
				}
			})
		}
	}
}

// The values that are checked are those that the driver decodes, and no others.
func TestDriversValues(t *testing.T) {
	t.Parallel()
	deep := nestedValue(ber.MaxNestingDepth, 1)
	decoded := 0
	for oid := range ldap.ControlTypeMap {
		var e wire.Encoder
		e.Control(wire.Control{OID: oid, Value: deep})
		packet, err := ber.DecodePacketErr(e.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ldap.DecodeControl(packet)
		decodes := err != nil && strings.Contains(err.Error(), "nesting depth")
		if decodes {
			decoded++
		}
		c := dial(t, instrument.New(), serve(t, then(func(s *session, m wire.Message) { s.answer(m, 0, wire.Control{OID: oid, Value: deep}) })))
		_, err = c.Search(t.Context(), search("(cn=a)"))
		if refused := errors.Is(err, instrument.ErrLimit); refused != decodes {
			t.Errorf("%s (%s): refused %v, decoded by the driver %v: %v", oid, ldap.ControlTypeMap[oid], refused, decodes, err)
		}
	}
	if decoded == 0 {
		t.Error("the driver decodes no value, the test is pointless")
	}
}

// What a server may well send is not taken for hostile.
func TestHarmlessValuesPass(t *testing.T) {
	t.Parallel()
	const members = 5000
	var set wire.Encoder
	info := set.Begin(0xa3)
	set.OctetString("cookie")
	uuids := set.Begin(wire.TagSet)
	for range members {
		set.String(wire.TagOctetString, make([]byte, 16))
	}
	set.End(uuids)
	set.End(info)
	c := dial(t, instrument.New(), serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			if m.Op == wire.SearchRequest {
				s.message(m.ID, func(e *wire.Encoder) {
					mark := e.Begin(byte(wire.IntermediateResponse))
					e.Text(0x80, ldap.ControlTypeSyncInfo)
					e.String(0x81, set.Bytes)
					e.End(mark)
				})
			}
			s.answer(m, 0,
				wire.Control{OID: "1.2.3.4", Value: []byte{wire.TagSequence, 0x84, 0xff}},
				wire.Control{OID: ldap.ControlTypeVChuPasswordWarning, Value: []byte("3600")},
				wire.Control{OID: ldap.ControlTypeBeheraPasswordPolicy, Value: []byte{wire.TagSequence, 3, 0x81, 1, 1, 0xff}})
		}
	}))
	result, err := c.SimpleBind(t.Context(), ldap.NewSimpleBindRequest("cn=a", "b", nil))
	if err != nil || len(result.Controls) != 3 {
		t.Fatalf("bind: %+v, %v", result, err)
	}
	stream, got := c.With(t.Context()).SearchAsync(t.Context(), search("(cn=a)"), 1), 0
	for stream.Next() {
		for _, control := range stream.Controls() {
			if info, ok := control.(*ldap.ControlSyncInfo); ok {
				got += len(info.SyncIdSet.SyncUUIDs)
			}
		}
	}
	if stream.Err() != nil || got != members {
		t.Errorf("%d of %d members, %v", got, members, stream.Err())
	}
	value := []byte{0x30, 0x84, 0xff}
	other := dial(t, instrument.New(), serve(t, then(func(s *session, m wire.Message) {
		s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.ExtendedResponse, wire.Reply{Value: value}) })
	})))
	if response, err := other.Extended(t.Context(), ldap.NewExtendedRequest("1.2.3.4", nil)); err != nil || response.Value == nil {
		t.Errorf("the value of another operation: %+v, %v", response, err)
	}
}
