// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// DefaultPageSize is the entries per page of searches that name none. Active Directory gives 1,000 at most.
const DefaultPageSize = 500

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
	err = d.call(ctx, call{op: "search", pool: d.service, repeat: readOnce}, func(ctx context.Context, client *instrument.Client) (err error) {
		result, err = client.Search(ctx, d.based(request))
		return completed(ctx, client, request, result, err)
	})
	return d.follow(ctx, d.based(request), result, err)
}

// completed follows what Active Directory cuts out of attributes with many values (member;range=0-1499) to the end, where
// the request does not ask for a range itself.
func completed(ctx context.Context, client *instrument.Client, request *ldap.SearchRequest, result *ldap.SearchResult, err error) error {
	asked := slices.ContainsFunc(request.Attributes, func(name string) bool { return strings.Contains(name, ";range=") })
	if err != nil || asked {
		return err
	}
	for _, e := range result.Entries {
		if err := followRanges(ctx, client, Entry{e}); err != nil {
			return err
		}
	}
	return nil
}

// SearchPaged runs a paged search and collects all of it. size is the entries per page, 0 for DefaultPageSize.
func (d *Domain) SearchPaged(ctx context.Context, request *ldap.SearchRequest, size uint32) (result *ldap.SearchResult, err error) {
	err = d.call(ctx, call{op: "search", pool: d.service, repeat: readOnce}, func(ctx context.Context, client *instrument.Client) (err error) {
		result, err = client.SearchPaged(ctx, d.based(request), size)
		return completed(ctx, client, request, result, err)
	})
	return d.follow(ctx, d.based(request), result, err)
}

// Entries runs a paged search and yields it entry by entry, so that memory holds one page at a time. After an error
// nothing more is yielded; a loop that ends without one has seen the whole answer. The loop holds a connection while it
// runs. References to other servers are not followed. A ctx without a deadline does not bound the whole: each answer must come within Timeouts.Idle.
func (d *Domain) Entries(ctx context.Context, request *ldap.SearchRequest, size uint32) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		delivered, stopped := false, false
		c := call{op: "search", pool: d.service, repeat: readOnce, stream: true, held: true, delivered: func() bool { return delivered }}
		err := d.call(ctx, c, func(ctx context.Context, client *instrument.Client) error {
			for page, err := range client.Pages(ctx, d.based(request), size) {
				err = completed(ctx, client, request, page, err)
				if _, answered := instrument.ResultCode(err); err != nil && !answered {
					return err
				}
				for _, e := range page.Entries {
					delivered = true
					if stopped = !yield(Entry{e}, nil); stopped {
						return nil
					}
				}
				if err != nil { // such as a size limit, after the entries that came
					return err
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(Entry{}, err)
		}
	}
}

// Read returns one entry by its DN, with the attributes named, or all. It is ErrNotFound when there is none.
func (d *Domain) Read(ctx context.Context, dn string, attributes ...string) (*ldap.Entry, error) {
	result, err := d.Search(ctx, ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=*)", attributes, nil))
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

// Compare asks whether an entry has a value.
func (d *Domain) Compare(ctx context.Context, dn, attribute, value string) (matches bool, err error) {
	err = d.call(ctx, call{op: "compare", pool: d.service, repeat: readOnce}, func(ctx context.Context, client *instrument.Client) (err error) {
		matches, err = client.Compare(ctx, dn, attribute, value)
		return err
	})
	return matches, err
}

// Add creates an entry. Changes are never sent twice: without an answer the error is an OutcomeError.
func (d *Domain) Add(ctx context.Context, request *ldap.AddRequest) error {
	return d.change(ctx, "add", request.DN, func(ctx context.Context, client *instrument.Client) error { return client.Add(ctx, request) })
}

// Modify changes an entry, see Add.
func (d *Domain) Modify(ctx context.Context, request *ldap.ModifyRequest) (result *ldap.ModifyResult, err error) {
	err = d.change(ctx, "modify", request.DN, func(ctx context.Context, client *instrument.Client) (err error) {
		result, err = client.Modify(ctx, request)
		return err
	})
	return result, err
}

// Delete removes an entry, see Add.
func (d *Domain) Delete(ctx context.Context, request *ldap.DelRequest) error {
	return d.change(ctx, "delete", request.DN, func(ctx context.Context, client *instrument.Client) error { return client.Delete(ctx, request) })
}

// ModifyDN renames or moves an entry, see Add.
func (d *Domain) ModifyDN(ctx context.Context, request *ldap.ModifyDNRequest) error {
	return d.change(ctx, "modify_dn", request.DN, func(ctx context.Context, client *instrument.Client) error { return client.ModifyDN(ctx, request) })
}

// PasswordModify changes a password (RFC 3062), see Add.
func (d *Domain) PasswordModify(ctx context.Context, request *ldap.PasswordModifyRequest) (result *ldap.PasswordModifyResult, err error) {
	err = d.change(ctx, "password_modify", request.UserIdentity, func(ctx context.Context, client *instrument.Client) (err error) {
		result, err = client.PasswordModify(ctx, request)
		return err
	})
	return result, err
}

func (d *Domain) change(ctx context.Context, op, dn string, f func(context.Context, *instrument.Client) error) error {
	if d.readOnly() {
		return &Error{Op: op, Domain: d.name, Err: d.refuseChange()}
	}
	return d.call(ctx, call{op: op, pool: d.changer, changes: dn}, f)
}
