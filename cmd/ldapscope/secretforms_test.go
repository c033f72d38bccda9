// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// form is one way in which a secret could be written down.
type form struct {
	name string
	text []byte
}

// forms lists the ways in which a secret could be written down: as it is and as Active Directory wants it, each raw, in
// JSON, in hexadecimal and in base64 wherever it begins within the encoded text.
func forms(secret string) (all []form) {
	var wide []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	for name, raw := range map[string][]byte{"text": []byte(secret), "UTF-16LE": wide} {
		quoted, _ := json.Marshal(string(raw)) // a string can always be written
		all = append(all,
			form{name, raw},
			form{name + " in JSON", bytes.Trim(quoted, `"`)},
			form{name + " in hexadecimal", []byte(hex.EncodeToString(raw))},
			form{name + " in upper hexadecimal", bytes.ToUpper([]byte(hex.EncodeToString(raw)))},
			form{name + " as numbers", []byte(strings.Trim(fmt.Sprintf("%d", raw), "[]"))},
		)
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			for before := range 3 {
				encoded := encoding.EncodeToString(append(make([]byte, before), raw...))
				first := []int{0, 2, 3}[before]                            // characters that depend on what stands before
				last := len(encoded) - []int{0, 4, 3}[(before+len(raw))%3] // and on what comes after
				all = append(all, form{fmt.Sprintf("%s in base64, %d bytes later", name, before), []byte(encoded[first:last])})
			}
		}
	}
	return all
}

// leaks lists where and how a secret is written down.
func leaks(sinks map[string][]byte, secret string) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(sinks)) {
		for _, f := range forms(secret) {
			if bytes.Contains(sinks[name], f.text) {
				found = append(found, fmt.Sprintf("%s holds it as %s", name, f.name))
			}
		}
	}
	return found
}

// TestLeaks holds the search itself to find a secret in every form and at every place, and nothing where there is nothing.
func TestLeaks(t *testing.T) {
	t.Parallel()
	const secret = "pl4ntedMarker7"
	var wide []byte
	for _, c := range []byte(secret) {
		wide = append(wide, c, 0)
	}
	quoted, _ := json.Marshal(map[string]string{"value": string(wide)})
	tests := []struct {
		name string
		text string
		want bool
	}{
		{"raw", "x=" + secret + ";", true},
		{"JSON", `{"password":"` + secret + `"}`, true},
		{"UTF-16LE", "\"\x00" + string(wide), true},
		{"UTF-16LE in JSON", string(quoted), true},
		{"hexadecimal", hex.EncodeToString([]byte("x" + secret)), true},
		{"upper hexadecimal", strings.ToUpper(hex.EncodeToString(wide)), true},
		{"printed slice", fmt.Sprintf("%d", []byte("x"+secret+"y")), true},
		{"base64", base64.StdEncoding.EncodeToString([]byte(secret)), true},
		{"base64, one byte later", base64.StdEncoding.EncodeToString([]byte("x" + secret + "y")), true},
		{"base64, two bytes later", base64.RawURLEncoding.EncodeToString([]byte("xy" + secret + "z")), true},
		{"base64 of UTF-16LE", base64.StdEncoding.EncodeToString(append([]byte("\"\x00"), wide...)), true},
		{"nothing", "pl4nted Marker7 and others", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if found := leaks(map[string][]byte{"sink": []byte(tt.text)}, secret); (len(found) > 0) != tt.want {
				t.Errorf("found %v in %q", found, tt.text)
			}
		})
	}
}
