// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// onTwo is two in-memory directories, the domains A and B, which may be led to each other.
func onTwo(t *testing.T) (a, b *ldaptest.Server, d *ldapmgr.Domain, scope *instrument.Scope) {
	t.Helper()
	a, b = referring(t, "o=a", "ada", "ldap://b.test/o=b"), referring(t, "o=b", "bob", "ldap://a.test/o=a")
	m, scope := domains(t, func(name string, c *ldapmgr.DomainConfig) {
		c.Referrals, c.Aliases, c.ReadOnly = []string{"A", "B"}, []string{strings.ToLower(name) + ".test"}, new(bool)
	}, a.URL(), b.URL())
	d, err := m.Domain("A")
	if err != nil {
		t.Fatal(err)
	}
	return a, b, d, scope
}

// referred answers every request of a kind with addresses.
func referred(op wire.Op, addresses ...string) ldaptest.Fault {
	return ldaptest.On(op, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: ldap.LDAPResultReferral, Referrals: addresses}}))
}

var entryA = ldap.NewSearchRequest("o=a", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, nil)

// Addresses that ask for what is not known, and those that are none, are not followed; nor is a bind ever sent elsewhere.
func TestHostileReferrals(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"ldap://b.test/o=b????!1.2.3", "ldap://b.test/o=b????x,!1.2.3", "ldap://b.test/o=b??everything", "ldap://b.test/o=b???%zz",
		"http://b.test/o=b", "ldapi://b.test/o=b", "ldap:///o=b", "b.test", "", "ldap://[::1", "ldap://b.test.evil.test/o=b", "ldap://evil.test/o=b?b.test",
		"ldap://b.test@evil.test/o=b", "\x00",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			a, _, d, scope := onTwo(t)
			a.Dir.SetFault(referred(wire.SearchRequest, address))
			_, err := d.Search(t.Context(), entryA)
			if code, _ := instrument.ResultCode(err); code != ldap.LDAPResultReferral {
				t.Errorf("got %v, want the referral", err)
			}
			if n := sent(scope, "B", instrument.KindSearch); n != 0 {
				t.Errorf("%d searches in B", n)
			}
		})
	}
	t.Run("bind", func(t *testing.T) {
		t.Parallel()
		a, _, d, scope := onTwo(t)
		a.Dir.SetFault(referred(wire.BindRequest, "ldap://b.test/o=b"))
		if _, err := d.Search(t.Context(), entryA); err == nil {
			t.Error("a search without a bind")
		}
		if _, err := streamed(t.Context(), d, entryA, 0); err == nil {
			t.Error("a stream without a bind")
		}
		if n := sent(scope, "B", instrument.KindBind) + sent(scope, "B", instrument.KindSearch); n != 0 {
			t.Errorf("%d operations in B", n)
		}
	})
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		a, _, d, scope := onTwo(t)
		a.Dir.SetFault(referred(wire.ExtendedRequest, "ldap://b.test/o=b"))
		_, err := d.PasswordModify(t.Context(), ldap.NewPasswordModifyRequest("cn=ada,o=a", "", "new"))
		if code, _ := instrument.ResultCode(err); code != ldap.LDAPResultReferral || sent(scope, "B", instrument.KindExtended) != 0 {
			t.Errorf("got %v, want the referral and nothing in B", err)
		}
	})
}

// However many references come, a call stays one: as many are followed as a call may cost, and an answer that is not whole for
// that says so.
func TestManyReferrals(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("dn: o=a\nobjectClass: organization\no: a\n\n")
	for i := range 200 {
		fmt.Fprintf(&text, "dn: ou=r%d,o=a\nobjectClass: referral\nobjectClass: extensibleObject\nou: r%[1]d\nref: ldap://b.test/o=b%%20%[1]d\n\n", i)
	}
	a := ldaptest.Start(t, ldaptest.Config{Suffix: "o=a", RootDN: admin, RootPassword: password, LDIF: strings.NewReader(text.String())})
	b := referring(t, "o=b", "bob", "ldap://a.test/o=a")
	b.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.When(func(r ldaptest.Request) bool { return r.DN != "" }, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{}}))))
	m, scope := domains(t, func(name string, c *ldapmgr.DomainConfig) {
		c.Referrals, c.Aliases = []string{"B"}, []string{strings.ToLower(name) + ".test"}
	}, a.URL(), b.URL())
	d, err := m.Domain("A")
	if err != nil {
		t.Fatal(err)
	}
	result, err := d.Search(t.Context(), persons)
	if !errors.Is(err, ldapmgr.ErrReferralLimit) || len(result.Referrals) != 200-32 || sent(scope, "B", instrument.KindSearch) != 32 {
		t.Errorf("%v: %d searches in B and %d references left, want 32 and 168", err, sent(scope, "B", instrument.KindSearch), len(result.Referrals))
	}
	if _, err := streamed(t.Context(), d, persons, 0); !errors.Is(err, ldapmgr.ErrReferralLimit) || sent(scope, "B", instrument.KindSearch) != 64 {
		t.Errorf("%v: %d searches in B after a stream, want 32 more", err, sent(scope, "B", instrument.KindSearch))
	}
}

