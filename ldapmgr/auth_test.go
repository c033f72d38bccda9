// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

func TestOutcomesOfActiveDirectory(t *testing.T) {
	t.Parallel()
	p := company(t)
	const subcoded = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data %s, v4563\x00"
	tests := []struct {
		name     string
		user     string
		password string
		sub      string // sub-code that the server answers with, whatever the password
		want     ldapmgr.Outcome
		public   string // how the public text begins
	}{
		{name: "right", user: "ada", password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeOK},
		{name: "user@domain", user: "ada@example.org", password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeOK},
		{name: "user@DOMAIN", user: "ADA@EXAMPLE.ORG", password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeOK},
		{name: "DOMAIN\\user", user: `EXAMPLE\Ada`, password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeOK},
		{name: "user@elsewhere", user: "ada@elsewhere.org", password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeNoSuchUser, public: "Name or"},
		{name: "wrong password", user: "ada", password: "x", want: ldapmgr.OutcomeWrongPassword, public: "Name or"},
		{name: "no such user", user: "ida", password: "x", want: ldapmgr.OutcomeNoSuchUser, public: "Name or"},
		{name: "disabled", user: "dora", password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeDisabled, public: "Name or"},
		{name: "disabled, wrong password", user: "dora", password: "x", want: ldapmgr.OutcomeWrongPassword, public: "Name or"},
		{name: "locked", user: "linus", password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeLocked, public: "Name or"},
		{name: "expired account", user: "erik", password: ldaptest.CompanyPassword, want: ldapmgr.OutcomeAccountExpired, public: "Name or"},
		{name: "525", sub: "525", want: ldapmgr.OutcomeNoSuchUser, public: "Name or"},
		{name: "52e", sub: "52e", want: ldapmgr.OutcomeWrongPassword, public: "Name or"},
		{name: "530", sub: "530", want: ldapmgr.OutcomeRestricted, public: "Name or"},
		{name: "531", sub: "531", want: ldapmgr.OutcomeRestricted, public: "Name or"},
		{name: "532", sub: "532", want: ldapmgr.OutcomeExpired, public: "Your password has expired"},
		{name: "533", sub: "533", want: ldapmgr.OutcomeDisabled, public: "Name or"},
		{name: "701", sub: "701", want: ldapmgr.OutcomeAccountExpired, public: "Name or"},
		{name: "773", sub: "773", want: ldapmgr.OutcomeMustChange, public: "Your password must be changed"},
		{name: "775", sub: "775", want: ldapmgr.OutcomeLocked, public: "Name or"},
		{name: "a sub-code of the future", sub: "9ff", want: ldapmgr.OutcomeWrongPassword, public: "Name or"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := p
			if test.sub != "" {
				p = company(t)
				answer := ldaptest.Action{Result: &wire.Reply{Code: 49, Diagnostic: fmt.Sprintf(subcoded, test.sub)}}
				p.memory.Dir.SetFault(ldaptest.On(wire.BindRequest, ldaptest.When(func(r ldaptest.Request) bool { return strings.Contains(r.DN, "Ada") }, ldaptest.Always(answer))))
				test.user, test.password = "ada", "whatever"
			}
			s := p.stage(t, onCompany)
			_, err := s.domain.Authenticate(t.Context(), ldapmgr.Credentials{Name: test.user, Password: test.password})
			if got := ldapmgr.OutcomeOf(err); got != test.want {
				t.Fatalf("got %s (%v), want %s", got, err, test.want)
			}
			var login *ldapmgr.LoginError
			if errors.As(err, &login) && !strings.HasPrefix(login.Public(), test.public) {
				t.Errorf("the person reads %q", login.Public())
			}
		})
	}
}

