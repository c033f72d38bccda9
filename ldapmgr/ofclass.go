// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"iter"

	"github.com/go-ldap/ldap/v3"
)

// OfClass yields the entries of an object class below the domain's base, in pages, for which a condition holds, a filter; ""
// is all of them. The class and the attributes are checked against the schema first, so that a name that is misspelt is an error and no empty
// answer. Without attributes all are read. For the rest it is as Entries.
func (d *Domain) OfClass(ctx context.Context, class, condition string, attributes ...string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := d.checkNames(ctx, class, attributes); err != nil {
			yield(Entry{}, err)
			return
		}
		f := string(allFilters(equal("objectClass", class), filter(condition)))
		d.Entries(ctx, ldap.NewSearchRequest("", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, f, attributes, nil), 0)(yield)
	}
}

// checkNames checks a class and attributes of it. Operational attributes belong to every class.
func (d *Domain) checkNames(ctx context.Context, class string, attributes []string) error {
	s, err := d.Schema(ctx)
	if err != nil {
		return err
	}
	definition, ok := s.Class(class)
	if !ok {
		return &Error{Op: "search", Domain: d.name, Err: fmt.Errorf("%w: the server knows no object class %s", ErrNotFound, class)}
	}
	for _, name := range attributes {
		t, ok := s.Attribute(name)
		if name == "*" || name == "+" || name == "1.1" || ok && (t.Operational || definition.Allows(t.Name)) {
			continue
		}
		return &Error{Op: "search", Domain: d.name, Err: fmt.Errorf("%w: entries of %s have no attribute %s", ErrNotFound, class, name)}
	}
	return nil
}
