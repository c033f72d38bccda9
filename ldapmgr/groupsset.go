// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"encoding/hex"
	"slices"
	"strings"
)

// Group is one group of the directory. What the strategy does not learn is empty.
type Group struct {
	DN    string
	Name  string   // the first value of Groups.Name; "" for a group that has none
	Names []string // further names it can be meant by, such as sAMAccountName
	SID   string   // S-1-5-…
	GUID  string
}

// keys are the canonical forms that the group can be meant by.
func (g Group) keys() []string {
	var keys []string
	if dn, ok := canonicalDN(g.DN); ok {
		keys = append(keys, "dn:"+dn)
	}
	for _, name := range append([]string{g.Name}, g.Names...) {
		if name != "" {
			keys = append(keys, "name:"+foldValue(name))
		}
	}
	if g.SID != "" {
		keys = append(keys, "sid:"+strings.ToLower(g.SID))
	}
	if g.GUID != "" {
		keys = append(keys, "guid:"+strings.ToLower(g.GUID))
	}
	return keys
}

// GroupSet is the groups of one person, loaded whole, so that questions about it ask no server. It is immutable; the
// zero value is empty.
type GroupSet struct {
	groups  []Group
	index   map[string]bool
	partial bool
}

// NewGroupSet returns the set of groups. A group that comes twice is kept once.
func NewGroupSet(groups ...Group) GroupSet {
	s := GroupSet{index: map[string]bool{}}
	seen := map[string]bool{}
	for _, g := range groups {
		keys := g.keys()
		if len(keys) == 0 || seen[keys[0]] {
			continue
		}
		seen[keys[0]] = true
		for _, key := range keys {
			s.index[key] = true
		}
		s.groups = append(s.groups, g)
	}
	return s
}

// Has reports whether a group is in the set. A reference is a DN, a SID, a GUID or a name, compared whole and without
// regard to case and spaces; dn:, sid:, guid: or name: before it says which where that is in doubt.
func (s GroupSet) Has(reference string) bool {
	key, ok := referenceKey(reference)
	return ok && s.index[key]
}

// All returns the groups. The caller must not change them.
func (s GroupSet) All() []Group { return s.groups }

// Len returns how many groups there are.
func (s GroupSet) Len() int { return len(s.groups) }

// Partial reports that a part of the tree could not be searched and that Groups.BestEffort let that pass: what is not
// here may still be the case.
func (s GroupSet) Partial() bool { return s.partial }

// Names returns the names of the groups that have one, sorted.
func (s GroupSet) Names() []string {
	var names []string
	for _, g := range s.groups {
		if g.Name != "" {
			names = append(names, g.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// DNs returns the DNs of the groups as the server wrote them, sorted.
func (s GroupSet) DNs() []string {
	var names []string
	for _, g := range s.groups {
		if g.DN != "" {
			names = append(names, g.DN)
		}
	}
	slices.Sort(names)
	return names
}

// referenceKey returns the canonical form of a reference to a group; ok is false for one that says what it is, and is not.
func referenceKey(reference string) (key string, ok bool) {
	reference = strings.TrimSpace(reference)
	if kind, rest, found := strings.Cut(reference, ":"); found {
		if kind = strings.ToLower(kind); kind == "name" || kind == "dn" || kind == "sid" || kind == "guid" {
			return referenceOf(kind, strings.TrimSpace(rest))
		}
	}
	for _, kind := range []string{"sid", "guid", "dn"} {
		if key, ok := referenceOf(kind, reference); ok {
			return key, true
		}
	}
	return referenceOf("name", reference)
}

// referenceOf reads a reference of one kind.
func referenceOf(kind, text string) (key string, ok bool) {
	lower := strings.ToLower(text)
	switch kind {
	case "name":
		text = foldValue(text)
		ok = text != ""
	case "dn":
		text, ok = canonicalDN(text)
	case "sid":
		text, ok = lower, len(lower) > 4 && strings.HasPrefix(lower, "s-1-") && strings.Trim(lower[4:], "0123456789-") == ""
	case "guid":
		text = strings.TrimSuffix(strings.TrimPrefix(lower, "{"), "}")
		ok = isGUID(text)
	}
	return kind + ":" + text, ok
}

func isGUID(text string) bool {
	parts := strings.Split(text, "-")
	if len(parts) != 5 || len(text) != 36 || len(parts[0]) != 8 || len(parts[4]) != 12 {
		return false
	}
	_, err := hex.DecodeString(strings.Join(parts, ""))
	return err == nil
}
