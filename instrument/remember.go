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
