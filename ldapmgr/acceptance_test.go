// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"slices"
	"testing"
)

// row is one row of the acceptance list in testdata/acceptance/parity.txt. Exactly one of run, alone, test and as says what the
// row asserts here, unless it can only be held elsewhere.
type row struct {
	name      string                     // section/name, as on the list
	run       func(t *testing.T, p site) // on the in-memory directory and on slapd
	alone     func(t *testing.T, p site) // for rows that start a server of their own kind: p is none yet
	test      func(t *testing.T)         // a test of this package, for rows about one part alone
	as        string                     // the row that says the same: it runs under this name too
	elsewhere []string                   // tests of other packages that hold the row's other side
	key       string                     // the setting that answers to it, as a path of fields below ldapmgr.DomainConfig
	why       string                     // why the row has no meaning outside of Django; what runs is the nearest counterpart
}

// acceptance is every row that is kept.
func acceptance() []row {
	return slices.Concat(seedRows, webRows, directBindRows, searchBindRows, localUserRows, configurationRows, backendRows, emptyPasswordRows,
		populationRows, errorRows, accessRows, groupRows, permissionRows, mirrorRows, cacheRows, copyRows, beyondRows)
}

// original is the row whose run or alone is a row's own.
func (r row) original(all []row) row {
	if i := slices.IndexFunc(all, func(other row) bool { return r.as == other.name }); i >= 0 {
		return all[i]
	}
	return r
}

func TestAcceptance(t *testing.T) {
	t.Parallel()
	book, rows := openLedgers(t), acceptance()
	t.Cleanup(func() { book.save(t) })
	for server, start := range map[string]func(*testing.T) site{"memory": fixtureInMemory, "slapd": fixtureOnSlapd} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			shared := start(t)
			for _, r := range rows {
				if o := r.original(rows); o.run != nil {
					t.Run(r.name, func(t *testing.T) {
						t.Parallel()
						book.hold(t, o.name, shared, o.run)
					})
				}
			}
		})
	}
	for _, r := range rows {
		if r.test != nil {
			t.Run(r.name, r.test)
		} else if o := r.original(rows); o.alone != nil {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				book.hold(t, o.name, site{}, o.alone)
			})
		}
	}
}