// Servers that send a call on and on, each time with something new, are not followed for ever.
func TestReferralsWithoutEnd(t *testing.T) {
	t.Parallel()
	a, b, d, scope := onTwo(t)
	onTo := func(host string) ldaptest.Fault {
		return ldaptest.On(wire.SearchRequest, func(r ldaptest.Request) ldaptest.Action {
			if r.DN == "" { // the rootDSE
				return ldaptest.Action{}
			}
			return ldaptest.Action{Result: &wire.Reply{Code: ldap.LDAPResultReferral, Referrals: []string{"ldap://" + host + "/ou=x," + r.DN}}}
		})
	}
	a.Dir.SetFault(onTo("b.test"))
	b.Dir.SetFault(onTo("a.test"))
	for i, run := range []func() error{
		func() error { _, err := d.Search(t.Context(), persons); return err },
		func() error { _, err := streamed(t.Context(), d, persons, 0); return err },
	} {
		if err := run(); !errors.Is(err, ldapmgr.ErrReferralLimit) {
			t.Errorf("got %v, want ErrReferralLimit", err)
		}
		if n := sent(scope, "A", instrument.KindSearch) + sent(scope, "B", instrument.KindSearch); n != 4*(i+1) {
			t.Errorf("%d searches, want one and three hops each time", n)
		}
	}
}

// One address of a referral is enough: the next one is taken where a domain cannot be reached, and only there.
func TestReferralAddresses(t *testing.T) {
	t.Parallel()
	a, _, d, scope := onTwo(t)
	a.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.DN == "ou=x,o=a" },
		referred(wire.SearchRequest, "ldap://c.test/o=c", "ldap://b.test/ou=nothing,o=b", "ldap://b.test/o=b")))
	there := *entryA
	there.BaseDN = "ou=x,o=a"
	_, err := d.Search(t.Context(), &there)
	if code, _ := instrument.ResultCode(err); code != ldap.LDAPResultNoSuchObject || sent(scope, "B", instrument.KindSearch) != 1 {
		t.Errorf("got %v; want the answer of the first that may be asked", err)
	}
	gone, _ := capture(t)
	b := referring(t, "o=b", "bob", "ldap://a.test/o=a")
	m, _ := domains(t, func(name string, c *ldapmgr.DomainConfig) {
		c.Referrals, c.Aliases = []string{"A", "B", "C"}, []string{strings.ToLower(name) + ".test"}
	}, a.URL(), b.URL(), "ldap://"+gone)
	if d, err = m.Domain("A"); err != nil {
		t.Fatal(err)
	}
	a.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.DN == "ou=x,o=a" },
		referred(wire.SearchRequest, "ldap://c.test/o=c", "ldap://b.test/o=b")))
	if result, err := d.Search(t.Context(), &there); err != nil || len(result.Entries) != 1 || result.Entries[0].DN != "o=b" {
		t.Errorf("got %v, %v; want o=b", result, err)
	}
	if names, err := streamed(t.Context(), d, &there, 0); err != nil || len(names) != 1 {
		t.Errorf("as a stream: %v, %v; want o=b", names, err)
	}
}

// A reader who gives up while another domain is asked is waited for by nobody.
func TestReferralsGivenUp(t *testing.T) {
	t.Parallel()
	_, b, d, _ := onTwo(t)
	if _, err := d.Search(t.Context(), persons); err != nil { // connections are there now
		t.Fatal(err)
	}
	reached := make(chan struct{}, 3)
	b.Dir.SetFault(ldaptest.On(wire.SearchRequest, func(ldaptest.Request) ldaptest.Action {
		reached <- struct{}{}
		return ldaptest.Action{Hang: true}
	}))
	for name, run := range map[string]func(ctx context.Context) error{
		"search": func(ctx context.Context) error { _, err := d.Search(ctx, persons); return err },
		"stream": func(ctx context.Context) error { _, err := streamed(ctx, d, persons, 0); return err },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-reached; cancel() }() // ends with the search in B
		begin := time.Now()
		if err := run(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "following a reference to B") {
			t.Errorf("%s: got %v, want that it was given up on the way", name, err)
		}
		if took := time.Since(begin); took > 5*time.Second { // Timeouts.Operation is 10 s
			t.Errorf("%s: it took %v", name, took)
		}
		cancel()
	}
}

// A change that is referred to a domain for reading is sent nowhere.
func TestReferredChangeKeptBack(t *testing.T) {
	t.Parallel()
	a, b := referring(t, "o=a", "ada", "ldap://b.test/o=b"), referring(t, "o=b", "bob", "ldap://a.test/o=a")
	m, scope := domains(t, func(name string, c *ldapmgr.DomainConfig) {
		c.Referrals, c.Aliases = []string{"B"}, []string{strings.ToLower(name) + ".test"}
		if name == "A" {
			c.ReadOnly = new(bool)
		}
	}, a.URL(), b.URL())
	d, err := m.Domain("A")
	if err != nil {
		t.Fatal(err)
	}
	err = d.Delete(t.Context(), ldap.NewDelRequest("cn=bob,ou=elsewhere,o=a", nil))
	if !errors.Is(err, ldapmgr.ErrReadOnly) || !strings.Contains(err.Error(), "following a reference to B") || sent(scope, "B", instrument.KindDelete) != 0 {
		t.Errorf("got %v, want ErrReadOnly of B", err)
	}
}
