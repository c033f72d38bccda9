// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// attributeAliases are the other names of attributes that DNs are made of (RFC 4519 section 2).
var attributeAliases = map[string]string{
	"commonname": "cn", "2.5.4.3": "cn", "surname": "sn", "2.5.4.4": "sn", "countryname": "c", "2.5.4.6": "c",
	"localityname": "l", "2.5.4.7": "l", "stateorprovincename": "st", "2.5.4.8": "st", "streetaddress": "street", "2.5.4.9": "street",
	"organizationname": "o", "2.5.4.10": "o", "organizationalunitname": "ou", "2.5.4.11": "ou",
	"userid": "uid", "0.9.2342.19200300.100.1.1": "uid", "domaincomponent": "dc", "0.9.2342.19200300.100.1.25": "dc",
}

// canonicalDN returns a form of a DN in which two spellings of one name are equal: upper and lower case, spaces, escapes,
// the order in multi-valued components and other names of attributes do not count (RFC 4514, RFC 4518). ok is false for
// what is no DN.
func canonicalDN(text string) (canonical string, ok bool) {
	p := dnReader{rest: strings.TrimSpace(text)}
	if p.rest == "" {
		return "", false
	}
	var b strings.Builder
	for {
		component, ok := p.component()
		if !ok {
			return "", false
		}
		b.WriteString(component)
		if p.rest == "" {
			return b.String(), true
		}
		b.WriteByte(',')
		p.rest = p.rest[1:]
	}
}

// dnReader reads a DN from left to right.
type dnReader struct{ rest string }

// component reads one relative name, up to its comma.
func (p *dnReader) component() (string, bool) {
	var parts []string
	for {
		part, ok := p.assertion()
		if !ok {
			return "", false
		}
		parts = append(parts, part)
		if p.rest == "" || p.rest[0] != '+' {
			break
		}
		p.rest = p.rest[1:]
	}
	slices.Sort(parts)
	return strings.Join(parts, "+"), true
}

func (p *dnReader) assertion() (string, bool) {
	name, ok := p.name()
	if !ok {
		return "", false
	}
	value, ok := p.value()
	return name + "=" + escapeCanonical(foldValue(value)), ok
}

// name reads the attribute and its sign of equality. Of several names of one attribute it returns the usual one.
func (p *dnReader) name() (string, bool) {
	name, rest, found := strings.Cut(p.rest, "=")
	name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "oid.")
	if !found || !isAttributeName(name) {
		return "", false
	}
	p.rest = strings.TrimLeft(rest, " ")
	return cmp.Or(attributeAliases[name], name), true
}

// value reads one value and leaves the separator behind it.
func (p *dnReader) value() (string, bool) {
	if strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	var b []byte
	kept := 0 // what a trailing space may not be cut from
	for len(p.rest) > 0 && !strings.ContainsRune(",;+", rune(p.rest[0])) {
		c := p.rest[0]
		if c != '\\' {
			b, p.rest = append(b, c), p.rest[1:]
			if c != ' ' {
				kept = len(b)
			}
			continue
		}
		char, ok := p.escape()
		if !ok {
			return "", false
		}
		b = append(b, char)
		kept = len(b)
	}
	return string(b[:kept]), true
}

// quoted reads a value in the quotation marks of RFC 2253.
func (p *dnReader) quoted() (string, bool) {
	p.rest = p.rest[1:]
	var b []byte
	for len(p.rest) > 0 {
		switch c := p.rest[0]; c {
		case '"':
			p.rest = strings.TrimLeft(p.rest[1:], " ")
			return string(b), p.rest == "" || strings.ContainsRune(",;+", rune(p.rest[0]))
		case '\\':
			char, ok := p.escape()
			if !ok {
				return "", false
			}
			b = append(b, char)
		default:
			b, p.rest = append(b, c), p.rest[1:]
		}
	}
	return "", false
}

// escape reads a backslash and what it protects: two hexadecimal digits or one character.
func (p *dnReader) escape() (byte, bool) {
	if len(p.rest) < 2 {
		return 0, false
	}
	if len(p.rest) >= 3 {
		if raw, err := hex.DecodeString(p.rest[1:3]); err == nil {
			p.rest = p.rest[3:]
			return raw[0], true
		}
	}
	c := p.rest[1]
	p.rest = p.rest[2:]
	return c, true
}

func isAttributeName(name string) bool {
	if name == "" {
		return false
	}
	for _, r := range name {
		if r != '-' && r != '.' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return false
		}
	}
	return true
}

// foldValue makes values equal that differ in case and in the number of spaces, as most matching rules for names do.
func foldValue(value string) string {
	if !utf8.ValidString(value) {
		return value
	}
	return strings.Join(strings.Fields(strings.Map(foldRune, value)), " ")
}

// foldRune maps all letters that are equal but for their case to one of them, such as the Kelvin sign to k.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return unicode.ToLower(least)
}

var canonicalEscapes = strings.NewReplacer(`\`, `\5c`, ",", `\2c`, "+", `\2b`, "=", `\3d`, ";", `\3b`, `"`, `\22`, "<", `\3c`, ">", `\3e`, "#", `\23`, "\x00", `\00`)

// escapeCanonical keeps the separators of a DN apart from the same characters in a value, so that what comes of it is a DN
// too (RFC 4514 section 2.4).
func escapeCanonical(value string) string {
	if !strings.ContainsAny(value, "\\,+=;\"<>#\x00") {
		return value
	}
	return canonicalEscapes.Replace(value)
}

// firstRDN returns attribute and value of the first component of a DN; ok is false when it has several or is no DN.
func firstRDN(dn string) (attribute, value string, ok bool) {
	p := dnReader{rest: strings.TrimSpace(dn)}
	if attribute, ok = p.name(); !ok {
		return "", "", false
	}
	value, ok = p.value()
	return attribute, value, ok && (p.rest == "" || p.rest[0] != '+')
}
