// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// agrees syncs everybody, then everybody one by one, which must come to the same.
func agrees(t *testing.T, s *stage) {
	t.Helper()
	report, err := s.syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true})
	if err != nil || len(report.Failures) > 0 {
		t.Fatalf("got %+v, %v", report, err)
	}
	for _, name := range s.accounts() {
		account := s.account(name)
		one, err := s.syncer.Resync(t.Context(), "", account.Key)
		if err != nil || one.Plan.Changed() {
			t.Errorf("%s has %q after a sync of all; on its own: %v, %v", account.Name, account.Groups, one, err)
		}
	}
}

// TestAllAgreesWithOne: one search for all groups and one for each person come to the same.
func TestAllAgreesWithOne(t *testing.T) {
	t.Parallel()
	strategies := []string{ldapmgr.GroupsAuto, ldapmgr.GroupsMember, ldapmgr.GroupsPosix, ldapmgr.GroupsNone, ldapmgr.GroupsMemberOf}
	everywhere(t, func(t *testing.T, p site) {
		for _, strategy := range strategies {
			if strategy == ldapmgr.GroupsMemberOf && p.memory != nil {
				continue // the in-memory openldap profile is asked in the company
			}
			for _, nested := range []bool{false, true} {
				agrees(t, p.stage(t, func(c *ldapmgr.DomainConfig) {
					c.Groups.Strategy, c.Groups.Nested = strategy, &nested
					c.Sync.Mirror.On = new(true)
					c.Groups.Places = append(c.Groups.Places, ldapmgr.Place{Base: "ou=moregroups,o=test"}, ldapmgr.Place{Base: "ou=query_groups,o=test", Scope: "one"})
				}))
			}
		}
	})
	for _, strategy := range []string{ldapmgr.GroupsToken, ldapmgr.GroupsInChain, ldapmgr.GroupsMemberOf, ldapmgr.GroupsMember} {
		agrees(t, company(t).stage(t, func(c *ldapmgr.DomainConfig) {
			onCompany(c)
			c.Groups.Strategy = strategy
			c.Sync.Mirror.On = new(true)
		}))
	}
}

// TestRanges: an Active Directory sends long lists in pieces.
func TestRangesOfMembers(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(60)), MaxValRange: 3})
	s := site{url: server.URL(), bind: ldaptest.CompanyService, password: ldaptest.CompanyServicePassword}.stage(t, func(c *ldapmgr.DomainConfig) {
		onCompany(c)
		c.Sync.Groups = map[string]string{"everybody": "All"}
		c.Users.Filter = "(&(objectClass=user)(mail=*))"
	})
	report, err := s.syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true})
	if err != nil {
		t.Fatal(err)
	}
	in := 0
	for account, err := range s.store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(account.Groups, "everybody") {
			in++
		}
	}
	if in != report.People || in < 50 {
		t.Errorf("%d of %d people are in All", in, report.People)
	}
}

// TestCutEverywhere ends the connection at every message of a sync of all, and in every entry: nothing may change.
func TestCutEverywhere(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]func(n int) ldaptest.Action{
		"dropped":  func(int) ldaptest.Action { return ldaptest.Action{Drop: true} },
		"garbage":  func(int) ldaptest.Action { return ldaptest.Action{Raw: ldaptest.Garbage} },
		"error":    func(int) ldaptest.Action { return ldaptest.Action{Result: &wire.Reply{Code: 80}} },
		"limit":    func(int) ldaptest.Action { return ldaptest.Action{Result: &wire.Reply{Code: 4}} },
		"tag":      func(int) ldaptest.Action { return ldaptest.Action{Tag: wire.BindResponse} },
		"in entry": func(n int) ldaptest.Action { return ldaptest.Action{CutEntry: max(1, 4-n)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cutEverywhere(t, action, name == "in entry")
		})
	}
}

// snapshot is all accounts as text.
func (s *stage) snapshot() string {
	var b strings.Builder
	for account, err := range s.store.All(s.t.Context()) {
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintln(&b, account)
	}
	return b.String()
}

// cutEverywhere lets one message after the other fail. An action may miss: where an answer has no entry to be cut at, as the
// question to the suffix for how recent it is.
func cutEverywhere(t *testing.T, action func(n int) ldaptest.Action, misses bool) {
	r := crowded(t, 30, agreeAtOnce)
	r.remove(0, 1)
	change := ldap.NewModifyRequest("uid=p00007,ou=people,o=test", nil)
	change.Replace("sn", []string{"another name"})
	if _, err := r.domain.Modify(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	before := r.snapshot()
	cuts, done := 0, false
	for n := 1; !done; n++ {
		var hit atomic.Bool
		var seen atomic.Int64
		r.server.Dir.SetFault(func(q ldaptest.Request) ldaptest.Action {
			if q.Op != wire.SearchRequest && (misses || q.Op != wire.ExtendedRequest) || misses && q.DN == "o=test" || seen.Add(1) < int64(n) || !hit.CompareAndSwap(false, true) {
				return ldaptest.Action{}
			}
			return action(n)
		})
		_, err := r.syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true})
		r.server.Dir.SetFault(nil)
		done = err == nil
		switch {
		case done && hit.Load() && !misses:
			t.Fatalf("message %d: the sync succeeds", n)
		case !done:
			if cuts++; r.snapshot() != before {
				t.Fatalf("message %d: the accounts changed", n)
			}
		}
	}
	if cuts < 3 || r.inactive() != 1 && !misses {
		t.Errorf("%d cuts, and %d inactive after a sync without one", cuts, r.inactive())
	}
}

