// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// decodeEntry turns the body of a SearchResultEntry into what go-ldap would have made of it: strings are slices of raw,
// byte values of one copy. secret tells that an attribute's values are kept at no level. An entry of more than most
// attributes and values is refused, because each costs more in memory than on the wire.
func decodeEntry(raw string, most int) (entry *ldap.Entry, secret bool, err error) {
	body := []byte(raw)
	e, err := wire.ParseEntry(body)
	if err != nil {
		return nil, false, err
	}
	at := func(part []byte) string { // part is a slice of body; its place follows from the capacities
		from := cap(body) - cap(part)
		return raw[from : from+len(part)]
	}
	var failure error
	attributes, values := 0, 0
	err = e.Attributes(func(a wire.Attribute) bool {
		attributes++
		failure = a.Values(func([]byte) bool { values++; return true })
		return failure == nil
	})
	err = cmp.Or(err, failure)
	if err == nil && attributes+values > most {
		err = fmt.Errorf("%w: entry with more than %d attributes and values", wire.ErrLimit, most)
	}
	if err != nil {
		return nil, false, err
	}
	block := make([]ldap.EntryAttribute, attributes)
	pointers := make([]*ldap.EntryAttribute, attributes)
	texts := make([]string, 0, values)
	bytes := make([][]byte, 0, values)
	i := 0
	_ = e.Attributes(func(a wire.Attribute) bool {
		secret = secret || secretName(a.Name)
		first := len(texts)
		_ = a.Values(func(v []byte) bool {
			texts = append(texts, at(v))
			bytes = append(bytes, v[:len(v):len(v)])
			return true
		})
		block[i].Name = at(a.Name)
		block[i].Values = texts[first:len(texts):len(texts)]
		block[i].ByteValues = bytes[first:len(bytes):len(bytes)]
		pointers[i] = &block[i]
		i++
		return true
	})
	return &ldap.Entry{DN: at(e.DN), Attributes: pointers}, secret, nil
}

// entry returns a raw entry with every value as the level allows; "" when nothing of it may be kept.
func (r redactor) entry(raw string) string {
	e, err := wire.ParseEntry([]byte(raw))
	if err != nil || r.level == LevelNames {
		return ""
	}
	var out wire.Encoder
	out.Entry(r.dn(e.DN), func(add func(string, [][]byte)) {
		_ = e.Attributes(func(a wire.Attribute) bool {
			var values [][]byte
			_ = a.Values(func(v []byte) bool {
				shown := r.value(a.Name, v)
				if shown.Hidden {
					shown.Text = hiddenMark + shown.Text
				}
				values = append(values, []byte(shown.Text))
				return true
			})
			add(string(a.Name), values)
			return true
		})
	})
	body, _, _ := wire.Element(out.Bytes)
	return string(body)
}

// hiddenMark stands before a replaced value in a kept raw entry. No directory value is taken for one: it is no UTF-8 and
// longer than chance.
const hiddenMark = "\xff\x00ldapscope-hidden\x00"

// keptEntries decodes what a recorder kept.
func keptEntries(raw []string) []Entry {
	entries := make([]Entry, 0, len(raw))
	for _, body := range raw {
		e, err := wire.ParseEntry([]byte(body))
		if err != nil {
			continue
		}
		entry := Entry{DN: string(e.DN)}
		_ = e.Attributes(func(a wire.Attribute) bool {
			attribute := Attribute{Name: string(a.Name)}
			_ = a.Values(func(v []byte) bool {
				if text := string(v); len(text) >= len(hiddenMark) && text[:len(hiddenMark)] == hiddenMark {
					attribute.Values = append(attribute.Values, Value{text[len(hiddenMark):], true})
				} else {
					attribute.Values = append(attribute.Values, Value{text, false})
				}
				return true
			})
			entry.Attributes = append(entry.Attributes, attribute)
			return true
		})
		entries = append(entries, entry)
	}
	return entries
}
