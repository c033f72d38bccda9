// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// maxRanges bounds how often the rest of one attribute is asked for.
const maxRanges = 10_000

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

// followRanges completes attributes of which Active Directory sent only the first values: member;range=0-1499.
func followRanges(ctx context.Context, ask Searcher, e Entry) error {
	for _, a := range e.Attributes {
		name, next, ok := openRange(a.Name)
		switch {
		case ok:
		case name != a.Name:
			return fmt.Errorf("reading the rest of %s: %w", name, errRange)
		default:
			continue
		}
		whole := &ldap.EntryAttribute{Name: name, Values: a.Values, ByteValues: a.ByteValues}
		for range maxRanges {
			if next < 0 {
				break
			}
			rest, err := readRange(ctx, ask, e.DN, name, next)
			if err != nil {
				return fmt.Errorf("reading the rest of %s: %w", name, err)
			}
			whole.Values = append(whole.Values, rest.Values...)
			whole.ByteValues = append(whole.ByteValues, rest.ByteValues...)
			_, after, ok := openRange(rest.Name)
			if !ok || after >= 0 && after <= next {
				return fmt.Errorf("reading the rest of %s: %w", name, errRange)
			}
			next = after
		}
		if next >= 0 {
			return fmt.Errorf("reading the rest of %s: %w", name, errRange)
		}
		e.replace(name, whole)
	}
	return nil
}

var errRange = errors.New("the server does not say where it goes on")

// openRange takes member;range=0-1499 apart: next is where it goes on, -1 at the end. It is not ok for an attribute without
// a range, whose name it returns as it is, and for a range that cannot be read.
func openRange(attribute string) (name string, next int, ok bool) {
	name, span, found := strings.Cut(attribute, ";range=")
	_, last, both := strings.Cut(span, "-")
	if !found || !both {
		return name, 0, false
	}
	if last == "*" {
		return name, -1, true
	}
	n, err := strconv.Atoi(last)
	return name, n + 1, err == nil && n >= 0 && n < math.MaxInt // the next one after the largest number would be taken for the end
}

func readRange(ctx context.Context, ask Searcher, dn, name string, from int) (*ldap.EntryAttribute, error) {
	result, err := ask.Search(ctx, entryRequest(dn, fmt.Sprintf("%s;range=%d-*", name, from)))
	if err != nil {
		return nil, err
	}
	for _, e := range result.Entries {
		for _, a := range e.Attributes {
			if strings.HasPrefix(strings.ToLower(a.Name), strings.ToLower(name)+";range=") {
				return a, nil
			}
		}
	}
	return nil, errRange
}

// replace puts an attribute in the place of what has its name, with and without options.
func (e Entry) replace(name string, whole *ldap.EntryAttribute) {
	kept := e.Attributes[:0:0]
	for _, a := range e.Attributes {
		base, _, _ := strings.Cut(a.Name, ";")
		if !strings.EqualFold(base, name) {
			kept = append(kept, a)
		}
	}
	e.Attributes = append(kept, whole)
}
