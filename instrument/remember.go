// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// lastList remembers the sum of a list of requested attributes: most searches ask for the same.
type lastList struct {
	list  []byte
	total uint64
}

// sum adds the names up, so that their order does not count.
func (l *lastList) sum(s wire.Search) (total uint64) {
	if len(l.list) > 0 && bytes.Equal(s.Requested, l.list) {
		return l.total
	}
	_ = s.Attributes(func(name []byte) bool { total += foldedHash(name) | 1; return true })
	if len(s.Requested) <= mostRemembered {
		l.list, l.total = append(l.list[:0], s.Requested...), total
	}
	return total
}

// head is what is known of a part of a filter before its values.
type head struct {
	sum    uint64
	secret bool // it asks for a secret attribute
}

func headOf(f *wire.Filter) head {
	sum := mix(mix(0, uint64(f.Op)), foldedHash(f.Attr))
	if f.Op != wire.Substrings {
		sum = mix(sum, foldedHash(f.Rule))
		if f.DNAttributes {
			sum = mix(sum, 1)
		}
	}
	return head{sum, secretName(f.Attr)}
}

// lastHeads remembers heads: applications ask for few attributes, again and again. Each has a place that another one takes.
type lastHeads [16]struct {
	head
	op     wire.FilterOp
	length uint8
	name   [30]byte
}

func (l *lastHeads) of(f *wire.Filter) head {
	length := len(f.Attr)
	if length == 0 || length > len(l[0].name) || f.Rule != nil || f.DNAttributes {
		return headOf(f)
	}
	place := &l[(int(f.Attr[0])+int(f.Attr[length-1])+length)%len(l)]
	if place.op != f.Op || string(place.name[:place.length]) != string(f.Attr) {
		place.head, place.op, place.length = headOf(f), f.Op, uint8(length)
		copy(place.name[:], f.Attr)
	}
	return place.head
}

// mostRemembered bounds a name or a list that is remembered, in bytes.
const mostRemembered = 256

// lastDN remembers the sums of a name and how it is shown: applications search below the same one again and again.
type lastDN struct {
	dn    []byte
	sums  fingerprint
	by    *redactor // whose text it is
	shown string
}

func (l *lastDN) fingerprint(dn []byte) fingerprint {
	if !l.remember(dn) {
		return fingerprintDN(dn)
	}
	return l.sums
}

// text returns a name as the level allows.
func (l *lastDN) text(dn []byte, r *redactor) string {
	if !l.remember(dn) {
		return r.dn(dn)
	}
	if l.by != r {
		l.by, l.shown = r, r.dn(dn)
	}
	return l.shown
}

// remember makes a name the last one, unless it is empty or too long to be kept.
func (l *lastDN) remember(dn []byte) bool {
	if len(dn) == 0 || len(dn) > mostRemembered {
		return false
	}
	if !bytes.Equal(dn, l.dn) {
		*l = lastDN{dn: append(l.dn[:0], dn...), sums: fingerprintDN(dn)}
	}
	return true
}
