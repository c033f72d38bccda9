// SPDX-License-Identifier: MIT

package samba_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// Each reason for which Active Directory refuses a person comes through with its sub-code and in plain words.
func TestRefusedPeople(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	d, _, _ := manager(t, encrypted(s))
	tests := []struct{ account, password, code, hint string }{
		{"ada", "wrong", "52e", "wrong password"},
		{"nobody", samba.Password, "52e", "wrong password"}, // Active Directory: 525
		{"f_hours", samba.Password, "530", "at this time"},
		{"f_wks", samba.Password, "531", "from this computer"},
		{"f_pwdexpired", samba.Password, "532", "expired"},
		{"f_disabled", samba.Password, "533", "disabled"},
		{"f_expired", samba.Password, "701", "expired"},
		{"f_mustchange", samba.Password, "773", "changed first"},
		{"f_locked", samba.Password, "775", "locked"},
		{"ada", samba.Password, "", ""},
	}
	for _, test := range tests {
		t.Run(test.account+" "+test.code, func(t *testing.T) {
			t.Parallel()
			err := d.BindAs(t.Context(), test.account+"@"+s.Realm, test.password)
			if test.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ldapmgr.ErrInvalidCredentials) || ldapmgr.SubCode(err) != test.code || !strings.Contains(ldapmgr.Hint(err), test.hint) {
				t.Errorf("got %v, sub-code %q, hint %q; want %s, %q", err, ldapmgr.SubCode(err), ldapmgr.Hint(err), test.code, test.hint)
			}
			if strings.Contains(err.Error(), test.password) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestRefusedService(t *testing.T) {
	t.Parallel()
	cfg := encrypted(common.get(t))
	cfg.Bind.Password.Value = "wrong"
	d, _, scope := manager(t, cfg)
	for range 3 {
		_, err := d.Search(t.Context(), everybody("(cn=*)", "cn"))
		if !errors.Is(err, ldapmgr.ErrServiceAccount) || ldapmgr.SubCode(err) != "52e" {
			t.Errorf("got %v, want ErrServiceAccount with 52e", err)
		}
	}
	if n := usage(t, scope).BindOperations; n != 1 {
		t.Errorf("the wrong password was sent %d times, want once", n)
	}
}

// A server that wants encryption says so, and the same domain works with it.
func TestClearTextRefused(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, samba.Config{Admins: config.Admins, Strong: true})
	cfg := encrypted(s)
	cfg.Servers, cfg.StartTLS = []string{s.LDAP}, new(false)
	d, _, _ := manager(t, cfg)
	_, err := d.Search(t.Context(), everybody("(cn=*)", "cn"))
	code, _ := instrument.ResultCode(err)
	if !errors.Is(err, ldapmgr.ErrServiceAccount) || code != ldap.LDAPResultStrongAuthRequired || !strings.Contains(ldapmgr.Hint(err), "use ldaps or StartTLS") {
		t.Errorf("got %v, code %d, hint %q; want code 8 and what to do", err, code, ldapmgr.Hint(err))
	}
	if reason := ldapmgr.Reason(err); !strings.Contains(reason, "StartTLS") {
		t.Errorf("the reason for people is %q", reason)
	}
	cfg.StartTLS = new(true)
	d, _, _ = manager(t, cfg)
	if err := d.Preload(t.Context()); err != nil {
		t.Errorf("with StartTLS: %v", err)
	}
}

func TestUntrusted(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	tests := []struct {
		name   string
		change func(*ldapmgr.DomainConfig)
		want   ldapmgr.Class
	}{
		{"authority", func(c *ldapmgr.DomainConfig) { c.TLS.CAFile = "" }, ldapmgr.ClassTLSAuthority},
		{"name", func(c *ldapmgr.DomainConfig) { c.TLS.ServerName = "dc2.example.org" }, ldapmgr.ClassTLSName},
		{"authority with StartTLS", func(c *ldapmgr.DomainConfig) {
			c.TLS.CAFile, c.Servers, c.StartTLS = "", []string{s.LDAP}, new(true)
		}, ldapmgr.ClassTLSAuthority},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := encrypted(s)
			test.change(&cfg)
			d, _, scope := manager(t, cfg)
			err := d.Preload(t.Context())
			if ldapmgr.Classify(err) != test.want {
				t.Errorf("got %v, %s; want %s", err, ldapmgr.Classify(err), test.want)
			}
			if n := usage(t, scope).BindOperations; n != 0 {
				t.Errorf("%d binds were sent to a server that is not trusted", n)
			}
		})
	}
}
