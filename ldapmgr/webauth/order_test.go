// SPDX-License-Identifier: MIT

package webauth_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/webauth"
)

// TestWhatAFreshSyncFinds: requirements behind a sync that was just made go by what it found, in whatever order they stand, and
// so does the page.
func TestWhatAFreshSyncFinds(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(c *ldapmgr.DomainConfig) { c.ReadOnly = new(false) }, nil)
	g := a.guard
	fresh, group := g.RequireFresh(webauth.Rule{}, 0), must(t)(g.RequireGroup(webauth.Rule{}, "Administrators"))
	super := must(t)(g.RequireGroup(webauth.Rule{Superuser: true}, "nobody"))
	leave := func(out bool) {
		d, _ := a.syncer.Manager().Domain("")
		change := ldap.NewModifyRequest("cn=Administrators,ou=groups,"+ldaptest.DefaultSuffix, nil)
		if out {
			change.Delete("member", []string{ldaptest.CompanyUser})
		} else {
			change.Add("member", []string{ldaptest.CompanyUser})
		}
		if _, err := d.Modify(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	for name, h := range map[string]struct {
		status int // once ada is no administrator any more
		handle func() (int, string)
	}{
		"fresh, group":       {403, func() (int, string) { return a.ask(fresh(group(page)), nil) }},
		"fresh, super":       {403, func() (int, string) { return a.ask(fresh(super(page)), nil) }},
		"sync, fresh, group": {403, func() (int, string) { return a.ask(g.Sync(fresh(group(page))), nil) }},
	} {
		a.login("ada")
		if status, body := h.handle(); status != 200 {
			t.Errorf("%s: before: %d %q", name, status, body)
		}
		a.login("ada")
		leave(true)
		if status, body := h.handle(); status != h.status {
			t.Errorf("%s: after: %d %q", name, status, body)
		}
		leave(false)
	}
}

// TestPermissionOfWhoIsInactiveByNow: where a permission needs a sync, what it finds of the account holds too.
func TestPermissionOfWhoIsInactiveByNow(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(c *ldapmgr.DomainConfig) {
		c.ReadOnly = new(false)
		c.Sync.Flags = map[string]string{ldapmgr.ActiveFlag: "Administrators"}
	}, nil)
	if err := a.store.Grant(t.Context(), "Engineering", "deploy"); err != nil {
		t.Fatal(err)
	}
	account := a.login("ada")
	a.syncer.Forget(account.Domain, account.Key) // as after a restart
	h := a.guard.RequirePermission(webauth.Rule{}, "deploy")(page)
	d, _ := a.syncer.Manager().Domain("")
	change := ldap.NewModifyRequest("cn=Administrators,ou=groups,"+ldaptest.DefaultSuffix, nil)
	change.Delete("member", []string{ldaptest.CompanyUser})
	if _, err := d.Modify(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	a.want(h, 403, "not allowed")
}
