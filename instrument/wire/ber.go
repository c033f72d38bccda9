// SPDX-License-Identifier: MIT

package wire

import (
	"errors"
	"fmt"
)

// ErrMalformed marks bytes that are no valid LDAP message.
var ErrMalformed = errors.New("malformed LDAP message")

// ErrLimit marks a message that is larger, deeper or busier than the limits allow.
var ErrLimit = errors.New("LDAP message exceeds a limit")

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// The universal tags that LDAP uses (X.690 section 8).
const (
	TagBoolean     = 0x01
	TagInteger     = 0x02
	TagOctetString = 0x04
	TagEnumerated  = 0x0a
	TagSequence    = 0x30
	TagSet         = 0x31
)

// TagControls is the tag of the controls of an LDAPMessage (RFC 4511 section 4.1.1).
const TagControls = 0xa0

const constructed = 0x20

// header reads one tag and length at the start of b: the tag, the length of the header and the length of the body.
// need > 0 means that b is too short and how many bytes are needed to go on.
func header(b []byte) (tag byte, head, body, need int, err error) {
	if len(b) < 2 {
		return 0, 0, 0, 2, nil
	}
	tag = b[0]
	if tag&0x1f == 0x1f {
		return 0, 0, 0, 0, malformed("tag number above 30")
	}
	first := b[1]
	if first < 0x80 {
		return tag, 2, int(first), 0, nil
	}
	n := int(first & 0x7f)
	if n == 0 {
		return 0, 0, 0, 0, malformed("indefinite length")
	}
	if n > 8 {
		return 0, 0, 0, 0, malformed("length of more than eight bytes")
	}
	if len(b) < 2+n {
		return 0, 0, 0, 2 + n, nil
	}
	var length uint64
	for _, c := range b[2 : 2+n] {
		length = length<<8 | uint64(c)
	}
	if length > 1<<31-1 {
		return 0, 0, 0, 0, fmt.Errorf("%w: length of %d bytes", ErrLimit, length)
	}
	return tag, 2 + n, int(length), 0, nil
}

// element is one tag, length and value; body aliases the input.
type element struct {
	tag  byte
	body []byte
}

// next cuts one element off b.
func next(b []byte) (e element, rest []byte, err error) {
	if len(b) >= 2 && b[1] < 0x80 && b[0]&0x1f != 0x1f { // nearly every one
		if end := 2 + int(b[1]); end <= len(b) {
			return element{b[0], b[2:end]}, b[end:], nil
		}
	}
	tag, head, body, need, err := header(b)
	if err != nil {
		return element{}, nil, err
	}
	if need > 0 || len(b)-head < body {
		return element{}, nil, malformed("element runs past its container")
	}
	return element{tag, b[head : head+body]}, b[head+body:], nil
}

// expect cuts one element of the given tag off b.
func expect(b []byte, tag byte, what string) (body, rest []byte, err error) {
	if len(b) >= 2 && b[0] == tag && b[1] < 0x80 { // nearly every one
		if end := 2 + int(b[1]); end <= len(b) {
			return b[2:end], b[end:], nil
		}
	}
	e, rest, err := next(b)
	if err != nil {
		return nil, nil, err
	}
	if e.tag != tag {
		return nil, nil, malformed(what)
	}
	return e.body, rest, nil
}

// integer decodes the body of an INTEGER or ENUMERATED.
func integer(b []byte) (int64, error) {
	if len(b) == 0 || len(b) > 8 {
		return 0, malformed("integer of no or more than eight bytes")
	}
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v, nil
}

// expectInteger cuts an INTEGER or ENUMERATED off b.
func expectInteger(b []byte, tag byte, what string) (v int64, rest []byte, err error) {
	if len(b) >= 3 && b[0] == tag && b[1] == 1 { // nearly every one
		return int64(int8(b[2])), b[3:], nil
	}
	body, rest, err := expect(b, tag, what)
	if err != nil {
		return 0, nil, err
	}
	v, err = integer(body)
	return v, rest, err
}

// Limits bound what is accepted from the network.
type Limits struct {
	MessageBytes int // one LDAPMessage with its header; default 16 MiB
	Depth        int // nested constructed elements; default 64
	Elements     int // elements in one message; default 1,000,000
}

// DefaultLimits fit the largest messages that servers send by default.
var DefaultLimits = Limits{MessageBytes: 16 << 20, Depth: 64, Elements: 1_000_000}

// Filled returns l with every zero field replaced by its default.
func (l Limits) Filled() Limits {
	if l.MessageBytes <= 0 {
		l.MessageBytes = DefaultLimits.MessageBytes
	}
	if l.Depth <= 0 {
		l.Depth = DefaultLimits.Depth
	}
	if l.Elements <= 0 {
		l.Elements = DefaultLimits.Elements
	}
	return l
}

// Scan walks every element of one message and reports the first that is malformed or beyond the limits. It allocates
// nothing, so that a hostile message costs its own size and no more before it is refused. Zero fields of limits take their
// defaults; a depth above 128 counts as 128.
func Scan(message []byte, limits Limits) error {
	limits = limits.Filled()
	var shallow [8]int
	err := scan(message, limits, shallow[:min(limits.Depth, len(shallow))])
	if errors.Is(err, errDeep) && limits.Depth > len(shallow) { // as hardly any: to clear the room costs more than to walk a short one
		var deep [128]int
		err = scan(message, limits, deep[:min(limits.Depth, len(deep))])
	}
	if errors.Is(err, errDeep) {
		return fmt.Errorf("%w: nested deeper than %d", ErrLimit, min(limits.Depth, 128))
	}
	return err
}

var errDeep = errors.New("nested too deep")

// scan is Scan with room for where each element ends that others lie in, which bounds the depth.
func scan(message []byte, limits Limits, ends []int) error {
	depth, elements, at := 0, 0, 0
	end := len(message)
	for {
		for at == end {
			if depth == 0 {
				return nil
			}
			depth--
			end = ends[depth]
		}
		tag, head, body, need, err := header(message[at:end])
		if err != nil {
			return err
		}
		if need > 0 || end-at-head < body {
			return malformed("element runs past its container")
		}
		if elements++; elements > limits.Elements {
			return fmt.Errorf("%w: more than %d elements", ErrLimit, limits.Elements)
		}
		at += head
		if tag&constructed == 0 {
			at += body
			continue
		}
		if depth == len(ends) {
			return errDeep
		}
		ends[depth] = end
		depth++
		end = at + body
	}
}

// Element cuts the first element off b and returns its content and what follows.
func Element(b []byte) (body, rest []byte, err error) {
	e, rest, err := next(b)
	return e.body, rest, err
}
