// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

type referencesKey struct{}

// WithReferences has the searches of ctx tell f all addresses of each continuation reference, in their order, any one of which
// is enough (RFC 4511 section 4.5.3). A result holds the first of each, in the same order. f is called before the search
// returns, on the goroutine that reads the connection, which may be the one that asks: it must not use the connection.
func WithReferences(ctx context.Context, f func(addresses []string)) context.Context {
	return context.WithValue(ctx, referencesKey{}, f)
}

// referred tells who wants to know them the addresses of a reference.
func (k *call) referred(body []byte) error {
	if k.ctx == nil {
		return nil
	}
	f, wanted := k.ctx.Value(referencesKey{}).(func([]string))
	if !wanted {
		return nil
	}
	var addresses []string
	err := wire.References(body, func(uri []byte) bool {
		addresses = append(addresses, string(uri))
		return true
	})
	if err == nil {
		f(addresses)
	}
	return err
}

// errNowhere has the driver's own code in its chain, as from the driver.
var errNowhere = fmt.Errorf("%w: %w", wire.ErrMalformed,
	ldap.NewError(ldap.ErrorMalformedPacket, fmt.Errorf("%w: reference without an address", ldap.ErrMalformedPacket)))

// firstAddress returns the first address of a reference, of which there must be one.
func firstAddress(body []byte) (uri string, err error) {
	err = errNowhere
	malformed := wire.References(body, func(first []byte) bool {
		uri, err = string(first), nil
		return false
	})
	return uri, cmp.Or(malformed, err)
}
