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

// D16: what both seeds fail.
var beyondRows = []row{
	{name: "D16/outage_is_not_cached_as_a_miss", alone: outageIsNoMiss},
	{name: "D16/two_domains_do_not_share_a_cache", run: twoDomains},
	{name: "D16/same_account_in_two_domains_is_two_users", run: sameAccount},
	{name: "D16/exact_group_match", run: exactGroup},
	{name: "D16/failed_group_search_changes_nothing", alone: failedGroupSearch},
	{name: "D16/dn_with_special_characters", alone: specialDN},
	{name: "D16/dn_compare_ignores_case_and_spaces", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Groups.Nested = new(true)
			c.Login.Require = `"CN = Staff_GON ,  OU=Groups, o= TEST"`
		})
		s.login("alice")
		s.refused("bob", "password", ldapmgr.OutcomeNotAllowed)
	}},
	{name: "D16/dn_compare_ignores_escapes", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Login.Require = `"2.5.4.3=st\\61ff_gon,organizationalUnitName=groups,O=test"`
		})
		s.login("alice")
		s.refused("bob", "password", ldapmgr.OutcomeNotAllowed)
	}},
	{name: "D16/username_is_no_filter", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		for _, name := range []string{"*", "!bob", "bob; alice", "a*", "*)(uid=*", "alice)(|(uid=*", `alice\2a`, "alice\\", "ali\x00ce", "(uid=alice)", "alice,bob", "&", "|"} {
			_, err := s.try(name, "password")
			if o := ldapmgr.OutcomeOf(err); o != ldapmgr.OutcomeNoSuchUser && o != ldapmgr.OutcomeBadName {
				t.Errorf("%q: got %s", name, o)
			}
			if _, err := s.domain.User(t.Context(), name); err == nil || errors.Is(err, ldapmgr.ErrAmbiguous) {
				t.Errorf("%q finds somebody: %v", name, err)
			}
		}
		s.wantAccounts()
	}},
	{name: "D16/attribute_removed_is_cleared", alone: attributeRemoved},
	{name: "D16/multi_value", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Users.Fields["extra"] = ldapmgr.Field{Attribute: "objectClass", Transform: ldapmgr.TransformList}
			c.Users.Fields["last_name"] = ldapmgr.Field{Attribute: "objectClass", Transform: ldapmgr.TransformJoin}
		})
		f := s.login("alice").Account.Fields
		if f["extra"] != `["inetOrgPerson","posixAccount"]` || f["last_name"] != "inetOrgPerson, posixAccount" {
			t.Errorf("fields are %v", f)
		}
	}},
	{name: "D16/delta_0", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		key := s.login("alice").Account.Key
		for _, test := range []struct {
			maxAge time.Duration
			want   int
		}{{0, 2}, {time.Hour, 0}, {0, 2}} {
			ops := s.during(func() {
				if _, err := s.syncer.Current(t.Context(), "", key, test.maxAge); err != nil {
					t.Error(err)
				}
			})
			if len(ops) != test.want {
				t.Errorf("max age %v: operations %q, want %d", test.maxAge, kinds(ops), test.want)
			}
		}
	}},
	{name: "D16/sigterm_saves", elsewhere: []string{"metricsdb.TestEveryEndLeavesARow", "cmd/ldapscope.TestEnding"}},
	{name: "D16/counters_survive_reconnect", alone: func(t *testing.T, p site) {
		p = p.start(t, inMemory())
		s := p.stage(t, nil)
		s.login("alice")
		before := wireUsage(s.scope)
		p.memory.Stop()
		waitFor(t, func() bool { return wireUsage(s.scope).ClosedSockets == before.OpenSockets })
		p.memory.Start()
		s.login("alice")
		if after := wireUsage(s.scope); after.Operations < before.Operations+3 || after.OpenSockets <= before.OpenSockets {
			t.Errorf("%d operations on %d connections, after %d on %d", after.Operations, after.OpenSockets, before.Operations, before.OpenSockets)
		}
	}},
	{name: "D16/counters_exceed_2_31", elsewhere: []string{"metricsdb.TestLargeCounters"}, run: func(t *testing.T, _ site) {
		var big, small instrument.Counters
		big.Operations, small.Operations = 1<<33, 5
		if got := big.Sub(small).Operations; got != 1<<33-5 {
			t.Errorf("got %d", got)
		}
	}},
	{name: "D16/silent_server_returns_within_the_deadline", alone: silentServer},
	{name: "D16/panel_never_shows_a_password", elsewhere: []string{"cmd/ldapscope.TestSecrets", "instrument.TestSecretsAreKeptNowhere"}, run: func(t *testing.T, p site) {
		const marker = "Zebra-Crossing-4711"
		s := p.stage(t, nil)
		ops := s.during(func() {
			s.refused("alice", marker, ldapmgr.OutcomeWrongPassword)
			s.refused("nobody at all", marker, ldapmgr.OutcomeNoSuchUser)
		})
		if text := fmt.Sprintf("%+v", ops); strings.Contains(text, marker) || strings.Contains(fmt.Sprintf("%+v", s.events), marker) {
			t.Error("what the panel reads holds the password")
		}
	}},
	{name: "D16/panel_survives_paged_searches", elsewhere: []string{"panel.TestEveryKindOfTraffic"}},
	{name: "D16/panel_survives_binary_values", elsewhere: []string{"panel.TestEveryKindOfTraffic"}},
	{name: "D16/panel_survives_changes", elsewhere: []string{"panel.TestEveryKindOfTraffic"}},
	{name: "D16/panel_survives_compare_and_extended", elsewhere: []string{"panel.TestEveryKindOfTraffic"}},
	{name: "D16/overlapping_requests_record_once", run: overlappingRequests, elsewhere: []string{"instrument.TestMiddlewareKeepsOverlappingRequestsApart"}},
	{name: "D16/operations_are_filtered_per_domain", elsewhere: []string{"panel/query.TestMatch"}, run: func(t *testing.T, p site) {
		scope := instrument.New()
		m := p.manager(t, ldapmgr.Config{Scope: scope, Defaults: p.config(), Domains: map[string]ldapmgr.DomainConfig{"A": {}, "B": {}}})
		for _, name := range []string{`A\alice`, `B\bob`} {
			if _, err := m.Authenticate(t.Context(), ldapmgr.Credentials{Name: name, Password: "password"}); err != nil {
				t.Fatal(err)
			}
		}
		for _, op := range scope.Recorder().Latest(1000).Operations {
			if op.Search != nil && (op.Domain == "A" && strings.Contains(op.Search.Filter, "bob") || op.Domain == "B" && strings.Contains(op.Search.Filter, "alice")) {
				t.Errorf("operation %d is shown under %s", op.Seq, op.Domain)
			}
		}
	}},
	{name: "D16/default_settings_never_deactivate", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		for _, name := range []string{"alice", "bob", "nobody"} {
			s.login(name)
			wantFlags(t, s.account(name), true, false, false)
		}
		if _, err := s.syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true}); err != nil {
			t.Fatal(err)
		}
		for _, name := range s.accounts() {
			wantFlags(t, s.account(name), true, false, false)
		}
	}},
	{name: "D16/clear_text_with_tls_required_is_refused", run: func(t *testing.T, p site) {
		c := p.config()
		c.Servers = []string{"ldaps://127.0.0.1:636"}
		c.StartTLS = new(true)
		if _, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"X": c}}); err == nil {
			t.Error("ldaps with StartTLS is taken")
		}
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.StartTLS = new(true) })
		before := wireUsage(s.scope)
		s.refused("alice", "password", ldapmgr.OutcomeUnavailable)
		if n := wireUsage(s.scope).Sub(before).BindOperations; n != 0 {
			t.Errorf("%d binds in clear text", n)
		}
	}},
	{name: "D16/untrusted_certificate_is_refused", alone: func(t *testing.T, p site) {
		p = p.start(t, inMemory())
		p.url = p.memory.TLSURL()
		s := p.stage(t, nil)
		err := s.refused("alice", "password", ldapmgr.OutcomeUnavailable)
		if ldapmgr.Classify(err) != ldapmgr.ClassTLSAuthority || p.memory.Dir.Requests(wire.BindRequest) != 0 {
			t.Errorf("got class %s and %d binds", ldapmgr.Classify(err), p.memory.Dir.Requests(wire.BindRequest))
		}
	}},
}

