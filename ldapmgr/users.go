// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// User is a person of a directory as found at one moment. It holds no connection and may be copied and kept; nobody may
// change what its slices hold.
type User struct {
	Domain  string // name of the domain
	DN      string
	Key     string // never changes, not even when the person is renamed or moved
	Account string // name of the account, as the directory writes it
	Entry   Entry  // the attributes that were loaded
	Groups  GroupSet
	At      time.Time // when it was found
	Policy  *Policy   // what the server said about the password at a login: when it expires; nil when it said nothing
}

// ErrAmbiguous marks a name that several entries have. The error is an AmbiguousError.
var ErrAmbiguous = errors.New("several entries have this name")

// AmbiguousError lists the entries that a name could mean.
type AmbiguousError struct{ DNs []string }

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%v: %d of them", ErrAmbiguous, len(e.DNs))
}

// Unwrap returns ErrAmbiguous.
func (e *AmbiguousError) Unwrap() error { return ErrAmbiguous }

// ambiguousLimit is how many entries are asked for, where one is expected.
const ambiguousLimit = 10

// User finds a person by a login name and loads the groups, with the service account. It is ErrNotFound when there is no
// such person, and an AmbiguousError when there are several. Users.CacheFor and Groups.CacheFor may answer it from memory.
func (d *Domain) User(ctx context.Context, name string) (*User, error) {
	parsed, err := ParseLoginName(name)
	if err != nil {
		return nil, &Error{Op: "find user", Domain: d.name, Err: err}
	}
	if err := d.learn(ctx); err != nil {
		return nil, err
	}
	u, err := d.findUser(ctx, d, parsed)
	if err != nil {
		return nil, err
	}
	return d.withGroups(ctx, d, u)
}

// UserByKey finds a person by User.Key, whatever name and place it has by now, and loads the groups. Nothing comes from
// memory, and the groups' cache is renewed.
func (d *Domain) UserByKey(ctx context.Context, key string) (*User, error) {
	if err := d.learn(ctx); err != nil {
		return nil, err
	}
	u, err := d.userByKey(ctx, key)
	if err != nil {
		return nil, err
	}
	return d.withGroups(ctx, d, u)
}

// userByKey finds a person without groups, and forgets those that are kept in memory.
func (d *Domain) userByKey(ctx context.Context, key string) (*User, error) {
	f, base, err := d.keyFilter(key)
	if err != nil {
		return nil, &Error{Op: "find user", Domain: d.name, Err: err}
	}
	d.identity.groups.drop(key)
	return d.oneUser(ctx, d, f, base)
}

// Purge forgets what is kept in memory about people and groups: of the named accounts and keys, under whatever names they were
// found, or of everybody.
func (d *Domain) Purge(names ...string) {
	if len(names) == 0 {
		d.identity.users.clear()
		d.identity.misses.clear()
		d.identity.groups.clear()
		d.identity.sids.clear()
		return
	}
	for _, name := range names {
		folded := foldValue(name)
		account := folded
		if parsed, err := ParseLoginName(name); err == nil {
			account = foldValue(parsed.Account)
		}
		known := d.identity.users.dropAll(func(spelled string, u *User) bool {
			return spelled == folded || u.Key == name || foldValue(u.Account) == account
		})
		for _, u := range known {
			d.identity.groups.drop(u.Key)
		}
		d.identity.misses.drop(folded)
		d.identity.groups.drop(name)
	}
}

// findUser finds a person by login name, without groups.
func (d *Domain) findUser(ctx context.Context, ask Searcher, name LoginName) (*User, error) {
	now := time.Now()
	if u, ok := d.identity.users.get(name.key(), now); ok {
		return u, nil
	}
	if _, ok := d.identity.misses.get(name.key(), now); ok {
		return nil, &Error{Op: "find user", Domain: d.name, Err: ErrNotFound}
	}
	u, err := d.oneUser(ctx, ask, d.nameFilter(name), "")
	switch {
	case err == nil && d.cfg.Users.CacheFor > 0:
		d.identity.users.put(name.key(), u, now.Add(d.cfg.Users.CacheFor))
	case errors.Is(err, ErrNotFound) && d.cfg.Users.MissFor > 0:
		d.identity.misses.put(name.key(), struct{}{}, now.Add(d.cfg.Users.MissFor))
	}
	return u, err
}