// TestEqualCost: who guesses names learns nothing from the number of operations either.
func TestEqualCost(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		s := p.stage(t, nil)
		s.warm()
		costs := map[string]string{}
		texts := map[string]string{}
		for _, name := range []string{"alice", "nobody at all", "alice*"} {
			var err error
			ops := s.during(func() { _, err = s.try(name, "wrong") })
			for _, op := range ops {
				costs[name] += op.Kind.String() + " "
			}
			var login *ldapmgr.LoginError
			if errors.As(err, &login) {
				texts[name] = login.Public()
			}
		}
		for name := range costs {
			if costs[name] != costs["alice"] || texts[name] != texts["alice"] || texts[name] == "" {
				t.Errorf("%q costs %q and reads %q; alice costs %q and reads %q", name, costs[name], texts[name], costs["alice"], texts["alice"])
			}
		}
	})
}

// TestEmptyPasswordIsNobody: a server that takes an empty password for an anonymous bind lets nobody in.
func TestEmptyPasswordIsNobody(t *testing.T) {
	t.Parallel()
	s := company(t).stage(t, func(c *ldapmgr.DomainConfig) { onCompany(c); c.Login.EmptyPassword = new(true) })
	s.refused("ada", "", ldapmgr.OutcomeWrongPassword)
	if ops := s.during(func() { s.refused("ada", "", ldapmgr.OutcomeWrongPassword) }); !slices.Contains(kinds(ops), "extended") {
		t.Errorf("operations %q: the server was not asked who is bound", kinds(ops))
	}
	s.wantAccounts()
}

func TestPasswordPolicy(t *testing.T) {
	t.Parallel()
	const policies = "dn: cn=default,dc=example,dc=org\nobjectClass: person\nobjectClass: pwdPolicy\ncn: default\nsn: default\npwdAttribute: userPassword\n" +
		"pwdLockout: TRUE\npwdMaxFailure: 3\npwdLockoutDuration: 0\npwdMustChange: TRUE\npwdMaxAge: 3600\npwdExpireWarning: 3600\n\n"
	person := func(uid, more string) string {
		return fmt.Sprintf("dn: uid=%s,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: %[1]s\ncn: %[1]s\nsn: %[1]s\nuserPassword: password\npwdPolicySubentry: cn=default,dc=example,dc=org\n%s\n", uid, more)
	}
	server := slapd.Start(t, slapd.Config{
		Overlays: []string{"memberof", "ppolicy"},
		LDIF: "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\n" + policies + person("fine", time.Now().UTC().Add(-time.Minute).Format("pwdChangedTime: 20060102150405Z\n")) + person("trying", "") + person("locked", "pwdAccountLockedTime: 20200101000000Z\n") +
			person("old", "pwdChangedTime: 20200101000000Z\n") + person("reset", "pwdReset: TRUE\n"),
	})
	p := site{url: server.LDAP, bind: server.RootDN, password: server.RootPW}
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		c.Base, c.Users.Places, c.Groups = suffix, nil, ldapmgr.Groups{Strategy: ldapmgr.GroupsNone}
	})
	s.refused("fine", "wrong", ldapmgr.OutcomeWrongPassword)
	if done := s.login("fine"); done.User.Policy == nil || done.User.Policy.ExpiresIn <= 0 || done.User.Policy.ExpiresIn > 3600 {
		t.Errorf("the server's warning is %+v", done.User.Policy)
	}
	s.refused("old", "password", ldapmgr.OutcomeExpired)
	s.refused("reset", "password", ldapmgr.OutcomeMustChange)
	for range 3 { // each is one bind: of twice as many the last would find the account locked
		s.refused("trying", "wrong", ldapmgr.OutcomeWrongPassword)
	}
	s.refused("locked", "password", ldapmgr.OutcomeLocked)
}

