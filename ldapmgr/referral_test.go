// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// referring is a directory with a person and an entry that stands for what another server holds.
func referring(t *testing.T, suffix, person, ref string) *ldaptest.Server {
	t.Helper()
	return ldaptest.Start(t, ldaptest.Config{Suffix: suffix, RootDN: admin, RootPassword: password, LDIF: strings.NewReader(
		"dn: " + suffix + "\nobjectClass: organization\no: " + strings.TrimPrefix(suffix, "o=") + "\n\n" +
			"dn: cn=" + person + "," + suffix + "\nobjectClass: person\ncn: " + person + "\nsn: " + person + "\n\n" +
			"dn: ou=elsewhere," + suffix + "\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: " + ref + "\n")})
}

// capture counts connections and says nothing.
func capture(t *testing.T) (address string, connections *atomic.Int64) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int64)
	ended := make(chan struct{})
	go func() { // ends with the listener
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String(), connections
}

// domains is a manager of one domain for each URL, named A, B and so on, all bound alike.
func domains(t *testing.T, change func(name string, c *ldapmgr.DomainConfig), urls ...string) (*ldapmgr.Manager, *instrument.Scope) {
	t.Helper()
	config := ldapmgr.Config{Scope: instrument.New(), Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{}}
	for i, url := range urls {
		name := string(rune('A' + i))
		c := bound(url)
		c.Base = "o=" + strings.ToLower(name)
		change(name, &c)
		config.Domains[name] = c
	}
	m, err := ldapmgr.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m, config.Scope
}

func namesOf(entries []*ldap.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.DN)
	}
	slices.Sort(all)
	return all
}

var persons = ldap.NewSearchRequest("", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=person)", []string{"cn"}, nil)

// References are data unless they lead to a domain that is named; nothing else is ever connected to.
func TestReferrals(t *testing.T) {
	t.Parallel()
	stranger, visits := capture(t)
	b := referring(t, "o=b", "bob", "ldap://"+stranger+"/o=stranger")
	a := referring(t, "o=a", "ada", b.URL()+"/o=b")
	for _, follow := range []bool{false, true} {
		m, scope := domains(t, func(name string, c *ldapmgr.DomainConfig) {
			if follow && name == "A" {
				c.Referrals = []string{"B"}
			}
			if follow && name == "B" {
				c.Referrals = []string{"A", "B"} // not the stranger
			}
		}, a.URL(), b.URL())
		d, err := m.Domain("A")
		if err != nil {
			t.Fatal(err)
		}
		whole, err := d.Search(t.Context(), persons)
		if err != nil {
			t.Fatal(err)
		}
		paged, err := d.SearchPaged(t.Context(), persons, 1)
		if err != nil {
			t.Fatal(err)
		}
		want, left, counted := []string{"cn=ada,o=a"}, []string{b.URL() + "/o=b??sub"}, uint64(0)
		if follow {
			want, left, counted = []string{"cn=ada,o=a", "cn=bob,o=b"}, []string{"ldap://" + stranger + "/o=stranger??sub"}, 2
		}
		for _, result := range []*ldap.SearchResult{whole, paged} {
			if diff := cmp.Diff(want, namesOf(result.Entries)); diff != "" {
				t.Errorf("follow %v: entries: %s", follow, diff)
			}
			if diff := cmp.Diff(left, result.Referrals); diff != "" {
				t.Errorf("follow %v: references: %s", follow, diff)
			}
		}
		for _, s := range scope.Snapshots() {
			if s.Domain == "A" && (s.Usage.ReferralsFollowed != counted || s.Usage.ReferralsReceived != 2) {
				t.Errorf("follow %v: %d followed of %d", follow, s.Usage.ReferralsFollowed, s.Usage.ReferralsReceived)
			}
		}
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("a server that nobody named was connected to %d times", n)
	}
}

// Servers that refer to each other end the search, and what cannot be reached is an error and no shorter answer.
func referralsThatLeadNowhere(t *testing.T) {
	t.Parallel()
	var b *ldaptest.Server
	var port string // of b, which is known once a refers to it by its alias
	a := referring(t, "o=a", "ada", "ldap://b.test/o=b")
	b = referring(t, "o=b", "bob", a.URL()+"/o=a")
	_, port, _ = net.SplitHostPort(b.Addr())
	all := func(name string, c *ldapmgr.DomainConfig) {
		c.Referrals = []string{"A", "B"}
		if name == "B" {
			c.Aliases = []string{"b.test"}
		}
	}
	m, scope := domains(t, all, a.URL(), "ldap://127.0.0.1:"+port)
	d, _ := m.Domain("A")
	result, err := d.Search(t.Context(), persons)
	if err != nil {
		t.Fatal(err)
	}
	if got := namesOf(result.Entries); len(got) != 2 || len(result.Referrals) != 1 {
		t.Errorf("entries %v, references %v", got, result.Referrals)
	}
	for _, s := range scope.Snapshots() { // of which one is for the rootDSE: a is known to have been asked
		if want := uint64(2); s.Usage.SearchOperations != want {
			t.Errorf("%d searches in %s, want %d", s.Usage.SearchOperations, s.Domain, want)
		}
	}
	gone, _ := capture(t)
	m, _ = domains(t, all, a.URL(), "ldap://"+gone)
	d, _ = m.Domain("A")
	result, err = d.Search(t.Context(), persons)
	if err == nil || !strings.Contains(err.Error(), "following a reference to B") || result == nil || len(result.Entries) != 1 {
		t.Errorf("got %v, %v; want what came and an error", result, err)
	}
}
