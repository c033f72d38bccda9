// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

var errSetter = errors.New("the application's own")

func buggy(context.Context, ldapmgr.Plan) error { return errSetter }

// flagged keeps the three flags of the fixture's groups.
func flagged(c *ldapmgr.DomainConfig) {
	c.Sync.Flags = map[string]string{
		"active":    "cn=active_gon,ou=groups,o=test",
		"staff":     "cn=empty_gon,ou=groups,o=test or cn=staff_gon,ou=groups,o=test",
		"superuser": "cn=superuser_gon,ou=groups,o=test",
	}
}

func wantFlags(t *testing.T, account ldapmgr.Stored, active, staff, superuser bool) {
	t.Helper()
	want := map[string]bool{"active": active, "staff": staff, "superuser": superuser}
	if !maps.Equal(account.Flags, want) {
		t.Errorf("flags of %s are %v, want %v", account.Name, account.Flags, want)
	}
}

// D7: population.
var populationRows = []row{
	{name: "D7/test_cidict", run: func(t *testing.T, p site) {
		e := p.stage(t, nil).login("alice").User.Entry
		if e.String("GIVENNAME") != "Alice" || e.String("givenname") != "Alice" || !e.Has("GivenName") {
			t.Error("names of attributes are compared with case")
		}
	}},
	{name: "D7/test_populate_user", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		s.login("alice")
		if f := s.account("alice").Fields; f["first_name"] != "Alice" || f["last_name"] != "Adams" {
			t.Errorf("fields are %v", f)
		}
	}},
	{name: "D7/test_populate_user_with_missing_attribute", run: func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		s.warm()
		ops := s.during(func() { s.login("nobody") })
		s.wantKinds(ops, "search ou=people,o=test", "bind uid=nobody,ou=people,o=test")
		if f := s.account("nobody").Fields; f["last_name"] != "nobody" || len(f) != 1 {
			t.Errorf("fields are %v, want the last name alone", f)
		}
		strict := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Users.Fields["first_name"] = ldapmgr.Field{Attribute: "givenName", Required: true}
		})
		if _, err := strict.try("nobody", "password"); !errors.As(err, new(*ldapmgr.FieldError)) {
			t.Errorf("got %v where the attribute is required, want a FieldError", err)
		}
		strict.wantAccounts()
	}},
	{name: "D7/test_populate_user_ldap_error", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Servers = []string{"ldap://127.0.0.1:1"} })
		if _, err := s.syncer.Sync(t.Context(), "", "alice"); !errors.Is(err, ldapmgr.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		s.wantAccounts()
		if got := s.told(); !slices.Equal(got, []ldapmgr.Stage{ldapmgr.StagePopulate}) {
			t.Errorf("events %q", got)
		}
	}},
	{name: "D7/test_populate_user_with_bad_search", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			direct(c)
			c.Users.Fields = map[string]ldapmgr.Field{"first_name": {Attribute: "street"}, "last_name": {Attribute: "postalCode"}}
		})
		if f := s.login("alice").Account.Fields; len(f) != 0 {
			t.Errorf("fields are %v", f)
		}
		// Who is not among the people is not let in, whatever bind name the password belongs to: there is no key to know an
		// account by.
		outside := p.stage(t, func(c *ldapmgr.DomainConfig) { direct(c); c.Users.Filter = "(uid=bogus)" })
		outside.refused("alice", "password", ldapmgr.OutcomeNoSuchUser)
		outside.wantAccounts()
	}},
	{name: "D7/test_authenticate_with_buggy_setter_raises_exception", run: func(t *testing.T, p site) {
		s := p.stage(t, nil, ldapmgr.Hooks{BeforeCommit: buggy})
		if _, err := s.try("alice", "password"); !errors.Is(err, errSetter) || !errors.Is(err, ldapmgr.ErrVetoed) {
			t.Errorf("got %v", err)
		}
		s.wantAccounts()
	}},
	{name: "D7/test_populate_user_with_buggy_setter_raises_exception", run: func(t *testing.T, p site) {
		s := p.stage(t, nil, ldapmgr.Hooks{BeforeCommit: buggy})
		if _, err := s.syncer.Sync(t.Context(), "", "alice"); !errors.Is(err, errSetter) {
			t.Errorf("got %v", err)
		}
		s.wantAccounts()
	}},
	{name: "D7/test_populate_with_attrlist", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { direct(c); c.Users.Attributes = []string{"uidNumber"} })
		s.warm()
		ops := s.during(func() { s.login("alice") })
		s.wantKinds(ops, "bind uid=alice,ou=people,o=test", "search uid=alice,ou=people,o=test")
		if got := ops[1].Search.Attributes; !slices.Contains(got, "uidNumber") || slices.Contains(got, "*") {
			t.Errorf("asked for %q, want just what is needed", got)
		}
	}},
	{name: "D7/test_signal_populate_user", run: func(t *testing.T, p site) {
		var plans []ldapmgr.Plan
		s := p.stage(t, nil, ldapmgr.Hooks{BeforeCommit: func(_ context.Context, plan ldapmgr.Plan) error {
			plans = append(plans, plan)
			return nil
		}})
		s.login("alice")
		if len(plans) != 1 || plans[0].Name != "alice" || plans[0].User == nil || plans[0].User.DN != "uid=alice,ou=people,o=test" {
			t.Errorf("the hook saw %+v", plans)
		}
	}},
	{name: "D7/test_no_update_existing", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { linking(c); c.Sync.Update = new(false) })
		s.local("alice")
		if err := s.set("alice", "first_name", "Alicia"); err != nil {
			t.Fatal(err)
		}
		s.login("alice")
		s.login("bob")
		if a, b := s.account("alice").Fields["first_name"], s.account("bob").Fields["first_name"]; a != "Alicia" || b != "Robert" {
			t.Errorf("first names are %q and %q", a, b)
		}
	}},
	{name: "D7/test_create_without_auth", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		s.sync("alice")
		wantFlags(t, s.account("alice"), true, false, false)
	}},
	{name: "D7/test_populate_without_auth", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { linking(c); flagged(c); c.Sync.Update = new(false) })
		s.local("alice")
		s.local("bob")
		s.sync("alice")
		s.sync("bob")
		wantFlags(t, s.account("alice"), true, true, true)
		wantFlags(t, s.account("bob"), false, false, false)
		if got := s.account("alice").Fields["first_name"]; got != "Alice" {
			t.Errorf("first name is %q", got)
		}
	}},
	{name: "D7/test_populate_bogus_user", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		if _, err := s.syncer.Sync(t.Context(), "", "bogus"); !errors.Is(err, ldapmgr.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		s.wantAccounts()
	}},
}