func outageIsNoMiss(t *testing.T, p site) {
	p = p.start(t, inMemory())
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		c.Users.CacheFor, c.Users.MissFor, c.Groups.CacheFor = time.Hour, time.Hour, time.Hour
	})
	fault := ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 80}}))
	p.memory.Dir.SetFault(fault)
	s.refused("alice", "password", ldapmgr.OutcomeUnavailable)
	p.memory.Dir.SetFault(nil)
	s.login("alice")
	s.refused("newcomer", "password", ldapmgr.OutcomeNoSuchUser)
	ops := s.during(func() { s.refused("newcomer", "password", ldapmgr.OutcomeNoSuchUser) })
	if n := searches(ops, "ou=people,o=test"); n != 0 {
		t.Errorf("%d searches for who is known not to exist", n)
	}
}

func twoDomains(t *testing.T, p site) {
	a, b := p.config(), p.config()
	a.Users.CacheFor, b.Users.CacheFor = time.Hour, time.Hour
	b.Users.Places = []ldapmgr.Place{{Base: "ou=moregroups,o=test"}} // nobody
	m := p.manager(t, ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"A": a, "B": b}})
	if _, err := m.Authenticate(t.Context(), ldapmgr.Credentials{Name: `A\alice`, Password: "password"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Authenticate(t.Context(), ldapmgr.Credentials{Name: `B\alice`, Password: "password"}); ldapmgr.OutcomeOf(err) != ldapmgr.OutcomeNoSuchUser {
		t.Errorf("B answers with what A knows: %v", err)
	}
}

func sameAccount(t *testing.T, p site) {
	s := p.stage(t, nil)
	m := p.manager(t, ldapmgr.Config{Scope: instrument.New(), Defaults: p.config(), Domains: map[string]ldapmgr.DomainConfig{"A": {}, "B": {}}})
	syncer := ldapmgr.NewSyncer(m, s.store, ldapmgr.Hooks{})
	for _, name := range []string{`A\alice`, `B\alice`, `A\ALICE`, `b\Alice`} {
		if _, err := syncer.Login(t.Context(), ldapmgr.Credentials{Name: name, Password: "password"}); err != nil {
			t.Fatal(err)
		}
	}
	s.wantAccounts("alice", "alice@b")
}

func exactGroup(t *testing.T, p site) {
	u, err := p.stage(t, nil).domain.User(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]bool{
		"staff_gon": true, "STAFF_GON": true, " staff_gon ": true, "staff": false, "taff_gon": false, "staff_gon_readonly": false, "staff*": false,
		"cn=staff_gon": false, "cn=staff_gon,ou=groups": false, "name:staff_gon": true, "dn:CN=staff_gon,ou=groups,o=test": true,
	} {
		if got := u.Groups.Has(query); got != want {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
}

func failedGroupSearch(t *testing.T, p site) {
	p = p.start(t, inMemory())
	s := p.stage(t, func(c *ldapmgr.DomainConfig) { flagged(c); c.Sync.Mirror.On = new(true) })
	key := s.login("alice").Account.Key
	before := s.account("alice")
	groups := func(r ldaptest.Request) bool { return r.Op == wire.SearchRequest && r.DN == "ou=groups,o=test" }
	for _, fault := range []struct {
		name   string
		action ldaptest.Action
	}{
		{"noSuchObject", ldaptest.Action{Result: &wire.Reply{Code: 32}}},
		{"sizeLimitExceeded", ldaptest.Action{Result: &wire.Reply{Code: 4}}},
		{"other", ldaptest.Action{Result: &wire.Reply{Code: 80}}},
		{"dropped", ldaptest.Action{Drop: true}},
		{"garbage", ldaptest.Action{Raw: ldaptest.Garbage}},
		{"cut in an entry", ldaptest.Action{CutEntry: 2}},
		{"code of 65536", ldaptest.Action{Result: &wire.Reply{Code: 65536}}},
		{"wrong tag", ldaptest.Action{Tag: wire.BindResponse}},
	} {
		name := fault.name
		p.memory.Dir.SetFault(ldaptest.When(groups, ldaptest.Always(fault.action)))
		if _, err := s.syncer.Resync(t.Context(), "", key); err == nil {
			t.Errorf("%s: the sync succeeds", name)
		}
		s.refused("alice", "password", ldapmgr.OutcomeUnavailable)
		after := s.account("alice")
		if after.LastError == "" {
			t.Errorf("%s: the account does not say why", name)
		}
		after.LastError = ""
		if a, b := fmt.Sprint(after), fmt.Sprint(before); a != b {
			t.Errorf("%s: the account was %s and is %s", name, b, a)
		}
	}
	p.memory.Dir.SetFault(nil)
	if _, err := s.syncer.Resync(t.Context(), "", key); err != nil {
		t.Errorf("the server is back, and the sync fails: %v", err)
	}
	if got := s.account("alice").LastError; got != "" {
		t.Errorf("the account still says %q", got)
	}
}

func specialDN(t *testing.T, p site) {
	var b strings.Builder
	b.WriteString(fixture())
	names := []string{`O\27Brien (Ops)\, Ltd`, `back\\slash`, `plus\+sign`, `quo\"te`, `a * b`, `\#hash`, `semi\;colon`, `eq=ual`}
	for i, name := range names {
		dn := fmt.Sprintf("cn=%s,ou=people,o=test", name)
		fmt.Fprintf(&b, "dn: %s\nobjectClass: inetOrgPerson\nuid: odd%d\nsn: odd\nuserPassword: password\n\n", dn, i)
		fmt.Fprintf(&b, "dn: cn=%s group,ou=groups,o=test\nobjectClass: groupOfNames\nmember: %s\n\n", name, dn)
	}
	p = p.start(t, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(b.String()), RootPassword: password})
	for _, nested := range []bool{false, true} {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Groups.Nested = &nested })
		for i, name := range names {
			done := s.login(fmt.Sprintf("odd%d", i))
			if want := fmt.Sprintf("dn:cn=%s group,ou=groups,o=test", name); done.User.Groups.Len() != 1 || !done.User.Groups.Has(want) {
				t.Errorf("%s: groups %q", name, done.User.Groups.DNs())
			}
			if _, err := s.syncer.Resync(t.Context(), "", done.Account.Key); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func attributeRemoved(t *testing.T, p site) {
	p = p.start(t, inMemory())
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		c.ReadOnly = new(false)
		c.Users.Fields["extra"] = ldapmgr.Field{Attribute: "givenName", Keep: true}
	})
	s.login("alice")
	change := ldap.NewModifyRequest("uid=alice,ou=people,o=test", nil)
	change.Delete("givenName", nil)
	if _, err := s.domain.Modify(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	s.login("alice")
	f := s.account("alice").Fields
	if _, there := f["first_name"]; there || f["extra"] != "Alice" || f["last_name"] != "Adams" {
		t.Errorf("fields are %v, want the first name cleared and the extra one kept", f)
	}
}

func silentServer(t *testing.T, p site) {
	p = p.start(t, inMemory())
	s := p.stage(t, nil)
	s.warm()
	p.memory.Dir.SetFault(ldaptest.Always(ldaptest.Action{Hang: true}))
	const limit = 200 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	start := time.Now()
	_, err := s.syncer.Login(ctx, ldapmgr.Credentials{Name: "alice", Password: "password"})
	if took := time.Since(start); ldapmgr.OutcomeOf(err) != ldapmgr.OutcomeUnavailable || took > limit+time.Second {
		t.Errorf("got %v after %v", err, took)
	}
}

func overlappingRequests(t *testing.T, p site) {
	s := p.stage(t, nil)
	s.warm()
	one, endOne := s.scope.Job(t.Context(), "one")
	two, endTwo := s.scope.Job(t.Context(), "two")
	for i, ctx := range []context.Context{one, two} {
		if _, err := s.domain.Authenticate(ctx, ldapmgr.Credentials{Name: []string{"alice", "bob"}[i], Password: "password"}); err != nil {
			t.Error(err)
		}
	}
	endOne()
	endTwo()
	for _, ctx := range []context.Context{one, two} {
		q, ops, _ := s.scope.Recorder().Request(instrument.RequestID(ctx))
		if q.Operations != 3 || len(ops) != 3 {
			t.Errorf("job %s has %d operations, want its own 3", q.Name, q.Operations)
		}
	}
}
