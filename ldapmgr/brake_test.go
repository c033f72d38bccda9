// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// crowd is a directory with n people, ten for each group, and a service account under ou=services.
func crowd(n int) string {
	var b strings.Builder
	b.WriteString("dn: o=test\nobjectClass: organization\no: test\n\n")
	for _, ou := range []string{"people", "groups", "services"} {
		fmt.Fprintf(&b, "dn: ou=%s,o=test\nobjectClass: organizationalUnit\nou: %[1]s\n\n", ou)
	}
	b.WriteString("dn: cn=sync,ou=services,o=test\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: sync\nuserPassword: sync\n\n")
	for i := range n {
		fmt.Fprintf(&b, "dn: uid=p%05d,ou=people,o=test\nobjectClass: inetOrgPerson\nuid: p%05[1]d\ncn: p\nsn: Number %[1]d\ngivenName: P\n\n", i)
	}
	for g := range (n + 9) / 10 {
		fmt.Fprintf(&b, "dn: cn=g%04d,ou=groups,o=test\nobjectClass: groupOfNames\ncn: g%04[1]d\n", g)
		for i := g * 10; i < min(n, g*10+10); i++ {
			fmt.Fprintf(&b, "member: uid=p%05d,ou=people,o=test\n", i)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// run is a synced application on a crowd.
type run struct {
	*stage
	server *ldaptest.Server
}

func crowded(t testing.TB, n int, change func(*ldapmgr.DomainConfig)) *run {
	t.Helper()
	r := crowdStage(t, n, change)
	r.all(0)
	return r
}

// crowdStage is an application on a crowd that nobody has synced yet.
func crowdStage(t testing.TB, n int, change func(*ldapmgr.DomainConfig)) *run {
	t.Helper()
	server := ldaptest.Start(t, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(crowd(n)), RootPassword: password, SizeLimit: -1})
	p := site{url: server.URL(), bind: "cn=sync,ou=services,o=test", password: "sync"}
	r := &run{server: server}
	r.stage = p.stage(t, func(c *ldapmgr.DomainConfig) {
		c.Sync.Leavers = ldapmgr.LeaversDeactivate
		c.Sync.Mirror.On = new(true)
		c.ReadOnly = new(false)
		if change != nil {
			change(c)
		}
	})
	return r
}

// all syncs everybody.
func (r *run) all(confirm int) *ldapmgr.Report {
	r.t.Helper()
	report, err := r.syncer.All(r.t.Context(), "", ldapmgr.AllOptions{Apply: true, Confirm: confirm})
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// inactive counts accounts that are not active.
func (r *run) inactive() (n int) {
	for account, err := range r.store.All(r.t.Context()) {
		if err != nil {
			r.t.Fatal(err)
		}
		if !account.Flags[ldapmgr.ActiveFlag] {
			n++
		}
	}
	return n
}

func (r *run) remove(from, to int) {
	r.t.Helper()
	for i := from; i < to; i++ {
		if err := r.domain.Delete(r.t.Context(), ldap.NewDelRequest(fmt.Sprintf("uid=p%05d,ou=people,o=test", i), nil)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// wantHeld checks that everything is held for one reason, and nobody lost anything.
func (r *run) wantHeld(report *ldapmgr.Report, reason string) {
	r.t.Helper()
	if report.Removals == 0 || report.Held != report.Removals || r.inactive() != 0 {
		r.t.Errorf("%d of %d removals are held, %d accounts are inactive", report.Held, report.Removals, r.inactive())
	}
	for _, p := range report.Plans {
		for _, h := range p.Held {
			if !strings.Contains(h.Reason, reason) {
				r.t.Errorf("%s: held because %q, want %q", p.Name, h.Reason, reason)
				return
			}
		}
	}
}

func TestLeaversAreDeactivated(t *testing.T) {
	t.Parallel()
	r := crowded(t, 200, nil)
	r.remove(0, 2) // no more than 1 % of the accounts, so that one sync decides
	report := r.all(0)
	if report.Held != 0 || r.inactive() != 2 {
		t.Errorf("%d inactive, %d of %d held: %v", r.inactive(), report.Held, report.Removals, report.Plans)
	}
	if a := r.account("p00000"); a.Left.IsZero() {
		t.Error("the account does not say since when")
	}
	if again := r.all(0); len(again.Plans) != 0 {
		t.Errorf("the next sync changes %v", again.Plans)
	}
	back := ldap.NewAddRequest("uid=p00000,ou=people,o=test", nil)
	back.Attribute("objectClass", []string{"inetOrgPerson"})
	back.Attribute("cn", []string{"p"})
	back.Attribute("sn", []string{"another"})
	if err := r.domain.Add(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	r.all(0)
	if r.inactive() != 2 {
		t.Error("another person of the same name took the account over")
	}
}

// TestBrake replays what went wrong elsewhere: in every case people must keep what they have.
func TestBrake(t *testing.T) {
	t.Parallel()
	search := func(base string, a ldaptest.Action) ldaptest.Fault {
		return ldaptest.When(func(r ldaptest.Request) bool { return r.Op == wire.SearchRequest && r.DN == base }, ldaptest.Always(a))
	}
	empty := ldaptest.Action{Result: &wire.Reply{}}
	tests := []struct {
		name   string
		change func(*ldapmgr.DomainConfig)
		happen func(r *run)
		reason string
	}{
		{name: "the answer is empty, and a success", reason: "fewer than", happen: func(r *run) { r.server.Dir.SetFault(search("ou=people,o=test", empty)) }},
		{name: "a replica is empty", reason: "cannot be seen", happen: func(r *run) {
			r.server.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.When(func(r ldaptest.Request) bool { return r.DN != "" }, ldaptest.Always(empty))))
		}},
		{name: "half of the people are gone", reason: "fewer than", happen: func(r *run) { r.remove(0, 40) }},
		{name: "more than a few are gone", reason: "removals of this kind", happen: func(r *run) { r.remove(0, 15) }},
		{name: "one is gone, in one sync", reason: "a second sync must agree", happen: func(r *run) { r.remove(0, 5) }},
		{name: "people moved out of sight", reason: "still there", change: agreeAtOnce, happen: func(r *run) {
			for i := range 3 {
				m := ldap.NewModifyRequest(fmt.Sprintf("uid=p%05d,ou=people,o=test", i), nil)
				m.Replace("employeeType", []string{"left the filter"})
				if _, err := r.domain.Modify(r.t.Context(), m); err != nil {
					r.t.Fatal(err)
				}
			}
		}},
		{name: "the service account lost its groups", reason: "removals of this kind", happen: func(r *run) { r.server.Dir.SetFault(search("ou=groups,o=test", empty)) }},
		{name: "the service account is not seen", reason: "cannot be seen", happen: func(r *run) {
			r.server.Dir.SetFault(search("cn=sync,ou=services,o=test", empty))
			r.remove(0, 1)
		}},
		{name: "who is bound changed", reason: "does not take the connection", happen: func(r *run) {
			asked := 0
			r.server.Dir.SetFault(ldaptest.On(wire.ExtendedRequest, func(ldaptest.Request) ldaptest.Action {
				if asked++; asked == 1 {
					return ldaptest.Action{}
				}
				return ldaptest.Action{Result: &wire.Reply{Value: []byte("dn:cn=another")}}
			}))
			r.remove(0, 1)
		}},
		{name: "a missing person is neither there nor not", reason: "neither", change: agreeAtOnce, happen: func(r *run) {
			r.remove(0, 1)
			r.server.Dir.SetFault(search("uid=p00000,ou=people,o=test", empty))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			filter := func(c *ldapmgr.DomainConfig) {
				c.Users.Filter = "(&(objectClass=person)(!(employeeType=left the filter)))"
				if test.change != nil {
					test.change(c)
				}
			}
			r := crowded(t, 80, filter)
			test.happen(r)
			r.wantHeld(r.all(0), test.reason)
		})
	}
}

// agreeAtOnce lets one sync decide.
func agreeAtOnce(c *ldapmgr.DomainConfig) { c.Sync.Brake.AgreeOver = 1 }

// TestBrakeBudget: who is beyond the budget of look-ups waits for the next sync.
func TestBrakeBudget(t *testing.T) {
	t.Parallel()
	r := crowded(t, 80, func(c *ldapmgr.DomainConfig) { agreeAtOnce(c); c.Sync.Brake.Confirms = 1 })
	r.remove(0, 3)
	for i := range 3 {
		if report := r.all(0); r.inactive() != i+1 || report.Held != 2-i {
			t.Errorf("sync %d: %d inactive, %d held", i, r.inactive(), report.Held)
		}
	}
}

func TestBrakeConfirm(t *testing.T) {
	t.Parallel()
	r := crowded(t, 80, agreeAtOnce)
	r.remove(0, 30)
	held := r.all(0)
	r.wantHeld(held, "fewer than")
	r.wantHeld(r.all(held.Removals-1), "confirm all")
	if report := r.all(held.Removals); report.Held != 0 || r.inactive() != 30 {
		t.Errorf("%d held and %d inactive after the right number", report.Held, r.inactive())
	}
	if report := r.all(0); report.Removals != 0 {
		t.Errorf("the new number of people is not accepted: %+v", report)
	}
}

// TestBrakeAgrees: what two syncs want, ten minutes apart, happens, though others ran between.
func TestBrakeAgrees(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := ldapmgr.BrakeForTest(ldapmgr.Brake{MinShare: 0.8, Removals: 10, Share: 0.05, AgreeOver: 0.01, AgreeGap: 10 * time.Minute})
		for minute, want := range []int{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0} {
			if got := b.Run(100, 97, 3); got != want {
				t.Errorf("minute %d: %d held, want %d", minute, got, want)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		}
		if got := b.Run(100, 100, 0); got != 0 {
			t.Errorf("%d held of nothing", got)
		}
		if got := b.Run(100, 97, 3); got != 3 {
			t.Errorf("%d held of three that the sync before did not want", got)
		}
	})
}

// TestBrakeRandomised: whatever happens together, nothing is removed unless all conditions hold.
func TestBrakeRandomised(t *testing.T) {
	t.Parallel()
	rounds := 10_000
	if testing.Short() {
		rounds = 2_000
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		f := ldapmgr.BrakeFactsForTest{
			Complete: random.IntN(8) > 0, OneServer: random.IntN(8) > 0, OneIdentity: random.IntN(8) > 0, Sentinel: random.IntN(8) > 0,
			People: random.IntN(200), Baseline: random.IntN(200), Total: random.IntN(400), Removals: random.IntN(40),
			WantedBefore: time.Duration(random.IntN(20)) * time.Minute, Confirmed: random.IntN(3) * random.IntN(40),
		}
		removed := f.Decide()
		allowed := f.Complete && f.OneServer && f.OneIdentity && f.Sentinel &&
			(float64(f.People) >= 0.8*float64(f.Baseline) || f.Confirmed == f.Removals) &&
			(f.Removals <= max(10, f.Total/20) || f.Confirmed == f.Removals) &&
			(float64(f.Removals) <= 0.01*float64(f.Total) || f.WantedBefore >= 10*time.Minute)
		if allowed && removed != f.Removals || !allowed && removed != 0 {
			t.Fatalf("%+v: %d were removed", f, removed)
		}
	}
}

// TestOneUserKeepsRights: an account that may not read groups any more sees nobody in one.
func TestOneUserKeepsRights(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	s := p.stage(t, func(c *ldapmgr.DomainConfig) { flagged(c); c.Sync.Mirror.On = new(true) })
	s.login("alice")
	before := s.account("alice")
	empty := ldaptest.Always(ldaptest.Action{Result: &wire.Reply{}})
	p.memory.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.DN == "ou=groups,o=test" }, empty))
	done := s.login("alice")
	if !slices.ContainsFunc(s.events, func(e ldapmgr.Event) bool { return errors.Is(e.Err, ldapmgr.ErrHeld) }) {
		t.Error("nobody is told")
	}
	if len(done.Plan.Held) != 7 {
		t.Errorf("held %v, want three flags and four groups", done.Plan.Held)
	}
	s.wantGroups("alice", before.Groups...)
	wantFlags(t, s.account("alice"), true, true, true)

	p.memory.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return strings.Contains(r.Filter, "uid=alice,ou=people") }, empty))
	if done = s.login("alice"); len(done.Plan.Held) != 0 { // others have groups, so that alice truly has none
		t.Errorf("held %v", done.Plan.Held)
	}
	s.wantGroups("alice")
	wantFlags(t, s.account("alice"), false, false, false)
}

