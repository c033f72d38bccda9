// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// Census is a Sink that knows the accounts of no directory too, so that they can be linked to one.
type Census interface {
	Sink
	// All yields every account, in any order.
	All(ctx context.Context) iter.Seq2[Stored, error]
}

// LinkStatus is what was found for a local account.
type LinkStatus string

// The statuses of local accounts that belong to no directory.
const (
	LinkOne     LinkStatus = "linked"    // to the one person it can be; or it would be
	LinkNone    LinkStatus = "nobody"    // no person has its name
	LinkSeveral LinkStatus = "ambiguous" // several people have it; it is left alone
	LinkTaken   LinkStatus = "taken"     // its person has another local account already; it is left alone
)

// Linked is one local account that belongs to no directory, or did so far.
type Linked struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Status LinkStatus `json:"status"`
	DNs    []string   `json:"dns,omitempty"` // of whom it can be
	key    string
}

// Links is what Syncer.Link did or would do.
type Links struct {
	Domain   string   `json:"domain"`
	People   int      `json:"people"` // found in the directory
	Accounts []Linked `json:"accounts"`
	Linked   int      `json:"linked"`
	Applied  bool     `json:"applied"`
}

// Link links the local accounts that belong to no directory to the people of a domain: by Sync.QueryField, or by the name
// that a new account would have, without regard to case. It reads everybody once and, with apply, writes all links in one
// transaction; nothing else of the accounts changes before their next sync. An account is left alone where several people
// could be meant or the person has another one. The sink must be a Census. Whatever fails, nothing was changed.
func (s *Syncer) Link(ctx context.Context, domain string, apply bool) (*Links, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return nil, err
	}
	census, ok := s.sink.(Census)
	if !ok {
		return nil, fmt.Errorf("linking accounts to %s: the sink is no Census", d.name)
	}
	if err := d.learn(ctx); err != nil {
		return nil, err
	}
	l := &linking{syncer: s, domain: d, links: &Links{Domain: d.name, Accounts: []Linked{}}, byValue: map[string][]int{}, seen: map[string]bool{}}
	if err := l.accounts(ctx, census); err != nil {
		return nil, err
	}
	err = d.call(ctx, call{op: "link", pool: d.service, stream: true}, func(ctx context.Context, client *instrument.Client) error {
		ctx, end := instrument.Step(ctx, "link.people")
		defer end()
		return d.eachPage(ctx, client, func(entries []*ldap.Entry) error { return l.page(ctx, entries) })
	})
	if err == nil && apply {
		err = l.apply(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("linking accounts to %s: %w", d.name, err)
	}
	for _, a := range l.links.Accounts {
		if a.Status == LinkOne {
			l.links.Linked++
		}
	}
	return l.links, nil
}

// linking is one run of Link.
type linking struct {
	syncer  *Syncer
	domain  *Domain
	links   *Links
	byValue map[string][]int // accounts by name, or by the value of Sync.QueryField
	seen    map[string]bool  // keys of the people found
}

// accounts lists who may be linked.
func (l *linking) accounts(ctx context.Context, census Census) error {
	field := l.domain.cfg.Sync.QueryField
	for stored, err := range census.All(ctx) {
		if err != nil {
			return fmt.Errorf("reading local accounts: %w", err)
		}
		if stored.Domain != "" {
			continue
		}
		value := stored.Name
		if field != "" {
			value = stored.Fields[field]
		}
		if value = strings.ToLower(value); value != "" {
			l.byValue[value] = append(l.byValue[value], len(l.links.Accounts))
		}
		l.links.Accounts = append(l.links.Accounts, Linked{ID: stored.ID, Name: stored.Name, Status: LinkNone})
	}
	return nil
}

// page compares people with the accounts. Whoever has an account already is looked up for all of the page at once.
func (l *linking) page(ctx context.Context, entries []*ldap.Entry) error {
	var keys []string
	meant := map[string]int{} // account by key
	for _, e := range entries {
		u := l.domain.user(Entry{e})
		if e.DN == "" || l.seen[u.Key] {
			continue
		}
		l.seen[u.Key] = true
		l.links.People++
		_, value, err := l.domain.linkBy(u, l.syncer.localName(l.domain, u))
		var missing *FieldError
		if errors.As(err, &missing) {
			continue // without a value to compare it is nobody's
		}
		if err != nil {
			return err
		}
		accounts := l.byValue[strings.ToLower(value)]
		for _, at := range accounts {
			a := &l.links.Accounts[at]
			a.DNs = append(a.DNs, u.DN)
			if a.key, a.Status = u.Key, LinkOne; len(a.DNs) > 1 || len(accounts) > 1 {
				a.Status = LinkSeveral
			}
			meant[u.Key] = at
			keys = append(keys, u.Key)
		}
	}
	taken, err := l.syncer.sink.Stored(ctx, l.domain.name, slices.Compact(keys))
	if err != nil {
		return fmt.Errorf("reading local accounts: %w", err)
	}
	for key := range taken {
		if a := &l.links.Accounts[meant[key]]; a.Status == LinkOne {
			a.Status = LinkTaken
		}
	}
	return nil
}

// apply writes the links, all or none.
func (l *linking) apply(ctx context.Context) error {
	var plans []Plan
	for _, a := range l.links.Accounts {
		if a.Status == LinkOne {
			plans = append(plans, Plan{Domain: l.domain.name, Key: a.key, DN: a.DNs[0], Account: a.Name, ID: a.ID, Name: a.Name, Link: true})
		}
	}
	l.links.Applied = true
	if len(plans) == 0 {
		return nil
	}
	ctx, end := instrument.Step(ctx, "link.save")
	defer end()
	if _, err := l.syncer.sink.Apply(ctx, plans, func(ctx context.Context) error { return l.syncer.before(ctx, plans) }); err != nil {
		return err
	}
	recordPlans(ctx, plans...)
	l.syncer.after(ctx, l.domain, plans)
	return nil
}
