// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

func TestIdentityConfigProblems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(c *ldapmgr.DomainConfig)
		want   string // path below the domain
	}{
		{"filter and attributes", func(c *ldapmgr.DomainConfig) {
			c.Login.Filter, c.Login.Attributes = "(uid={name})", []string{"uid"}
		}, "login.filter"},
		{"filter without a name", func(c *ldapmgr.DomainConfig) { c.Login.Filter = "(uid=ada)" }, "login.filter"},
		{"broken filter", func(c *ldapmgr.DomainConfig) { c.Login.Filter = "(uid={name}" }, "login.filter"},
		{"template without a name", func(c *ldapmgr.DomainConfig) { c.Login.Names = []string{"uid=ada,dc=x"} }, "login.names.0"},
		{"refresh without a template", func(c *ldapmgr.DomainConfig) { c.Login.RefreshDN = new(true) }, "login.refresh_dn"},
		{"require", func(c *ldapmgr.DomainConfig) { c.Login.Require = "a and" }, "login.require"},
		{"deny", func(c *ldapmgr.DomainConfig) { c.Login.Deny = "Domain Admins" }, "login.deny"},
		{"negative window", func(c *ldapmgr.DomainConfig) { c.Login.Limit.Window = -1 }, "login.limit"},
		{"base", func(c *ldapmgr.DomainConfig) { c.Users.Places = []ldapmgr.Place{{Base: "people"}} }, "users.places.0.base"},
		{"scope", func(c *ldapmgr.DomainConfig) { c.Groups.Places = []ldapmgr.Place{{}, {Scope: "all"}} }, "groups.places.1.scope"},
		{"people's filter", func(c *ldapmgr.DomainConfig) { c.Users.Filter = "(&" }, "users.filter"},
		{"field without an attribute", func(c *ldapmgr.DomainConfig) { c.Users.Fields = map[string]ldapmgr.Field{"x": {}} }, "users.fields.x"},
		{"transform", func(c *ldapmgr.DomainConfig) {
			c.Users.Fields = map[string]ldapmgr.Field{"x": {Attribute: "cn", Transform: "title"}}
		}, "users.fields.x.transform"},
		{"password", func(c *ldapmgr.DomainConfig) {
			c.Users.Fields = map[string]ldapmgr.Field{"password": {Attribute: "userPassword"}}
		}, "users.fields.password.attribute"},
		{"password in a template", func(c *ldapmgr.DomainConfig) {
			c.Users.Fields = map[string]ldapmgr.Field{"x": {Template: "{cn} {UnicodePwd}"}}
		}, "users.fields.x.attribute"},
		{"key of a token", func(c *ldapmgr.DomainConfig) {
			c.Users.Fields = map[string]ldapmgr.Field{"x": {Attribute: "ipaTokenOTPKey;x-1"}}
		}, "users.fields.x.attribute"},
		{"required with a default", func(c *ldapmgr.DomainConfig) {
			c.Users.Fields = map[string]ldapmgr.Field{"x": {Attribute: "cn", Required: true, Default: "y"}}
		}, "users.fields.x.required"},
		{"strategy", func(c *ldapmgr.DomainConfig) { c.Groups.Strategy = "nis" }, "groups.strategy"},
		{"depth", func(c *ldapmgr.DomainConfig) { c.Groups.Depth = 1000 }, "groups.depth"},
		{"local name", func(c *ldapmgr.DomainConfig) { c.Sync.LocalName = "everybody" }, "sync.local_name"},
		{"query field", func(c *ldapmgr.DomainConfig) { c.Sync.QueryField = "mail" }, "sync.query_field"},
		{"existing", func(c *ldapmgr.DomainConfig) { c.Sync.Existing = "yes" }, "sync.existing"},
		{"leavers", func(c *ldapmgr.DomainConfig) { c.Sync.Leavers = "delete" }, "sync.leavers"},
		{"often", func(c *ldapmgr.DomainConfig) { c.Sync.Every = time.Second }, "sync.every"},
		{"on error", func(c *ldapmgr.DomainConfig) { c.Sync.OnError = "ignore" }, "sync.on_error"},
		{"implied flag that is left alone", func(c *ldapmgr.DomainConfig) {
			c.Sync.Flags = map[string]string{"superuser": "a"}
			c.Sync.Implies = map[string][]string{"superuser": {"staff"}}
		}, "sync.implies.superuser"},
		{"group", func(c *ldapmgr.DomainConfig) { c.Sync.Groups = map[string]string{"x": "("} }, "sync.groups.x"},
		{"mirror only and except", func(c *ldapmgr.DomainConfig) {
			c.Sync.Mirror = ldapmgr.Mirror{Only: []string{"a"}, Except: []string{"b"}}
		}, "sync.mirror.except"},
		{"mirror pattern", func(c *ldapmgr.DomainConfig) { c.Sync.Mirror.Only = []string{"[a"} }, "sync.mirror.only.0"},
		{"negative resync", func(c *ldapmgr.DomainConfig) { c.Sync.ResyncAfter = new(-time.Second) }, "sync.resync_after"},
		{"sentinel", func(c *ldapmgr.DomainConfig) { c.Sync.Brake.Sentinels = []string{"sync"} }, "sync.brake.sentinels.0"},
		{"share", func(c *ldapmgr.DomainConfig) { c.Sync.Brake.Share = 5 }, "sync.brake.share"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := ldapmgr.DomainConfig{Servers: []string{"ldap://127.0.0.1"}, Base: "dc=x"}
			test.change(&c)
			_, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"X": c}})
			found := ldapmgr.Problems(err)
			if len(found) != 1 || strings.Join(found[0].Path[2:], ".") != test.want || found[0].Problem == "" {
				t.Errorf("got %v, want one problem at %s", err, test.want)
			}
		})
	}
}

