// SPDX-License-Identifier: MIT

package wire

import "fmt"

// FilterVisitor is told of a filter part by part. What it is given is valid during the call alone.
type FilterVisitor interface {
	Open(op FilterOp) // an And, Or or Not, whose parts follow
	Leaf(f *Filter)
	Close(op FilterOp)
}

// FilterReader reads one filter after the other with the same memory. The zero value is ready.
type FilterReader struct {
	leaf Filter
	left int // parts that the filter may still have
}

// Read reads one encoded filter and tells of its parts, until the first that makes no sense.
func (r *FilterReader) Read(b []byte, v FilterVisitor) error {
	e, rest, err := next(b)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return malformed("bytes behind the filter")
	}
	r.left = filterParts
	return r.part(e, v, filterDepth)
}

func (r *FilterReader) part(e element, v FilterVisitor, depth int) error {
	if depth == 0 {
		return fmt.Errorf("%w: filter nested deeper than %d", ErrLimit, filterDepth)
	}
	op := FilterOp(e.tag)
	if op == And || op == Or || op == Not {
		return r.nested(op, e.body, v, depth-1)
	}
	err := r.leaf.read(e)
	if err == nil {
		v.Leaf(&r.leaf)
	}
	r.forget()
	return err
}

func (r *FilterReader) nested(op FilterOp, b []byte, v FilterVisitor, depth int) error {
	v.Open(op)
	parts := 0
	for ; len(b) > 0; parts++ {
		e, rest, err := next(b)
		if err != nil {
			return err
		}
		if r.left--; r.left < 0 {
			return fmt.Errorf("%w: filter of more than %d parts", ErrLimit, filterParts)
		}
		if err := r.part(e, v, depth); err != nil {
			return err
		}
		b = rest
	}
	if op == Not && parts != 1 {
		return malformed("not without exactly one filter")
	}
	v.Close(op)
	return nil
}

// mostParts bounds the memory for the parts of substrings that is used again.
const mostParts = 256

// forget makes the leaf empty for the next one.
func (r *FilterReader) forget() {
	if op := r.leaf.Op; op != Substrings && op != Extensible {
		r.leaf.Attr, r.leaf.Value = nil, nil
		return
	}
	parts := r.leaf.Any
	clear(parts) // they hold on to the message
	if cap(parts) > mostParts {
		parts = nil
	}
	r.leaf = Filter{Any: parts[:0]}
}

// read reads a filter that does not consist of others into an empty one.
func (f *Filter) read(e element) (err error) {
	f.Op = FilterOp(e.tag)
	switch f.Op {
	case Equal, GreaterOrEqual, LessOrEqual, Approx:
		body := e.body
		if f.Attr, body, err = expect(body, TagOctetString, "assertion without an attribute"); err == nil {
			f.Value, _, err = expect(body, TagOctetString, "assertion without a value")
		}
	case Substrings:
		err = parseSubstrings(f, e.body)
	case Present:
		f.Attr = e.body
	case Extensible:
		err = parseExtensible(f, e.body)
	default:
		err = malformed("unknown kind of filter")
	}
	return err
}

func parseSubstrings(f *Filter, b []byte) (err error) {
	if f.Attr, b, err = expect(b, TagOctetString, "substrings without an attribute"); err != nil {
		return err
	}
	if b, _, err = expect(b, TagSequence, "substrings without parts"); err != nil {
		return err
	}
	for len(b) > 0 {
		var e element
		if e, b, err = next(b); err != nil {
			return err
		}
		switch {
		case len(e.body) == 0:
			return malformed("substrings with an empty part")
		case e.tag == 0x80 && f.Initial == nil && len(f.Any) == 0 && f.Final == nil:
			f.Initial = e.body
		case e.tag == 0x81 && f.Final == nil:
			f.Any = append(f.Any, e.body)
		case e.tag == 0x82 && f.Final == nil:
			f.Final = e.body
		default:
			return malformed("substrings out of order")
		}
	}
	if f.Initial == nil && len(f.Any) == 0 && f.Final == nil {
		return malformed("substrings without parts")
	}
	return nil
}

func parseExtensible(f *Filter, b []byte) error {
	for len(b) > 0 {
		e, rest, err := next(b)
		if err != nil {
			return err
		}
		b = rest
		switch e.tag {
		case 0x81:
			f.Rule = e.body
		case 0x82:
			f.Attr = e.body
		case 0x83:
			f.Value = e.body
		case 0x84:
			f.DNAttributes = len(e.body) == 1 && e.body[0] != 0
		default:
			return malformed("extensible match with an unknown part")
		}
	}
	if f.Value == nil || len(f.Rule) == 0 && len(f.Attr) == 0 {
		return malformed("extensible match without a value, or without rule and attribute")
	}
	return nil
}
