// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestServersKeepTheirPlace: domain controllers usually have all the same priority, and come in another order each time. That
// is no reason to connect anew, nor to forget who is down.
func TestServersKeepTheirPlace(t *testing.T) {
	t.Parallel()
	_, _ = (&names{}).resolver().LookupHost(t.Context(), "first.use") // package net makes a channel that no bubble may own
	synctest.Test(t, func(t *testing.T) {
		const name = "_ldap._tcp.example.org."
		dns := &names{srv: map[string][]srvRecord{name: {{0, 389, "a.test."}, {0, 389, "b.test."}}}}
		t.Cleanup(dns.close)
		n := start(t, 3, small)
		c := n.config(0)
		c.Servers, c.SRV, c.Resolver = nil, "example.org", dns.resolver()
		d, _ := domain(t, c)
		took(t, search(t, d))
		for range 3 {
			dns.set(func() { r := dns.srv[name]; r[0], r[1] = r[1], r[0] })
			for range 11 {
				pause(30 * time.Second)
				took(t, search(t, d))
			}
		}
		if a, b := n.host(0).dialed.Load(), n.host(1).dialed.Load(); a != 1 || b != 0 {
			t.Errorf("%d and %d connections, want the one of the beginning", a, b)
		}
		n.host(0).set(refusing)
		took(t, search(t, d))
		dns.set(func() { dns.srv[name] = []srvRecord{{0, 389, "c.test."}, {1, 389, "b.test."}, {1, 389, "a.test."}} })
		pause(6 * time.Minute)
		took(t, search(t, d))
		status := d.Status().Endpoints
		if len(status) != 3 || status[0].URL != "ldap://c.test:389" {
			t.Fatalf("the servers are %+v", status)
		}
		for _, e := range status {
			if down := e.State == ldapmgr.EndpointDown; down != (e.URL == "ldap://a.test:389") {
				t.Errorf("%s is %s", e.URL, e.State)
			}
		}
	})
}
