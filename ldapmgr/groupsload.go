// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// search finds groups.
func (l *groupLoader) search(ctx context.Context, f filter) ([]Group, error) {
	if f == "" {
		return nil, nil
	}
	u := union{domain: l.domain, ask: l.ask, places: l.cfg.Places, bestEffort: isOn(l.cfg.BestEffort), failed: func(err error) {
		l.partial = true
		l.domain.event(ctx, Event{Stage: StageGroups, Err: err})
	}}
	entries, err := u.search(ctx, allFilters(configured(l.cfg.Filter), f), l.attributes())
	if err != nil {
		return nil, fmt.Errorf("finding groups: %w", err)
	}
	groups := make([]Group, len(entries))
	for i, e := range entries {
		groups[i] = l.group(Entry{e})
	}
	return groups, nil
}

// attributes are those of a group that it can be meant by.
func (l *groupLoader) attributes() []string {
	if l.domain.hasSIDs() {
		return []string{l.cfg.Name, "sAMAccountName", "objectSid", "objectGUID"}
	}
	return []string{l.cfg.Name, "entryUUID"}
}

func (l *groupLoader) group(e Entry) Group {
	g := Group{DN: e.DN, Name: e.String(l.cfg.Name)}
	if names := e.Strings(l.cfg.Name); len(names) > 1 {
		g.Names = slices.Clone(names[1:])
	}
	if account := e.String("sAMAccountName"); account != "" && account != g.Name {
		g.Names = append(g.Names, account)
	}
	g.SID, _ = e.SID("objectSid")
	for _, attribute := range []string{"objectGUID", "entryUUID"} {
		if guid, ok := e.GUID(attribute); ok {
			g.GUID = guid
		}
	}
	return g
}

// climb adds the groups that hold groups, level by level. Nothing is asked for twice, so that circles end.
func (l *groupLoader) climb(ctx context.Context, strategy string, groups []Group) ([]Group, error) {
	seen := map[string]bool{}
	level := l.unseen(groups, seen)
	all := slices.Clone(level)
	for depth := 1; len(level) > 0 && depth < l.cfg.Depth; depth++ {
		var above []Group
		for chunk := range slices.Chunk(level, l.cfg.Chunk) {
			terms := make([]filter, len(chunk))
			for i, g := range chunk {
				terms[i] = memberFilter(strategy, l.cfg, g.DN)
			}
			found, err := l.search(ctx, anyFilter(terms...))
			if err != nil {
				return nil, err
			}
			above = append(above, found...)
		}
		level = l.unseen(above, seen)
		all = append(all, level...)
	}
	return all, nil
}

// unseen returns the groups that were not met before.
func (l *groupLoader) unseen(groups []Group, seen map[string]bool) (fresh []Group) {
	for _, g := range groups {
		key, ok := canonicalDN(g.DN)
		if ok && !seen[key] {
			seen[key] = true
			fresh = append(fresh, g)
		}
	}
	return fresh
}

// within reports whether a group lies in one of the places where groups are. Filters are not asked.
func (l *groupLoader) within(dn string) bool {
	canonical, ok := canonicalDN(dn)
	if len(l.cfg.Places) == 0 {
		return true
	}
	return ok && slices.ContainsFunc(l.cfg.Places, func(place Place) bool {
		base, _ := canonicalDN(cmp.Or(place.Base, l.domain.Base()))
		above, inside := strings.CutSuffix(canonical, ","+base)
		switch place.Scope {
		case "base":
			return canonical == base
		case "one":
			return inside && !strings.Contains(above, ",")
		}
		return inside || canonical == base
	})
}

// memberOf takes the groups from the person's own entry. Their names are read where the DN does not begin with the name.
func (l *groupLoader) memberOf(ctx context.Context, person Entry) ([]Group, error) {
	var groups []Group
	for _, dn := range person.Strings("memberOf") {
		if !l.within(dn) {
			continue
		}
		if attribute, name, ok := firstRDN(dn); ok && strings.EqualFold(attribute, l.cfg.Name) {
			groups = append(groups, Group{DN: dn, Name: name})
			continue
		}
		g, err := l.read(ctx, dn)
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	primary, err := l.search(ctx, primaryFilter(person))
	if err != nil {
		return nil, err
	}
	groups = append(groups, primary...)
	if isOn(l.cfg.Nested) {
		return l.climb(ctx, GroupsMemberOf, groups)
	}
	return groups, nil
}

// read reads one group. One that is not visible keeps its DN.
func (l *groupLoader) read(ctx context.Context, dn string) (Group, error) {
	result, err := l.ask.Search(ctx, entryRequest(dn, l.attributes()...))
	if answeredWith(err, ldap.LDAPResultNoSuchObject) {
		return Group{DN: dn}, nil
	}
	if err != nil {
		return Group{}, fmt.Errorf("reading a group: %w", err)
	}
	if len(result.Entries) != 1 {
		return Group{DN: dn}, nil
	}
	return l.group(Entry{result.Entries[0]}), nil
}
