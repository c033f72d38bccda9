// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/attribute"
)

// DefaultPageSize is the entries per page of paged searches that name none; servers allow it everywhere. Active Directory
// gives 1,000 at most.
const DefaultPageSize = 500

// Pages runs a paged search (RFC 2696) and yields it page by page, so that memory holds one page at a time. After an
// error nothing more is yielded; a loop that ends without one has seen the whole answer. Each page is an operation of its
// own, linked to the first, under one span. A loop that stops early tells the server to forget the rest. A size of 0 is
// DefaultPageSize. A paging control in the request is replaced.
func (c *Client) Pages(ctx context.Context, request *ldap.SearchRequest, size uint32) iter.Seq2[*ldap.SearchResult, error] {
	return func(yield func(*ldap.SearchResult, error) bool) {
		p := pager{client: c, request: *request, size: size}
		p.request.Controls = slices.DeleteFunc(slices.Clone(request.Controls), func(ctl ldap.Control) bool {
			return ctl.GetControlType() == ldap.ControlTypePaging
		})
		if size == 0 {
			p.size = DefaultPageSize
		}
		ctx, span := c.conn.scope.telemetry.internal(ctx, "search pages")
		p.run(ctx, yield)
		span.SetAttributes(attribute.Int(attrPages, p.pages))
		endCompound(span, p.err)
	}
}

// pager is one paged search on its way.
type pager struct {
	client  *Client
	request ldap.SearchRequest
	size    uint32
	cookie  []byte
	call    uint64 // Seq of the first page
	first   string // DN of the newest page's first entry
	pages   int    // that came
	err     error
}

func (p *pager) run(ctx context.Context, yield func(*ldap.SearchResult, error) bool) {
	for page := 1; ; page++ {
		r := p.next(p.size)
		result, t, err := p.client.searchOnce(ctx, &r, Call{ID: p.call, N: page}, page)
		if err != nil {
			p.err = err
			yield(result, err)
			return
		}
		if p.pages = page; page == 1 {
			p.call = t.seq
		}
		if p.misses(page, t, len(result.Entries)) {
			p.err = p.client.failed(KindSearch, fmt.Errorf("%w: page %d came without its paging control", ErrIncomplete, page))
			yield(nil, p.err)
			return
		}
		if p.repeats(t.cookie, result.Entries) {
			p.err = p.client.failed(KindSearch, fmt.Errorf("%w after page %d", ErrRepeatedCookie, page))
			yield(nil, p.err)
			return
		}
		more := yield(result, nil)
		switch {
		case len(p.cookie) == 0:
			return
		case !more:
			r := p.next(0) // RFC 2696 section 3; the server forgets by itself when the connection ends
			_, _, _ = p.client.searchOnce(ctx, &r, Call{ID: p.call, N: page + 1}, 0)
			return
		}
	}
}

// next returns the request of the next page.
func (p *pager) next(size uint32) ldap.SearchRequest {
	paging := ldap.NewControlPaging(size)
	paging.SetCookie(p.cookie)
	r := p.request
	r.Controls = append(slices.Clip(p.request.Controls), paging)
	return r
}

// misses reports whether a page should have had a paging control. The first one has none from a server that knows no
// paging, and is then the whole; but a full page with some other control is not taken for that, because the other control
// may be the one that is missing, damaged on its way.
func (p *pager) misses(page int, t told, entries int) bool {
	return !t.paged && (page > 1 || t.unknown && entries >= int(p.size))
}

// repeats takes a page over and reports whether the server goes in a circle: the same cookie with nothing new. The same
// cookie alone is no circle: 389 Directory Server numbers its searches and sends that number with every page.
func (p *pager) repeats(cookie []byte, entries []*ldap.Entry) bool {
	first := ""
	if len(entries) > 0 {
		first = entries[0].DN
	}
	circle := len(cookie) > 0 && bytes.Equal(cookie, p.cookie) && (first == "" || first == p.first)
	p.cookie, p.first = cookie, first
	return circle
}

// Entries is Pages, entry by entry.
func (c *Client) Entries(ctx context.Context, request *ldap.SearchRequest, size uint32) iter.Seq2[*ldap.Entry, error] {
	return func(yield func(*ldap.Entry, error) bool) {
		for page, err := range c.Pages(ctx, request, size) {
			if page != nil {
				for _, e := range page.Entries {
					if !yield(e, nil) {
						return
					}
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// SearchPaged collects all pages of a paged search, with the controls of each. Beside an error it returns what came before, which is not the whole.
func (c *Client) SearchPaged(ctx context.Context, request *ldap.SearchRequest, size uint32) (*ldap.SearchResult, error) {
	all := &ldap.SearchResult{}
	for page, err := range c.Pages(ctx, request, size) {
		if page != nil {
			all.Entries = append(all.Entries, page.Entries...)
			all.Referrals = append(all.Referrals, page.Referrals...)
			all.Controls = append(all.Controls, page.Controls...)
			all.ResultCode, all.DiagnosticMessage = page.ResultCode, page.DiagnosticMessage
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}
