// SPDX-License-Identifier: MIT

package wire_test

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// entry is a search result entry as a reader sees it.
type entry struct {
	DN         string
	Attributes []attribute
}

// readEntry reads an entry with this package; ok is false when any part of it is malformed.
func readEntry(body []byte) (e entry, ok bool) {
	add, err := wire.ParseEntry(body)
	if err != nil {
		return e, false
	}
	e = entry{DN: string(add.DN), Attributes: []attribute{}}
	var failed error
	err = add.Attributes(func(a wire.Attribute) bool {
		read := attribute{Name: string(a.Name), Values: []string{}}
		failed = a.Values(func(v []byte) bool { read.Values = append(read.Values, string(v)); return true })
		e.Attributes = append(e.Attributes, read)
		return failed == nil
	})
	return e, err == nil && failed == nil
}

// entryOf reads an entry out of asn1-ber's tree by the letter of RFC 4511 section 4.5.2.
func entryOf(p *ber.Packet) (e entry, ok bool) {
	text := func(p *ber.Packet) bool {
		return p.ClassType == ber.ClassUniversal && p.TagType == ber.TypePrimitive && p.Tag == ber.TagOctetString
	}
	list := func(p *ber.Packet, tag ber.Tag) bool {
		return p.ClassType == ber.ClassUniversal && p.TagType == ber.TypeConstructed && p.Tag == tag
	}
	if len(p.Children) != 2 || !text(p.Children[0]) || !list(p.Children[1], ber.TagSequence) {
		return e, false
	}
	e = entry{DN: p.Children[0].Data.String(), Attributes: []attribute{}}
	for _, a := range p.Children[1].Children {
		if !list(a, ber.TagSequence) || len(a.Children) != 2 || !text(a.Children[0]) || !list(a.Children[1], ber.TagSet) {
			return e, false
		}
		read := attribute{Name: a.Children[0].Data.String(), Values: []string{}}
		for _, v := range a.Children[1].Children {
			if !text(v) {
				return e, false
			}
			read.Values = append(read.Values, v.Data.String())
		}
		e.Attributes = append(e.Attributes, read)
	}
	return e, true
}

// An entry reads like it does in asn1-ber and in go-ldap, or is refused by the standard's letter.
func FuzzEntry(f *testing.F) {
	for _, size := range []int{0, 500, 2000} {
		m, err := wire.ParseMessage(entryMessage(size))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Body)
	}
	f.Add([]byte{4, 0, 0x30, 0})
	f.Add([]byte{4, 0, 0x30, 0, 4, 0})
	f.Add([]byte{4, 1, 'a', 0x30, 9, 0x30, 7, 4, 1, 'b', 0x31, 0, 4, 0})
	f.Add([]byte{4, 1, 'a', 0x30, 7, 0x30, 5, 4, 1, 'b', 0x31, 0})
	f.Add([]byte{4, 0x84, 0, 0, 0, 1, 'a', 0x30, 0x84, 0, 0, 0, 0})
	f.Add([]byte{4, 1, 'a', 0x30, 10, 0x30, 8, 4, 1, 'b', 0x31, 3, 2, 1, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		var e wire.Encoder
		e.Message(1, func(e *wire.Encoder) { e.String(byte(wire.SearchResultEntry), body) }, nil)
		if wire.Scan(e.Bytes, wire.Limits{}) != nil {
			return
		}
		got, ok := readEntry(body)
		packet, err := ber.DecodePacketErr(e.Bytes)
		if err != nil {
			if ok {
				t.Errorf("asn1-ber refuses what we read: %v", err)
			}
			return
		}
		want, wantOK := entryOf(packet.Children[1])
		if ok != wantOK {
			t.Fatalf("read %v, by asn1-ber %v", ok, wantOK)
		}
		if !ok {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		e.Message(1, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{}) }, nil)
		withGoLDAP(t, func(c *ldap.Conn) {
			result, err := c.Search(ldap.NewSearchRequest("", 0, 0, 0, 0, false, "(a=b)", nil, nil))
			if err != nil || len(result.Entries) != 1 {
				t.Errorf("go-ldap: %v", err)
				return
			}
			theirs := entry{DN: result.Entries[0].DN, Attributes: []attribute{}}
			for _, a := range result.Entries[0].Attributes {
				theirs.Attributes = append(theirs.Attributes, attribute{a.Name, a.Values})
			}
			if diff := cmp.Diff(theirs, got); diff != "" {
				t.Errorf("go-ldap reads\n%s", diff)
			}
		}, func(_ wire.Message, reply *wire.Encoder) { reply.Bytes = append(reply.Bytes, e.Bytes...) })
	})
}
