// SPDX-License-Identifier: MIT

package wire

import "fmt"

// FilterOp is the choice of a filter (RFC 4511 section 4.5.1.7), by its tag.
type FilterOp byte

// The choices of a filter.
const (
	And            FilterOp = 0xa0
	Or             FilterOp = 0xa1
	Not            FilterOp = 0xa2
	Equal          FilterOp = 0xa3
	Substrings     FilterOp = 0xa4
	GreaterOrEqual FilterOp = 0xa5
	LessOrEqual    FilterOp = 0xa6
	Present        FilterOp = 0x87
	Approx         FilterOp = 0xa8
	Extensible     FilterOp = 0xa9
)

// Filter is one node of a filter tree. Which fields count depends on Op: Children for And, Or and Not; Attr for all others;
// Value for assertions; Initial, Any and Final (nil when absent) for Substrings; Rule and DNAttributes for Extensible, whose
// Attr may be empty.
type Filter struct {
	Op           FilterOp
	DNAttributes bool
	Attr         []byte
	Value        []byte
	Rule         []byte
	Initial      []byte
	Final        []byte
	Any          [][]byte
	Children     []Filter
}

// The bounds of a filter. A part costs 90 times its bytes, so that they are fewer than the elements of a message.
const (
	filterParts = 100_000
	filterDepth = 60 // below DefaultLimits.Depth, which counts the message around it too
)

// ParseFilter reads one encoded filter. The tree aliases b.
func ParseFilter(b []byte) (Filter, error) {
	var p FilterParser
	f, err := p.Parse(b)
	if err != nil {
		return Filter{}, err
	}
	return *f, nil
}

// FilterParser reads one filter after the other with the same memory. The zero value is ready.
type FilterParser struct {
	nodes []Filter
	leaf  Filter // of Walk
	left  int    // parts that the filter may still have
}

// parserKeep bounds the nodes that a parser keeps, about 45 kB.
const parserKeep = 256

// Parse is ParseFilter; the tree is valid until Reset.
func (p *FilterParser) Parse(b []byte) (*Filter, error) {
	e, err := p.root(b)
	if err != nil {
		return nil, err
	}
	f := &p.take(1)[0]
	if err := p.parse(f, e, filterDepth); err != nil {
		return nil, err
	}
	return f, nil
}

// root begins to read a filter.
func (p *FilterParser) root(b []byte) (element, error) {
	e, rest, err := next(b)
	if err == nil && len(rest) > 0 {
		err = malformed("bytes behind the filter")
	}
	p.left = filterParts
	return e, err
}

// FilterVisitor is told of a filter part by part. What it is given is valid during the call alone.
type FilterVisitor interface {
	Open(op FilterOp) // an And, Or or Not, whose parts follow
	Leaf(f *Filter)
	Close(op FilterOp)
}

// Walk reads a filter as Parse does, without a tree, for who looks at each part once.
func (p *FilterParser) Walk(b []byte, v FilterVisitor) error {
	e, err := p.root(b)
	if err != nil {
		return err
	}
	return p.walk(e, v, filterDepth)
}

func (p *FilterParser) walk(e element, v FilterVisitor, depth int) error {
	if depth == 0 {
		return errFilterDepth
	}
	op := FilterOp(e.tag)
	if !op.nests() {
		err := p.leaf.read(e)
		if err == nil {
			v.Leaf(&p.leaf)
		}
		p.forget()
		return err
	}
	v.Open(op)
	parts := 0
	for rest := e.body; len(rest) > 0; parts++ {
		var part element
		var err error
		if part, rest, err = next(rest); err != nil {
			return err
		}
		if p.left--; p.left < 0 {
			return errFilterParts
		}
		if err = p.walk(part, v, depth-1); err != nil {
			return err
		}
	}
	if op == Not && parts != 1 {
		return errNot
	}
	v.Close(op)
	return nil
}

// forget makes the leaf empty for the next one.
func (p *FilterParser) forget() {
	if op := p.leaf.Op; op != Substrings && op != Extensible {
		p.leaf.Attr, p.leaf.Value = nil, nil
		return
	}
	parts := p.leaf.Any
	clear(parts) // they hold on to the message
	if cap(parts) > parserKeep {
		parts = nil
	}
	p.leaf = Filter{Any: parts[:0]}
}

