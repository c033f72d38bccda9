// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestPurgeForgetsEverySpelling: a person who is forgotten is so under every name that found the person, and by the key too.
func TestPurgeForgetsEverySpelling(t *testing.T) {
	t.Parallel()
	s := company(t).stage(t, func(c *ldapmgr.DomainConfig) {
		onCompany(c)
		c.Aliases = []string{"example.org"}
		c.Users.CacheFor, c.Users.MissFor, c.Groups.CacheFor = time.Hour, time.Hour, time.Hour
	})
	spellings := []string{"ada", "ADA@example.org", `EXAMPLE\ada`}
	key := ""
	for _, purge := range []func() string{
		func() string { return "Ada" }, func() string { return "ada@example.org" }, func() string { return `example\ADA` }, func() string { return key },
	} {
		for _, name := range spellings {
			u, err := s.domain.User(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			key = u.Key
		}
		if ops := s.during(func() {
			for _, name := range spellings {
				_, _ = s.domain.User(t.Context(), name)
			}
		}); len(ops) != 0 {
			t.Errorf("%d operations from memory", len(ops))
		}
		s.domain.Purge(purge())
		for _, name := range spellings {
			if ops := s.during(func() { _, _ = s.domain.User(t.Context(), name) }); len(ops) == 0 {
				t.Errorf("after Purge(%q), %q is still known", purge(), name)
			}
		}
	}
	_, _ = s.domain.User(t.Context(), "somebody@example.org")
	s.domain.Purge("SOMEBODY@example.org")
	if ops := s.during(func() { _, _ = s.domain.User(t.Context(), "somebody@example.org") }); len(ops) == 0 {
		t.Error("that nobody has a name is still known")
	}
}
