// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"hash/maphash"
	"slices"

	"go.opentelemetry.io/otel/attribute"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Shape is what operations of one kind have in common when their literals are left out: the grouping key, a display that
// is safe to show and an attribute of low cardinality at once. A Shape is immutable and shared.
type Shape struct {
	ID   uint64 // the same in every process
	Text string // for example: search sub ou=?,dc=? (&(objectClass=?)(uid=?)) cn,mail

	filter     string             // of a search, within Text
	asked      []byte             // attributes that a search of this shape asked for first, encoded; nil for none and for very many
	attributes []string           // the same, as the recorder keeps them
	requested  attribute.KeyValue // the same, ready for spans; empty for all of them
}

// FilterShape returns the filter without any literal, with the parts of AND and OR in a fixed order. A text that is no
// filter gives "(?)", so that nothing of it survives.
func FilterShape(filter string) string {
	f, err := wire.ParseFilterText(filter)
	if err != nil {
		return "(?)"
	}
	return filterShape(f)
}

func filterShape(f wire.Filter) string {
	f = sortedFilter(f)
	return string(f.AppendText(nil, appendQuestion))
}

func appendQuestion(dst, _, _ []byte) []byte { return append(dst, '?') }

// sortedFilter returns the tree with the children of AND and OR ordered by their shapes and repeats removed, so that the
// same question asked in another order has the same shape.
func sortedFilter(f wire.Filter) wire.Filter {
	if f.Op != wire.And && f.Op != wire.Or {
		if f.Op == wire.Not {
			f.Children = []wire.Filter{sortedFilter(f.Children[0])}
		}
		f.Rule, f.Attr = safeName(f.Rule), safeName(f.Attr)
		if f.Op == wire.Substrings && len(f.Any) > 1 {
			f.Any = f.Any[:1]
		}
		return f
	}
	children := make(map[string]wire.Filter, len(f.Children))
	for _, child := range f.Children {
		sorted := sortedFilter(child)
		children[string(sorted.AppendText(nil, appendQuestion))] = sorted
	}
	texts := make([]string, 0, len(children))
	for text := range children {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	f.Children = make([]wire.Filter, 0, len(texts))
	for _, text := range texts {
		f.Children = append(f.Children, children[text])
	}
	return f
}

// safeFilter returns the tree with every name in it safe to show.
func safeFilter(f wire.Filter) wire.Filter {
	f.Rule, f.Attr = safeName(f.Rule), safeName(f.Attr)
	f.Children = slices.Clone(f.Children)
	for i, child := range f.Children {
		f.Children[i] = safeFilter(child)
	}
	return f
}

// safeName keeps what can be an attribute description or a rule and replaces anything else, because a filter that was
// made by hand may carry a value where a name belongs.
func safeName(name []byte) []byte {
	if len(name) > 64 {
		return []byte("?")
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == ';' || c == '_') {
			return []byte("?")
		}
	}
	return name
}

// DNShape returns the DN with every value replaced, such as cn=?,ou=?,dc=?. The number and the types of its parts stay.
func DNShape(dn string) string { return dnShape([]byte(dn)) }

func dnShape(dn []byte) string {
	return string(appendDN(nil, dn, func(dst []byte, _, _ []byte) []byte { return append(dst, '?') }))
}

// appendDN appends dn part by part; show appends what is to be seen of a value, which is given as written. What is no
// DN, such as a user principal name or a down-level name, counts as one value.
func appendDN(dst, dn []byte, show func(dst []byte, attr, value []byte) []byte) []byte {
	for len(dn) > 0 {
		end, separator := dnPart(dn)
		attr, value, ok := bytes.Cut(dn[:end], []byte{'='})
		if !ok {
			attr, value = nil, dn[:end]
		} else {
			if attr = safeName(bytes.TrimSpace(attr)); len(attr) == 0 {
				attr = []byte("?")
			}
			dst = append(append(dst, attr...), '=')
		}
		dst = show(dst, attr, value)
		if separator == 0 {
			return dst
		}
		dst, dn = append(dst, separator), dn[end+1:]
	}
	return dst
}

// dnPart returns the length of the first attribute and value of dn, and the separator behind it or 0.
func dnPart(dn []byte) (end int, separator byte) {
	quoted := false
	for i := 0; i < len(dn); i++ {
		switch c := dn[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '+' || c == ';'):
			return i, c
		}
	}
	return len(dn), 0
}

// shapeSeed keys the hashes of shapes and exact questions for the life of the process, so that they tell nothing about
// the literals outside of it.
var shapeSeed = maphash.MakeSeed()

// fingerprint sums a question without allocating: the shape over its structure, the exact over structure and literals.
type fingerprint struct{ shape, exact uint64 }

const mixer = 0x9e3779b97f4a7c15

func mix(h, v uint64) uint64 {
	h ^= v + mixer + h<<6 + h>>2
	h *= 0xff51afd7ed558ccd
	return h ^ h>>33
}

func (p *fingerprint) structure(s uint64) { p.shape, p.exact = mix(p.shape, s), mix(p.exact, s) }

func (p *fingerprint) name(b []byte) { p.structure(foldedHash(b)) }

func (p *fingerprint) literal(b []byte) { p.exact = mix(p.exact, maphash.Bytes(shapeSeed, b)) }

// foldedHash hashes an ASCII name without regard to case.
func foldedHash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// add adds the sums of a part.
func (p *fingerprint) add(part fingerprint) {
	p.shape, p.exact = mix(p.shape, part.shape), mix(p.exact, part.exact)
}

// fingerprintDN sums a distinguished name: the types of its parts are its shape.
func fingerprintDN(dn []byte) fingerprint {
	h := uint64(0)
	naming, quoted := true, false
	start := 0
	for i := 0; i < len(dn); i++ {
		switch c := dn[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case naming && c == '=':
			h, naming = mix(h, foldedHash(bytes.TrimSpace(dn[start:i]))), false
		case !quoted && (c == ',' || c == '+' || c == ';'):
			start, naming = i+1, true
		}
	}
	return fingerprint{shape: h, exact: maphash.Bytes(shapeSeed, dn)}
}
