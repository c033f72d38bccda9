// SPDX-License-Identifier: MIT

package panel

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ldapscope/ldapscope/instrument"
)

// lineBytes bounds what one row of the list says; the whole text stands in the detail.
const lineBytes = 400

// subject says in one line what an operation asks.
func subject(op *instrument.Operation) string {
	switch {
	case op.Search != nil && readsOne(op.Search):
		return line(or(op.Search.Base, "(root)"))
	case op.Search != nil:
		return line(or(op.Search.Filter, "(filter not recorded)"))
	case op.Bind != nil:
		return line(or(op.Bind.Name, "(anonymous)"))
	case op.Extended != nil:
		return line(or(op.Extended.Name, op.Extended.OID))
	case op.Kind == instrument.KindCompare && len(op.Changes) == 1:
		return line(op.Changes[0].Attribute + " = " + firstValue(op.Changes[0]))
	case len(op.Changes) > 0:
		return line(changed(op.Changes))
	}
	return line(op.DN)
}

// about says what the subject is about: where a search begins, or the entry of a write.
func about(op *instrument.Operation) string {
	switch {
	case op.Search == nil && len(op.Changes) == 0, op.Search != nil && readsOne(op.Search):
		return "" // the subject is the name
	case op.Search == nil:
		return line(op.DN)
	}
	return line(op.Search.Base)
}

// manner is the scope of a search or the method of a bind.
func manner(op *instrument.Operation) string {
	switch {
	case op.Search != nil:
		return op.Search.Scope.String()
	case op.Bind != nil && op.Bind.Mechanism != "":
		return op.Bind.Method + " " + op.Bind.Mechanism
	case op.Bind != nil:
		return op.Bind.Method
	}
	return ""
}

// readsOne reports whether a search reads one entry: then its name says more than its filter.
func readsOne(s *instrument.Search) bool {
	return s.Scope == instrument.ScopeBase && strings.EqualFold(s.Filter, "(objectclass=*)")
}

func changed(changes []instrument.Change) string {
	var parts []string
	for _, c := range changes[:min(len(changes), 6)] {
		switch c.Operation {
		case "rename", "move":
			parts = append(parts, c.Operation+" to "+firstValue(c))
		default:
			parts = append(parts, c.Operation+" "+c.Attribute)
		}
	}
	if more := len(changes) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

func firstValue(c instrument.Change) string {
	if len(c.Values) == 0 {
		return ""
	}
	v := valueOf(c.Attribute, c.Values[0])
	switch {
	case v.Encoding == "base64" && v.Decoded != "":
		return v.Decoded
	case v.Encoding == "base64":
		return fmt.Sprintf("(%d bytes)", len(c.Values[0].Text))
	}
	return v.Text
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// line makes one short line of a text from the wire.
func line(s string) string {
	if len(s) > lineBytes {
		cut := lineBytes
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, text(s))
}
