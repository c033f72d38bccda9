// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// fingerprint sums what was asked of which domain.
func (v *requestView) fingerprint(d *domain) (p fingerprint, ok bool) {
	sum := mix(mix(0, uint64(v.kind)), d.hash)
	if v.kind == KindSearch {
		sum = mix(sum, uint64(v.search.Scope))
	}
	p = fingerprint{sum, sum} // there is no literal so far
	switch v.kind {
	case KindSearch:
		p.add(v.named.fingerprint(v.dn))
		p.add(v.summed.sums)
		p.structure(v.listed.sum(v.search))
		if v.paged { // pages differ only in their cookies, and a page is no repeat of another
			_ = v.message.Controls(func(c wire.Control) bool { p.literal(c.Value); return true })
		}
	case KindBind:
		p.add(v.named.fingerprint(v.dn))
	case KindCompare:
		p.add(v.named.fingerprint(v.dn))
		p.name(v.compare.Attribute)
		p.literal(v.compare.Value)
	case KindModify:
		p.add(v.named.fingerprint(v.dn))
		_ = v.modify.Changes(func(c wire.Change) bool { p.name(c.Attribute.Name); p.structure(uint64(c.Operation)); return true })
		p.literal(v.message.Body)
	case KindAdd, KindModifyDN:
		p.add(v.named.fingerprint(v.dn))
		p.literal(v.message.Body)
	case KindDelete:
		p.add(v.named.fingerprint(v.dn))
	case KindExtended:
		p.name(v.extended.OID)
		p.literal(v.extended.Value)
	default:
		return p, false
	}
	return p, true
}

// shapeLength bounds the display of a shape.
const shapeLength = 1 << 10

// describe completes a new shape with its display, without any literal.
func (v *requestView) describe(s *Shape) {
	text := []byte(v.kind.String())
	add := func(part string) { text = append(append(text, ' '), part...) }
	switch v.kind {
	case KindSearch:
		filter := filterShape(v.filter())
		add(SearchScope(v.search.Scope).String())
		add(dnShape(v.dn))
		add(filter)
		if s.attributes = v.list(nil); len(v.search.Requested) <= shapeLength {
			s.asked = bytes.Clone(v.search.Requested)
		}
		if names := v.requested(spanNames); names != nil {
			add(strings.Join(names, ","))
			s.requested = attribute.StringSlice(attrRequested, names)
		}
		if len(filter) <= shapeLength { // a longer one is written down anew each time, so that shapes stay small
			s.filter = filter
		}
	case KindExtended:
		add(boundedOID(v.extended.OID))
	case KindCompare:
		add(dnShape(v.dn))
		add(string(safeName(v.compare.Attribute)))
	default:
		add(dnShape(v.dn))
		v.changed(func(operation, attribute string) { add(operation + ":" + attribute) })
	}
	s.Text = string(clip(text, 0, shapeLength))
}
