// SPDX-License-Identifier: MIT

package webauth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/webauth"
)

// TestRemoteUserOutlivesAnOutage: the memory of whose name it is may be old, and the directory gone: then Sync.OnError decides
// as for any other user.
func TestRemoteUserOutlivesAnOutage(t *testing.T) { //nolint:paralleltest // it changes how long names are remembered
	webauth.RememberForTest(t, 0)
	for onError, want := range map[string]int{ldapmgr.OnErrorStale: 200, ldapmgr.OnErrorDeny: 503} {
		a := newApp(t, func(c *ldapmgr.DomainConfig) {
			c.Sync.OnError, c.Sync.ResyncAfter = onError, new(time.Duration(0))
		}, func(c *webauth.Config) { c.User = nil })
		h := a.guard.RemoteUser(webauth.Remote{})(a.guard.Sync(page))
		ask := func(name string) int {
			status, _ := a.ask(h, func(r *http.Request) { r.Header.Set("X-Remote-User", name) })
			return status
		}
		if got := ask(`EXAMPLE\ada`); got != 200 {
			t.Fatalf("before: %d", got)
		}
		a.outage()
		if got := ask(`EXAMPLE\ada`); got != want {
			t.Errorf("%s: %d, want %d", onError, got, want)
		}
		if got := ask(`EXAMPLE\dora`); got != 503 {
			t.Errorf("%s: who was never seen gets %d", onError, got)
		}
		a.directory.Dir.SetFault(nil)
		if got := ask(`EXAMPLE\ada`); got != 200 {
			t.Errorf("%s: after: %d", onError, got)
		}
		a.directory.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{}}))) // nobody is there
		if got := ask(`EXAMPLE\ada`); got != 403 {
			t.Errorf("%s: who is gone gets %d", onError, got)
		}
	}
}

// TestRemoteUserInactive: an account that is not active gets in nowhere, whether Guard.Sync stands behind, before, or not at all.
func TestRemoteUserInactive(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(c *ldapmgr.DomainConfig) {
		c.Sync.Flags = map[string]string{ldapmgr.ActiveFlag: "Administrators"}
	}, func(c *webauth.Config) { c.User = nil })
	remote := a.guard.RemoteUser(webauth.Remote{})
	for order, h := range map[string]http.Handler{
		"behind": remote(a.guard.Sync(page)), "before": a.guard.Sync(remote(page)), "none": remote(page),
		"simulated": must(t)(a.guard.Simulate("127.0.0.1:1", "dora"))(page),
	} {
		for range 2 {
			status, body := a.ask(h, func(r *http.Request) {
				if order != "simulated" {
					r.Header.Set("X-Remote-User", "dora")
				}
			})
			if status != http.StatusForbidden {
				t.Errorf("%s: %d %q", order, status, body)
			}
		}
	}
	if status, body := a.ask(a.guard.Sync(remote(page)), func(r *http.Request) { r.Header.Set("X-Remote-User", "ada") }); status != 200 {
		t.Errorf("an active account: %d %q", status, body)
	}
}
