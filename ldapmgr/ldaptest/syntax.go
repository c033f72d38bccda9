// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"
	"unicode/utf8"
)

// validValue checks a value against the syntax of its attribute.
func (s *schema) validValue(a *attributeType, value []byte) bool {
	switch a.syntax {
	case syntaxDirectory:
		return len(value) > 0 && utf8.Valid(value)
	case syntaxIA5:
		return ascii(value)
	case syntaxInteger, syntaxLargeNumber:
		_, ok := normalInteger(s, value)
		return ok && (len(value) == 1 || value[0] != '0')
	case syntaxBoolean:
		_, ok := normalBoolean(s, value)
		return ok
	case syntaxTime:
		_, ok := normalTime(s, value)
		return ok
	case syntaxDN, syntaxNameAndUID:
		_, err := s.parseDN(string(value))
		return err == nil
	case syntaxOID:
		_, ok := normalOID(s, value)
		return ok
	case syntaxUUID:
		_, ok := normalUUID(s, value)
		return ok
	case syntaxNumeric:
		_, ok := normalDigits(s, value)
		return ok && len(value) > 0
	case syntaxCountry:
		return len(value) == 2 && printable(value)
	case syntaxPrintable, syntaxTelephone:
		return len(value) > 0 && printable(value)
	}
	return true
}

func ascii(value []byte) bool {
	for _, c := range value {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// printable is the character set of RFC 4517 section 3.2.
func printable(value []byte) bool {
	for _, c := range value {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && bytes.IndexByte([]byte(`'()+,-./:? ="`), c) < 0 {
			return false
		}
	}
	return true
}
