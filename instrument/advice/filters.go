// SPDX-License-Identifier: MIT

package advice

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// wide reports whether a search may visit many entries. One whose pages are read to the end is meant to.
func wide(op *instrument.Operation) bool {
	return op.Search.Scope.String() != "base" && op.Search.Base != "" && op.Search.PageSize == 0 && op.Result.Received
}

// classes say what kind of entry is meant and choose few of them.
var classes = map[string]bool{"objectclass": true, "objectcategory": true, "structuralobjectclass": true}

// selective reports whether an index on the attribute of one clause can narrow the search.
func selective(f wire.Filter) bool {
	switch f.Op {
	case wire.And:
		for _, child := range f.Children {
			if selective(child) {
				return true
			}
		}
		return false
	case wire.Or:
		for _, child := range f.Children {
			if !selective(child) {
				return false
			}
		}
		return len(f.Children) > 0
	case wire.Equal, wire.GreaterOrEqual, wire.LessOrEqual, wire.Approx:
		return !classes[strings.ToLower(string(f.Attr))]
	case wire.Substrings:
		return len(f.Initial) > 0
	case wire.Extensible:
		rule := string(f.Rule)
		return rule != ruleBitAnd && rule != ruleBitOr
	}
	return false
}

const (
	ruleBitAnd = "1.2.840.113556.1.4.803"
	ruleBitOr  = "1.2.840.113556.1.4.804"
	ruleChain  = "1.2.840.113556.1.4.1941"
)

// anyNode reports whether a node of the tree holds a property.
func anyNode(f wire.Filter, holds func(wire.Filter) bool) bool {
	if holds(f) {
		return true
	}
	for _, child := range f.Children {
		if anyNode(child, holds) {
			return true
		}
	}
	return false
}

// filtered reports a rule for each shape of wide searches whose filter holds a property.
func (r *review) filtered(rule Rule, evidence string, holds func(wire.Filter) bool) {
	for _, ops := range r.byShape() {
		f, ok := r.filter(ops[0])
		if !ok || !wide(ops[0]) || !holds(f) {
			continue
		}
		_, longest := total(ops)
		severity := rule.Severity
		if longest >= scanned {
			severity = High
		}
		r.add(rule, severity, fmt.Sprintf("%s; the slowest took %s", evidence, short(longest)), ops...)
	}
}

// unanchored finds text searched for in the middle or at the end of values, where nothing else narrows the search.
func unanchored(r *review, rule Rule) {
	r.filtered(rule, "a value is searched for from its middle or its end", func(f wire.Filter) bool {
		return !selective(f) && anyNode(f, func(n wire.Filter) bool { return n.Op == wire.Substrings && len(n.Initial) == 0 })
	})
}

// everything finds searches of a whole subtree for entries that merely have an attribute.
func everything(r *review, rule Rule) {
	r.filtered(rule, "the filter matches whatever has an attribute", func(f wire.Filter) bool { return presence(f) })
}

func presence(f wire.Filter) bool {
	if f.Op == wire.And || f.Op == wire.Or {
		for _, child := range f.Children {
			if !presence(child) {
				return false
			}
		}
		return len(f.Children) > 0
	}
	return f.Op == wire.Present
}

// unselective finds filters whose every clause names a class, a presence, bits or a negation.
func unselective(r *review, rule Rule) {
	r.filtered(rule, "no clause of the filter chooses few entries", func(f wire.Filter) bool {
		return !selective(f) && !presence(f) && f.Op != wire.Not && !negated(f) && !anyNode(f, func(n wire.Filter) bool { return n.Op == wire.Substrings })
	})
}

// negations finds filters that choose by what entries are not.
func negations(r *review, rule Rule) {
	r.filtered(rule, "entries are chosen by what they are not", func(f wire.Filter) bool { return f.Op == wire.Not || negated(f) })
}

// negated reports whether the clauses of an AND that would choose few entries are all negated.
func negated(f wire.Filter) bool {
	if f.Op != wire.And || selective(f) {
		return false
	}
	for _, child := range f.Children {
		if child.Op == wire.Not && selective(child.Children[0]) {
			return true
		}
	}
	return false
}

// unknownAttributes finds clauses on attributes that the schema does not have: they match nothing and say nothing.
func unknownAttributes(r *review, rule Rule) {
	if r.facts.Known == nil {
		return
	}
	for _, ops := range r.byShape() {
		f, ok := r.filter(ops[0])
		if !ok {
			continue
		}
		unknown := ""
		anyNode(f, func(n wire.Filter) bool {
			if len(n.Attr) == 0 {
				return false
			}
			name, _, _ := strings.Cut(string(n.Attr), ";")
			if known, loaded := r.facts.Known(ops[0].Domain, name); loaded && !known {
				unknown = name
			}
			return unknown != ""
		})
		if unknown != "" {
			r.add(rule, 0, fmt.Sprintf("the schema has no attribute %.64s", unknown), ops...)
		}
	}
}

// wideChains finds searches through nested groups that begin at the top of the tree or take long.
func wideChains(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		if op.Search.Scope == instrument.ScopeBase || !strings.Contains(op.Search.Filter, ruleChain) {
			return false
		}
		return top(op.Search.Base) || op.Duration >= slow
	})
	if len(ops) > 0 {
		_, longest := total(ops)
		r.add(rule, 0, fmt.Sprintf("nested groups are walked from the top of the tree; the slowest took %s", short(longest)), ops...)
	}
}

// top reports whether a name has only domain components, as a naming context of Active Directory has.
func top(dn string) bool {
	for _, part := range strings.Split(strings.ToLower(dn), ",") {
		if part = strings.TrimSpace(part); !strings.HasPrefix(part, "dc=") && !strings.HasPrefix(part, "o=") {
			return false
		}
	}
	return true
}

// hugeFilters finds filters that grow with a list.
func hugeFilters(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		return op.BytesSent > largeFilter || strings.Count(op.Search.Filter, "=") > mostClauses
	})
	if len(ops) > 0 {
		sent := int64(0)
		for _, op := range ops {
			sent = max(sent, op.BytesSent)
		}
		r.add(rule, 0, fmt.Sprintf("the largest request has %s", size(sent)), ops...)
	}
}

var distinguishedName, entryDN = []byte("distinguishedName"), []byte("entryDN")

// namesInFilters finds subtree searches for an entry whose name is known.
func namesInFilters(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		f, ok := r.filter(op)
		return ok && f.Op == wire.Equal && op.Search.Scope.String() != "base" && (bytes.EqualFold(f.Attr, distinguishedName) || bytes.EqualFold(f.Attr, entryDN))
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "search", "searches")+" below a base for an entry whose name is known", ops...)
	}
}

func aliases(r *review, rule Rule) {
	const always = 3
	if ops := r.searches(func(op *instrument.Operation) bool { return op.Search.Deref == always }); len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "search follows", "searches follow")+" every alias", ops...)
	}
}

// questions finds reads of one entry that only ask whether it has a value.
func questions(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		s := op.Search
		if s.Scope.String() != "base" {
			return false
		}
		f, ok := r.filter(op)
		return ok && s.Base != "" && f.Op == wire.Equal && !classes[strings.ToLower(string(f.Attr))] &&
			len(s.Attributes) == 1 && (s.Attributes[0] == "1.1" || strings.EqualFold(s.Attributes[0], string(f.Attr)))
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "read asks", "reads ask")+" one entry whether it has a value", ops...)
	}
}
