// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"
	"strings"
)

// entry is one object. It never changes once it is in the tree: changes replace it, so that a search may go on reading
// what it found after it gave the lock back.
type entry struct {
	id      uint64 // order of creation
	name    dn
	text    string // the name as shown
	key     string // the name as compared
	attrs   []attr
	classes []*objectClass
}

// attr is one attribute with one set of options.
type attr struct {
	typ    *attributeType
	option string // such as ";lang-de" or ";binary", in lower case
	values [][]byte
	normal []string // the values in the form that the equality rule compares
}

func (a attr) description() string { return a.typ.name + a.option }

// find returns the attribute, or nil.
func (e *entry) find(typ *attributeType, option string) *attr {
	for i := range e.attrs {
		if e.attrs[i].typ == typ && e.attrs[i].option == option {
			return &e.attrs[i]
		}
	}
	return nil
}

// first returns the first value of a plain attribute, or "".
func (e *entry) first(typ *attributeType) string {
	if a := e.find(typ, ""); a != nil && len(a.values) > 0 {
		return string(a.values[0])
	}
	return ""
}

func (e *entry) has(c *objectClass) bool {
	for _, own := range e.classes {
		if own.is(c) {
			return true
		}
	}
	return false
}

// clone returns a copy whose attributes may be replaced, but whose value lists are shared.
func (e *entry) clone() *entry {
	c := *e
	c.attrs = slices.Clone(e.attrs)
	return &c
}

// put replaces or adds an attribute, or takes it away when it has no value left.
func (e *entry) put(a attr) {
	for i := range e.attrs {
		if e.attrs[i].typ == a.typ && e.attrs[i].option == a.option {
			if len(a.values) == 0 {
				e.attrs = slices.Delete(e.attrs, i, i+1)
			} else {
				e.attrs[i] = a
			}
			return
		}
	}
	if len(a.values) > 0 {
		e.attrs = append(e.attrs, a)
	}
}

// with returns the attribute with one more value; the receiver's lists stay as they are.
func (a attr) with(value []byte, normal string) attr {
	a.values = append(slices.Clip(a.values), value)
	a.normal = append(slices.Clip(a.normal), normal)
	return a
}

// without returns the attribute without the value at i; the receiver's lists stay as they are.
func (a attr) without(i int) attr {
	a.values = slices.Delete(slices.Clone(a.values), i, i+1)
	a.normal = slices.Delete(slices.Clone(a.normal), i, i+1)
	return a
}

// normalOf brings a value into the form that is compared; attributes without an equality rule compare bytes.
func (s *schema) normalOf(typ *attributeType, value []byte) (string, bool) {
	if typ.equality == nil {
		return string(value), true
	}
	return typ.equality.normalize(s, value)
}

// newAttr builds an attribute of values that are known to be right.
func (s *schema) newAttr(typ *attributeType, values ...string) attr {
	a := attr{typ: typ}
	for _, v := range values {
		normal, _ := s.normalOf(typ, []byte(v))
		a.values = append(a.values, []byte(v))
		a.normal = append(a.normal, normal)
	}
	return a
}

// split cuts an attribute description into its type and its options, which are brought into one order. A nil type is
// one that the schema does not know.
func (s *schema) split(description string) (typ *attributeType, option string) {
	name, rest, found := strings.Cut(description, ";")
	typ = s.attribute(name)
	if !found {
		return typ, ""
	}
	options := strings.Split(strings.ToLower(rest), ";")
	slices.Sort(options)
	return typ, ";" + strings.Join(options, ";")
}

// hasOptions reports whether an attribute with the options own is asked for by the options wanted.
func hasOptions(own, wanted string) bool {
	if wanted == "" || own == wanted {
		return true
	}
	for _, o := range strings.Split(wanted[1:], ";") {
		if !slices.Contains(strings.Split(own, ";"), o) {
			return false
		}
	}
	return true
}

// resolveClasses reads the classes from the attribute objectClass; unknown names are left out.
func (s *schema) resolveClasses(e *entry) {
	e.classes = nil
	if a := e.find(s.attribute("objectclass"), ""); a != nil {
		for _, v := range a.values {
			if c := s.class(string(v)); c != nil {
				e.classes = append(e.classes, c)
			}
		}
	}
}

// structural returns the most derived structural class, or nil.
func (e *entry) structural() *objectClass {
	var found *objectClass
	for _, c := range e.classes {
		if c.kind == structuralClass && (found == nil || c.is(found)) {
			found = c
		}
	}
	return found
}