// TestNewUserGetsNothingUnseen: who is new has nothing to lose by an answer that shows no groups, and must not be active where
// a group says who is.
func TestNewUserGetsNothingUnseen(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	s := p.stage(t, flagged)
	empty := ldaptest.Always(ldaptest.Action{Result: &wire.Reply{}})
	p.memory.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.DN == "ou=groups,o=test" }, empty))
	if done := s.login("alice"); len(done.Plan.Held) != 0 {
		t.Errorf("held %v", done.Plan.Held)
	}
	wantFlags(t, s.account("alice"), false, false, false)
}

// The same where a part of the tree could not be searched, and may hold the group.
func TestNewUserGetsNothingPartial(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		flagged(c)
		c.Groups.Places = []ldapmgr.Place{{Base: "ou=groups,o=test"}, {Base: "ou=moregroups,o=test"}}
		c.Groups.BestEffort = new(true)
	})
	busy := ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: ldap.LDAPResultUnwillingToPerform}})
	p.memory.Dir.SetFault(ldaptest.When(func(r ldaptest.Request) bool { return r.DN == "ou=groups,o=test" }, busy))
	s.login("alice")
	wantFlags(t, s.account("alice"), false, false, false)
}

func TestPlanOfAllChangesNothing(t *testing.T) {
	t.Parallel()
	r := crowded(t, 40, agreeAtOnce)
	r.remove(0, 1)
	report, err := r.syncer.All(t.Context(), "", ldapmgr.AllOptions{})
	if err != nil || report.Applied || len(report.Plans) != 1 || !report.Plans[0].Leave || !strings.Contains(report.Plans[0].String(), "is gone") {
		t.Errorf("got %+v, %v", report, err)
	}
	if r.inactive() != 0 {
		t.Error("a plan deactivated somebody")
	}
}

// TestBrakeConfirmExactly: a number that is not that of the removals agrees to nothing, however few they are, and the number
// of people that was found is then not accepted either.
func TestBrakeConfirmExactly(t *testing.T) {
	t.Parallel()
	r := crowded(t, 8, agreeAtOnce)
	r.remove(0, 4)
	for _, number := range []int{3, 5, 0} {
		r.wantHeld(r.all(number), "fewer than")
	}
	if report := r.all(4); report.Held != 0 || r.inactive() != 4 {
		t.Errorf("%d held and %d inactive after the right number", report.Held, r.inactive())
	}
}
