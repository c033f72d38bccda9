// SPDX-License-Identifier: MIT

package samba_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// people is the domain with all said that the manager finds out by itself only of servers that name no vendor, as Windows
// does and Samba does not.
func people(s *samba.Server, strategy string) ldapmgr.DomainConfig {
	cfg := encrypted(s)
	cfg.Login.Attributes = []string{"sAMAccountName", "userPrincipalName"}
	cfg.Users = ldapmgr.Users{Filter: "(&(objectCategory=person)(objectClass=user))", Account: "sAMAccountName", Key: "objectGUID"}
	cfg.Groups.Strategy = strategy
	return cfg
}

// Each strategy finds the groups that a domain controller itself goes by.
func TestGroupsOfAPerson(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	nested := []string{"Domain Users", "engineers", "everyone", "staff"}
	tests := []struct {
		strategy string
		want     []string
	}{
		{ldapmgr.GroupsToken, append([]string{"Users"}, nested...)}, // with the server's own
		{ldapmgr.GroupsInChain, append([]string{"mailing"}, nested...)},
		{ldapmgr.GroupsMemberOf, []string{"Domain Users", "engineers", "mailing"}},
		{ldapmgr.GroupsMember, []string{"engineers", "mailing"}},
	}
	for _, test := range tests {
		t.Run(test.strategy, func(t *testing.T) {
			t.Parallel()
			d, _, _ := manager(t, people(s, test.strategy))
			u, err := d.User(t.Context(), "ada")
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(test.want)
			got := u.Groups.Names()
			if test.strategy == ldapmgr.GroupsMemberOf {
				got = nil
				for _, dn := range u.Groups.DNs() {
					name, _, _ := strings.Cut(strings.TrimPrefix(dn, "CN="), ",")
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

// A login takes three operations and no new connection, whatever form the name has.
func TestLogin(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	cfg := people(s, ldapmgr.GroupsInChain)
	cfg.Login.Require, cfg.Login.Deny = "staff and everyone", "loop-a or loop-b"
	d, _, scope := manager(t, cfg)
	for i, name := range []string{"ada", "ada", "ADA", "ada@example.org", `EXAMPLE\ada`} {
		before := usage(t, scope)
		u, err := d.Authenticate(t.Context(), ldapmgr.Credentials{Name: name, Password: samba.Password})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after := usage(t, scope)
		if u.Account != "ada" || u.DN != "CN=Ada Lovelace,OU=people,"+s.Suffix || !u.Groups.Has("everyone") || u.Groups.Has("loop-a") {
			t.Errorf("%s is %s, %s in %v", name, u.Account, u.DN, u.Groups.Names())
		}
		operations, sockets := after.Operations-before.Operations, after.OpenSockets-before.OpenSockets
		if i > 0 && (operations != 3 || sockets != 0) {
			t.Errorf("%s: %d operations and %d new connections, want 3 and 0", name, operations, sockets)
		}
	}
}

func TestLoginOutcomes(t *testing.T) {
	t.Parallel()
	cfg := people(common.get(t), ldapmgr.GroupsInChain)
	cfg.Login.Require = "everyone"
	d, _, _ := manager(t, cfg)
	const wrong = "Name or password is wrong."
	tests := []struct {
		account, password string
		want              ldapmgr.Outcome
		public            string
	}{
		{"grace", samba.Password, ldapmgr.OutcomeOK, ""},
		{"grace", "wrong", ldapmgr.OutcomeWrongPassword, wrong},
		{"grace", "", ldapmgr.OutcomeEmptyPassword, wrong},
		{"nobody", samba.Password, ldapmgr.OutcomeNoSuchUser, wrong},
		{"*", samba.Password, ldapmgr.OutcomeNoSuchUser, wrong},
		{"zoe", samba.Password, ldapmgr.OutcomeNotAllowed, "You are not allowed to use this application."},
		{"f_disabled", samba.Password, ldapmgr.OutcomeDisabled, wrong},
		{"f_expired", samba.Password, ldapmgr.OutcomeAccountExpired, wrong},
		{"f_mustchange", samba.Password, ldapmgr.OutcomeMustChange, "Your password must be changed first."},
		{"f_pwdexpired", samba.Password, ldapmgr.OutcomeExpired, "Your password has expired. Please change it first."},
		{"f_hours", samba.Password, ldapmgr.OutcomeRestricted, wrong},
		{"f_wks", samba.Password, ldapmgr.OutcomeRestricted, wrong},
		{"f_locked", samba.Password, ldapmgr.OutcomeLocked, wrong},
	}
	for _, test := range tests {
		t.Run(test.account+" "+string(test.want), func(t *testing.T) {
			t.Parallel()
			_, err := d.Authenticate(t.Context(), ldapmgr.Credentials{Name: test.account, Password: test.password})
			public := ""
			if login, ok := err.(*ldapmgr.LoginError); ok { //nolint:errorlint // documented to be one
				public = login.Public()
			}
			if got := ldapmgr.OutcomeOf(err); got != test.want || public != test.public {
				t.Errorf("got %s, %q (%v); want %s, %q", got, public, err, test.want, test.public)
			}
		})
	}
}

// A person is followed by objectGUID through a rename; an unchanged one costs two operations.
func TestSync(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, config)
	cfg := people(s, ldapmgr.GroupsInChain)
	cfg.Users.Fields = map[string]ldapmgr.Field{"mail": {Attribute: "mail"}, "full_name": {Template: "{givenName} {sn}"}}
	cfg.Sync.Flags = map[string]string{"staff": "staff"}
	cfg.Sync.Mirror = ldapmgr.Mirror{On: new(true), Only: []string{"engineers", "staff", "everyone"}}
	d, m, scope := manager(t, cfg)
	syncer := ldapmgr.NewSyncer(m, store(t), ldapmgr.Hooks{})
	first, err := syncer.Login(t.Context(), ldapmgr.Credentials{Name: "grace@example.org", Password: samba.Password})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(first.Account.Groups)
	want := ldapmgr.Stored{
		Name: "grace", Fields: map[string]string{"mail": "grace@example.org", "full_name": "Grace Hopper"},
		Flags: map[string]bool{"active": true, "staff": true}, Groups: []string{"engineers", "everyone", "staff"},
	}
	got := ldapmgr.Stored{Name: first.Account.Name, Fields: first.Account.Fields, Flags: first.Account.Flags, Groups: first.Account.Groups}
	if diff := cmp.Diff(want, got); diff != "" || !first.Plan.Create {
		t.Errorf("created %v; want (-) and got (+):\n%s", first.Plan.Create, diff)
	}

	before := usage(t, scope)
	again, err := syncer.Resync(t.Context(), d.Name(), first.User.Key)
	if err != nil || again.Plan.Changed() {
		t.Fatalf("an unchanged person: %v, %v", again, err)
	}
	if n := usage(t, scope).Operations - before.Operations; n != 2 {
		t.Errorf("an unchanged person took %d operations, want 2", n)
	}

	rename := ldap.NewModifyDNRequest(first.User.DN, "CN=Rear Admiral", true, "OU=services,"+s.Suffix)
	if err := dial(t, s).ModifyDN(rename); err != nil {
		t.Fatal(err)
	}
	moved, err := syncer.Resync(t.Context(), d.Name(), first.User.Key)
	if err != nil {
		t.Fatal(err)
	}
	if !moved.Plan.Moved || moved.Account.ID != first.Account.ID || moved.Account.DN != "CN=Rear Admiral,OU=services,"+s.Suffix {
		t.Errorf("after a rename: moved %v, account %s as %s", moved.Plan.Moved, moved.Account.ID, moved.Account.DN)
	}
}

// Everybody is synced: the people of Accounts and those that every domain has.
func TestSyncOfAll(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	cfg := people(s, ldapmgr.GroupsInChain)
	cfg.Users.Places = []ldapmgr.Place{{Base: "ou=people," + s.Suffix}}
	cfg.Sync.Mirror = ldapmgr.Mirror{On: new(true), Except: []string{"Domain Users"}}
	d, m, _ := manager(t, cfg)
	syncer := ldapmgr.NewSyncer(m, store(t), ldapmgr.Hooks{})
	report, err := syncer.All(t.Context(), d.Name(), ldapmgr.AllOptions{Apply: true})
	if err != nil {
		t.Fatal(err)
	}
	if report.People != 11 || len(report.Plans) != 11 || len(report.Failures) != 0 || !report.Applied {
		t.Fatalf("%d people, %d plans, failures %v", report.People, len(report.Plans), report.Failures)
	}
	for _, p := range report.Plans {
		if p.Account == "grace" && !slices.Contains(p.Join, "everyone") {
			t.Errorf("grace joins %v", p.Join)
		}
	}
	report, err = syncer.All(t.Context(), d.Name(), ldapmgr.AllOptions{Apply: true})
	if err != nil || slices.ContainsFunc(report.Plans, ldapmgr.Plan.Changed) {
		t.Errorf("the second time: %v, %v", report.Plans, err)
	}
}

// store is an empty database of users.
func store(t *testing.T) *usersql.Store {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "users.db")+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := usersql.New(usersql.Config{DB: db, Fields: []string{"mail", "full_name"}, Flags: []string{"staff"}})
	if err == nil {
		err = s.CreateTables(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
