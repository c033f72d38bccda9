// SPDX-License-Identifier: MIT

package ldaptest

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

var errBadDN = errors.New("not a distinguished name")

// dn is a parsed distinguished name (RFC 4514), the entry's own component first.
type dn struct{ rdns []rdn }

type rdn struct{ parts []ava }

type ava struct {
	typ    *attributeType
	value  []byte
	normal string // by the attribute's matching rule
}

// parseDN reads a name. Attribute types must be known, as slapd and Active Directory demand too.
func (s *schema) parseDN(text string) (dn, error) {
	var name dn
	p := dnParser{schema: s, text: text}
	if p.blanks(); p.at == len(text) {
		return name, nil
	}
	name.rdns = make([]rdn, 0, strings.Count(text, ",")+1)
	for {
		component, err := p.rdn()
		if err != nil {
			return dn{}, err
		}
		name.rdns = append(name.rdns, component)
		if p.at == len(text) {
			return name, nil
		}
		if text[p.at] != ',' && text[p.at] != ';' {
			return dn{}, errBadDN
		}
		p.at++
	}
}

// parseRDN reads exactly one component.
func (s *schema) parseRDN(text string) (rdn, error) {
	name, err := s.parseDN(text)
	if err != nil || len(name.rdns) != 1 {
		return rdn{}, errBadDN
	}
	return name.rdns[0], nil
}

type dnParser struct {
	schema *schema
	text   string
	at     int
}

func (p *dnParser) blanks() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

func (p *dnParser) rdn() (rdn, error) {
	var component rdn
	for {
		part, err := p.ava()
		if err != nil {
			return component, err
		}
		component.parts = append(component.parts, part)
		if p.at == len(p.text) || p.text[p.at] != '+' {
			break
		}
		p.at++
	}
	if len(component.parts) > 1 {
		slices.SortFunc(component.parts, func(a, b ava) int { return strings.Compare(a.typ.name, b.typ.name) })
	}
	return component, nil
}

func (p *dnParser) ava() (ava, error) {
	p.blanks()
	equals := strings.IndexByte(p.text[p.at:], '=')
	if equals < 0 {
		return ava{}, errBadDN
	}
	name := strings.TrimRight(p.text[p.at:p.at+equals], " ")
	part := ava{typ: p.schema.attribute(strings.TrimPrefix(strings.TrimPrefix(name, "OID."), "oid."))}
	if part.typ == nil {
		return part, errBadDN
	}
	p.at += equals + 1
	p.blanks()
	var err error
	if p.at < len(p.text) && p.text[p.at] == '#' {
		part.value, err = p.hexValue()
	} else {
		part.value, err = p.value()
	}
	if err != nil || len(part.value) == 0 {
		return part, errBadDN
	}
	ok := true
	if part.typ.equality != nil {
		part.normal, ok = part.typ.equality.normalize(p.schema, part.value)
	} else {
		part.normal = string(part.value)
	}
	if !ok || !p.schema.validValue(part.typ, part.value) {
		return part, errBadDN
	}
	return part, nil
}

// value reads up to the next separator and resolves escapes; blanks at the end count only when escaped.
func (p *dnParser) value() ([]byte, error) {
	value, keep := []byte(nil), 0
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case ',', ';', '+':
			return value[:keep], nil
		case '"', '<', '>':
			return nil, errBadDN
		case '\\':
			p.at++
			if p.at == len(p.text) {
				return nil, errBadDN
			}
			if p.at+1 < len(p.text) {
				if raw, err := hex.DecodeString(p.text[p.at : p.at+2]); err == nil {
					value = append(value, raw[0])
					p.at++
					keep = len(value)
					continue
				}
			}
			if !strings.ContainsRune(` ,;+"<>=#\`, rune(p.text[p.at])) {
				return nil, errBadDN
			}
			value = append(value, p.text[p.at])
			keep = len(value)
		default:
			value = append(value, c)
			if c != ' ' {
				keep = len(value)
			}
		}
	}
	return value[:keep], nil
}

// hexValue reads the #-form of a value, whose BER header is taken off.
func (p *dnParser) hexValue() ([]byte, error) {
	end := strings.IndexAny(p.text[p.at:], ",;+")
	if end < 0 {
		end = len(p.text) - p.at
	}
	raw, err := hex.DecodeString(strings.TrimSpace(p.text[p.at+1 : p.at+end]))
	if err != nil || len(raw) < 2 || int(raw[1]) != len(raw)-2 {
		return nil, errBadDN
	}
	p.at += end
	return raw[2:], nil
}

// key is the form in which equal names are equal strings.
func (d dn) key() string {
	var b strings.Builder
	for i, component := range d.rdns {
		if i > 0 {
			b.WriteByte(',')
		}
		component.appendKey(&b)
	}
	return b.String()
}

func (r rdn) appendKey(b *strings.Builder) {
	for i, part := range r.parts {
		if i > 0 {
			b.WriteByte('+')
		}
		b.WriteString(part.typ.oid)
		b.WriteByte('=')
		escapeHex(b, part.normal)
	}
}

// format writes the name as a server of the profile shows it: slapd with hexadecimal pairs and schema names for the
// types, Active Directory with backslashed characters and types in capitals.
func (s *schema) format(d dn) string {
	var b strings.Builder
	for i, component := range d.rdns {
		if i > 0 {
			b.WriteByte(',')
		}
		s.formatRDN(&b, component)
	}
	return b.String()
}

// formatBelow writes the name of an entry below one whose name is written already: entries show the names of those above
// them as those were written, not as a request spelled them.
func (s *schema) formatBelow(own rdn, parent string) string {
	var b strings.Builder
	s.formatRDN(&b, own)
	b.WriteByte(',')
	b.WriteString(parent)
	return b.String()
}

func (s *schema) formatRDN(b *strings.Builder, r rdn) {
	for i, part := range r.parts {
		if i > 0 {
			b.WriteByte('+')
		}
		if s.profile == ActiveDirectory {
			b.WriteString(strings.ToUpper(part.typ.name))
			b.WriteByte('=')
			escapeChars(b, string(part.value))
			continue
		}
		b.WriteString(part.typ.name)
		b.WriteByte('=')
		escapeHex(b, string(part.value))
	}
}

func escapeHex(b *strings.Builder, value string) {
	const digits = "0123456789ABCDEF"
	for i := range len(value) {
		c := value[i]
		edge := c == ' ' && (i == 0 || i == len(value)-1) || c == '#' && i == 0
		if edge || c < ' ' || c == 0x7f || strings.IndexByte(`,;+"<>=\`, c) >= 0 {
			b.WriteByte('\\')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
			continue
		}
		b.WriteByte(c)
	}
}

func escapeChars(b *strings.Builder, value string) {
	for i := range len(value) {
		c := value[i]
		switch {
		case c == '\n':
			b.WriteString(`\0A`)
			continue
		case c == ' ' && (i == 0 || i == len(value)-1), c == '#' && i == 0, strings.IndexByte(`,;+"<>=\`, c) >= 0:
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
}

func (d dn) parent() dn {
	if len(d.rdns) == 0 {
		return d
	}
	return dn{d.rdns[1:]}
}

// under reports whether d is base or lies below it.
func (d dn) under(base dn) bool {
	extra := len(d.rdns) - len(base.rdns)
	return extra >= 0 && dn{d.rdns[extra:]}.key() == base.key()
}

func (d dn) empty() bool { return len(d.rdns) == 0 }
