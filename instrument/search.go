// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Search runs one search (RFC 4511 section 4.5). A nil error means that the whole answer came: the wire saw the final
// answer with code 0. Beside an error with a result code, such as sizeLimitExceeded, the entries that came are returned,
// and so they are when a server goes beyond an enforced size limit: the error is then ldap.ErrSizeLimitExceeded and ErrLimit,
// and the connection of no more use, because the server goes on to send. The request is never changed.
func (c *Client) Search(ctx context.Context, request *ldap.SearchRequest) (*ldap.SearchResult, error) {
	r := *request
	r.Controls = slices.Clone(request.Controls)
	result, _, err := c.searchOnce(ctx, &r, Call{}, 0)
	return result, err
}

// searchOnce sends one search and collects its entries from the observer. It changes r.
func (c *Client) searchOnce(ctx context.Context, r *ldap.SearchRequest, link Call, page int) (*ldap.SearchResult, told, error) {
	entries := []*ldap.Entry{} // never nil, as with go-ldap
	result, t, err := c.search(ctx, r, func(k *call) {
		k.link, k.page, k.target = link, page, r.BaseDN
		if !c.plain {
			k.divert = func(e *ldap.Entry, _ wire.Message) error { entries = append(entries, e); return nil }
			k.reply = newReply(c.conn.asked.next(), r)
		}
	})
	if _, answered := ResultCode(err); err != nil && !answered && !errors.Is(err, ldap.ErrSizeLimitExceeded) {
		return nil, t, err
	}
	if result == nil {
		result = &ldap.SearchResult{}
	}
	if !c.plain {
		result.Entries = entries
	}
	return result, t, err
}

// search runs one search, of the driver or without it. The driver parses no entry that is diverted; the size limit of r is
// then held by the observer. It changes r.
func (c *Client) search(ctx context.Context, r *ldap.SearchRequest, prepare func(*call)) (result *ldap.SearchResult, t told, err error) {
	var asks *call
	t, err = c.do(ctx, KindSearch, func(k *call) {
		asks = k
		if prepare(k); k.divert != nil && r.EnforceSizeLimit {
			k.limit, r.EnforceSizeLimit = r.SizeLimit, false
		}
	}, func() (err error) {
		if asks.reply != nil {
			result, err = c.ask(asks)
		} else {
			result, err = c.driver.Search(r)
		}
		return filterError(r.Filter, err)
	})
	if err != nil && asks.overfull() && errors.Is(err, ErrLimit) { // which may be the end of others on the connection too
		err = c.failed(KindSearch, fmt.Errorf("%w: %w", errors.Unwrap(err), ldap.ErrSizeLimitExceeded))
		if asks.reply != nil {
			result = &asks.reply.result
		}
	}
	return result, t, err
}

// overfull reports whether more entries came than the size limit allows.
func (k *call) overfull() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.limit > 0 && k.entries > k.limit
}
