// SPDX-License-Identifier: MIT

package instrument

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// filterSum sums a filter while it is read. The parts of AND and OR are summed, so that their order does not count, and parts
// of one shape count once, so that lists of any length have one shape. The zero value is ready.
type filterSum struct {
	sums   fingerprint // of the whole, when it was read to its end
	secret bool        // it asks for a secret attribute
	open   []openSum   // the innermost last
	heads  lastHeads
}

// openSum is the sum so far of an AND, OR or NOT.
type openSum struct {
	sums fingerprint
	seen [16]uint64 // shapes of parts, the first ones
	n    int        // of seen
}

// read sums a filter.
func (s *filterSum) read(r *wire.FilterReader, filter []byte) error {
	s.sums, s.secret, s.open = fingerprint{}, false, s.open[:0]
	return r.Read(filter, s)
}

// Open begins an AND, OR or NOT.
func (s *filterSum) Open(wire.FilterOp) {
	if len(s.open) == cap(s.open) {
		s.open = append(s.open, openSum{})
	} else {
		s.open = s.open[:len(s.open)+1]
	}
	last := &s.open[len(s.open)-1]
	last.sums, last.n = fingerprint{}, 0
}

// Close adds it to the one around it.
func (s *filterSum) Close(op wire.FilterOp) {
	last := len(s.open) - 1
	sums := s.open[last].sums
	s.open = s.open[:last]
	head := mix(0, uint64(op))
	p := fingerprint{head, head}
	p.add(sums)
	s.part(p)
}

// Leaf adds any other part.
func (s *filterSum) Leaf(f *wire.Filter) {
	head := s.heads.of(f)
	s.secret = s.secret || head.secret
	p := fingerprint{head.sum, head.sum} // there is no literal so far
	if f.Op == wire.Substrings {
		p.substrings(f)
	} else {
		p.literal(f.Value)
	}
	s.part(p)
}

func (s *filterSum) part(p fingerprint) {
	if len(s.open) == 0 {
		s.sums = p
		return
	}
	around := &s.open[len(s.open)-1]
	around.sums.exact += p.exact | 1
	if seen := around.seen[:around.n]; !slices.Contains(seen, p.shape) {
		around.sums.shape += p.shape | 1
		if around.n < len(around.seen) {
			around.seen[around.n] = p.shape
			around.n++
		}
	}
}

// substrings adds which parts there are, and the parts.
func (p *fingerprint) substrings(f *wire.Filter) {
	var ends uint64
	if f.Initial != nil {
		ends |= 1
	}
	if f.Final != nil {
		ends |= 2
	}
	if len(f.Any) > 0 {
		ends |= 4
	}
	p.structure(ends)
	p.literal(f.Initial)
	for _, part := range f.Any {
		p.literal(part)
	}
	p.literal(f.Final)
}