// oneUser runs a search that must find exactly one person. With a base it reads that entry alone.
func (d *Domain) oneUser(ctx context.Context, ask Searcher, f filter, base string) (*User, error) {
	var unknown error // what a place holds that gave no answer, and not because it does not exist
	u := union{domain: d, ask: ask, places: d.cfg.Users.Places, bestEffort: isOn(d.cfg.Users.BestEffort), limit: ambiguousLimit,
		failed: func(err error) {
			if !answeredWith(err, ldap.LDAPResultNoSuchObject) {
				unknown = err
			}
			d.event(ctx, Event{Stage: StageFind, Err: err})
		}}
	if base != "" {
		u.places = []Place{{Base: base, Scope: "base"}}
	}
	entries, err := u.search(ctx, allFilters(d.peopleFilter(), f), d.userAttributes())
	if answeredWith(err, ldap.LDAPResultNoSuchObject) && base != "" {
		entries, err = nil, nil
	}
	if len(entries) == 0 && err == nil {
		err = unknown
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("finding a user: %w", err)
	case len(entries) == 0:
		return nil, &Error{Op: "find user", Domain: d.name, Err: ErrNotFound}
	case len(entries) > 1:
		ambiguous := &AmbiguousError{}
		for _, e := range entries {
			ambiguous.DNs = append(ambiguous.DNs, e.DN)
		}
		return nil, &Error{Op: "find user", Domain: d.name, Err: ambiguous}
	}
	if err := followRanges(ctx, ask, Entry{entries[0]}); err != nil {
		return nil, err
	}
	return d.user(Entry{entries[0]}), nil
}

// user makes a User of an entry.
func (d *Domain) user(e Entry) *User {
	return &User{Domain: d.name, DN: e.DN, Key: d.keyOf(e), Account: d.accountOf(e), Entry: e, At: time.Now()}
}

// withGroups returns a copy of u with its groups.
func (d *Domain) withGroups(ctx context.Context, ask Searcher, u *User) (*User, error) {
	loaded := *u
	now := time.Now()
	if set, ok := d.identity.groups.get(u.Key, now); ok {
		loaded.Groups = set
		return &loaded, nil
	}
	set, err := d.groupsOf(ctx, ask, u.Entry)
	if err != nil {
		return nil, err
	}
	if d.cfg.Groups.CacheFor > 0 && !set.partial && ask == Searcher(d) { // a person may see less
		d.identity.groups.put(u.Key, set, now.Add(d.cfg.Groups.CacheFor))
	}
	loaded.Groups = set
	return &loaded, nil
}

// nameFilter finds a person by login name.
func (d *Domain) nameFilter(name LoginName) filter {
	if d.cfg.Login.Filter != "" {
		return expandFilter(d.cfg.Login.Filter, name)
	}
	attributes := d.loginAttributes()
	terms := make([]filter, 0, len(attributes)+1)
	for _, attribute := range attributes {
		value := name.Account
		if name.Form == FormUPN && holdsDomain(attribute) {
			value = name.Text
		}
		if name.Form == FormUPN && !holdsDomain(attribute) && !d.answersTo(name.Domain) {
			continue // ada@elsewhere is not our ada
		}
		terms = append(terms, equal(attribute, value))
	}
	if len(terms) == 0 {
		for _, attribute := range attributes {
			terms = append(terms, equal(attribute, name.Text))
		}
	}
	return anyFilter(terms...)
}

// holdsDomain reports whether the values of an attribute look like user@domain.
func holdsDomain(attribute string) bool {
	switch strings.ToLower(attribute) {
	case "userprincipalname", "mail", "rfc822mailbox", "krbprincipalname", "proxyaddresses", "othermailbox":
		return true
	}
	return false
}

// answersTo reports whether a domain part means this domain: its name, an alias, or the DNS name of its base.
func (d *Domain) answersTo(domain string) bool {
	names := append([]string{d.name, dnsName(d.Base())}, d.cfg.Aliases...)
	return slices.ContainsFunc(names, func(n string) bool { return n != "" && strings.EqualFold(n, domain) })
}

// dnsName turns dc=example,dc=org into example.org.
func dnsName(base string) string {
	canonical, _ := canonicalDN(base)
	var labels []string
	for component := range strings.SplitSeq(canonical, ",") {
		if label, ok := strings.CutPrefix(component, "dc="); ok {
			labels = append(labels, label)
		}
	}
	return strings.Join(labels, ".")
}