func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Users.Filter, c.Login.Attributes = "(objectClass=*)", []string{"cn", "sn", "uid"}
		c.Login.Limit = ldapmgr.Limit{PerUser: 3, PerAddress: 6, Window: time.Minute}
		d, _ := domain(t, c)
		try := func(name, address string) ldapmgr.Outcome {
			_, err := d.Authenticate(t.Context(), ldapmgr.Credentials{Name: name, Password: "wrong", Address: address})
			return ldapmgr.OutcomeOf(err)
		}
		for i := range 3 {
			if got := try(fmt.Sprintf(" NoBody%*s", i, ""), "192.0.2.1:1000"); got != ldapmgr.OutcomeNoSuchUser {
				t.Errorf("try %d: %s", i, got)
			}
		}
		if got := try("nobody", "192.0.2.2:1"); got != ldapmgr.OutcomeLimited {
			t.Errorf("the fourth try of one account: %s", got)
		}
		for i := range 3 {
			if got := try(fmt.Sprintf("guess %d", i), "192.0.2.1:2000"); got != ldapmgr.OutcomeNoSuchUser {
				t.Errorf("guess %d: %s", i, got)
			}
		}
		if got := try("guess 4", "192.0.2.1"); got != ldapmgr.OutcomeLimited {
			t.Errorf("the seventh try from one address: %s", got)
		}
		time.Sleep(time.Minute + time.Second) //nolint:forbidigo // the bubble's clock
		if got := try("nobody", "192.0.2.1"); got != ldapmgr.OutcomeNoSuchUser {
			t.Errorf("after the window: %s", got)
		}
	})
}

// TestLimitCountsThePerson: other spellings of one account share its counter.
func TestLimitCountsThePerson(t *testing.T) {
	t.Parallel()
	p := company(t)
	s := p.stage(t, func(c *ldapmgr.DomainConfig) {
		onCompany(c)
		c.Login.Attributes = []string{"sAMAccountName", "userPrincipalName", "displayName", "employeeID"}
		c.Login.Limit = ldapmgr.Limit{PerUser: 3}
	})
	for i, name := range []string{"ada", "000000", "Ada Lovelace", "ada@example.org", `EXAMPLE\ada`} {
		want := ldapmgr.OutcomeWrongPassword
		if i >= 3 {
			want = ldapmgr.OutcomeLimited
		}
		s.refused(name, "wrong", want)
	}
}

func TestBadPasswordsStopBefore(t *testing.T) {
	t.Parallel()
	ldif := strings.Replace(ldaptest.Company(5), "sAMAccountName: ada\n", "sAMAccountName: ada\nbadPwdCount: 4\n", 1)
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldif)})
	s := site{url: server.URL(), bind: ldaptest.CompanyService, password: ldaptest.CompanyServicePassword}.stage(t, func(c *ldapmgr.DomainConfig) {
		onCompany(c)
		c.Login.Limit.BadPasswords = 4
	})
	s.refused("ada", "wrong", ldapmgr.OutcomeLimited)
	if n := server.Dir.Requests(wire.BindRequest); n != 1 {
		t.Errorf("%d binds, want the service account's alone", n)
	}
}

// TestOneBindForOneLogin: a password is never sent to a second server, nor twice.
func TestOneBindForOneLogin(t *testing.T) {
	t.Parallel()
	a, b := company(t), company(t)
	s := a.stage(t, func(c *ldapmgr.DomainConfig) { onCompany(c); c.Servers = []string{a.url, b.url} })
	s.warm()
	before := a.memory.Dir.Requests(wire.BindRequest) + b.memory.Dir.Requests(wire.BindRequest)
	s.refused("ada", "wrong", ldapmgr.OutcomeWrongPassword)
	if n := a.memory.Dir.Requests(wire.BindRequest) + b.memory.Dir.Requests(wire.BindRequest) - before; n != 1 {
		t.Errorf("%d binds for one login", n)
	}
}

// TestEventHandlerPanics: what the application does with an event does not end the login.
func TestEventHandlerPanics(t *testing.T) {
	t.Parallel()
	s := fixtureInMemory(t).stage(t, func(c *ldapmgr.DomainConfig) {
		c.Event = func(context.Context, ldapmgr.Event) { panic("the application's own") }
	})
	s.login("alice")
}
