// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// replicated starts a slapd that takes changes and one that follows it, once the second has everything.
func replicated(t *testing.T) (provider, consumer *slapd.Server) {
	t.Helper()
	provider = slapd.Start(t, slapd.Config{Suffix: "o=test", LDIF: fixture(), Global: []string{"moduleload syncprov"}, Lines: []string{"overlay syncprov"}})
	consumer = slapd.Start(t, slapd.Config{Suffix: "o=test", Global: []string{"moduleload syncprov"}, Lines: []string{
		`syncrepl rid=001 provider=` + provider.LDAP + ` type=refreshAndPersist retry="1 +" searchbase="o=test" bindmethod=simple binddn="` +
			provider.RootDN + `" credentials=` + provider.RootPW,
	}})
	eventually(t, "the replica", func() bool { return surname(t, consumer, "bob") == "Barker" })
	return provider, consumer
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); pause(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// surname reads one value of one server, "" where there is none.
func surname(t *testing.T, s *slapd.Server, uid string) string {
	t.Helper()
	d, _ := domain(t, ldapmgr.DomainConfig{Servers: []string{s.LDAP}, Bind: ldapmgr.Bind{Name: s.RootDN, Password: ldapmgr.Secret{Value: s.RootPW}}})
	e, err := d.Read(t.Context(), "uid="+uid+",ou=people,o=test", "sn")
	if err != nil {
		return ""
	}
	return e.GetAttributeValue("sn")
}

func rename(t *testing.T, d *ldapmgr.Domain, dn, name string) {
	t.Helper()
	change := ldap.NewModifyRequest(dn, nil)
	change.Replace("sn", []string{name})
	if _, err := d.Modify(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// staleReplica proves that a sync does not take over what a replica still has that lacks changes which an earlier one has
// read, also not in a process that starts later, unless it is told to; and that it goes on once the replica has them.
func staleReplica(t *testing.T) {
	t.Parallel()
	provider, consumer := replicated(t)
	s := site{url: provider.LDAP, bind: provider.RootDN, password: provider.RootPW}.stage(t, func(c *ldapmgr.DomainConfig) {
		c.Servers, c.ReadOnly = []string{provider.LDAP, consumer.LDAP}, new(false)
	})
	all := func(s *ldapmgr.Syncer, o ldapmgr.AllOptions) error { _, err := s.All(t.Context(), "", o); return err }
	if err := all(s.syncer, ldapmgr.AllOptions{Apply: true}); err != nil {
		t.Fatal(err)
	}
	consumer.Stop()
	rename(t, s.domain, "uid=alice,ou=people,o=test", "Newname")
	if err := all(s.syncer, ldapmgr.AllOptions{Apply: true}); err != nil {
		t.Fatal(err)
	}
	provider.Stop()
	consumer.Start()
	before := s.snapshot()
	if !strings.Contains(before, "Newname") {
		t.Fatal("the change was not synced")
	}
	later := ldapmgr.NewSyncer(identityManager(t, instrument.New(), s.domain.Config()), s.store, ldapmgr.Hooks{})
	for name, syncer := range map[string]*ldapmgr.Syncer{"this process": s.syncer, "a later one": later} {
		err := all(syncer, ldapmgr.AllOptions{Apply: true})
		if !errors.Is(err, ldapmgr.ErrStale) || ldapmgr.Classify(err) != ldapmgr.ClassStale || !strings.Contains(err.Error(), consumer.LDAP[len("ldap://"):]) {
			t.Errorf("%s: got %v, want ErrStale with the server", name, err)
		}
	}
	if got := s.snapshot(); got != before {
		t.Errorf("what is older was taken over:\n%s", got)
	}
	provider.Start()
	eventually(t, "the replica to catch up", func() bool { return all(later, ldapmgr.AllOptions{Apply: true}) == nil })
	if err := all(s.syncer, ldapmgr.AllOptions{Apply: true}); err != nil || s.snapshot() == "" || !strings.Contains(s.snapshot(), "Newname") {
		t.Errorf("once it has caught up: %v", err)
	}
}

// meetsStale syncs with a server of Active Directory that went back to what it had before, and then by word.
func meetsStale(t *testing.T, told ldapmgr.Class) {
	t.Helper()
	store, _, _ := userStore(t)
	on := func(changes int) ldapmgr.DomainConfig {
		server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(20))})
		c := site{url: server.URL(), bind: ldaptest.CompanyService, password: ldaptest.CompanyServicePassword}.config()
		onCompany(&c)
		c.ReadOnly = new(false)
		d, _ := domain(t, c)
		for range changes {
			rename(t, d, "CN=Ada Lovelace,OU=people,"+suffix, "King")
		}
		return c
	}
	now, restored := toldDomain(t, on(3)), toldDomain(t, on(0))
	all := func(w *witness, o ldapmgr.AllOptions) error {
		return w.within(t, func(ctx context.Context) error {
			_, err := ldapmgr.NewSyncer(w.manager, store, ldapmgr.Hooks{}).All(ctx, "", o)
			return err
		})
	}
	if err := all(now, ldapmgr.AllOptions{Apply: true}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := all(restored, ldapmgr.AllOptions{Apply: true}); !errors.Is(err, ldapmgr.ErrStale) {
			t.Errorf("got %v, want ErrStale", err)
		}
	}
	restored.want(t, told)
	for _, o := range []ldapmgr.AllOptions{{Apply: true, AcceptOlder: true}, {Apply: true}} {
		if err := all(restored, o); err != nil {
			t.Errorf("by word, and then as usual: %v", err)
		}
	}
}

