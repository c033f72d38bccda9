// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// maxHops is how far references are followed from one search.
const maxHops = 3

// trail is where a search has been led already.
type trail struct {
	hops int
	seen map[string]bool
}

type trailKey struct{}

// follow adds to a result what its continuation references lead to (RFC 4511 section 4.5.3), where they lead to a domain in
// DomainConfig.Referrals: with that domain's own servers, account and TLS, never with what the reference says. All others stay
// recorded in the result. What cannot be reached is an error beside the entries that came, because the answer is not whole.
func (d *Domain) follow(ctx context.Context, request *ldap.SearchRequest, result *ldap.SearchResult, err error) (*ldap.SearchResult, error) {
	if err != nil || len(d.cfg.Referrals) == 0 || len(result.Referrals) == 0 {
		return result, err
	}
	from, _ := ctx.Value(trailKey{}).(trail)
	here := trail{from.hops + 1, maps.Clone(from.seen)}
	if here.seen == nil {
		here.seen = map[string]bool{}
	}
	if _, has := ctx.Deadline(); !has { // however many servers refer to each other, a call stays one call
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.cfg.Timeouts.Call)
		defer cancel()
	}
	references := result.Referrals
	result.Referrals = nil
	for _, reference := range references {
		target, next := d.leads(reference, request)
		if target == nil || here.hops > maxHops || here.seen[reference] {
			result.Referrals = append(result.Referrals, reference)
			continue
		}
		here.seen[reference] = true
		d.scope.Followed(d.name)
		more, err := target.SearchPaged(context.WithValue(ctx, trailKey{}, here), next, 0)
		if err != nil {
			return result, &Error{Op: "referral", Domain: d.name, Err: fmt.Errorf("following a reference to %s: %w", target.name, err)}
		}
		result.Entries = append(result.Entries, more.Entries...)
		result.Referrals = append(result.Referrals, more.Referrals...)
	}
	return result, nil
}

// leads returns the domain that a reference leads to and the search to go on with there, or nil where it may not be followed.
func (d *Domain) leads(reference string, request *ldap.SearchRequest) (*Domain, *ldap.SearchRequest) {
	u, err := url.Parse(reference)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return nil, nil
	}
	next := *request
	if base := strings.TrimPrefix(u.Path, "/"); base != "" {
		next.BaseDN = base
	}
	if !refine(&next, u.RawQuery) {
		return nil, nil
	}
	for _, name := range d.cfg.Referrals {
		if target, err := d.peer(name); err == nil && target.isAt(u) {
			return target, &next
		}
	}
	return nil, nil
}

// refine takes over scope and filter of a reference: attributes?scope?filter (RFC 4516). Without a scope, the children of a
// search of one level are each searched by themselves (RFC 4511 section 4.5.3).
func refine(next *ldap.SearchRequest, query string) bool {
	parts := append(strings.Split(query, "?"), "", "", "")
	switch strings.ToLower(parts[1]) {
	case "":
		if next.Scope == ldap.ScopeSingleLevel {
			next.Scope = ldap.ScopeBaseObject
		}
	case "base":
		next.Scope = ldap.ScopeBaseObject
	case "one":
		next.Scope = ldap.ScopeSingleLevel
	case "sub":
		next.Scope = ldap.ScopeWholeSubtree
	default:
		return false
	}
	if parts[2] != "" {
		filter, err := url.PathUnescape(parts[2])
		if err != nil {
			return false
		}
		next.Filter = filter
	}
	return true
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
