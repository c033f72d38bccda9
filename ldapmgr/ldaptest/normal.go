// SPDX-License-Identifier: MIT

package ldaptest

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The functions of this file bring a value into the form that one matching rule compares; ok is false for what is no
// value of the rule's syntax.

func normalDN(s *schema, value []byte) (string, bool) {
	name, err := s.parseDN(string(value))
	if err != nil {
		return "", false
	}
	return name.key(), true
}

// normalOID resolves names, so that an OID equals the name that stands for it.
func normalOID(s *schema, value []byte) (string, bool) {
	text := strings.ToLower(string(value))
	if c := s.classes[text]; c != nil {
		return c.oid, true
	}
	if a := s.attributes[text]; a != nil {
		return a.oid, true
	}
	return text, text != "" && (text[0] >= '0' && text[0] <= '9')
}

func normalFirstComponent(s *schema, value []byte) (string, bool) {
	text := strings.TrimLeft(string(value), "( ")
	first, _, _ := strings.Cut(text, " ")
	return normalOID(s, []byte(first))
}

func normalIgnoreCase(_ *schema, value []byte) (string, bool) { return foldText(value, true) }
func normalExact(_ *schema, value []byte) (string, bool)      { return foldText(value, false) }

func normalIgnoreCaseASCII(_ *schema, value []byte) (string, bool) {
	return foldASCII(value, true)
}

func normalExactASCII(_ *schema, value []byte) (string, bool) { return foldASCII(value, false) }

// foldText prepares a string as RFC 4518 asks as far as it shows in practice: case, and runs of blanks.
func foldText(value []byte, ignoreCase bool) (string, bool) {
	if plain(value, ignoreCase) {
		return string(value), true
	}
	if !utf8.Valid(value) {
		return "", false
	}
	var b strings.Builder
	b.Grow(len(value))
	blank := false
	for _, r := range string(value) {
		if r == ' ' || unicode.IsSpace(r) {
			blank = b.Len() > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		if ignoreCase {
			r = unicode.ToLower(unicode.ToUpper(r))
		}
		b.WriteRune(r)
	}
	return b.String(), true
}

// plain reports whether value is its own folded form.
func plain(value []byte, ignoreCase bool) bool {
	for i, c := range value {
		switch {
		case c >= 0x80 || c < ' ':
			return false
		case c == ' ' && (i == 0 || i == len(value)-1 || value[i-1] == ' '):
			return false
		case ignoreCase && c >= 'A' && c <= 'Z':
			return false
		}
	}
	return true
}

func foldASCII(value []byte, ignoreCase bool) (string, bool) {
	for _, c := range value {
		if c >= 0x80 {
			return "", false
		}
	}
	return foldText(value, ignoreCase)
}

func normalOctets(_ *schema, value []byte) (string, bool) { return string(value), true }

func normalBoolean(_ *schema, value []byte) (string, bool) {
	text := string(value)
	return text, text == "TRUE" || text == "FALSE"
}

func normalDigits(_ *schema, value []byte) (string, bool) {
	var b strings.Builder
	for _, c := range value {
		switch {
		case c >= '0' && c <= '9':
			b.WriteByte(c)
		case c != ' ':
			return "", false
		}
	}
	return b.String(), true
}

func normalTelephone(_ *schema, value []byte) (string, bool) {
	var b strings.Builder
	for _, c := range value {
		switch {
		case c >= 0x80:
			return "", false
		case c == ' ' || c == '-':
		default:
			b.WriteByte(lowerByte(c))
		}
	}
	return b.String(), true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func normalInteger(_ *schema, value []byte) (string, bool) {
	text := string(value)
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0", true
	}
	if text[0] == '-' {
		return "-" + digits, true
	}
	return digits, true
}

// compareIntegers orders numbers of any length in their normal form.
func compareIntegers(a, b string) int {
	negative := strings.HasPrefix(a, "-")
	if negative != strings.HasPrefix(b, "-") {
		if negative {
			return -1
		}
		return 1
	}
	order := len(a) - len(b)
	if order == 0 {
		order = strings.Compare(a, b)
	}
	if negative {
		return -order
	}
	return order
}

const timeFormat = "20060102150405"

// normalTime brings the forms of RFC 4517 section 3.3.13 to UTC, with a fraction only where there is one,
// and without the Z, so that text and time have one order.
func normalTime(_ *schema, value []byte) (string, bool) {
	text := string(value)
	digits := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 10 || digits > 14 || digits%2 != 0 {
		return "", false
	}
	stamp, rest := text[:digits]+"0000"[:14-digits], text[digits:]
	fraction := ""
	if rest[0] == '.' || rest[0] == ',' {
		end := 1
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		fraction, rest = strings.TrimRight(rest[1:end], "0"), rest[end:]
	}
	at, err := time.Parse(timeFormat, stamp)
	if err != nil {
		return "", false
	}
	if rest != "Z" {
		zone, err := time.Parse("-0700", rest)
		if err != nil {
			return "", false
		}
		_, offset := zone.Zone()
		at = at.Add(-time.Duration(offset) * time.Second)
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return at.Format(timeFormat) + fraction, true
}

func normalUUID(_ *schema, value []byte) (string, bool) {
	text := strings.ReplaceAll(string(value), "-", "")
	raw, err := hex.DecodeString(text)
	return string(raw), err == nil && len(raw) == 16
}
