// SPDX-License-Identifier: MIT

package wire

import "slices"

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
	var r FilterReader
	var t treeBuilder
	if err := r.Read(b, &t); err != nil {
		return Filter{}, err
	}
	return t.done[0], nil
}

// treeBuilder makes a tree of what it is told.
type treeBuilder struct {
	done []Filter // whose parents are open, or the whole
	open []int    // where the parts of each begin in done, the innermost last
}

// Open begins a filter that consists of others.
func (t *treeBuilder) Open(FilterOp) { t.open = append(t.open, len(t.done)) }

// Leaf adds one that does not.
func (t *treeBuilder) Leaf(f *Filter) {
	leaf := *f
	leaf.Any = append([][]byte(nil), f.Any...)
	t.done = append(t.done, leaf)
}

// Close gives a filter its parts.
func (t *treeBuilder) Close(op FilterOp) {
	last := len(t.open) - 1
	parts := t.done[t.open[last]:]
	f := Filter{Op: op, Children: slices.Clone(parts)}
	t.done, t.open = append(t.done[:t.open[last]], f), t.open[:last]
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
		e.String(TagOctetString, f.Attr)
		parts := e.Begin(TagSequence)
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
		e.String(TagOctetString, f.Attr)
		e.String(TagOctetString, f.Value)
	}
	e.End(mark)
}
