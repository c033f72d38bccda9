// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

func checkIdentity(p problems, d DomainConfig) {
	checkLogin(p.at("login"), d.Login)
	checkUsers(p.at("users"), d.Users)
	checkGroups(p.at("groups"), d.Groups)
	checkSync(p.at("sync"), d)
}

func checkLogin(p problems, l Login) {
	checkAttributes(p.at("attributes"), l.Attributes, false)
	if len(l.Attributes) > 0 && l.Filter != "" {
		p.at("filter").add("contradicts attributes", "keep one")
	}
	if l.Filter != "" {
		checkFilterAt(p.at("filter"), l.Filter)
		if !strings.Contains(l.Filter, placeholder) && !strings.Contains(l.Filter, accountHolder) {
			p.at("filter").add("does not say where the name goes", "write "+placeholder+" for it, as in (mail="+placeholder+")")
		}
	}
	for i, name := range l.Names {
		if strings.Count(name, placeholder) != 1 {
			p.at("names", strconv.Itoa(i)).add("does not say where the name goes, once", "write "+placeholder+" for it, as in uid="+placeholder+",ou=people,dc=example,dc=org")
		}
	}
	if isOn(l.RefreshDN) && len(l.Names) == 0 {
		p.at("refresh_dn").add("is of no use without names", "the DN comes from a search already")
	}
	checkQueryAt(p.at("require"), l.Require)
	checkQueryAt(p.at("deny"), l.Deny)
	if l.Limit.Window < 0 || l.Limit.BadPasswords < 0 {
		p.at("limit").add("has a negative number", "-1 turns per_user and per_address off, and nothing else")
	}
}

func checkFilterAt(p problems, text string) {
	if err := checkFilter(text); err != nil {
		p.add("is no search filter: "+err.Error(), "")
	}
}

func checkQueryAt(p problems, text string) {
	if text == "" {
		return
	}
	if _, err := ParseGroupQuery(text); err != nil {
		p.add("cannot be read: "+err.Error(), `write it like staff and not ("Read Only" or guests)`)
	}
}

func checkPlaces(p problems, places []Place) {
	for i, place := range places {
		p := p.at(strconv.Itoa(i))
		if _, ok := canonicalDN(place.Base); place.Base != "" && !ok {
			p.at("base").add("is no DN", "write it like ou=people,dc=example,dc=org")
		}
		if _, ok := scopes[place.Scope]; !ok {
			p.at("scope").add(fmt.Sprintf("%q is unknown", place.Scope), "scopes are sub, one and base")
		}
		if place.Filter != "" {
			checkFilterAt(p.at("filter"), place.Filter)
		}
	}
}

func checkUsers(p problems, u Users) {
	checkPlaces(p.at("places"), u.Places)
	checkAttribute(p.at("account"), u.Account)
	checkAttribute(p.at("key"), u.Key)
	checkAttributes(p.at("attributes"), u.Attributes, true)
	if u.Filter != "" {
		checkFilterAt(p.at("filter"), u.Filter)
	}
	if u.CacheFor < 0 || u.MissFor < 0 {
		p.at("cache_for").add("is negative", "leave it out for no cache")
	}
	for _, name := range slices.Sorted(maps.Keys(u.Fields)) {
		checkField(p.at("fields", name), u.Fields[name])
	}
}

var transforms = []string{
	"", TransformFirst, TransformJoin, TransformList, TransformLower, TransformUpper, TransformInt, TransformBool, TransformTime,
	TransformGUID, TransformSID,
}

func checkField(p problems, f Field) {
	switch {
	case f.Attribute == "" && f.Template == "":
		p.add("has no attribute", "name one, such as givenName")
	case f.Attribute != "" && f.Template != "":
		p.at("template").add("contradicts attribute", "keep one")
	case f.Template != "" && f.Transform != "":
		p.at("transform").add("is of no use with a template", "remove it")
	case !slices.Contains(transforms, f.Transform):
		p.at("transform").add(fmt.Sprintf("%q is unknown", f.Transform), "transforms are "+strings.Join(transforms[1:], ", "))
	}
	checkFieldAttributes(p, f)
	if f.Required && (f.Default != "" || f.Keep) {
		p.at("required").add("contradicts default and keep", "remove it, or them")
	}
	for _, attribute := range f.attributes() {
		if instrument.SecretAttribute(attribute) {
			p.at("attribute").add(attribute+" is a secret", "passwords and keys are not kept locally; remove the field")
		}
	}
}

