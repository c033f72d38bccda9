// SPDX-License-Identifier: MIT

package ldaptest

import "github.com/ldapscope/ldapscope/instrument/wire"

// truth is the three-valued logic of X.511: what a filter says about an entry.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

// filter is a filter made ready for many entries: types resolved and values in the form that is compared.
type filter struct {
	op       wire.FilterOp
	typ      *attributeType // nil: unknown, or an extensible match on all attributes
	option   string
	never    bool // the assertion makes no sense, so the result is always unknown
	normal   string
	initial  string
	final    string
	any      []string
	rule     *rule
	bits     uint64
	special  specialRule
	dnAttrs  bool
	children []filter
}

// specialRule is one of Active Directory's matching rules that compare differently from equality.
type specialRule byte

const (
	noSpecial specialRule = iota
	bitAnd
	bitOr
	inChain
)

const (
	oidBitAnd  = "1.2.840.113556.1.4.803"
	oidBitOr   = "1.2.840.113556.1.4.804"
	oidInChain = "1.2.840.113556.1.4.1941"
)

func (s *schema) compile(f wire.Filter) filter {
	c := filter{op: f.Op}
	switch f.Op {
	case wire.And, wire.Or, wire.Not:
		c.children = make([]filter, len(f.Children))
		for i, child := range f.Children {
			c.children[i] = s.compile(child)
		}
		return c
	case wire.Extensible:
		s.compileExtensible(&c, f)
		return c
	}
	c.typ, c.option = s.split(string(f.Attr))
	if c.typ == nil || c.typ.secret {
		c.never = true
		return c
	}
	switch f.Op {
	case wire.Equal, wire.Approx:
		s.compileValue(&c, c.typ.equality, f.Value)
	case wire.GreaterOrEqual, wire.LessOrEqual:
		s.compileValue(&c, c.typ.ordering, f.Value)
	case wire.Substrings:
		s.compileSubstrings(&c, f)
	}
	return c
}

func (s *schema) compileValue(c *filter, by *rule, value []byte) {
	ok := false
	if s.profile == ActiveDirectory && c.typ.name == "objectCategory" {
		// Active Directory takes the name of a class for the name of its category.
		if class := s.class(string(value)); class != nil {
			value = []byte(s.category(class))
		}
	}
	if by != nil {
		c.normal, ok = by.normalize(s, value)
	}
	c.rule, c.never = by, !ok || !s.assertable(c.typ, value)
}

// assertable is validValue with the leniency that assertions have: names of classes that nobody defined are unknown.
func (s *schema) assertable(typ *attributeType, value []byte) bool {
	if typ.operational && typ.syntax != syntaxTime {
		return true
	}
	return s.validValue(typ, value)
}

func (s *schema) compileSubstrings(c *filter, f wire.Filter) {
	by := c.typ.substrings
	if by == nil {
		c.never = true
		return
	}
	c.rule = by
	part := func(value []byte) string {
		normal, ok := by.normalize(s, value)
		c.never = c.never || !ok
		return normal
	}
	if f.Initial != nil {
		c.initial = part(f.Initial)
	}
	for _, value := range f.Any {
		c.any = append(c.any, part(value))
	}
	if f.Final != nil {
		c.final = part(f.Final)
	}
}

func (s *schema) compileExtensible(c *filter, f wire.Filter) {
	c.dnAttrs = f.DNAttributes
	if len(f.Attr) > 0 {
		if c.typ, c.option = s.split(string(f.Attr)); c.typ == nil || c.typ.secret {
			c.never = true
			return
		}
	}
	name := string(f.Rule)
	switch name {
	case oidBitAnd, "integerBitAndMatch":
		c.special = bitAnd
	case oidBitOr, "integerBitOrMatch":
		c.special = bitOr
	case oidInChain:
		c.special = inChain
	}
	if c.special != noSpecial {
		s.compileSpecial(c, f.Value)
		return
	}
	switch {
	case name != "":
		c.rule = findRule(name)
	case c.typ != nil:
		c.rule = c.typ.equality
	}
	ok := false
	if c.rule != nil && (c.typ == nil || c.typ.equality != nil) {
		c.normal, ok = c.rule.normalize(s, f.Value)
	}
	c.never = !ok
}

func findRule(name string) *rule {
	if r := matchingRules[name]; r != nil {
		return r
	}
	lower := make([]byte, len(name))
	for i := range len(name) {
		lower[i] = lowerByte(name[i])
	}
	return matchingRules[string(lower)]
}

func (s *schema) compileSpecial(c *filter, value []byte) {
	if c.typ == nil || s.profile == OpenLDAP && c.special == inChain {
		c.never = true
		return
	}
	if c.special == inChain {
		normal, ok := normalDN(s, value)
		c.normal, c.never = normal, !ok || c.typ.syntax != syntaxDN
		return
	}
	bits, ok := parseBits(string(value))
	c.bits, c.never = bits, !ok || c.typ.syntax != syntaxInteger && c.typ.syntax != syntaxLargeNumber
}
