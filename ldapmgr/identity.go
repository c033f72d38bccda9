// SPDX-License-Identifier: MIT

package ldapmgr

import "sync/atomic"

// identity is what a domain keeps in memory about people and groups.
type identity struct {
	users    remembered[*User]
	misses   remembered[struct{}]
	groups   remembered[GroupSet]
	sids     remembered[Group]
	failures failures
	missing  atomic.Pointer[[]missingGroup] // as of the last sync of everybody
}
