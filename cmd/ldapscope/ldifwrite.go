// SPDX-License-Identifier: MIT

package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// ldifWidth is where lines of LDIF are folded (RFC 2849, note 2, leaves the number open).
const ldifWidth = 76

// writeLDIF writes one entry as LDIF (RFC 2849), with a blank line behind. Values of secret attributes are left out, as a
// comment says; GUIDs and SIDs are told in plain text in a comment above their bytes.
func writeLDIF(w io.Writer, e ldapmgr.Entry) error {
	var b strings.Builder
	ldifLine(&b, "dn", e.DN)
	for _, a := range e.Attributes {
		if instrument.SecretAttribute(a.Name) {
			fmt.Fprintf(&b, "# %s: not shown\n", printable(a.Name))
			continue
		}
		if plain, ok := plainBytes(e, a.Name); ok {
			fmt.Fprintf(&b, "# %s: %s\n", printable(a.Name), plain)
		}
		for _, v := range a.ByteValues {
			ldifLine(&b, a.Name, string(v))
		}
		if len(a.ByteValues) == 0 { // only types were asked for
			ldifLine(&b, a.Name, "")
		}
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// ldifLine writes one value, in base64 where RFC 2849 wants it or a terminal would be steered, and folds it.
func ldifLine(b *strings.Builder, name, value string) {
	name = printable(name) // a server may send anything for one
	line := name + ": " + value
	if value == "" {
		line = name + ":"
	} else if !ldifSafe(value) {
		line = name + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	for room := ldifWidth; len(line) > room; room = ldifWidth - 1 {
		b.WriteString(line[:room] + "\n ")
		line = line[room:]
	}
	b.WriteString(line + "\n")
}

// ldifSafe reports whether a value may stand as it is (SAFE-STRING of RFC 2849).
func ldifSafe(value string) bool {
	if strings.ContainsAny(value[:1], " :<") || strings.HasSuffix(value, " ") {
		return false
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r >= 0x7f })
}

// plainBytes tells a GUID or a SID in plain text.
func plainBytes(e ldapmgr.Entry, name string) (string, bool) {
	switch strings.ToLower(name) {
	case "objectguid":
		return e.GUID(name)
	case "objectsid":
		return e.SID(name)
	}
	return "", false
}

// entryJSON is an entry as the panel's API writes it.
type entryJSON struct {
	DN         string          `json:"dn"`
	Attributes []attributeJSON `json:"attributes"`
}

type attributeJSON struct {
	Name     string   `json:"name"`
	Values   []string `json:"values"`
	Encoding string   `json:"encoding,omitempty"` // base64, guid, sid or hidden; plain text without
}

func entryToJSON(e ldapmgr.Entry) entryJSON {
	all := entryJSON{DN: e.DN, Attributes: []attributeJSON{}}
	for _, a := range e.Attributes {
		all.Attributes = append(all.Attributes, attributeToJSON(e, a.Name, a.ByteValues))
	}
	return all
}

func attributeToJSON(e ldapmgr.Entry, name string, values [][]byte) attributeJSON {
	if instrument.SecretAttribute(name) {
		return attributeJSON{name, []string{}, "hidden"}
	}
	if plain, ok := plainBytes(e, name); ok {
		return attributeJSON{name, []string{plain}, strings.TrimPrefix(strings.ToLower(name), "object")}
	}
	a := attributeJSON{Name: name, Values: []string{}}
	for _, v := range values {
		if !utf8.Valid(v) {
			a.Encoding = "base64"
		}
	}
	for _, v := range values {
		if a.Encoding == "base64" {
			a.Values = append(a.Values, base64.StdEncoding.EncodeToString(v))
		} else {
			a.Values = append(a.Values, string(v))
		}
	}
	return a
}