// TestCutEverywhereOne does the same to the sync of one person: each of its messages fails once, in each way. The account says why
// and is otherwise as it was, and the next sync does what this one could not.
func TestCutEverywhereOne(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]ldaptest.Action{
		"dropped": {Drop: true}, "garbage": {Raw: ldaptest.Garbage}, "error": {Result: &wire.Reply{Code: 80}}, "limit": {Result: &wire.Reply{Code: 4}},
		"busy": {Result: &wire.Reply{Code: 51}}, "tag": {Tag: wire.BindResponse}, "in entry": {CutEntry: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := site{}.start(t, inMemory())
			s := p.stage(t, func(c *ldapmgr.DomainConfig) { demanding(c); c.ReadOnly = new(false) })
			key := s.login("alice").Account.Key
			change := ldap.NewModifyRequest("uid=alice,ou=people,o=test", nil)
			change.Replace("sn", []string{"another name"})
			if _, err := s.domain.Modify(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			before := fmt.Sprint(s.account("alice"))
			for _, base := range []string{"ou=people,o=test", "ou=groups,o=test"} {
				p.memory.Dir.SetFault(ldaptest.When(func(q ldaptest.Request) bool { return q.Op == wire.SearchRequest && q.DN == base }, ldaptest.Always(action)))
				if _, err := s.syncer.Resync(t.Context(), "", key); err == nil {
					t.Errorf("%s: the sync succeeds", base)
				}
				after := s.account("alice")
				if after.LastError == "" {
					t.Errorf("%s: the account does not say why", base)
				}
				if after.LastError = ""; fmt.Sprint(after) != before {
					t.Errorf("%s: the account was\n%s and is\n%v", base, before, after)
				}
			}
			p.memory.Dir.SetFault(nil)
			if _, err := s.syncer.Resync(t.Context(), "", key); err != nil || s.account("alice").Fields["last_name"] != "another name" {
				t.Errorf("the server is back: %v, %v", s.account("alice"), err)
			}
		})
	}
}

func TestCancelledSyncChangesNothing(t *testing.T) {
	t.Parallel()
	r := crowded(t, 30, agreeAtOnce)
	r.remove(0, 1)
	ctx, cancel := context.WithCancel(t.Context())
	r.server.Dir.SetFault(ldaptest.On(wire.SearchRequest, func(q ldaptest.Request) ldaptest.Action {
		if q.DN == "ou=people,o=test" {
			cancel()
		}
		return ldaptest.Action{}
	}))
	if _, err := r.syncer.All(ctx, "", ldapmgr.AllOptions{Apply: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if r.inactive() != 0 {
		t.Error("a cancelled sync deactivated somebody")
	}
}

// TestSyncSteps: a login and a sync show their steps under one request.
func TestSyncSteps(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, demanding)
		steps := func(f func(ctx context.Context)) (names []string) {
			ctx, end := s.scope.Job(t.Context(), "job")
			f(ctx)
			end()
			q, _ := s.scope.Recorder().Summary(requestOf(ctx))
			for _, step := range q.Steps {
				if step.Running || step.Duration <= 0 {
					t.Errorf("step %s took %v, running %v", step.Name, step.Duration, step.Running)
				}
				names = append(names, step.Name)
			}
			return names
		}
		var key string
		got := steps(func(ctx context.Context) {
			done, err := s.syncer.Login(ctx, ldapmgr.Credentials{Name: "alice", Password: "password"})
			if err != nil {
				t.Fatal(err)
			}
			key = done.Account.Key
		})
		if want := []string{"login.find", "login.bind", "login.groups", "sync.flags", "sync.save"}; !slices.Equal(got, want) {
			t.Errorf("steps of a login %q, want %q", got, want)
		}
		got = steps(func(ctx context.Context) {
			if _, err := s.syncer.Resync(ctx, "", key); err != nil {
				t.Fatal(err)
			}
		})
		if want := []string{"sync.user", "sync.groups", "sync.flags", "sync.save"}; !slices.Equal(got, want) {
			t.Errorf("steps of a sync %q, want %q", got, want)
		}
		got = steps(func(ctx context.Context) {
			if _, err := s.syncer.All(ctx, "", ldapmgr.AllOptions{Apply: true}); err != nil {
				t.Fatal(err)
			}
		})
		if want := []string{"sync.groups", "sync.user", "sync.brake", "sync.save"}; !slices.Equal(got, want) {
			t.Errorf("steps of a sync of all %q, want %q", got, want)
		}
	})
}

// oneSyncAtATime: requests of one user share one sync.
func oneSyncAtATime(t *testing.T, p site) {
	p = p.start(t, inMemory())
	s := p.stage(t, nil)
	key := s.login("alice").Account.Key
	const callers = 16
	waiting := make(chan struct{})
	var once sync.Once
	p.memory.Dir.SetFault(ldaptest.On(wire.SearchRequest, func(ldaptest.Request) ldaptest.Action {
		once.Do(func() { <-waiting })
		return ldaptest.Action{}
	}))
	var group sync.WaitGroup
	operations, _, _, _ := s.spent(func() {
		for range callers {
			group.Go(func() {
				if _, err := s.syncer.Resync(t.Context(), "", key); err != nil {
					t.Error(err)
				}
			})
		}
		waitFor(t, func() bool { return waitingIn("(*Syncer).together") == callers })
		close(waiting)
		group.Wait()
	})
	if operations != 2 {
		t.Errorf("%d operations for %d requests at once, want 2", operations, callers)
	}
}

// waitingIn counts goroutines that wait in a function.
func waitingIn(name string) int {
	stacks := make([]byte, 1<<20)
	n := 0
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "[select") && strings.Contains(stack, name) && strings.Contains(stack, "oneSyncAtATime") {
			n++
		}
	}
	return n
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
		runtime.Gosched()
	}
}
