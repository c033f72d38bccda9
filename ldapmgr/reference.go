// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// reference is an address that a server gave (RFC 4516), read, and the domain that it leads to. Nothing of it says how to
// connect or as whom: that is the domain's own.
type reference struct {
	domain *Domain
	base   string // "" for the name that was asked for
	scope  int    // -1 for none
	filter string // "" for that of the request
}

// referralTag is that of the addresses in a result (RFC 4511 section 4.1.9).
const referralTag = 3

// scopeWords are the words of an address; the last is OpenLDAP's own.
var scopeWords = map[string]int{"": -1, "base": ldap.ScopeBaseObject, "one": ldap.ScopeSingleLevel, "sub": ldap.ScopeWholeSubtree, "subordinate": ldap.ScopeChildren}

// addresses returns what the server of a referral names.
func addresses(err error) (all []string) {
	var answer *ldap.Error
	if !errors.As(err, &answer) || answer.Packet == nil || len(answer.Packet.Children) < 2 {
		return nil
	}
	for _, part := range answer.Packet.Children[1].Children {
		if part.Tag != referralTag {
			continue
		}
		for _, address := range part.Children {
			if text, ok := address.Value.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}

// leads reads a reference; ok is false where it leads to none of the domains that it may lead to, or asks for what is not
// known here.
func (d *Domain) leads(text string) (to reference, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return to, false
	}
	parts := append(strings.Split(u.RawQuery, "?"), "", "", "", "")
	scope, known := scopeWords[strings.ToLower(parts[1])]
	if !known {
		return to, false
	}
	to.base, to.scope = strings.TrimPrefix(u.Path, "/"), scope
	if to.filter, err = url.PathUnescape(parts[2]); err != nil {
		return to, false
	}
	if strings.HasPrefix(parts[3], "!") || strings.Contains(parts[3], ",!") { // an extension that must be carried out
		return to, false
	}
	for _, name := range d.cfg.Referrals {
		if domain, err := d.peer(name); err == nil && domain.isAt(u) {
			to.domain = domain
			return to, true
		}
	}
	return to, false
}

// dn returns the name to go on with.
func (r reference) dn(asked string) string {
	if r.base != "" {
		return r.base
	}
	return asked
}

// instead returns the search that takes the place of one that was answered with a referral.
func (r reference) instead(request *ldap.SearchRequest) *ldap.SearchRequest {
	next := *request
	next.BaseDN = r.dn(request.BaseDN)
	if r.scope >= 0 {
		next.Scope = r.scope
	}
	if r.filter != "" {
		next.Filter = r.filter
	}
	return &next
}

// beside returns the search that continues one. Without a scope, the children of a search of one level are each searched
// by themselves (RFC 4511 section 4.5.3).
func (r reference) beside(request *ldap.SearchRequest) *ldap.SearchRequest {
	next := r.instead(request)
	if r.scope < 0 && next.Scope == ldap.ScopeSingleLevel {
		next.Scope = ldap.ScopeBaseObject
	}
	return next
}

// isAt reports whether the host of a reference is one of the domain's servers, or the domain itself by name or alias, as
// Active Directory writes it.
func (d *Domain) isAt(u *url.URL) bool {
	host, port := fold(u.Hostname()), u.Port()
	if d.answersTo(host) {
		return true
	}
	if port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	for _, e := range d.fleet.servers() {
		own, ownPort, err := net.SplitHostPort(e.address.Address)
		if err == nil && fold(own) == host && ownPort == port {
			return true
		}
	}
	return false
}
