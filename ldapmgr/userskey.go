// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	keyFromDN    = "dn:"  // before keys of servers that have no better one
	keyFromBytes = "hex:" // before keys that are no text, no GUID and no SID
)

// keyAttributes are where a key may be, the best first.
func (d *Domain) keyAttributes() []string {
	switch {
	case d.cfg.Users.Key != "":
		return []string{d.cfg.Users.Key}
	case d.isAD():
		return []string{"objectGUID"}
	}
	if root := d.root.Load(); root != nil && root.Vendor == vendor389 {
		return []string{"nsUniqueId"}
	}
	return []string{"entryUUID", "nsUniqueId"}
}

// keyOf returns the key of an entry as text. Attributes that servers give UUIDs in may be written in either case; others are
// kept as they are, because case may be all that tells two people apart.
func (d *Domain) keyOf(e Entry) string {
	for _, attribute := range d.keyAttributes() {
		switch raw := e.Bytes(attribute); {
		case len(raw) == 0:
		case isUUID(attribute):
			return strings.ToLower(string(raw))
		case !strings.EqualFold(attribute, "objectGUID") && isText(raw):
			return string(raw)
		default:
			return keyOfBytes(e, attribute, raw)
		}
	}
	canonical, _ := canonicalDN(e.DN)
	return keyFromDN + canonical
}

func isUUID(attribute string) bool {
	return strings.EqualFold(attribute, "entryUUID") || strings.EqualFold(attribute, "nsUniqueId")
}

func isText(raw []byte) bool {
	return utf8.Valid(raw) && !strings.ContainsFunc(string(raw), unicode.IsControl)
}

func keyOfBytes(e Entry, attribute string, raw []byte) string {
	if guid, ok := e.GUID(attribute); ok {
		return guid
	}
	if sid, ok := sidText(raw); ok {
		return sid
	}
	return keyFromBytes + hex.EncodeToString(raw)
}

// keyFilter finds the entry with a key; for a key made of a DN, base is where it is.
func (d *Domain) keyFilter(key string) (f filter, base string, err error) {
	if dn, ok := strings.CutPrefix(key, keyFromDN); ok {
		return "", dn, nil
	}
	raw, isBytes := keyBytes(key)
	var terms []filter
	for _, attribute := range d.keyAttributes() {
		only := strings.EqualFold(attribute, "objectGUID")
		if only && !isBytes {
			return "", "", fmt.Errorf("key of a user is no GUID: %w", ErrNotFound)
		}
		if !only {
			terms = append(terms, equal(attribute, key))
		}
		if isBytes && !isUUID(attribute) {
			terms = append(terms, equalBytes(attribute, raw))
		}
	}
	return anyFilter(terms...), "", nil
}

// keyBytes undoes keyOfBytes.
func keyBytes(key string) ([]byte, bool) {
	if digits, ok := strings.CutPrefix(key, keyFromBytes); ok {
		raw, err := hex.DecodeString(digits)
		return raw, err == nil
	}
	if raw, ok := sidBytes(key); ok {
		return raw, true
	}
	return guidBytes(key)
}

// guidBytes returns a GUID in the byte order of Active Directory.
func guidBytes(text string) ([]byte, bool) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(raw) != 16 {
		return nil, false
	}
	binary.LittleEndian.PutUint32(raw, binary.BigEndian.Uint32(raw))
	binary.LittleEndian.PutUint16(raw[4:], binary.BigEndian.Uint16(raw[4:]))
	binary.LittleEndian.PutUint16(raw[6:], binary.BigEndian.Uint16(raw[6:]))
	return raw, true
}

// sidBytes undoes sidText.
func sidBytes(text string) ([]byte, bool) {
	parts := strings.Split(text, "-")
	if len(parts) < 3 || parts[0] != "S" || parts[1] != "1" {
		return nil, false
	}
	authority, err := strconv.ParseUint(parts[2], 10, 48)
	if err != nil {
		return nil, false
	}
	raw := binary.BigEndian.AppendUint64(nil, authority)
	raw[0], raw[1] = 1, byte(len(parts)-3)
	for _, part := range parts[3:] {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, false
		}
		raw = binary.LittleEndian.AppendUint32(raw, uint32(n))
	}
	_, ok := sidText(raw)
	return raw, ok
}
