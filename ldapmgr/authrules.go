// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// rules are the group queries of a domain, read once.
type rules struct {
	require, deny GroupQuery
	flags         map[string]GroupQuery
	groups        map[string]GroupQuery // the zero query: never a member
}

// newRules reads the queries of a configuration that was checked before.
func newRules(c DomainConfig) rules {
	r := rules{require: readQuery(c.Login.Require), deny: readQuery(c.Login.Deny), flags: map[string]GroupQuery{}, groups: map[string]GroupQuery{}}
	for flag, text := range c.Sync.Flags {
		if text != "" {
			r.flags[flag] = readQuery(text)
		}
	}
	for group, text := range c.Sync.Groups {
		r.groups[group] = readQuery(text)
	}
	return r
}

// missingGroup is a group that a rule names and the directory has not.
type missingGroup struct{ path, group string }

// missing lists the groups that rules name and that are none of those there are.
func (r rules) missing(there GroupSet) (all []missingGroup) {
	look := func(path string, q GroupQuery) {
		for _, group := range q.References() {
			if !there.Has(group) {
				all = append(all, missingGroup{path, group})
			}
		}
	}
	look("login.deny", r.deny)
	look("login.require", r.require)
	for _, flag := range slices.Sorted(maps.Keys(r.flags)) {
		look("sync.flags."+flag, r.flags[flag])
	}
	for _, group := range slices.Sorted(maps.Keys(r.groups)) {
		look("sync.groups."+group, r.groups[group])
	}
	return all
}

func readQuery(text string) GroupQuery {
	q, _ := ParseGroupQuery(text) // checked by New; "" is no condition
	return q
}

var (
	errRequired = errors.New("the required groups are missing")
	errDenied   = errors.New("a group denies it")
	errPartial  = errors.New("not all groups could be read")
)

// admit checks who may log in. What could not be read is no reason to let somebody in.
func (r rules) admit(groups GroupSet) error {
	switch {
	case !r.require.IsZero() && !r.require.Match(groups):
		return errRequired
	case !r.deny.IsZero() && r.deny.Match(groups):
		return errDenied
	case groups.Partial() && (!r.deny.IsZero() || r.require.negates()):
		return fmt.Errorf("%w: %w", errDenied, errPartial)
	}
	return nil
}
