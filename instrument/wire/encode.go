// SPDX-License-Identifier: MIT

package wire

// Encoder appends BER to Bytes. The zero value is ready; it may be used again after Bytes was cut to length zero.
type Encoder struct{ Bytes []byte }

// Begin opens an element whose content follows, and returns the mark that End needs.
func (e *Encoder) Begin(tag byte) int {
	e.Bytes = append(e.Bytes, tag, 0)
	return len(e.Bytes)
}

// End closes the element that Begin opened. Lengths are minimal.
func (e *Encoder) End(mark int) {
	length := len(e.Bytes) - mark
	if length < 0x80 {
		e.Bytes[mark-1] = byte(length)
		return
	}
	extra := lengthBytes(length)
	for range extra {
		e.Bytes = append(e.Bytes, 0)
	}
	copy(e.Bytes[mark+extra:], e.Bytes[mark:mark+length])
	e.Bytes[mark-1] = 0x80 | byte(extra)
	for i := range extra {
		e.Bytes[mark+i] = byte(length >> (8 * (extra - 1 - i)))
	}
}

func lengthBytes(n int) int {
	bytes := 1
	for n > 0xff {
		n >>= 8
		bytes++
	}
	return bytes
}

// String appends a primitive element of any tag.
func (e *Encoder) String(tag byte, value []byte) {
	e.Bytes = append(e.Bytes, tag)
	e.length(len(value))
	e.Bytes = append(e.Bytes, value...)
}

// Text is String for a Go string.
func (e *Encoder) Text(tag byte, value string) {
	e.Bytes = append(e.Bytes, tag)
	e.length(len(value))
	e.Bytes = append(e.Bytes, value...)
}

func (e *Encoder) length(n int) {
	if n < 0x80 {
		e.Bytes = append(e.Bytes, byte(n))
		return
	}
	extra := lengthBytes(n)
	e.Bytes = append(e.Bytes, 0x80|byte(extra))
	for i := extra - 1; i >= 0; i-- {
		e.Bytes = append(e.Bytes, byte(n>>(8*i)))
	}
}

// OctetString appends an OCTET STRING.
func (e *Encoder) OctetString(value string) { e.Text(TagOctetString, value) }

// Integer appends a two's complement number of the given tag (INTEGER or ENUMERATED, or a context tag).
func (e *Encoder) Integer(tag byte, v int64) {
	n := 1
	for x := v; x > 127 || x < -128; x >>= 8 {
		n++
	}
	e.Bytes = append(e.Bytes, tag, byte(n))
	for i := n - 1; i >= 0; i-- {
		e.Bytes = append(e.Bytes, byte(v>>(8*i)))
	}
}

// Bool appends a BOOLEAN; true is 0xff (RFC 4511 section 5.1).
func (e *Encoder) Bool(tag byte, v bool) {
	b := byte(0)
	if v {
		b = 0xff
	}
	e.Bytes = append(e.Bytes, tag, 1, b)
}

// Message appends one LDAPMessage: body appends the operation, controls may be nil.
func (e *Encoder) Message(id int64, body func(*Encoder), controls []Control) {
	mark := e.Begin(TagSequence)
	e.Integer(TagInteger, id)
	body(e)
	if len(controls) > 0 {
		list := e.Begin(TagControls)
		for _, c := range controls {
			e.Control(c)
		}
		e.End(list)
	}
	e.End(mark)
}

// Control appends one control.
func (e *Encoder) Control(c Control) {
	mark := e.Begin(TagSequence)
	e.OctetString(c.OID)
	if c.Critical {
		e.Bool(TagBoolean, true)
	}
	if c.Value != nil {
		e.String(TagOctetString, c.Value)
	}
	e.End(mark)
}

// Reply is the LDAPResult of a response to be written. OID and Value belong to extended responses; Value is written when
// it is not nil.
type Reply struct {
	Code       int64
	MatchedDN  string
	Diagnostic string
	Referrals  []string
	OID        string
	Value      []byte
}

// Result appends a response that carries an LDAPResult.
func (e *Encoder) Result(op Op, r Reply) {
	mark := e.Begin(byte(op))
	e.Integer(TagEnumerated, r.Code)
	e.OctetString(r.MatchedDN)
	e.OctetString(r.Diagnostic)
	if len(r.Referrals) > 0 {
		list := e.Begin(0xa3)
		for _, uri := range r.Referrals {
			e.OctetString(uri)
		}
		e.End(list)
	}
	if r.OID != "" {
		e.Text(0x8a, r.OID)
	}
	if r.Value != nil {
		tag := byte(0x8b)
		if op == BindResponse {
			tag = 0x87
		}
		e.String(tag, r.Value)
	}
	e.End(mark)
}

// Entry appends a SearchResultEntry; attributes calls add for each attribute with its values.
func (e *Encoder) Entry(dn string, attributes func(add func(name string, values [][]byte))) {
	mark := e.Begin(byte(SearchResultEntry))
	e.OctetString(dn)
	list := e.Begin(TagSequence)
	attributes(func(name string, values [][]byte) {
		attribute := e.Begin(TagSequence)
		e.OctetString(name)
		set := e.Begin(TagSet)
		for _, v := range values {
			e.String(TagOctetString, v)
		}
		e.End(set)
		e.End(attribute)
	})
	e.End(list)
	e.End(mark)
}

// Reference appends a SearchResultReference.
func (e *Encoder) Reference(uris ...string) {
	mark := e.Begin(byte(SearchResultReference))
	for _, uri := range uris {
		e.OctetString(uri)
	}
	e.End(mark)
}

// Extended appends an ExtendedRequest; value is written when it is not nil.
func (e *Encoder) Extended(oid string, value []byte) {
	mark := e.Begin(byte(ExtendedRequest))
	e.Text(0x80, oid)
	if value != nil {
		e.String(0x81, value)
	}
	e.End(mark)
}

// Abandon appends an AbandonRequest for a message id.
func (e *Encoder) Abandon(id int64) { e.Integer(byte(AbandonRequest), id) }

// Paging returns the value of a paging control (RFC 2696).
func Paging(size int64, cookie []byte) []byte {
	var e Encoder
	mark := e.Begin(TagSequence)
	e.Integer(TagInteger, size)
	e.String(TagOctetString, cookie)
	e.End(mark)
	return e.Bytes
}