func TestIdentityConfigInherits(t *testing.T) {
	t.Parallel()
	m := identityManagerOf(t, ldapmgr.Config{
		Scope: instrument.New(),
		Defaults: ldapmgr.DomainConfig{
			Servers: []string{"ldap://127.0.0.1"},
			Login:   ldapmgr.Login{Attributes: []string{"uid"}, Require: "staff", Limit: ldapmgr.Limit{PerUser: 3}},
			Users:   ldapmgr.Users{Fields: map[string]ldapmgr.Field{"mail": {Attribute: "mail"}, "name": {Attribute: "cn"}}},
			Sync:    ldapmgr.Sync{Flags: map[string]string{"staff": "a", "active": "b"}, Mirror: ldapmgr.Mirror{Except: []string{"x"}}},
		},
		Domains: map[string]ldapmgr.DomainConfig{"A": {
			Login: ldapmgr.Login{Filter: "(mail={name})"},
			Users: ldapmgr.Users{Fields: map[string]ldapmgr.Field{"name": {Attribute: "displayName"}}},
			Sync:  ldapmgr.Sync{Flags: map[string]string{"active": ""}, Mirror: ldapmgr.Mirror{Only: []string{"y"}}},
		}},
	})
	d, _ := m.Domain("A")
	c := d.Config()
	wantLogin := ldapmgr.Login{Filter: "(mail={name})", Require: "staff", Limit: ldapmgr.Limit{PerUser: 3, PerAddress: 50, Window: 15 * time.Minute}}
	if diff := cmp.Diff(wantLogin, c.Login); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]ldapmgr.Field{"mail": {Attribute: "mail"}, "name": {Attribute: "displayName"}}, c.Users.Fields); diff != "" {
		t.Error(diff)
	}
	if c.Sync.Flags["active"] != "" || c.Sync.Flags["staff"] != "a" || c.Sync.Mirror.Except != nil || c.Sync.Leavers != ldapmgr.LeaversKeep {
		t.Errorf("sync is %+v", c.Sync)
	}
}

// TestFlagsThatImplyOthers: staff comes with superuser only where that is configured, and goes with it.
func TestFlagsThatImplyOthers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p site) {
		for _, implies := range []map[string][]string{nil, {"superuser": {"staff"}, "staff": {"active"}}} {
			s := p.stage(t, func(c *ldapmgr.DomainConfig) {
				c.Sync.Flags = map[string]string{"superuser": "superuser_gon", "staff": "empty_gon", "active": "empty_gon"}
				c.Sync.Implies = implies
			})
			s.login("alice")
			wantFlags(t, s.account("alice"), implies != nil, implies != nil, true)
		}
	})
}

// TestIdentityConfigProblemsInOrder holds the problems of one configuration to one order, so that two runs can be compared.
func TestIdentityConfigProblemsInOrder(t *testing.T) {
	t.Parallel()
	c := ldapmgr.DomainConfig{Servers: []string{"ldap://127.0.0.1"}, Sync: ldapmgr.Sync{
		Mirror: ldapmgr.Mirror{Only: []string{"["}, Except: []string{"["}}, Brake: ldapmgr.Brake{MinShare: 2, Share: 2, AgreeOver: 2},
	}}
	want := []string{"mirror.except", "mirror.only.0", "mirror.except.0", "brake.min_share", "brake.share", "brake.agree_over"}
	for range 20 {
		_, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c}})
		var got []string
		for _, p := range ldapmgr.Problems(err) {
			got = append(got, strings.Join(p.Path[3:], "."))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}
