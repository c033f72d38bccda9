// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// several is a domain A with one reference of several addresses, beside B, which answers, and C, which nobody can reach.
func several(t *testing.T, addresses ...string) (*ldapmgr.Domain, *instrument.Scope) {
	t.Helper()
	gone, _ := capture(t)
	a, b := referring(t, "o=a", "ada", strings.Join(addresses, "\nref: ")), referring(t, "o=b", "bob", "ldap://x.test/o=x")
	m, scope := domains(t, func(name string, c *ldapmgr.DomainConfig) {
		c.Aliases = []string{strings.ToLower(name) + ".test"}
		if name == "A" {
			c.Referrals = []string{"B", "C"}
		}
	}, a.URL(), b.URL(), "ldap://"+gone)
	d, err := m.Domain("A")
	if err != nil {
		t.Fatal(err)
	}
	return d, scope
}

// TestReferenceWithSeveralAddresses: one address of a continuation reference is enough (RFC 4511 section 4.5.3). They are
// tried in order, the next one where a domain cannot be reached or may not be asked, and only there.
func TestReferenceWithSeveralAddresses(t *testing.T) {
	t.Parallel()
	const unreachable, stranger, there, nothing = "ldap://c.test/o=c", "ldap://y.test/o=y", "ldap://b.test/o=b", "ldap://b.test/ou=nothing,o=b"
	both := []string{"cn=ada,o=a", "cn=bob,o=b"}
	for _, test := range []struct {
		name      string
		addresses []string
		want      []string
		fails     func(error) bool
		asked     int // searches of B
	}{
		{"the second answers", []string{unreachable, there}, both, nil, 1},
		{"the first is a stranger's", []string{stranger, there}, both, nil, 1},
		{"the third answers", []string{stranger, unreachable, there}, both, nil, 1},
		{"the first answers", []string{there, unreachable}, both, nil, 1},
		{"an answer is an answer", []string{nothing, there}, nil, func(err error) bool {
			code, _ := instrument.ResultCode(err)
			return code == ldap.LDAPResultNoSuchObject
		}, 1},
		{"none can be reached", []string{unreachable, "ldap://c.test/o=d"}, nil, func(err error) bool { return errors.Is(err, ldapmgr.ErrUnavailable) }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for how, run := range map[string]func(d *ldapmgr.Domain) ([]string, error){
				"search": func(d *ldapmgr.Domain) ([]string, error) {
					result, err := d.Search(t.Context(), persons)
					return namesOf(result.Entries), err
				},
				"paged": func(d *ldapmgr.Domain) ([]string, error) {
					result, err := d.SearchPaged(t.Context(), persons, 1)
					return namesOf(result.Entries), err
				},
				"stream": func(d *ldapmgr.Domain) ([]string, error) {
					names, err := streamed(t.Context(), d, persons, 1)
					slices.Sort(names)
					return names, err
				},
			} {
				d, scope := several(t, test.addresses...)
				names, err := run(d)
				if test.fails == nil && (err != nil || !slices.Equal(names, test.want)) || test.fails != nil && !test.fails(err) {
					t.Errorf("%s: got %q, %v", how, names, err)
				}
				if n := sent(scope, "B", instrument.KindSearch); n != test.asked && how != "paged" && how != "stream" {
					t.Errorf("%s: %d searches of B, want %d", how, n, test.asked)
				}
			}
		})
	}
}

// TestReferralConnections: a connection that is made for a reference counts with the domain that was asked, and one that was
// there does not.
func TestReferralConnections(t *testing.T) {
	t.Parallel()
	d, scope := several(t, "ldap://b.test/o=b")
	counted := func() (n, followed uint64) {
		for _, s := range scope.Snapshots() {
			if s.Domain != "A" && s.Usage.ReferralConnections != 0 {
				t.Errorf("%s counts %d", s.Domain, s.Usage.ReferralConnections)
			}
			if s.Domain == "A" {
				n, followed = s.Usage.ReferralConnections, s.Usage.ReferralsFollowed
			}
		}
		return n, followed
	}
	for round := range uint64(3) {
		if _, err := d.Search(t.Context(), persons); err != nil {
			t.Fatal(err)
		}
		if n, followed := counted(); n != 1 || followed != round+1 {
			t.Errorf("%d connections for %d references", n, followed)
		}
	}
}
