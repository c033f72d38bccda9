// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/sync/errgroup"
)

var scopes = map[string]int{"": ldap.ScopeWholeSubtree, "sub": ldap.ScopeWholeSubtree, "one": ldap.ScopeSingleLevel, "base": ldap.ScopeBaseObject}

// union searches several places at once and merges what they give, each entry once. failed is called for a place that
// failed where bestEffort lets that pass.
type union struct {
	domain     *Domain
	ask        Searcher
	places     []Place
	bestEffort bool
	limit      int // entries that are wanted at most, without paging; 0 for all, with it
	failed     func(error)
}

func (u union) search(ctx context.Context, f filter, attributes []string) ([]*ldap.Entry, error) {
	places := u.places
	if len(places) == 0 {
		places = []Place{{}}
	}
	if len(places) == 1 {
		return u.one(ctx, places[0], f, attributes)
	}
	found := make([][]*ldap.Entry, len(places))
	failures := make([]error, len(places))
	var group errgroup.Group
	for i, place := range places {
		group.Go(func() error {
			found[i], failures[i] = u.one(ctx, place, f, attributes)
			return nil
		})
	}
	_ = group.Wait() // the errors are in failures, all of them
	return u.merge(found, failures)
}

// merge fails when a place failed, or with best effort when all did.
func (u union) merge(found [][]*ldap.Entry, failures []error) ([]*ldap.Entry, error) {
	var all []*ldap.Entry
	seen := map[string]bool{}
	worked := 0
	for i, entries := range found {
		if err := failures[i]; err != nil {
			if !u.bestEffort || worked == 0 && i == len(found)-1 {
				return nil, err
			}
			u.failed(err)
			continue
		}
		worked++
		for _, e := range entries {
			key, ok := canonicalDN(e.DN)
			if !ok || seen[key] {
				continue
			}
			seen[key] = true
			all = append(all, e)
		}
	}
	return all, nil
}

func (u union) one(ctx context.Context, place Place, f filter, attributes []string) ([]*ldap.Entry, error) {
	base := place.Base
	if base == "" {
		base = u.domain.Base()
	}
	request := ldap.NewSearchRequest(base, scopes[place.Scope], ldap.NeverDerefAliases, u.limit, 0, false,
		string(allFilters(f, configured(place.Filter))), attributes, nil)
	var result *ldap.SearchResult
	var err error
	if u.limit > 0 {
		result, err = u.ask.Search(ctx, request)
	} else {
		result, err = u.ask.SearchPaged(ctx, request, 0)
	}
	if u.limit > 0 && result != nil && answeredWith(err, ldap.LDAPResultSizeLimitExceeded) {
		err = nil // as many as were asked for
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(result.Entries, func(e *ldap.Entry) bool { return e.DN == "" }), nil
}

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
	result, err := l.ask.Search(ctx, ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=*)", l.attributes(), nil))
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
