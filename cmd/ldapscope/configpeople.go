// SPDX-License-Identifier: MIT

package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// loginKeys are the keys below login.
func loginKeys(l *ldapmgr.Login) section {
	return section{
		"attributes": texts(&l.Attributes), "filter": text(&l.Filter), "names": texts(&l.Names),
		"as_user": pointer(&l.AsUser), "refresh_dn": pointer(&l.RefreshDN), "empty_password": pointer(&l.EmptyPassword),
		"password_policy": pointer(&l.PasswordPolicy), "require": text(&l.Require), "deny": text(&l.Deny),
		"limit": nested(section{
			"per_user": limit(&l.Limit.PerUser), "per_address": limit(&l.Limit.PerAddress), "window": duration(&l.Limit.Window),
			"bad_passwords": integer(&l.Limit.BadPasswords),
		}),
	}
}

// usersKeys are the keys below users.
func usersKeys(u *ldapmgr.Users) section {
	return section{
		"places": places(&u.Places), "best_effort": pointer(&u.BestEffort), "filter": text(&u.Filter), "account": text(&u.Account),
		"key": text(&u.Key), "attributes": texts(&u.Attributes), "fields": fields(&u.Fields),
		"cache_for": duration(&u.CacheFor), "miss_for": duration(&u.MissFor),
	}
}

// groupsKeys are the keys below groups.
func groupsKeys(g *ldapmgr.Groups) section {
	return section{
		"strategy": text(&g.Strategy), "places": places(&g.Places), "best_effort": pointer(&g.BestEffort), "filter": text(&g.Filter),
		"member": text(&g.Member), "name": text(&g.Name), "nested": pointer(&g.Nested), "depth": integer(&g.Depth),
		"chunk": integer(&g.Chunk), "cache_for": duration(&g.CacheFor),
	}
}

// syncKeys are the keys below sync.
func syncKeys(s *ldapmgr.Sync) section {
	return section{
		"local_name": text(&s.LocalName), "query_field": text(&s.QueryField), "existing": text(&s.Existing), "new_users": pointer(&s.NewUsers),
		"update": pointer(&s.Update), "flags": queries(&s.Flags), "implies": lists(&s.Implies), "groups": queries(&s.Groups),
		"mirror":            nested(section{"on": pointer(&s.Mirror.On), "only": texts(&s.Mirror.Only), "except": texts(&s.Mirror.Except), "prefix": text(&s.Mirror.Prefix)}),
		"group_permissions": pointer(&s.GroupPermissions), "authorize_all": pointer(&s.AuthorizeAll), "leavers": text(&s.Leavers),
		"brake": nested(section{
			"sentinels": texts(&s.Brake.Sentinels), "min_share": share(&s.Brake.MinShare), "removals": integer(&s.Brake.Removals),
			"share": share(&s.Brake.Share), "agree_over": share(&s.Brake.AgreeOver), "agree_gap": duration(&s.Brake.AgreeGap),
			"confirms": integer(&s.Brake.Confirms),
		}),
		"every": duration(&s.Every), "resync": pointer(&s.Resync),
		"resync_after": func(w *walker, n *yaml.Node, at []string) {
			var after time.Duration
			if s.ResyncAfter != nil {
				after = *s.ResyncAfter
			}
			if w.showsSet(at, s.ResyncAfter != nil, durationText(after)) {
				return
			}
			before := len(w.problems)
			if duration(&after)(w, n, at); len(w.problems) == before {
				s.ResyncAfter = &after
			}
		},
		"on_error": text(&s.OnError), "max_stale": duration(&s.MaxStale),
	}
}

// limit reads a whole number of which -1 is no limit.
func limit(target *int) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.showsSet(at, *target != 0, strconv.Itoa(*target)) {
			return
		}
		scalar(w, n, at, "a whole number, or -1 for no limit", func(s string) bool {
			v, err := strconv.Atoi(s)
			*target = v
			return err == nil && v >= -1
		})
	}
}

// share reads a part of a whole. The manager says what is too much.
func share(target *float64) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.showsSet(at, *target != 0, strconv.FormatFloat(*target, 'g', -1, 64)) {
			return
		}
		scalar(w, n, at, "a number from 0 to 1", func(s string) bool {
			v, err := strconv.ParseFloat(s, 64)
			*target = v
			return err == nil
		})
	}
}

// queries reads group queries by name. null is the empty query: it leaves a flag alone and keeps everybody out of a group.
func queries(target *map[string]string) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if showEach(w, *target, at, func(query string) []string { return []string{query} }) {
			return
		}
		all := map[string]string{}
		w.each(n, at, func(name string, value *yaml.Node, at []string) {
			query := ""
			if value.Kind != yaml.ScalarNode || value.Tag != "!!null" {
				text(&query)(w, value, at)
			}
			all[name] = query
		})
		*target = all
	}
}

// lists reads lists of texts by name.
func lists(target *map[string][]string) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if showEach(w, *target, at, func(list []string) []string { return list }) {
			return
		}
		all := map[string][]string{}
		w.each(n, at, func(name string, value *yaml.Node, at []string) {
			var list []string
			texts(&list)(w, value, at)
			all[name] = list
		})
		*target = all
	}
}

// fields reads local fields: the name of an attribute, or all that a field can be made of.
func fields(target *map[string]ldapmgr.Field) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if showEach(w, *target, at, fieldText) {
			return
		}
		all := map[string]ldapmgr.Field{}
		w.each(n, at, func(name string, value *yaml.Node, at []string) {
			var f ldapmgr.Field
			if value.Kind == yaml.MappingNode {
				w.section(value, at, section{
					"attribute": text(&f.Attribute), "template": text(&f.Template), "transform": text(&f.Transform),
					"default": text(&f.Default), "required": boolean(&f.Required), "keep": boolean(&f.Keep),
				})
			} else {
				text(&f.Attribute)(w, value, at)
			}
			all[name] = f
		})
		*target = all
	}
}

// places reads parts of the tree: DNs, or all that a place can have.
func places(target *[]ldapmgr.Place) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.shows(at, placeTexts(*target)...) {
			return
		}
		if n.Kind != yaml.SequenceNode {
			w.fail(n, at, `must be a list, such as ["ou=people,dc=example,dc=org"]`)
			return
		}
		all := []ldapmgr.Place{}
		for i, item := range n.Content {
			var p ldapmgr.Place
			below := append(slices.Clone(at), strconv.Itoa(i))
			w.lines[strings.Join(below, ".")] = item.Line
			if item.Kind == yaml.MappingNode {
				w.section(item, below, section{"base": text(&p.Base), "scope": text(&p.Scope), "filter": text(&p.Filter)})
			} else {
				text(&p.Base)(w, item, below)
			}
			all = append(all, p)
		}
		*target = all
	}
}
