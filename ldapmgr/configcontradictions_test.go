// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// wrong returns what is wrong with a domain, each with its path.
func wrong(change func(c *ldapmgr.DomainConfig)) (all []string) {
	c := bound("ldaps://dc1.example.org")
	change(&c)
	_, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"A": c}})
	for _, p := range ldapmgr.Problems(err) {
		all = append(all, strings.TrimPrefix(p.Error(), "domains.A."))
	}
	return all
}

// TestAttributesAreNames: what stands for an attribute goes into filters as it is, so that it must be the name of one.
func TestAttributesAreNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"uid)(uid=*", "mem*ber", "uid ", " uid", "a=b", "cn,sn", "ü", "1a", ";lang-de", "cn;", "1.2.", `a\28`} {
		for path, change := range map[string]func(c *ldapmgr.DomainConfig){
			"login.attributes.1": func(c *ldapmgr.DomainConfig) { c.Login.Attributes = []string{"uid", name} },
			"users.account":      func(c *ldapmgr.DomainConfig) { c.Users.Account = name },
			"users.key":          func(c *ldapmgr.DomainConfig) { c.Users.Key = name },
			"users.attributes.0": func(c *ldapmgr.DomainConfig) { c.Users.Attributes = []string{name} },
			"users.fields.x.attribute": func(c *ldapmgr.DomainConfig) {
				c.Users.Fields = map[string]ldapmgr.Field{"x": {Attribute: name}}
			},
			"users.fields.x.template": func(c *ldapmgr.DomainConfig) {
				c.Users.Fields = map[string]ldapmgr.Field{"x": {Template: "{cn} {" + name + "}"}}
			},
			"groups.member": func(c *ldapmgr.DomainConfig) { c.Groups.Member = name },
			"groups.name":   func(c *ldapmgr.DomainConfig) { c.Groups.Name = name },
		} {
			if got := wrong(change); len(got) != 1 || !strings.HasPrefix(got[0], path+" ") {
				t.Errorf("%s: %q: got %q", path, name, got)
			}
		}
	}
	for _, name := range []string{"uid", "cn;lang-de", "userCertificate;binary", "2.5.4.3", "x-my-attr", "msDS-User2"} {
		if got := wrong(func(c *ldapmgr.DomainConfig) {
			c.Login.Attributes, c.Users.Account, c.Users.Key, c.Groups.Member, c.Groups.Name = []string{name}, name, name, name, name
			c.Users.Attributes = []string{name, "*", "+", "@person"}
			c.Users.Fields = map[string]ldapmgr.Field{"x": {Attribute: name}, "y": {Template: "{" + name + "}, {cn}"}}
		}); got != nil {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

// TestClearTextContradictsTLS: who says how certificates are to be checked does not mean to go without them, not even to the
// second server.
func TestClearTextContradictsTLS(t *testing.T) {
	t.Parallel()
	ca := func(c *ldapmgr.DomainConfig) { c.TLS.CAFile = "ca.pem" }
	unencrypted := func(c *ldapmgr.DomainConfig) {
		c.Servers = []string{"ldaps://dc1.example.org", "ldap://dc2.example.org"}
	}
	for name, test := range map[string]struct {
		changes []func(c *ldapmgr.DomainConfig)
		path    string
	}{
		"ca_file":     {[]func(c *ldapmgr.DomainConfig){unencrypted, ca}, "servers.1"},
		"pins":        {[]func(c *ldapmgr.DomainConfig){unencrypted, func(c *ldapmgr.DomainConfig) { c.TLS.Pins = []string{strings.Repeat("0a", 32)} }}, "servers.1"},
		"client_cert": {[]func(c *ldapmgr.DomainConfig){unencrypted, func(c *ldapmgr.DomainConfig) { c.TLS.ClientCert = "me.pem" }}, "servers.1"},
		"srv":         {[]func(c *ldapmgr.DomainConfig){ca, func(c *ldapmgr.DomainConfig) { c.Servers, c.SRV = nil, "example.org" }}, "srv"},
		"srv, ldaps":  {[]func(c *ldapmgr.DomainConfig){ca, func(c *ldapmgr.DomainConfig) { c.Servers, c.SRV = nil, "ldaps://example.org" }}, ""},
		"nothing":     {[]func(c *ldapmgr.DomainConfig){unencrypted}, ""},
		"starttls": {[]func(c *ldapmgr.DomainConfig){ca, func(c *ldapmgr.DomainConfig) {
			c.Servers, c.StartTLS = []string{"ldap://dc2.example.org"}, new(true)
		}}, ""},
		"loopback": {[]func(c *ldapmgr.DomainConfig){ca, func(c *ldapmgr.DomainConfig) {
			c.Servers = []string{"ldap://127.0.0.1", "ldap://localhost:3890", "ldap://[::1]", "ldapi://%2frun%2fslapd"}
		}}, ""},
	} {
		got := wrong(func(c *ldapmgr.DomainConfig) {
			for _, change := range test.changes {
				change(c)
			}
		})
		if test.path == "" && got != nil || test.path != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.path+" ")) {
			t.Errorf("%s: got %q, want %q", name, got, test.path)
		}
	}
	if got := wrong(func(c *ldapmgr.DomainConfig) { c.Aliases = []string{"a.test", " b.test"} }); len(got) != 1 || !strings.HasPrefix(got[0], "aliases.1 ") {
		t.Errorf("an alias that nobody can write: %q", got)
	}
}
