// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // {SSHA} is what directories store
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// verify reports whether one of the entry's passwords is the given one.
func (d *Directory) verify(e *entry, password []byte) bool {
	for _, typ := range []*attributeType{d.known.userPassword, d.known.unicodePwd} {
		if typ == nil {
			continue
		}
		a := e.find(typ, "")
		if a == nil {
			continue
		}
		for _, stored := range a.values {
			if typ == d.known.unicodePwd {
				given, ok := decodeUnicodePwd(stored)
				if ok && subtle.ConstantTimeCompare([]byte(given), password) == 1 {
					return true
				}
			} else if samePassword(stored, password) {
				return true
			}
		}
	}
	return false
}

// samePassword compares with a stored value in the notation of RFC 2307: {SSHA}, {SHA}, {CLEARTEXT} or clear.
func samePassword(stored, password []byte) bool {
	scheme, rest, found := strings.Cut(string(stored), "}")
	if !found || !strings.HasPrefix(scheme, "{") {
		return subtle.ConstantTimeCompare(stored, password) == 1
	}
	switch strings.ToUpper(scheme[1:]) {
	case "CLEARTEXT":
		return subtle.ConstantTimeCompare([]byte(rest), password) == 1
	case "SHA", "SSHA":
		raw, err := base64.StdEncoding.DecodeString(rest)
		if err != nil || len(raw) < sha1.Size {
			return false
		}
		sum := sha1.Sum(append(bytes.Clone(password), raw[sha1.Size:]...)) //nolint:gosec // as stored
		return subtle.ConstantTimeCompare(sum[:], raw[:sha1.Size]) == 1
	}
	return false
}

// hashPassword returns the {SSHA} form.
func hashPassword(password []byte) string {
	salt := make([]byte, 8)
	_, _ = rand.Read(salt)                                  // never fails
	sum := sha1.Sum(append(bytes.Clone(password), salt...)) //nolint:gosec // as slapd stores by default
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// generatePassword makes one for a password modify request that names none.
func generatePassword() string {
	raw := make([]byte, 6)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// keepPassword stores a password in clear that comes as userPassword, as LDIF is easiest to write, in the one place where
// Active Directory keeps it.
func (d *Directory) keepPassword(e *entry) {
	a := e.find(d.known.userPassword, "")
	if a == nil || e.find(d.known.unicodePwd, "") != nil || bytes.HasPrefix(a.values[0], []byte("{")) {
		return
	}
	e.put(d.schema.newAttr(d.known.unicodePwd, string(EncodeUnicodePwd(string(a.values[0])))))
	e.put(attr{typ: d.known.userPassword})
}

// decodeUnicodePwd reads Active Directory's form: UTF-16LE in quotation marks.
func decodeUnicodePwd(value []byte) (string, bool) {
	if len(value)%2 != 0 {
		return "", false
	}
	text := fromUTF16le(value)
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", false
	}
	return text[1 : len(text)-1], true
}

// EncodeUnicodePwd returns the form in which Active Directory takes a password in the attribute unicodePwd.
func EncodeUnicodePwd(password string) []byte {
	return utf16le(`"` + password + `"`)
}
