// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// match says whether the filter holds for the entry. The caller holds the tree's lock, which in-chain matching needs.
func (d *Directory) match(f *filter, e *entry) truth {
	switch f.op {
	case wire.And:
		result := yes
		for i := range f.children {
			if result = min(result, d.match(&f.children[i], e)); result == no {
				break
			}
		}
		return result
	case wire.Or:
		result := no
		for i := range f.children {
			if result = max(result, d.match(&f.children[i], e)); result == yes {
				break
			}
		}
		return result
	case wire.Not:
		return yes - d.match(&f.children[0], e)
	}
	if f.never {
		return unknown
	}
	if f.op == wire.Extensible {
		return d.matchExtensible(f, e)
	}
	return d.matchAttributes(f, e)
}

func (d *Directory) matchAttributes(f *filter, e *entry) truth {
	if f.op == wire.Present && f.typ == d.known.objectClass {
		return yes
	}
	for i := range e.attrs {
		a := &e.attrs[i]
		if a.typ != f.typ && !slices.Contains(f.typ.subtypes, a.typ) || !hasOptions(a.option, f.option) {
			continue
		}
		if f.op == wire.Present || d.matchValues(f, a) {
			return yes
		}
	}
	if computed := d.computedMatch(f, e); computed != unknown {
		return computed
	}
	return no
}

func (d *Directory) matchValues(f *filter, a *attr) bool {
	switch f.op {
	case wire.Equal:
		if a.typ == d.known.objectClass {
			return d.matchClass(f, a)
		}
		return slices.Contains(a.normal, f.normal)
	case wire.Approx:
		return slices.ContainsFunc(a.normal, func(v string) bool { return sounds(f.typ, v, f.normal) })
	}
	for _, v := range a.values {
		normal, ok := f.rule.normalize(d.schema, v)
		if !ok {
			continue
		}
		switch f.op {
		case wire.GreaterOrEqual:
			ok = f.rule.compare(normal, f.normal) >= 0
		case wire.LessOrEqual:
			ok = f.rule.compare(normal, f.normal) <= 0
		default:
			ok = f.substring(normal)
		}
		if ok {
			return true
		}
	}
	return false
}

// matchClass finds an entry by any class that its own classes derive from.
func (d *Directory) matchClass(f *filter, a *attr) bool {
	wanted := d.schema.classes[f.normal]
	for _, own := range a.normal {
		if own == f.normal {
			return true
		}
		if c := d.schema.classes[own]; c != nil && wanted != nil && c.is(wanted) {
			return true
		}
	}
	return false
}

func (f *filter) substring(value string) bool {
	if !strings.HasPrefix(value, f.initial) {
		return false
	}
	value = value[len(f.initial):]
	for _, part := range f.any {
		i := strings.Index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return strings.HasSuffix(value, f.final)
}

func (d *Directory) matchExtensible(f *filter, e *entry) truth {
	for i := range e.attrs {
		a := &e.attrs[i]
		if f.typ == nil {
			// Without an attribute, the rule applies to all attributes whose equality it can stand for.
			if a.typ.secret || a.typ.equality == nil || a.typ.equality.syntax != f.rule.syntax {
				continue
			}
		} else if a.typ != f.typ && !slices.Contains(f.typ.subtypes, a.typ) || !hasOptions(a.option, f.option) {
			continue
		}
		if d.matchRule(f, a, e) {
			return yes
		}
	}
	if f.dnAttrs {
		for _, component := range e.name.rdns {
			for _, part := range component.parts {
				if f.typ != nil && !slices.Contains(f.typ.subtypes, part.typ) {
					continue
				}
				if f.rule != nil {
					if normal, ok := f.rule.normalize(d.schema, part.value); ok && normal == f.normal {
						return yes
					}
				}
			}
		}
	}
	return no
}

func (d *Directory) matchRule(f *filter, a *attr, e *entry) bool {
	switch f.special {
	case bitAnd, bitOr:
		for _, v := range a.values {
			bits, ok := parseBits(string(v))
			if ok && (f.special == bitAnd && bits&f.bits == f.bits || f.special == bitOr && bits&f.bits != 0) {
				return true
			}
		}
		return false
	case inChain:
		return d.reaches(a, f.typ, f.normal, map[string]bool{e.key: true})
	}
	for _, v := range a.values {
		if normal, ok := f.rule.normalize(d.schema, v); ok && normal == f.normal {
			return true
		}
	}
	return false
}

// reaches follows the names in an attribute from entry to entry; seen ends the walk where groups contain each other.
func (d *Directory) reaches(a *attr, typ *attributeType, target string, seen map[string]bool) bool {
	if slices.Contains(a.normal, target) {
		return true
	}
	for _, next := range a.normal {
		if seen[next] {
			continue
		}
		seen[next] = true
		n := d.tree.byKey[next]
		if n == nil {
			continue
		}
		if more := n.entry.find(typ, ""); more != nil && d.reaches(more, typ, target, seen) {
			return true
		}
	}
	return false
}

// parseBits reads a signed or unsigned 64-bit number as bits.
func parseBits(text string) (uint64, bool) {
	if signed, err := strconv.ParseInt(text, 10, 64); err == nil {
		return uint64(signed), true
	}
	unsigned, err := strconv.ParseUint(text, 10, 64)
	return unsigned, err == nil
}

// candidates returns nodes among which every match is, found by index, or ok false when all entries must be read.
func (d *Directory) candidates(f *filter) (nodes []*node, ok bool) {
	switch f.op {
	case wire.And:
		found := false
		for i := range f.children {
			if list, ok := d.candidates(&f.children[i]); ok && (!found || len(list) < len(nodes)) {
				nodes, found = list, true
			}
		}
		return nodes, found
	case wire.Or:
		for i := range f.children {
			list, ok := d.candidates(&f.children[i])
			if !ok {
				return nil, false
			}
			nodes = append(nodes, list...)
		}
		return nodes, true
	case wire.Not:
		return nil, false
	}
	if f.never {
		return nil, true
	}
	if f.op != wire.Equal || f.typ == d.known.objectClass || !indexed(f.typ) || d.computes(f.typ) {
		return nil, false
	}
	return d.tree.having(f.typ, f.normal), true
}
