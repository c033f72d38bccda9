// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"maps"
	"time"
)

// Defaults that no preset changes.
var (
	builtInLogin  = Login{Limit: Limit{PerUser: 10, PerAddress: 50, Window: 15 * time.Minute}}
	builtInGroups = Groups{Strategy: GroupsAuto, Member: "member", Name: "cn", Depth: 10, Chunk: 50}
	builtInSync   = Sync{
		LocalName: accountHolder, Existing: ExistingRefuse, Leavers: LeaversKeep, OnError: OnErrorDenyAfter, MaxStale: 7 * 24 * time.Hour,
		Brake: Brake{MinShare: 0.8, Removals: 10, Share: 0.05, AgreeOver: 0.01, AgreeGap: 10 * time.Minute, Confirms: 100},
	}
)

// DefaultResyncAfter is the default of Sync.ResyncAfter.
const DefaultResyncAfter = 24 * time.Hour

func (l Login) inherit(parent Login) Login {
	if l.Attributes == nil && l.Filter == "" { // one replaces the other
		l.Attributes, l.Filter = parent.Attributes, parent.Filter
	}
	l.Names = orList(l.Names, parent.Names)
	l.AsUser = cmp.Or(l.AsUser, parent.AsUser)
	l.RefreshDN = cmp.Or(l.RefreshDN, parent.RefreshDN)
	l.EmptyPassword = cmp.Or(l.EmptyPassword, parent.EmptyPassword)
	l.PasswordPolicy = cmp.Or(l.PasswordPolicy, parent.PasswordPolicy)
	l.Require = cmp.Or(l.Require, parent.Require)
	l.Deny = cmp.Or(l.Deny, parent.Deny)
	l.Limit.PerUser = cmp.Or(l.Limit.PerUser, parent.Limit.PerUser)
	l.Limit.PerAddress = cmp.Or(l.Limit.PerAddress, parent.Limit.PerAddress)
	l.Limit.Window = cmp.Or(l.Limit.Window, parent.Limit.Window)
	l.Limit.BadPasswords = cmp.Or(l.Limit.BadPasswords, parent.Limit.BadPasswords)
	return l
}

func (u Users) inherit(parent Users) Users {
	u.Places = orList(u.Places, parent.Places)
	u.BestEffort = cmp.Or(u.BestEffort, parent.BestEffort)
	u.Filter = cmp.Or(u.Filter, parent.Filter)
	u.Account = cmp.Or(u.Account, parent.Account)
	u.Key = cmp.Or(u.Key, parent.Key)
	u.Attributes = orList(u.Attributes, parent.Attributes)
	u.Fields = mergeKeys(u.Fields, parent.Fields)
	u.CacheFor = cmp.Or(u.CacheFor, parent.CacheFor)
	u.MissFor = cmp.Or(u.MissFor, parent.MissFor)
	return u
}

func (g Groups) inherit(parent Groups) Groups {
	if g.Own == nil && g.Strategy == "" {
		g.Own = parent.Own
	}
	g.Strategy = cmp.Or(g.Strategy, parent.Strategy)
	g.Places = orList(g.Places, parent.Places)
	g.BestEffort = cmp.Or(g.BestEffort, parent.BestEffort)
	g.Filter = cmp.Or(g.Filter, parent.Filter)
	g.Member = cmp.Or(g.Member, parent.Member)
	g.Name = cmp.Or(g.Name, parent.Name)
	g.Nested = cmp.Or(g.Nested, parent.Nested)
	g.Depth = cmp.Or(g.Depth, parent.Depth)
	g.Chunk = cmp.Or(g.Chunk, parent.Chunk)
	g.CacheFor = cmp.Or(g.CacheFor, parent.CacheFor)
	return g
}

func (s Sync) inherit(parent Sync) Sync {
	s.LocalName = cmp.Or(s.LocalName, parent.LocalName)
	s.QueryField = cmp.Or(s.QueryField, parent.QueryField)
	s.Existing = cmp.Or(s.Existing, parent.Existing)
	s.NewUsers = cmp.Or(s.NewUsers, parent.NewUsers)
	s.Update = cmp.Or(s.Update, parent.Update)
	s.Flags = mergeKeys(s.Flags, parent.Flags)
	s.Implies = mergeKeys(s.Implies, parent.Implies)
	s.Groups = mergeKeys(s.Groups, parent.Groups)
	s.Mirror = s.Mirror.inherit(parent.Mirror)
	s.GroupPermissions = cmp.Or(s.GroupPermissions, parent.GroupPermissions)
	s.AuthorizeAll = cmp.Or(s.AuthorizeAll, parent.AuthorizeAll)
	s.Leavers = cmp.Or(s.Leavers, parent.Leavers)
	s.Brake = s.Brake.inherit(parent.Brake)
	s.Every = cmp.Or(s.Every, parent.Every)
	s.Resync = cmp.Or(s.Resync, parent.Resync)
	s.ResyncAfter = cmp.Or(s.ResyncAfter, parent.ResyncAfter)
	s.OnError = cmp.Or(s.OnError, parent.OnError)
	s.MaxStale = cmp.Or(s.MaxStale, parent.MaxStale)
	return s
}

func (m Mirror) inherit(parent Mirror) Mirror {
	m.On = cmp.Or(m.On, parent.On)
	if m.Only == nil && m.Except == nil { // one replaces the other
		m.Only, m.Except = parent.Only, parent.Except
	}
	m.Prefix = cmp.Or(m.Prefix, parent.Prefix)
	return m
}

func (b Brake) inherit(parent Brake) Brake {
	b.Sentinels = orList(b.Sentinels, parent.Sentinels)
	b.MinShare = cmp.Or(b.MinShare, parent.MinShare)
	b.Removals = cmp.Or(b.Removals, parent.Removals)
	b.Share = cmp.Or(b.Share, parent.Share)
	b.AgreeOver = cmp.Or(b.AgreeOver, parent.AgreeOver)
	b.AgreeGap = cmp.Or(b.AgreeGap, parent.AgreeGap)
	b.Confirms = cmp.Or(b.Confirms, parent.Confirms)
	return b
}

// mergeKeys merges key by key, one's own first.
func mergeKeys[V any](own, parent map[string]V) map[string]V {
	if len(parent) == 0 {
		return own
	}
	merged := maps.Clone(parent)
	maps.Copy(merged, own)
	return merged
}

// resyncAfter returns the age at which a user is synced again; 0 is at once.
func (d *Domain) resyncAfter() time.Duration {
	if after := d.cfg.Sync.ResyncAfter; after != nil {
		return *after
	}
	return DefaultResyncAfter
}
