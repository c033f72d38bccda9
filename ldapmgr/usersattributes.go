// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"slices"
	"strings"
)

const (
	adPeople   = "(&(objectCategory=person)(objectClass=user))"
	rfcPeople  = "(|(objectClass=person)(objectClass=posixAccount))"
	badCounter = "badPwdCount"
)

// peopleFilter finds everybody.
func (d *Domain) peopleFilter() filter {
	switch {
	case d.cfg.Users.Filter != "":
		return configured(d.cfg.Users.Filter)
	case d.isAD():
		return adPeople
	}
	return rfcPeople
}

func (d *Domain) loginAttributes() []string {
	switch {
	case len(d.cfg.Login.Attributes) > 0:
		return d.cfg.Login.Attributes
	case d.isAD():
		return []string{"sAMAccountName", "userPrincipalName"}
	}
	return []string{"uid"}
}

func (d *Domain) accountAttribute() string {
	switch {
	case d.cfg.Users.Account != "":
		return d.cfg.Users.Account
	case d.isAD():
		return "sAMAccountName"
	}
	return "uid"
}

// userAttributes is the least list that the configuration needs, and more.
func (d *Domain) userAttributes(more ...string) []string {
	list := slices.Concat(d.keyAttributes(), []string{d.accountAttribute()}, d.groupNeeds(), d.cfg.Users.Attributes, more)
	for _, f := range d.cfg.Users.Fields {
		list = append(list, f.attributes()...)
	}
	if d.cfg.Login.Limit.BadPasswords > 0 {
		list = append(list, badCounter)
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(list, strings.EqualFold)
}

// accountOf returns the name of the account, or where the entry has none the value its DN begins with.
func (d *Domain) accountOf(e Entry) string {
	if account := e.String(d.accountAttribute()); account != "" {
		return account
	}
	_, value, _ := firstRDN(e.DN)
	return value
}
