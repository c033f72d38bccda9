// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

const (
	adPeople   = "(&(objectCategory=person)(objectClass=user))"
	rfcPeople  = "(|(objectClass=person)(objectClass=posixAccount))"
	keyFromDN  = "dn:" // before keys of servers that have no better one
	badCounter = "badPwdCount"
)

// peopleFilter finds everybody.
func (d *Domain) peopleFilter() filter {
	switch {
	case d.cfg.Users.Filter != "":
		return configured(d.cfg.Users.Filter)
	case d.isAD():
		return adPeople
	}
	return rfcPeople
}

func (d *Domain) loginAttributes() []string {
	switch {
	case len(d.cfg.Login.Attributes) > 0:
		return d.cfg.Login.Attributes
	case d.isAD():
		return []string{"sAMAccountName", "userPrincipalName"}
	}
	return []string{"uid"}
}

func (d *Domain) accountAttribute() string {
	switch {
	case d.cfg.Users.Account != "":
		return d.cfg.Users.Account
	case d.isAD():
		return "sAMAccountName"
	}
	return "uid"
}

// keyAttributes are where a key may be, the best first.
func (d *Domain) keyAttributes() []string {
	switch {
	case d.cfg.Users.Key != "":
		return []string{d.cfg.Users.Key}
	case d.isAD():
		return []string{"objectGUID"}
	}
	if root := d.root.Load(); root != nil && root.Vendor == "389 Directory Server" {
		return []string{"nsUniqueId"}
	}
	return []string{"entryUUID", "nsUniqueId"}
}

// userAttributes is the least list that the configuration needs, and more.
func (d *Domain) userAttributes(more ...string) []string {
	list := slices.Concat(d.keyAttributes(), []string{d.accountAttribute()}, d.groupNeeds(), d.cfg.Users.Attributes, more)
	for _, f := range d.cfg.Users.Fields {
		list = append(list, f.attributes()...)
	}
	if d.cfg.Login.Limit.BadPasswords > 0 {
		list = append(list, badCounter)
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(list, strings.EqualFold)
}

// accountOf returns the name of the account, or where the entry has none the value its DN begins with.
func (d *Domain) accountOf(e Entry) string {
	if account := e.String(d.accountAttribute()); account != "" {
		return account
	}
	_, value, _ := firstRDN(e.DN)
	return value
}

// keyOf returns the key of an entry as text.
func (d *Domain) keyOf(e Entry) string {
	for _, attribute := range d.keyAttributes() {
		if guid, ok := e.GUID(attribute); ok {
			return guid
		}
		if text := e.String(attribute); text != "" {
			return strings.ToLower(text)
		}
	}
	canonical, _ := canonicalDN(e.DN)
	return keyFromDN + canonical
}

// keyFilter finds the entry with a key; for a key made of a DN, base is where it is.
func (d *Domain) keyFilter(key string) (f filter, base string, err error) {
	if dn, ok := strings.CutPrefix(key, keyFromDN); ok {
		return "", dn, nil
	}
	var terms []filter
	for _, attribute := range d.keyAttributes() {
		if strings.EqualFold(attribute, "objectGUID") {
			raw, err := guidBytes(key)
			if err != nil {
				return "", "", err
			}
			terms = append(terms, equalBytes(attribute, raw))
			continue
		}
		terms = append(terms, equal(attribute, key))
	}
	return anyFilter(terms...), "", nil
}

// guidBytes returns a GUID in the byte order of Active Directory.
func guidBytes(text string) ([]byte, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(raw) != 16 {
		return nil, fmt.Errorf("key of a user is no GUID: %w", ErrNotFound)
	}
	binary.LittleEndian.PutUint32(raw, binary.BigEndian.Uint32(raw))
	binary.LittleEndian.PutUint16(raw[4:], binary.BigEndian.Uint16(raw[4:]))
	binary.LittleEndian.PutUint16(raw[6:], binary.BigEndian.Uint16(raw[6:]))
	return raw, nil
}
