// SPDX-License-Identifier: MIT

package instrument

import (
	"context"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

type referencesKey struct{}

// WithReferences has the searches of ctx tell f all addresses of each continuation reference, in their order, any one of which
// is enough (RFC 4511 section 4.5.3). A result holds the first of each, in the same order. f is called before the search
// returns, from another goroutine.
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
