// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/go-ldap/ldap/v3"
)

var scopes = map[string]int{"": ldap.ScopeWholeSubtree, "sub": ldap.ScopeWholeSubtree, "one": ldap.ScopeSingleLevel, "base": ldap.ScopeBaseObject}

// request asks for what a filter finds in the place; limit is the entries that are wanted at most, 0 for all.
func (p Place) request(d *Domain, f filter, attributes []string, limit int) *ldap.SearchRequest {
	return ldap.NewSearchRequest(cmp.Or(p.Base, d.Base()), scopes[p.Scope], ldap.NeverDerefAliases, limit, 0, false,
		string(allFilters(f, configured(p.Filter))), attributes, nil)
}

// orEverywhere returns the places of a configuration: where it names none, all below the domain's base.
func orEverywhere(places []Place) []Place {
	if len(places) == 0 {
		return []Place{{}}
	}
	return places
}

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
	places := orEverywhere(u.places)
	if len(places) == 1 {
		return u.one(ctx, places[0], f, attributes)
	}
	found := make([][]*ldap.Entry, len(places))
	failures := make([]error, len(places))
	var all sync.WaitGroup
	for i, place := range places {
		all.Go(func() { found[i], failures[i] = u.one(ctx, place, f, attributes) })
	}
	all.Wait()
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
	request := place.request(u.domain, f, attributes, u.limit)
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
