// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func TestLoginNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		form            ldapmgr.NameForm // "" for names that are none
		account, domain string
	}{
		{"ada", ldapmgr.FormAccount, "ada", ""}, {" ada ", ldapmgr.FormAccount, "ada", ""}, {`EXAMPLE\ada`, ldapmgr.FormDown, "ada", "EXAMPLE"},
		{"ada@example.org", ldapmgr.FormUPN, "ada", "example.org"}, {"a@b@example.org", ldapmgr.FormUPN, "a@b", "example.org"},
		{"Ada Lovelace", ldapmgr.FormAccount, "Ada Lovelace", ""}, {"*", ldapmgr.FormAccount, "*", ""},
		{"", "", "", ""}, {"   ", "", "", ""}, {`\ada`, "", "", ""}, {`EXAMPLE\`, "", "", ""}, {`A\B\ada`, "", "", ""}, {"@example.org", "", "", ""},
		{"ada@", "", "", ""}, {"a\x00da", "", "", ""}, {"a\nda", "", "", ""}, {"a\xffda", "", "", ""}, {`A\ada@example.org`, "", "", ""}, {strings.Repeat("a", 300), "", "", ""},
	}
	for _, test := range tests {
		got, err := ldapmgr.ParseLoginName(test.name)
		if got.Form != test.form || got.Account != test.account || got.Domain != test.domain || (err == nil) != (test.form != "") {
			t.Errorf("%q: got %+v, %v", test.name, got, err)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	server := company(t)
	s := server.stage(t, onCompany)
	all := map[string]ldapmgr.Field{
		"a_first":  {Attribute: "givenName"},
		"b_lower":  {Attribute: "givenName", Transform: ldapmgr.TransformLower},
		"c_upper":  {Attribute: "SN", Transform: ldapmgr.TransformUpper},
		"d_both":   {Template: "{givenName} {sn}"},
		"e_none":   {Template: "{street}{postalCode}"},
		"f_time":   {Attribute: "pwdLastSet", Transform: ldapmgr.TransformTime},
		"g_int":    {Attribute: "userAccountControl", Transform: ldapmgr.TransformInt},
		"h_sid":    {Attribute: "objectSid", Transform: ldapmgr.TransformSID},
		"i_guid":   {Attribute: "objectGUID", Transform: ldapmgr.TransformGUID},
		"j_def":    {Attribute: "street", Default: "unknown"},
		"k_never":  {Attribute: "accountExpires", Transform: ldapmgr.TransformTime},
		"l_nobool": {Attribute: "givenName", Transform: ldapmgr.TransformBool},
	}
	c := s.domain.Config()
	c.Users.Fields = all
	sink := &ownSink{accounts: map[string]ldapmgr.Stored{}}
	done, err := ldapmgr.NewSyncer(identityManager(t, instrument.New(), c), sink, ldapmgr.Hooks{}).Sync(t.Context(), "", "ada")
	if err != nil {
		t.Fatal(err)
	}
	guid, _ := done.User.Entry.GUID("objectGUID")
	sid, _ := done.User.Entry.SID("objectSid")
	want := map[string]string{
		"a_first": "Ada", "b_lower": "ada", "c_upper": "LOVELACE", "d_both": "Ada Lovelace", "f_time": "2024-01-15T08:00:00Z", "g_int": "512",
		"h_sid": sid, "i_guid": guid, "j_def": "unknown",
	}
	if diff := cmp.Diff(want, done.Account.Fields); diff != "" {
		t.Error(diff)
	}
	if done.User.Key != guid || len(guid) != 36 {
		t.Errorf("key %q, GUID %q", done.User.Key, guid)
	}
}

// TestRenameKeepsTheAccount: who is renamed and moved is still who it was, and who takes the name over is somebody else.
func TestRenameKeepsTheAccount(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		if p.memory == nil {
			p = fixtureOnSlapd(t) // of its own, since it is changed
		}
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.ReadOnly = new(false) })
		first := s.login("bob")
		move := ldap.NewModifyDNRequest("uid=bob,ou=people,o=test", "uid=robert", true, "")
		if err := s.domain.ModifyDN(t.Context(), move); err != nil {
			t.Fatal(err)
		}
		done := s.login("robert")
		if done.Account.ID != first.Account.ID || !done.Plan.Moved || done.Account.DN != "uid=robert,ou=people,o=test" {
			t.Errorf("after the rename: %+v, %v", done.Account, done.Plan)
		}
		add := ldap.NewAddRequest("uid=bob,ou=people,o=test", nil)
		for name, value := range map[string]string{"objectClass": "inetOrgPerson", "uid": "bob", "cn": "another", "sn": "Bob", "userPassword": "password"} {
			add.Attribute(name, []string{value})
		}
		if err := s.domain.Add(t.Context(), add); err != nil {
			t.Fatal(err)
		}
		another := s.login("bob")
		if another.Account.ID == first.Account.ID || another.Account.Name != "bob@example" {
			t.Errorf("the new bob got %+v", another.Account)
		}
		if u, err := s.domain.UserByKey(t.Context(), first.Account.Key); err != nil || u.Account != "robert" {
			t.Errorf("by key: %+v, %v", u, err)
		}
	})
}

func TestUserByKeyAD(t *testing.T) {
	t.Parallel()
	s := company(t).stage(t, onCompany)
	u, err := s.domain.User(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.domain.UserByKey(t.Context(), u.Key)
	if err != nil || again.DN != u.DN {
		t.Errorf("got %+v, %v", again, err)
	}
	for _, key := range []string{"", "x", "00000000-0000-0000-0000-000000000000", "*"} {
		if _, err := s.domain.UserByKey(t.Context(), key); !errors.Is(err, ldapmgr.ErrNotFound) {
			t.Errorf("key %q: got %v, want ErrNotFound", key, err)
		}
	}
}

func TestCachesExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Users = ldapmgr.Users{Filter: "(objectClass=*)", Account: "ou", CacheFor: time.Minute, MissFor: time.Second}
		c.Login.Attributes = []string{"ou"}
		c.Groups.Strategy = ldapmgr.GroupsNone
		c.Pool.ProbeAfter = time.Hour
		d, scope := domain(t, c)
		count := func(name string) uint64 {
			before := wireUsage(scope).SearchOperations
			_, _ = d.User(t.Context(), name)
			return wireUsage(scope).SearchOperations - before
		}
		count("people")
		count("nobody")
		if a, b := count("people"), count(" Nobody "); a != 0 || b != 0 {
			t.Errorf("%d and %d searches for what is known", a, b)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // the bubble's clock
		if a, b := count("people"), count("nobody"); a != 0 || b != 1 {
			t.Errorf("%d and %d searches after two seconds, want 0 and 1", a, b)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		if a := count("people"); a != 1 {
			t.Errorf("%d searches after a minute", a)
		}
	})
}

// FuzzLoginName: no name finds anybody but by being the name.
func FuzzLoginName(f *testing.F) {
	for _, name := range []string{"*", "a*", "alice)(uid=*", `\2a`, "(uid=alice)", "alice,ou=people", `"alice"`, "álice", "\u212a", "a+b", "#alice", "alice;x", "alice@test"} {
		f.Add(name)
	}
	server := ldaptest.Start(f, ldaptest.Config{Suffix: "o=test", LDIF: strings.NewReader(fixture()), RootPassword: password})
	m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{
		"X": site{url: server.URL(), bind: "cn=admin,o=test", password: password}.config(),
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = m.Close(f.Context()) })
	d, _ := m.Domain("")
	f.Fuzz(func(t *testing.T, name string) {
		u, err := d.User(t.Context(), name)
		switch {
		case err == nil && !sameByRule(name, u.Account):
			t.Errorf("%q finds %q", name, u.Account)
		case err != nil && !errors.Is(err, ldapmgr.ErrNotFound) && !errors.Is(err, ldapmgr.ErrLoginName):
			t.Errorf("%q: %v", name, err)
		}
	})
}

// sameByRule reports whether a name may find an account: it is the account but for case and spaces, or it holds characters
// outside of ASCII, which caseIgnoreMatch may leave out or map to others.
func sameByRule(name, account string) bool {
	if strings.ContainsFunc(name, func(r rune) bool { return r > 127 }) {
		return true
	}
	return strings.EqualFold(strings.Join(strings.Fields(name), " "), account)
}

func TestLoginFilter(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Aliases = []string{"people.test"}
			c.Login.Filter = "(|(mail={name})(uid={account}))"
		})
		for name, want := range map[string]string{
			"charlie@people.test": "charlie", "charlie": "charlie", `EXAMPLE\charlie`: "charlie", "alice@people.test": "alice",
		} {
			if u, err := s.domain.User(t.Context(), name); err != nil || u.Account != want {
				t.Errorf("%q: got %+v, %v", name, u, err)
			}
		}
	})
}

// TestRenamedWhileRemembered: a DN that is remembered and wrong costs one login at most.
func TestRenamedWhileRemembered(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Users.CacheFor, c.ReadOnly = time.Hour, new(false) })
		s.login("bob")
		if err := s.domain.ModifyDN(t.Context(), ldap.NewModifyDNRequest("uid=bob,ou=people,o=test", "cn=Robert", false, "")); err != nil {
			t.Fatal(err)
		}
		s.refused("bob", "password", ldapmgr.OutcomeWrongPassword)
		s.login("bob")
	})
}
