// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// Entries runs a paged search and yields it entry by entry, so that memory holds one page at a time. After an error
// nothing more is yielded; a loop that ends without one has seen the whole answer. The loop holds a connection while it
// runs. Entries that references to DomainConfig.Referrals lead to come behind the server's own, over connections of those
// domains; all other references are only recorded. A ctx without a deadline does not bound the whole: each answer must come
// within Timeouts.Idle.
func (d *Domain) Entries(ctx context.Context, request *ldap.SearchRequest, size uint32) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		err := d.stream(ctx, trail{}, request, size, func(e Entry) bool { return yield(e, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(Entry{}, err)
		}
	}
}

// errStopped ends a stream whose reader wants no more.
var errStopped = errors.New("the reader stopped")

// stream hands on what the domain answers, and then what its references lead to. No connection is held meanwhile, so that
// domains that refer to each other do not wait for their own pools.
func (d *Domain) stream(ctx context.Context, from trail, request *ldap.SearchRequest, size uint32, give func(Entry) bool) error {
	given := false
	references, err := d.streamHere(ctx, from, request, size, func(e Entry) bool {
		given = true
		return give(e)
	})
	request = d.based(request)
	if !given && d.redirects(err) {
		return d.elsewhere(ctx, from, "search", request.BaseDN, err, func(ctx context.Context, from trail, to reference) error {
			return to.domain.stream(ctx, from, to.instead(request), size, give)
		})
	}
	if err != nil {
		return err
	}
	from = from.at(d, "search", request.BaseDN)
	for _, addresses := range references {
		_, err := d.continued(from, request, addresses, func(here trail, to reference) error {
			return to.domain.stream(ctx, here, to.beside(request), size, give)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// streamHere hands on what the domain answers, and returns those of its references that may be followed.
func (d *Domain) streamHere(ctx context.Context, from trail, request *ldap.SearchRequest, size uint32, give func(Entry) bool) (references [][]string, err error) {
	delivered, stopped := false, false
	c := call{op: "search", pool: d.service, reads: true, stream: true, held: true, led: from.by, delivered: func() bool { return delivered }}
	err = d.call(ctx, c, func(ctx context.Context, client *instrument.Client) error {
		references = nil // of a try before
		found := d.gather()
		for page, err := range client.Pages(found.in(ctx), d.based(request), size) {
			err = completed(ctx, client, request, page, err)
			if _, answered := instrument.ResultCode(err); err != nil && !answered {
				return err
			}
			for _, e := range page.Entries {
				delivered = true
				if stopped = !give(Entry{e}); stopped {
					return nil
				}
			}
			references = d.followable(references, found.page(page.Referrals))
			if err != nil { // such as a size limit, after the entries that came
				return err
			}
		}
		return nil
	})
	if err == nil && stopped {
		err = errStopped
	}
	return references, err
}

// followable adds those references that lead to a domain that they may lead to, and one more than are followed at most: a
// server may send as many as entries.
func (d *Domain) followable(to, from [][]string) [][]string {
	for _, addresses := range from {
		leads := slices.ContainsFunc(addresses, func(text string) bool { _, ok := d.leads(text); return ok })
		known := slices.ContainsFunc(to, func(other []string) bool { return slices.Equal(other, addresses) })
		if leads && len(to) <= maxFollowed && !known {
			to = append(to, addresses)
		}
	}
	return to
}