var (
	errFilterDepth = fmt.Errorf("%w: filter nested deeper than %d", ErrLimit, filterDepth)
	errFilterParts = fmt.Errorf("%w: filter of more than %d parts", ErrLimit, filterParts)
	errNot         = malformed("not without exactly one filter")
)

// nests reports whether filters of this choice consist of others.
func (op FilterOp) nests() bool { return op == And || op == Or || op == Not }

// Reset makes the memory of the tree free for the next one; the tree must not be used any more.
func (p *FilterParser) Reset() {
	clear(p.nodes) // they hold on to the messages
	p.nodes = p.nodes[:0]
	if cap(p.nodes) > parserKeep {
		p.nodes = nil
	}
}

// take returns memory for the children of one node.
func (p *FilterParser) take(n int) []Filter {
	if free := cap(p.nodes) - len(p.nodes); free < n {
		p.nodes = make([]Filter, 0, max(n, 2*cap(p.nodes))) // what was taken stays where it is
	}
	end := len(p.nodes) + n
	p.nodes = p.nodes[:end]
	return p.nodes[end-n : end : end]
}

// parse reads into f, which is empty: a Filter is too large to be handed from hand to hand.
func (p *FilterParser) parse(f *Filter, e element, depth int) (err error) {
	if depth == 0 {
		return errFilterDepth
	}
	if f.Op = FilterOp(e.tag); !f.Op.nests() {
		return f.read(e)
	}
	f.Children, err = p.children(e.body, depth-1)
	if err == nil && f.Op == Not && len(f.Children) != 1 {
		err = errNot
	}
	return err
}

// read reads a filter that does not consist of others into an empty one.
func (f *Filter) read(e element) (err error) {
	f.Op = FilterOp(e.tag)
	switch f.Op {
	case Equal, GreaterOrEqual, LessOrEqual, Approx:
		body := e.body
		if f.Attr, body, err = expect(body, tagOctetString, "assertion without an attribute"); err == nil {
			f.Value, _, err = expect(body, tagOctetString, "assertion without a value")
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

func (p *FilterParser) children(b []byte, depth int) ([]Filter, error) {
	n := 0
	for rest := b; len(rest) > 0; n++ {
		var err error
		if _, rest, err = next(rest); err != nil {
			return nil, err
		}
	}
	if p.left -= n; p.left < 0 {
		return nil, errFilterParts
	}
	filters := p.take(n)
	for i := range filters {
		e, rest, err := next(b)
		if err != nil {
			return nil, err
		}
		b = rest
		if err = p.parse(&filters[i], e, depth); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

func parseSubstrings(f *Filter, b []byte) (err error) {
	if f.Attr, b, err = expect(b, tagOctetString, "substrings without an attribute"); err != nil {
		return err
	}
	if b, _, err = expect(b, tagSequence, "substrings without parts"); err != nil {
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

// AppendFilter appends the encoded filter.
func AppendFilter(dst []byte, f Filter) []byte {
	e := Encoder{dst}
	e.filter(f)
	return e.Bytes
}

func (e *Encoder) filter(f Filter) {
	if f.Op == Present {
		e.String(byte(Present), f.Attr)
		return
	}
	mark := e.Begin(byte(f.Op))
	switch f.Op {
	case And, Or, Not:
		for _, child := range f.Children {
			e.filter(child)
		}
	case Substrings:
		e.String(tagOctetString, f.Attr)
		parts := e.Begin(tagSequence)
		if f.Initial != nil {
			e.String(0x80, f.Initial)
		}
		for _, part := range f.Any {
			e.String(0x81, part)
		}
		if f.Final != nil {
			e.String(0x82, f.Final)
		}
		e.End(parts)
	case Extensible:
		if len(f.Rule) > 0 {
			e.String(0x81, f.Rule)
		}
		if len(f.Attr) > 0 {
			e.String(0x82, f.Attr)
		}
		e.String(0x83, f.Value)
		if f.DNAttributes {
			e.Bool(0x84, true)
		}
	default:
		e.String(tagOctetString, f.Attr)
		e.String(tagOctetString, f.Value)
	}
	e.End(mark)
}
