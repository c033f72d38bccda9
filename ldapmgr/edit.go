// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Edit collects changes of one entry as it was read, and sends those that change something. It is for one goroutine.
type Edit struct {
	domain *Domain
	entry  Entry
	order  []string // of attributes, as they were named first
	values map[string][]string
	parts  map[string][2][]string // values added and removed, by attribute
}

// Edit begins changes of an entry. What it says about attributes must have been read: those that were not count as empty.
func (d *Domain) Edit(e Entry) *Edit {
	return &Edit{domain: d, entry: e, values: map[string][]string{}, parts: map[string][2][]string{}}
}

func (w *Edit) name(attribute string) string {
	for _, known := range w.order {
		if strings.EqualFold(known, attribute) {
			return known
		}
	}
	w.order = append(w.order, attribute)
	return attribute
}

// Set gives an attribute these values and no others; without values it removes the attribute.
func (w *Edit) Set(attribute string, values ...string) *Edit {
	name := w.name(attribute)
	delete(w.parts, name)
	w.values[name] = slices.Clone(values)
	return w
}

// Add adds values to those of an attribute, however many others there are: for groups with many members.
func (w *Edit) Add(attribute string, values ...string) *Edit {
	return w.part(attribute, 0, values, func(there []string, value string) bool { return !slices.Contains(there, value) })
}

// Remove removes values of an attribute.
func (w *Edit) Remove(attribute string, values ...string) *Edit {
	return w.part(attribute, 1, values, slices.Contains[[]string])
}

func (w *Edit) part(attribute string, which int, values []string, needed func(there []string, value string) bool) *Edit {
	name := w.name(attribute)
	if own, set := w.values[name]; set { // Set came before: change what it says
		for _, value := range values {
			own = slices.DeleteFunc(own, func(v string) bool { return v == value })
			if which == 0 {
				own = append(own, value)
			}
		}
		w.values[name] = own
		return w
	}
	parts := w.parts[name]
	for _, value := range values {
		parts[1-which] = slices.DeleteFunc(slices.Clone(parts[1-which]), func(v string) bool { return v == value })
		if needed(w.entry.Strings(attribute), value) && !slices.Contains(parts[which], value) {
			parts[which] = append(slices.Clone(parts[which]), value)
		}
	}
	w.parts[name] = parts
	return w
}

// Changes returns what Commit would send; none where the entry is as it should be.
func (w *Edit) Changes() (changes []ldap.Change) {
	change := func(operation uint, name string, values []string) {
		changes = append(changes, ldap.Change{Operation: operation, Modification: ldap.PartialAttribute{Type: name, Vals: values}})
	}
	for _, name := range w.order {
		if values, set := w.values[name]; set {
			if !sameValues(values, w.entry.Strings(name)) {
				change(ldap.ReplaceAttribute, name, values)
			}
			continue
		}
		if removed := w.parts[name][1]; len(removed) > 0 {
			change(ldap.DeleteAttribute, name, removed)
		}
		if added := w.parts[name][0]; len(added) > 0 {
			change(ldap.AddAttribute, name, added)
		}
	}
	return changes
}

// sameValues compares values as a set, which they are (RFC 4511 section 4.1.7).
func sameValues(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// Commit sends the changes in one modify operation, all or nothing (RFC 4511 section 4.6), and reports whether there were any.
// See Domain.Modify for what is refused and what is never sent twice.
func (w *Edit) Commit(ctx context.Context) (changed bool, err error) {
	changes := w.Changes()
	if len(changes) == 0 {
		return false, nil
	}
	_, err = w.domain.Modify(ctx, &ldap.ModifyRequest{DN: w.entry.DN, Changes: changes})
	return err == nil, err
}