// D8: errors and signals.
var errorRows = []row{
	{name: "D8/test_auth_signal_ldap_error", why: "a handler need not raise: the error comes back from the call", run: func(t *testing.T, p site) {
		var seen []any
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Servers = []string{"ldap://127.0.0.1:1"}
			c.Event = func(ctx context.Context, e ldapmgr.Event) { seen = append(seen, ctx.Value(callerKey{}), e.Stage) }
		})
		ctx := context.WithValue(t.Context(), callerKey{}, "the request")
		_, err := s.syncer.Login(ctx, ldapmgr.Credentials{Name: "alice", Password: "password"})
		if !errors.Is(err, ldapmgr.ErrUnavailable) || ldapmgr.OutcomeOf(err) != ldapmgr.OutcomeUnavailable {
			t.Errorf("got %v", err)
		}
		if want := []any{"the request", ldapmgr.StageFind, "the request", ldapmgr.StageAuthenticate}; !slices.Equal(seen, want) {
			t.Errorf("events %v, want %v", seen, want)
		}
	}},
	{name: "D8/test_search_for_user_dn_error", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Users.Places = []ldapmgr.Place{{Base: "ou=missing,o=test"}} })
		err := s.refused("alice", "password", ldapmgr.OutcomeUnavailable)
		var login *ldapmgr.LoginError
		if !errors.As(err, &login) || strings.Contains(login.Public(), "password") {
			t.Errorf("the person reads %q, as if it were the password", login.Public())
		}
		if got := s.told(); !slices.Equal(got, []ldapmgr.Stage{ldapmgr.StageFind, ldapmgr.StageAuthenticate}) {
			t.Errorf("events %q", got)
		}
	}},
	{name: "D8/test_populate_signal_ldap_error", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Bind.Password = ldapmgr.Secret{Value: "bogus"} })
		if _, err := s.syncer.Sync(t.Context(), "", "alice"); !errors.Is(err, ldapmgr.ErrServiceAccount) {
			t.Errorf("got %v, want ErrServiceAccount", err)
		}
		s.wantAccounts()
	}},
}
