// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// DefaultPageSize is the entries per page of searches that name none. Active Directory gives 1,000 at most.
const DefaultPageSize = instrument.DefaultPageSize

// Preload makes one connection, so that the first call need not wait for it.
func (d *Domain) Preload(ctx context.Context) error {
	return d.Do(ctx, func(context.Context, *instrument.Client) error { return nil })
}

// based fills in the domain's base where a search names none. The rootDSE and searches of everything are left alone.
func (d *Domain) based(request *ldap.SearchRequest) *ldap.SearchRequest {
	if request.BaseDN != "" || request.Scope == ldap.ScopeBaseObject {
		return request
	}
	r := *request
	r.BaseDN = d.Base()
	return &r
}

// Search runs one search. A nil error means that the whole answer came, also of attributes that Active Directory sends in
// ranges; beside a result code such as sizeLimitExceeded the entries that came are returned too. References to other servers are
// in the result; those to DomainConfig.Referrals are followed.
func (d *Domain) Search(ctx context.Context, request *ldap.SearchRequest) (result *ldap.SearchResult, err error) {
	ctx, cancel := d.within(ctx)
	defer cancel()
	var found *gathered
	err = d.call(ctx, call{op: "search", pool: d.service, reads: true}, func(ctx context.Context, client *instrument.Client) (err error) {
		found = d.gather()
		result, err = client.Search(found.in(ctx), d.based(request))
		return completed(ctx, client, request, result, err)
	})
	return d.follow(ctx, trail{}, d.based(request), result, found, err)
}

// SearchPaged runs a paged search and collects all of it. size is the entries per page, 0 for DefaultPageSize. References are
// followed as by Search.
func (d *Domain) SearchPaged(ctx context.Context, request *ldap.SearchRequest, size uint32) (*ldap.SearchResult, error) {
	ctx, cancel := d.within(ctx)
	defer cancel()
	return d.searchPaged(ctx, trail{}, request, size)
}

func (d *Domain) searchPaged(ctx context.Context, from trail, request *ldap.SearchRequest, size uint32) (result *ldap.SearchResult, err error) {
	var found *gathered
	err = d.call(ctx, call{op: "search", pool: d.service, reads: true, led: from.by}, func(ctx context.Context, client *instrument.Client) (err error) {
		found = d.gather()
		result, err = client.SearchPaged(found.in(ctx), d.based(request), size)
		return completed(ctx, client, request, result, err)
	})
	return d.follow(ctx, from, d.based(request), result, found, err)
}

// entryRequest asks for one entry by its name, with the attributes named, or all.
func entryRequest(dn string, attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attributes, nil)
}

// Read returns one entry by its DN, with the attributes named, or all. It is ErrNotFound when there is none.
func (d *Domain) Read(ctx context.Context, dn string, attributes ...string) (*ldap.Entry, error) {
	result, err := d.Search(ctx, entryRequest(dn, attributes...))
	switch {
	case answeredWith(err, ldap.LDAPResultNoSuchObject):
		return nil, &Error{Op: "read", Domain: d.name, Err: fmt.Errorf("%w: %w", ErrNotFound, err)}
	case err != nil:
		return nil, err
	case len(result.Entries) != 1:
		return nil, &Error{Op: "read", Domain: d.name, Err: ErrNotFound}
	}
	return result.Entries[0], nil
}

// Compare asks whether an entry has a value. A referral to a domain in DomainConfig.Referrals is followed.
func (d *Domain) Compare(ctx context.Context, dn, attribute, value string) (matches bool, err error) {
	return d.compare(ctx, trail{}, dn, attribute, value)
}

func (d *Domain) compare(ctx context.Context, from trail, dn, attribute, value string) (matches bool, err error) {
	err = d.call(ctx, call{op: "compare", pool: d.service, reads: true, led: from.by}, func(ctx context.Context, client *instrument.Client) (err error) {
		matches, err = client.Compare(ctx, dn, attribute, value)
		return err
	})
	err = d.redirect(ctx, from, "compare", dn, err, func(ctx context.Context, from trail, to reference) (err error) {
		matches, err = to.domain.compare(ctx, from, to.dn(dn), attribute, value)
		return err
	})
	return matches, err
}
