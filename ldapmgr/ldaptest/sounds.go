// SPDX-License-Identifier: MIT

package ldaptest

import "strings"

// sounds is approximate matching: the words of the assertion appear in the value in the same order, or one of their
// initials does. Active Directory and attributes that are no text take it for equality.
func sounds(typ *attributeType, value, wanted string) bool {
	if typ.syntax != syntaxDirectory && typ.syntax != syntaxIA5 {
		return value == wanted
	}
	have, want := strings.Fields(value), strings.Fields(wanted)
	at := 0
	for _, w := range want {
		for at < len(have) && soundex(have[at]) != soundex(w) && have[at] != w {
			at++
		}
		if at == len(have) {
			return false
		}
		at++
	}
	return len(want) > 0
}

// soundex is the phonetic code of a word, one letter and three digits.
func soundex(word string) string {
	const codes = "01230120022455012623010202" // for a to z; 0 is a vowel or silent
	code, last := make([]byte, 0, 4), byte('0')
	for i := range len(word) {
		c := lowerByte(word[i])
		if c < 'a' || c > 'z' {
			continue
		}
		digit := codes[c-'a']
		switch {
		case len(code) == 0:
			code = append(code, c)
		case digit != '0' && digit != last:
			code = append(code, digit)
		}
		if c != 'h' && c != 'w' {
			last = digit
		}
		if len(code) == 4 {
			break
		}
	}
	return string(code) + "0000"[:4-len(code)]
}
