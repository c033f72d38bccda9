// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// stampEvery is how old the kept time of the last sync may become while nothing else changes, so that a sync that finds
// nothing new writes nothing.
const stampEvery = time.Hour

// diff compares a person with the local account, after a login only as far as Sync.Update says. Removals that a partial
// answer does not prove are left out.
func (d *Domain) diff(u *User, stored Stored, p Plan, login bool, now time.Time) (Plan, error) {
	p.User = u
	p.Moved = !p.Create && stored.DN != u.DN
	whole := p.Create || !login || !isOff(d.cfg.Sync.Update)
	if whole {
		fields, err := d.Fields(u)
		if err != nil {
			return p, err
		}
		p.Fields = diffFields(fields, stored.Fields)
		p.Flags = d.diffFlags(u.Groups, stored.Flags, p.Create)
	}
	p.Join, p.Quit = d.diffGroups(u.Groups, stored.Groups)
	if !stored.Left.IsZero() {
		p.Return = true
		p.Flags = setFlag(p.Flags, stored.Flags, ActiveFlag, d.rules.flags[ActiveFlag].IsZero())
	}
	if p.Changed() || now.Sub(stored.LastSync) >= stampEvery || stored.LastError != "" {
		p.LastSync = now
	}
	return p, nil
}

// setFlag adds a change to true, unless it is there or the flag has a rule of its own.
func setFlag(changes []FlagChange, stored map[string]bool, name string, free bool) []FlagChange {
	if !free || stored[name] {
		return changes
	}
	return append(changes, FlagChange{name, true})
}

func diffFields(want map[string]*string, stored map[string]string) (changes []FieldChange) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		to := want[name]
		from, had := stored[name]
		switch {
		case to == nil && !had, to != nil && had && *to == from:
		case had:
			changes = append(changes, FieldChange{name, &from, to})
		default:
			changes = append(changes, FieldChange{name, nil, to})
		}
	}
	return changes
}

// diffFlags evaluates the flags that have a rule. The others are left alone. A partial answer takes nothing away, and does not
// make a new account active either.
func (d *Domain) diffFlags(groups GroupSet, stored map[string]bool, create bool) (changes []FlagChange) {
	want := map[string]bool{}
	for flag, query := range d.rules.flags {
		want[flag] = query.Match(groups) && !(groups.Partial() && query.negates())
	}
	d.imply(want)
	for _, flag := range slices.Sorted(maps.Keys(want)) {
		is, known := stored[flag]
		if want[flag] == is && known || !want[flag] && (groups.Partial() && !create || !known && flag != ActiveFlag) {
			continue
		}
		changes = append(changes, FlagChange{flag, want[flag]})
	}
	return changes
}

// imply gives the flags that others bring along.
func (d *Domain) imply(want map[string]bool) {
	for range len(want) { // the longest chain
		for flag, implied := range d.cfg.Sync.Implies {
			for _, other := range implied {
				want[other] = want[other] || want[flag]
			}
		}
	}
}

// diffGroups compares the local groups that the configuration names or mirrors.
func (d *Domain) diffGroups(groups GroupSet, stored []string) (join, quit []string) {
	want := map[string]string{} // by folded name
	for local, query := range d.rules.groups {
		if query.Match(groups) && !(groups.Partial() && query.negates()) {
			want[strings.ToLower(local)] = local
		}
	}
	for _, name := range groups.Names() {
		local := d.cfg.Sync.Mirror.Prefix + name
		if d.mirrors(local) {
			want[strings.ToLower(local)] = local
		}
	}
	have := map[string]bool{}
	for _, local := range stored {
		have[strings.ToLower(local)] = true
		_, wanted := want[strings.ToLower(local)]
		if !wanted && !groups.Partial() && (d.maps(local) || d.mirrors(local)) {
			quit = append(quit, local)
		}
	}
	for key, local := range want {
		if !have[key] {
			join = append(join, local)
		}
	}
	slices.Sort(join)
	slices.Sort(quit)
	return join, quit
}

// maps reports whether Sync.Groups has a rule for a local group.
func (d *Domain) maps(local string) bool {
	for name := range d.rules.groups {
		if strings.EqualFold(name, local) {
			return true
		}
	}
	return false
}

// mirrors reports whether a local group follows the directory's group of the same name.
func (d *Domain) mirrors(local string) bool {
	m := d.cfg.Sync.Mirror
	name, has := cutPrefixFold(local, m.Prefix)
	if !isOn(m.On) || !has || d.maps(local) {
		return false
	}
	if len(m.Only) > 0 {
		return matchesAny(m.Only, name)
	}
	return !matchesAny(m.Except, name)
}

func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(strings.ToLower(pattern), strings.ToLower(name)) // the patterns were checked
		return ok
	})
}
