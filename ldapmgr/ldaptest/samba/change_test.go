// SPDX-License-Identifier: MIT

package samba_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// Changes go by the writer's account, follow references between entries, and are kept back where the domain is read-only.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, config)
	cfg := encrypted(s)
	cfg.ReadOnly = new(false)
	cfg.Writer = &ldapmgr.Bind{Name: samba.Writer + "@" + s.Realm, Password: ldapmgr.Secret{Value: samba.WriterPassword}}
	d, _, _ := manager(t, cfg)
	ctx := t.Context()
	name, group := "CN=New Hire,OU=people,"+s.Suffix, "CN=empty,OU=groups,"+s.Suffix
	add := ldap.NewAddRequest(name, nil)
	add.Attribute("objectClass", []string{"user"})
	add.Attribute("sAMAccountName", []string{"newhire"})
	join := ldap.NewModifyRequest(group, nil)
	join.Add("member", []string{name})
	rename := ldap.NewModifyDNRequest(name, "CN=Newer Hire", true, "OU=services,"+s.Suffix)
	renamed := "CN=Newer Hire,OU=services," + s.Suffix
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"add", func() error { return d.Add(ctx, add) }},
		{"modify", func() error { _, err := d.Modify(ctx, join); return err }},
		{"rename", func() error { return d.ModifyDN(ctx, rename) }},
		{"read", func() error { return inGroup(ctx, d, renamed, group) }},
		{"compare", func() error {
			if is, err := d.Compare(ctx, renamed, "sAMAccountName", "NEWHIRE"); err != nil || !is {
				return errors.Join(errors.New("the account's name compares as different"), err)
			}
			return nil
		}},
		{"delete", func() error { return d.Delete(ctx, ldap.NewDelRequest(renamed, nil)) }},
		{"gone", func() error {
			if _, err := d.Read(ctx, renamed, "cn"); !errors.Is(err, ldapmgr.ErrNotFound) {
				return errors.Join(errors.New("want ErrNotFound"), err)
			}
			return nil
		}},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	locked, _, scope := manager(t, encrypted(s))
	if err := locked.Add(ctx, add); !errors.Is(err, ldapmgr.ErrReadOnly) || usage(t, scope).AddOperations != 0 {
		t.Errorf("got %v and %d adds, want ErrReadOnly and none", err, usage(t, scope).AddOperations)
	}
}

func inGroup(ctx context.Context, d *ldapmgr.Domain, dn, group string) error {
	e, err := d.Read(ctx, dn, "memberOf")
	if err == nil && !slices.Equal(e.GetAttributeValues("memberOf"), []string{group}) {
		err = errors.New("the entry does not follow")
	}
	return err
}

// The domain says that the server is away, and goes on by itself when it is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, config)
	d, _, _ := manager(t, encrypted(s))
	search := func() error {
		_, err := d.Search(t.Context(), everybody("(cn=Ada*)", "cn"))
		return err
	}
	if err := search(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := search(); !errors.Is(err, ldapmgr.ErrUnavailable) || ldapmgr.Classify(err) != ldapmgr.ClassRefused {
		t.Errorf("got %v, %s; want ErrUnavailable, refused", err, ldapmgr.Classify(err))
	}
	s.Start()
	deadline, tick := time.Now().Add(10*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for err := search(); err != nil; err = search() {
		if !errors.Is(err, ldapmgr.ErrUnavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-tick.C
	}
}
