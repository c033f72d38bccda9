// SPDX-License-Identifier: MIT

package instrument

import "sort"

// numbered finds operations by their number. They come in the order of their numbers and most leave in it, so that they
// stand in a ring, which costs less than a map to come to and to leave. The zero value is empty.
type numbered struct {
	ring     []place // as long as a power of two
	from, to uint64  // places in use, with those that have left since; place i stands at i modulo the length
	count    int     // operations
}

// place is where an operation stands; its number stays when it has left.
type place struct {
	seq uint64
	rec *record
}

const fewestPlaces = 64

func (n *numbered) at(i uint64) *place { return &n.ring[i&uint64(len(n.ring)-1)] }

// add puts an operation in, whose number is the highest so far.
func (n *numbered) add(rec *record) {
	if n.to-n.from == uint64(len(n.ring)) {
		n.tidy()
	}
	rec.place = n.to
	*n.at(n.to) = place{rec.seq, rec}
	n.to++
	n.count++
}

// remove takes an operation out.
func (n *numbered) remove(rec *record) {
	n.at(rec.place).rec = nil
	n.count--
	for n.from < n.to && n.at(n.from).rec == nil {
		n.from++
	}
}

// tidy makes room: without those that have left, in a longer ring where they are few.
func (n *numbered) tidy() {
	size := max(fewestPlaces, len(n.ring))
	if 2*n.count > size {
		size *= 2
	}
	tidied := numbered{ring: make([]place, size)}
	for i := n.from; i < n.to; i++ {
		if rec := n.at(i).rec; rec != nil {
			tidied.add(rec)
		}
	}
	*n = tidied
}

// find returns the operation of a number, nil for none.
func (n *numbered) find(seq uint64) *record {
	i := n.from + uint64(sort.Search(int(n.to-n.from), func(i int) bool { return n.at(n.from+uint64(i)).seq >= seq }))
	if i < n.to {
		if p := n.at(i); p.seq == seq {
			return p.rec
		}
	}
	return nil
}