// readsOwnChangeAfterFailback proves that reads keep to the server that took a change while a preferred one that has come
// back may not have it yet, and no longer.
func readsOwnChangeAfterFailback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small) // they never replicate
		d, _ := domain(t, writable(n.config(2)))
		n.host(0).set(refusing)
		took(t, search(t, d))
		n.host(0).set(serving)
		for d.Status().Endpoints[0].State != ldapmgr.EndpointUp { // while reads ask on
			if got := n.host(0).Dir.Requests(wire.ModifyRequest); got != 0 {
				t.Fatal("the change went to the server that was down")
			}
			change := ldap.NewModifyRequest("ou=people,"+suffix, nil)
			change.Replace("description", []string{"mine"})
			if _, err := d.Modify(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			pause(100 * time.Millisecond)
		}
		sees := func() bool {
			is, err := d.Compare(t.Context(), "ou=people,"+suffix, "description", "mine")
			return is && err == nil
		}
		var borrowers sync.WaitGroup
		for range 4 { // more than there are connections at rest
			borrowers.Go(func() {
				if err := d.Do(t.Context(), func(_ context.Context, c *instrument.Client) error {
					pause(100 * time.Millisecond)
					if c.Server() != "b.test:389" {
						t.Errorf("a new connection leads to %s", c.Server())
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		borrowers.Wait()
		var seen []bool
		for range 20 {
			seen = append(seen, sees())
			pause(time.Second)
		}
		if got := n.host(1).dialed.Load(); got > 6 { // one for each of the borrowers at once, and none that is thrown away meanwhile
			t.Errorf("the server of the change was dialled %d times", got)
		}
		if until := slices.Index(seen, false); until < 14 || until > 17 {
			t.Errorf("the change is seen for %d s, want 15: %v", until, seen)
		}
	})
}

// readsOwnChangeElsewhere proves that a connection at rest does not serve a read where another server took the change.
func readsOwnChangeElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		c := writable(n.config(2))
		c.Writer = &ldapmgr.Bind{Name: admin, Password: ldapmgr.Secret{Value: password}}
		d, _ := domain(t, c)
		took(t, search(t, d)) // leaves a connection to the first
		n.host(0).set(blackHole)
		change := ldap.NewModifyRequest("ou=people,"+suffix, nil)
		change.Replace("description", []string{"mine"})
		if _, err := d.Modify(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		n.host(0).set(serving)
		pause(8 * time.Second) // probes and failback
		if got := d.Status().Endpoints[0].State; got != ldapmgr.EndpointUp || n.host(0).open() == 0 {
			t.Fatalf("the first server is %s, with %d connections", got, n.host(0).open())
		}
		if is, err := d.Compare(t.Context(), "ou=people,"+suffix, "description", "mine"); !is || err != nil {
			t.Errorf("the change is not seen: %v, %v", is, err)
		}
	})
}
