// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"

	"github.com/go-ldap/ldap/v3"
)

// Searcher asks a directory. *Domain and *instrument.Client are Searchers.
type Searcher interface {
	Search(ctx context.Context, request *ldap.SearchRequest) (*ldap.SearchResult, error)
	SearchPaged(ctx context.Context, request *ldap.SearchRequest, size uint32) (*ldap.SearchResult, error)
}

// GroupStrategy finds the groups of a person, for kinds of groups that this package does not know. It must be safe for
// concurrent use. An error ends the login or the sync, so that a failure never looks like "no groups".
type GroupStrategy interface {
	// Attributes lists the attributes of the person that Groups reads.
	Attributes() []string
	Groups(ctx context.Context, ask Searcher, person Entry) ([]Group, error)
}

// oidInChain is Active Directory's rule that follows DNs from entry to entry (MS-ADTS 3.1.1.3.4.4.3).
const oidInChain = "1.2.840.113556.1.4.1941"

// strategy returns the strategy that holds, with auto decided by what the server is.
func (d *Domain) strategy() string {
	s := d.cfg.Groups.Strategy
	if s == GroupsAuto && d.isAD() {
		return GroupsToken
	}
	return s
}

// isAD reports whether the server is an Active Directory, by its rootDSE or, before that is known, the configuration.
func (d *Domain) isAD() bool {
	if root := d.root.Load(); root != nil {
		return root.ActiveDirectory
	}
	return d.cfg.Preset == "active_directory"
}

// hasSIDs reports whether groups are known by SIDs: in an Active Directory, and where the strategy is one of its own though the
// server does not say what it is.
func (d *Domain) hasSIDs() bool {
	return d.isAD() || d.cfg.Groups.Strategy == GroupsToken || d.cfg.Groups.Strategy == GroupsInChain
}

// groupNeeds lists the attributes of a person that the strategy reads.
func (d *Domain) groupNeeds() []string {
	if own := d.cfg.Groups.Own; own != nil {
		return own.Attributes()
	}
	switch d.strategy() {
	case GroupsInChain:
		return []string{"primaryGroupID", "objectSid"}
	case GroupsMemberOf:
		return []string{"memberOf", "primaryGroupID", "objectSid"}
	case GroupsPosix, GroupsAuto:
		return []string{"uid", "gidNumber"}
	}
	return nil
}

// indexNeeds lists what of a person is read beside that where the groups of everybody are read at once: tokenGroups tells the
// primary group by itself.
func (d *Domain) indexNeeds() []string {
	if d.cfg.Groups.Own == nil && d.strategy() == GroupsToken {
		return []string{"primaryGroupID", "objectSid"}
	}
	return nil
}

// groupsOf finds the groups of a person through ask.
func (d *Domain) groupsOf(ctx context.Context, ask Searcher, person Entry) (GroupSet, error) {
	if own := d.cfg.Groups.Own; own != nil {
		groups, err := own.Groups(ctx, ask, person)
		return NewGroupSet(groups...), err
	}
	l := groupLoader{domain: d, ask: ask, cfg: d.cfg.Groups}
	groups, err := l.load(ctx, d.strategy(), person)
	if err != nil {
		return GroupSet{}, err
	}
	set := NewGroupSet(groups...)
	set.partial = l.partial
	return set, nil
}

// groupLoader finds the groups of one person.
type groupLoader struct {
	domain  *Domain
	ask     Searcher
	cfg     Groups
	partial bool
}

func (l *groupLoader) load(ctx context.Context, strategy string, person Entry) ([]Group, error) {
	switch strategy {
	case GroupsNone:
		return nil, nil
	case GroupsToken:
		return l.tokenGroups(ctx, person)
	case GroupsInChain:
		return l.search(ctx, anyFilter(filter("(member:"+oidInChain+":="+ldap.EscapeFilter(person.DN)+")"), primaryFilter(person)))
	case GroupsMemberOf:
		return l.memberOf(ctx, person)
	}
	direct := directFilter(strategy, l.cfg, person)
	if direct == "" {
		return nil, nil
	}
	groups, err := l.search(ctx, direct)
	if err != nil || !isOn(l.cfg.Nested) {
		return groups, err
	}
	return l.climb(ctx, strategy, groups)
}

// directFilter finds the groups that name a person.
func directFilter(strategy string, cfg Groups, person Entry) filter {
	switch strategy {
	case GroupsPosix:
		return posixFilter(person)
	case GroupsAuto:
		return anyFilter(memberFilter(strategy, cfg, person.DN), posixFilter(person))
	}
	return memberFilter(strategy, cfg, person.DN)
}

// memberFilter finds the groups that name an entry by its DN; "" for strategies that name people otherwise.
func memberFilter(strategy string, cfg Groups, dn string) filter {
	switch strategy {
	case GroupsMember, GroupsToken, GroupsInChain:
		return equal(cfg.Member, dn)
	case GroupsMemberOf:
		return equal("member", dn)
	case GroupsUniqueMember:
		return equal("uniqueMember", dn)
	case GroupsRole:
		return equal("roleOccupant", dn)
	case GroupsAuto:
		return anyFilter(equal(cfg.Member, dn), equal("uniqueMember", dn))
	}
	return ""
}

// posixFilter finds the groups of an account by its name and its primary group (RFC 2307); "" for who has neither.
func posixFilter(person Entry) filter {
	if gid := person.String("gidNumber"); gid != "" {
		if uid := person.String("uid"); uid != "" {
			return allFilters(posixGroups, anyFilter(equal("gidNumber", gid), equal("memberUid", uid)))
		}
		return allFilters(posixGroups, equal("gidNumber", gid))
	}
	if uid := person.String("uid"); uid != "" {
		return allFilters(posixGroups, equal("memberUid", uid))
	}
	return ""
}
