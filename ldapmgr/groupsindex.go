// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// groupIndex is all groups with their members, for syncs of everybody: one search in the place of one for each person.
type groupIndex struct {
	groups  []Group
	parents map[string][]int // by a member's canonical DN: the groups that name it
	posix   map[string][]int // by uid: x, or gid: n
	bySID   map[string]int
	nested  bool
	depth   int
	primary bool // the primary group counts
	chained bool // and the groups that it is in do not: Active Directory's rule follows what members are listed
}

// memberAttributes are what groups name their members by.
func (d *Domain) memberAttributes() []string {
	switch s := d.strategy(); {
	case d.hasSIDs(), s == GroupsMemberOf:
		return []string{"member"}
	case s == GroupsUniqueMember:
		return []string{"uniqueMember"}
	case s == GroupsRole:
		return []string{"roleOccupant"}
	case s == GroupsPosix:
		return []string{"memberUid", "gidNumber"}
	case s == GroupsAuto:
		return []string{d.cfg.Groups.Member, "uniqueMember", "memberUid", "gidNumber"}
	}
	return []string{d.cfg.Groups.Member}
}

// indexGroups reads all groups through one connection.
func (d *Domain) indexGroups(ctx context.Context, client *instrument.Client) (*groupIndex, error) {
	ctx, end := instrument.Step(ctx, "sync.groups")
	defer end()
	strategy := d.strategy()
	x := &groupIndex{parents: map[string][]int{}, posix: map[string][]int{}, bySID: map[string]int{}, depth: d.cfg.Groups.Depth}
	if strategy == GroupsNone {
		return x, nil
	}
	x.nested = isOn(d.cfg.Groups.Nested) || strategy == GroupsToken || strategy == GroupsInChain
	x.chained = strategy == GroupsInChain
	x.primary = strategy == GroupsToken || strategy == GroupsInChain || strategy == GroupsMemberOf
	attributes := d.memberAttributes()
	l := &groupLoader{domain: d, ask: client, cfg: d.cfg.Groups}
	places := d.cfg.Groups.Places
	if strategy == GroupsToken {
		places = nil
	}
	f := d.indexFilter(strategy, attributes)
	if strategy != GroupsToken && strategy != GroupsMemberOf {
		f = allFilters(configured(d.cfg.Groups.Filter), f)
	}
	for _, place := range orEverywhere(places) {
		if strategy == GroupsMemberOf {
			place.Filter = "" // nobody asks it of a person's memberOf
		}
		if err := x.read(ctx, l, place, f, attributes, client); err != nil {
			return nil, fmt.Errorf("reading all groups: %w", err)
		}
	}
	return x, nil
}

// The class of groups that name their members by account, and Active Directory's own groups; tokenGroups knows only those of
// them that rights are given to (bit 31 of groupType, MS-ADTS 2.2.12), and looks through no other.
const (
	posixGroup     = "posixGroup"
	posixGroups    = filter("(objectClass=" + posixGroup + ")")
	adGroups       = filter("(objectClass=group)")
	securityGroups = filter("(groupType:1.2.840.113556.1.4.803:=2147483648)")
)

// indexFilter finds all groups. People have a gidNumber too, so that for posix groups the class decides.
func (d *Domain) indexFilter(strategy string, members []string) filter {
	switch {
	case strategy == GroupsToken:
		return allFilters(adGroups, securityGroups)
	case d.hasSIDs():
		return adGroups
	}
	var named, posix []filter
	for _, a := range members {
		if present := filter("(" + a + "=*)"); a == "memberUid" || a == "gidNumber" {
			posix = append(posix, present)
		} else {
			named = append(named, present)
		}
	}
	if len(posix) > 0 {
		named = append(named, allFilters(posixGroups, anyFilter(posix...)))
	}
	return anyFilter(named...)
}

// read adds the groups of one place.
func (x *groupIndex) read(ctx context.Context, l *groupLoader, place Place, f filter, members []string, client *instrument.Client) error {
	request := place.request(l.domain, f, slices.Concat(l.attributes(), members, posixNeeds(members)), 0)
	// A range is followed only when the page is read: the server then has no search open on the connection.
	for page, err := range client.Pages(ctx, request, DefaultPageSize) {
		if err != nil {
			return err
		}
		for _, raw := range page.Entries {
			e := Entry{raw}
			if e.DN == "" {
				continue
			}
			if err := followRanges(ctx, client, e); err != nil {
				return err
			}
			x.add(l.group(e), e, members)
		}
	}
	return nil
}

// posixNeeds is what tells a posix group from others that have its attributes.
func posixNeeds(members []string) []string {
	if slices.Contains(members, "gidNumber") {
		return []string{"objectClass"}
	}
	return nil
}

func (x *groupIndex) add(g Group, e Entry, members []string) {
	n := len(x.groups)
	posix := containsFold(e.Strings("objectClass"), posixGroup)
	x.groups = append(x.groups, g)
	if g.SID != "" {
		x.bySID[g.SID] = n
	}
	for _, attribute := range members {
		for _, value := range e.Strings(attribute) {
			switch {
			case attribute == "memberUid" && posix:
				x.posix["uid "+value] = append(x.posix["uid "+value], n)
			case attribute == "gidNumber" && posix:
				x.posix["gid "+value] = append(x.posix["gid "+value], n)
			case attribute != "memberUid" && attribute != "gidNumber":
				if key, ok := canonicalDN(value); ok {
					x.parents[key] = append(x.parents[key], n)
				}
			}
		}
	}
}

// of returns the groups of a person.
func (x *groupIndex) of(person Entry) GroupSet {
	found := map[int]bool{}
	var level []int
	take := func(groups []int) {
		for _, n := range groups {
			if !found[n] {
				found[n] = true
				level = append(level, n)
			}
		}
	}
	if key, ok := canonicalDN(person.DN); ok {
		take(x.parents[key])
	}
	take(x.posix["uid "+person.String("uid")])
	take(x.posix["gid "+person.String("gidNumber")])
	primary, hasPrimary := x.bySID[primarySID(person)]
	hasPrimary = hasPrimary && x.primary
	if hasPrimary && !x.chained {
		take([]int{primary})
	}
	all := slices.Clone(level)
	for depth := 1; x.nested && len(level) > 0 && depth < x.depth; depth++ {
		below := level
		level = nil
		for _, n := range below {
			if key, ok := canonicalDN(x.groups[n].DN); ok {
				take(x.parents[key])
			}
		}
		all = append(all, level...)
	}
	if hasPrimary && !found[primary] {
		all = append(all, primary)
	}
	groups := make([]Group, len(all))
	for i, n := range all {
		groups[i] = x.groups[n]
	}
	return NewGroupSet(groups...)
}

// primarySID returns the SID of a person's primary group, or "".
func primarySID(person Entry) string {
	sid, ok := person.SID("objectSid")
	rid, hasGroup := person.Int("primaryGroupID")
	if !ok || !hasGroup {
		return ""
	}
	return fmt.Sprintf("%s-%d", sid[:strings.LastIndexByte(sid, '-')], rid)
}
