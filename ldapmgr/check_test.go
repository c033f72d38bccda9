// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
)

// Every server is tried, also behind one that serves, and leaves no connection behind.
func TestCheck(t *testing.T) {
	t.Parallel()
	a, cfg := authority(t), small()
	cfg.TLS = serverTLS(t, a, ldaptest.Leaf{})
	first, second, dead := ldaptest.Start(t, cfg), ldaptest.Start(t, cfg), "ldap://"+port.Reserve(t)
	c := bound(first.TLSURL(), dead, second.URL(), "ldaps://"+second.Addr())
	c.TLS.CAFile = file(t, "ca.pem", a.CertPEM)
	d, scope := domain(t, c)
	all, err := d.Check(t.Context())
	if err != nil || len(all) != 4 {
		t.Fatalf("%v %v", all, err)
	}
	for i, want := range []struct {
		class  ldapmgr.Class
		secure bool
	}{{"", true}, {ldapmgr.ClassRefused, false}, {"", false}, {ldapmgr.ClassTLS, false}} {
		got := all[i]
		if got.URL != c.Servers[i] || ldapmgr.Classify(got.Err) != want.class || (got.TLS != nil) != want.secure {
			t.Errorf("%s: class %q, TLS %v: %v", got.URL, ldapmgr.Classify(got.Err), got.TLS, got.Err)
		}
	}
	usage := scope.Snapshots()
	var binds uint64
	for _, s := range usage {
		binds += s.Usage.BindOperations
	}
	if binds != 2 || d.Status().Pool.Opened != 0 {
		t.Errorf("%d binds, %d connections in the pool", binds, d.Status().Pool.Opened)
	}
}

// A password that one server refuses is not sent to the others, which would count towards a lock-out.
func TestCheckRefused(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, small())
	c := bound(server.URL(), ldaptest.Start(t, small()).URL(), ldaptest.Start(t, small()).URL())
	c.Bind.Password.Value = "not it"
	d, scope := domain(t, c)
	all, err := d.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range all {
		if !errors.Is(got.Err, ldapmgr.ErrServiceAccount) {
			t.Errorf("%s: %v", got.URL, got.Err)
		}
	}
	var binds uint64
	for _, s := range scope.Snapshots() {
		binds += s.Usage.BindOperations
	}
	if binds != 1 {
		t.Errorf("%d binds were sent", binds)
	}
}

// Without a list of servers there is nothing to try, and Check says why.
func TestCheckFindsNoServer(t *testing.T) {
	t.Parallel()
	c := bound()
	c.SRV = "directory.invalid"
	d, _ := domain(t, c)
	if all, err := d.Check(t.Context()); len(all) > 0 || ldapmgr.Classify(err) != ldapmgr.ClassDNS {
		t.Errorf("%v %v", all, err)
	}
}