var strategies = []string{
	GroupsAuto, GroupsNone, GroupsToken, GroupsInChain, GroupsMemberOf, GroupsMember, GroupsUniqueMember, GroupsRole, GroupsPosix,
}

func checkGroups(p problems, g Groups) {
	checkPlaces(p.at("places"), g.Places)
	checkAttribute(p.at("member"), g.Member)
	checkAttribute(p.at("name"), g.Name)
	if !slices.Contains(strategies, g.Strategy) {
		p.at("strategy").add(fmt.Sprintf("%q is unknown", g.Strategy), "strategies are "+strings.Join(strategies, ", "))
	}
	if g.Filter != "" {
		checkFilterAt(p.at("filter"), g.Filter)
	}
	if g.Depth < 1 || g.Depth > 100 {
		p.at("depth").add("must be from 1 to 100", "")
	}
	if g.Chunk < 1 || g.Chunk > 1000 {
		p.at("chunk").add("must be from 1 to 1000", "")
	}
	if g.CacheFor < 0 {
		p.at("cache_for").add("is negative", "leave it out for no cache")
	}
}

func checkSync(p problems, d DomainConfig) {
	s := d.Sync
	if !strings.Contains(s.LocalName, accountHolder) {
		p.at("local_name").add("holds no "+accountHolder, "write it like "+accountInDomain)
	}
	if _, ok := d.Users.Fields[s.QueryField]; s.QueryField != "" && !ok {
		p.at("query_field").add("is none of users.fields", "the fields are "+strings.Join(slices.Sorted(maps.Keys(d.Users.Fields)), ", "))
	}
	oneOf(p.at("existing"), s.Existing, ExistingRefuse, ExistingLink)
	oneOf(p.at("leavers"), s.Leavers, LeaversKeep, LeaversDeactivate)
	oneOf(p.at("on_error"), s.OnError, OnErrorDeny, OnErrorStale, OnErrorDenyAfter)
	for _, flag := range slices.Sorted(maps.Keys(s.Flags)) {
		checkQueryAt(p.at("flags", flag), s.Flags[flag])
	}
	for _, flag := range slices.Sorted(maps.Keys(s.Implies)) {
		for _, implied := range append([]string{flag}, s.Implies[flag]...) {
			if s.Flags[implied] == "" {
				p.at("implies", flag).add(implied+" is none of flags", "flags that are left alone neither give nor get others")
			}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(s.Groups)) {
		checkQueryAt(p.at("groups", group), s.Groups[group])
	}
	checkMirror(p.at("mirror"), s.Mirror)
	if s.ResyncAfter != nil && *s.ResyncAfter < 0 {
		p.at("resync_after").add("is negative", "0 is every request; resync: false turns it off")
	}
	if s.MaxStale < 0 {
		p.at("max_stale").add("is negative", "")
	}
	checkBrake(p.at("brake"), s.Brake)
	if s.Every != 0 && s.Every < leastEvery {
		p.at("every").add(fmt.Sprintf("must be %v at least", leastEvery), "leave it out to sync only when asked")
	}
}

func checkMirror(p problems, m Mirror) {
	if len(m.Only) > 0 && len(m.Except) > 0 {
		p.at("except").add("contradicts only", "keep one")
	}
	checkPatterns(p.at("only"), m.Only)
	checkPatterns(p.at("except"), m.Except)
}

func checkPatterns(p problems, patterns []string) {
	for i, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			p.at(strconv.Itoa(i)).add("is no pattern", "* stands for anything, ? for one character")
		}
	}
}

func checkBrake(p problems, b Brake) {
	for i, dn := range b.Sentinels {
		if _, ok := canonicalDN(dn); !ok {
			p.at("sentinels", strconv.Itoa(i)).add("is no DN", "")
		}
	}
	for _, share := range []struct {
		key   string
		value float64
	}{{"min_share", b.MinShare}, {"share", b.Share}, {"agree_over", b.AgreeOver}} {
		if !(share.value >= 0 && share.value <= 1) {
			p.at(share.key).add("must be from 0 to 1", "")
		}
	}
	if b.Removals < 0 || b.Confirms < 0 || b.AgreeGap < 0 {
		p.add("has a negative number", "")
	}
}

func oneOf(p problems, value string, known ...string) {
	if !slices.Contains(known, value) {
		p.add(fmt.Sprintf("%q is unknown", value), "write "+strings.Join(known, " or "))
	}
}
