// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// half is one of two directories, o=a and o=b, that point at each other as a.test and b.test: elsewhere stands for the
// whole of the other one, and each of more for what stands at an address.
func half(own, other, person string, more map[string]string) string {
	text := fmt.Sprintf("dn: o=%[1]s\nobjectClass: organization\no: %[1]s\n\n"+
		"dn: cn=%[3]s,o=%[1]s\nobjectClass: person\ncn: %[3]s\nsn: %[3]s\n\n"+
		"dn: ou=elsewhere,o=%[1]s\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://%[2]s.test/o=%[2]s\n\n", own, other, person)
	for name, address := range more {
		text += fmt.Sprintf("dn: ou=%s,o=%s\nobjectClass: referral\nobjectClass: extensibleObject\nou: %[1]s\nref: ldap://%[3]s\n\n", name, own, address)
	}
	return text
}

// pairs are the ways to start two such servers; they return their URLs and who may change them.
var pairs = map[string]func(t *testing.T, a, b string) (urls [2]string, roots [2]ldapmgr.Bind){
	"memory": func(t *testing.T, a, b string) (urls [2]string, roots [2]ldapmgr.Bind) {
		t.Helper()
		for i, text := range []string{a, b} {
			roots[i] = ldapmgr.Bind{Name: admin, Password: ldapmgr.Secret{Value: password}}
			urls[i] = ldaptest.Start(t, ldaptest.Config{Suffix: "o=" + string("ab"[i]), RootDN: admin, RootPassword: password, LDIF: strings.NewReader(text)}).URL()
		}
		return urls, roots
	},
	"slapd": func(t *testing.T, a, b string) (urls [2]string, roots [2]ldapmgr.Bind) {
		t.Helper()
		for i, text := range []string{a, b} {
			s := slapd.Start(t, slapd.Config{Suffix: "o=" + string("ab"[i]), LDIF: text})
			urls[i], roots[i] = s.LDAP, ldapmgr.Bind{Name: s.RootDN, Password: ldapmgr.Secret{Value: s.RootPW}}
		}
		return urls, roots
	},
}

// onPairs runs a test on two servers of each kind. In b, out stands for what a stranger holds; with a circle, each has an
// entry of that name that stands for the other's. start makes the domains A and B, which may be led to each other where that
// is allowed.
func onPairs(t *testing.T, circle bool, run func(t *testing.T, start func(t *testing.T, allow bool) (*ldapmgr.Domain, *instrument.Scope))) {
	t.Helper()
	for name, pair := range pairs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stranger, visits := capture(t)
			ofA, ofB := map[string]string{}, map[string]string{"out": stranger + "/o=stranger"}
			if circle {
				ofA["circle"], ofB["circle"] = "b.test/ou=circle,o=b", "a.test/ou=circle,o=a"
			}
			urls, roots := pair(t, half("a", "b", "ada", ofA), half("b", "a", "bob", ofB))
			run(t, func(t *testing.T, allow bool) (*ldapmgr.Domain, *instrument.Scope) {
				t.Helper()
				m, scope := domains(t, func(name string, c *ldapmgr.DomainConfig) {
					c.Bind, c.ReadOnly = roots[name[0]-'A'], new(bool)
					c.Aliases = []string{strings.ToLower(name) + ".test"}
					if allow {
						c.Referrals = []string{"A", "B"}
					}
				}, urls[0], urls[1])
				d, err := m.Domain("A")
				if err != nil {
					t.Fatal(err)
				}
				return d, scope
			})
			if n := visits.Load(); n != 0 {
				t.Errorf("a server that nobody named was connected to %d times", n)
			}
		})
	}
}

// streamed reads a stream to its end, in the order in which entries came.
func streamed(ctx context.Context, d *ldapmgr.Domain, r *ldap.SearchRequest, size uint32) (names []string, err error) {
	for e, err := range d.Entries(ctx, r, size) {
		if err != nil {
			return names, err
		}
		names = append(names, e.DN)
	}
	return names, nil
}

// sent counts the operations of a kind in a domain.
func sent(scope *instrument.Scope, domain string, kind instrument.Kind) (n int) {
	for _, op := range scope.Recorder().Since(0, 1000).Operations {
		if op.Domain == domain && op.Kind == kind && (op.Search == nil || op.Search.Base != "") {
			n++
		}
	}
	return n
}

// A stream goes where a search goes, entry by entry, and servers that point at each other end it.
func TestReferralsInStreams(t *testing.T) {
	t.Parallel()
	onPairs(t, false, func(t *testing.T, start func(t *testing.T, allow bool) (*ldapmgr.Domain, *instrument.Scope)) {
		only := ldap.NewSearchRequest("", ldap.ScopeWholeSubtree, 0, 0, 0, false, "(cn=*)", []string{"cn"}, nil)
		for _, allow := range []bool{false, true} {
			d, scope := start(t, allow)
			want, asked := []string{"cn=ada,o=a"}, 0
			if allow {
				want, asked = append(want, "cn=bob,o=b"), 1
			}
			for e, err := range d.Entries(t.Context(), only, 0) {
				if err != nil || e.DN != want[0] {
					t.Errorf("the first is %v, %v; want %s", e, err, want[0])
				}
				break // a reader that stops wants nothing of other servers
			}
			if n := sent(scope, "B", instrument.KindSearch); n != 0 {
				t.Errorf("allowed %v: after a reader that stopped %d searches in B, want none", allow, n)
			}
			if got, err := streamed(t.Context(), d, only, 0); err != nil || !slices.Equal(got, want) {
				t.Errorf("allowed %v: %v, %v; want %v", allow, got, err, want)
			}
			if n := sent(scope, "B", instrument.KindSearch); n != asked {
				t.Errorf("allowed %v: %d searches in B, want %d", allow, n, asked)
			}
		}
	})
}

// referredStep is a request about what B holds, sent to A.
type referredStep struct {
	name string
	do   func(ctx context.Context, d *ldapmgr.Domain) ([]string, error)
	want []string
}

func referredSteps() []referredStep {
	read := func(base string) *ldap.SearchRequest {
		return ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=person)", []string{"cn"}, nil)
	}
	bob, eve := "cn=bob,ou=elsewhere,o=a", "cn=eve,ou=elsewhere,o=a"
	add := ldap.NewAddRequest(eve, nil)
	add.Attribute("objectClass", []string{"person"})
	add.Attribute("sn", []string{"Eve"})
	modify := ldap.NewModifyRequest(eve, nil)
	modify.Replace("sn", []string{"changed"})
	return []referredStep{
		{"search", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			result, err := d.Search(ctx, read(bob))
			if err != nil {
				return nil, err
			}
			return namesOf(result.Entries), nil
		}, []string{"cn=bob,o=b"}},
		{"paged", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			result, err := d.SearchPaged(ctx, read(bob), 1)
			if err != nil {
				return nil, err
			}
			return namesOf(result.Entries), nil
		}, []string{"cn=bob,o=b"}},
		{"stream", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			names, err := streamed(ctx, d, read(bob), 1)
			return names, err
		}, []string{"cn=bob,o=b"}},
		{"read", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			e, err := d.Read(ctx, bob, "cn")
			if err != nil {
				return nil, err
			}
			return []string{e.DN}, nil
		}, []string{"cn=bob,o=b"}},
		{"compare", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			is, err := d.Compare(ctx, bob, "sn", "bob")
			return []string{fmt.Sprint(is)}, err
		}, []string{"true"}},
		{"add", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) { return nil, d.Add(ctx, add) }, nil},
		{"modify", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			_, err := d.Modify(ctx, modify)
			return nil, err
		}, nil},
		{"rename", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			return nil, d.ModifyDN(ctx, ldap.NewModifyDNRequest(eve, "cn=eva", true, ""))
		}, nil},
		{"delete", func(ctx context.Context, d *ldapmgr.Domain) ([]string, error) {
			return nil, d.Delete(ctx, ldap.NewDelRequest("cn=eva,ou=elsewhere,o=a", nil))
		}, nil},
	}
}

// A request that a server refers elsewhere as a whole is asked there, where that may be.
func TestReferredRequests(t *testing.T) {
	t.Parallel()
	steps := referredSteps()
	onPairs(t, false, func(t *testing.T, start func(t *testing.T, allow bool) (*ldapmgr.Domain, *instrument.Scope)) {
		locked, scope := start(t, false)
		for _, step := range steps {
			_, err := step.do(t.Context(), locked)
			if code, _ := instrument.ResultCode(err); code != ldap.LDAPResultReferral {
				t.Errorf("%s that may go nowhere: %v, want the referral", step.name, err)
			}
		}
		for _, s := range scope.Snapshots() {
			if s.Domain == "B" && s.Usage.Operations != 0 {
				t.Errorf("%d operations in a domain that nobody may be led to", s.Usage.Operations)
			}
		}
		d, scope := start(t, true)
		for _, step := range steps {
			got, err := step.do(t.Context(), d)
			if err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%s: %s", step.name, diff)
			}
		}
		for _, s := range scope.Snapshots() {
			if s.Domain == "A" && s.Usage.ReferralsFollowed != uint64(len(steps)) {
				t.Errorf("%d referrals were followed, want %d", s.Usage.ReferralsFollowed, len(steps))
			}
		}
	})
}

// Servers that send each other the same request, and one that sends it out of the house, end it with their answer.
func TestReferredInCircles(t *testing.T) {
	t.Parallel()
	onPairs(t, true, func(t *testing.T, start func(t *testing.T, allow bool) (*ldapmgr.Domain, *instrument.Scope)) {
		d, scope := start(t, true)
		for i, base := range []string{"ou=circle,o=a", "ou=out,ou=elsewhere,o=a"} {
			_, err := d.Search(t.Context(), ldap.NewSearchRequest(base, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil))
			if code, _ := instrument.ResultCode(err); code != ldap.LDAPResultReferral || !strings.Contains(err.Error(), "following a reference to B") {
				t.Errorf("%s: %v, want the referral", base, err)
			}
			if a, b := sent(scope, "A", instrument.KindSearch), sent(scope, "B", instrument.KindSearch); a != 2*i+1 || b != 2*i+1 {
				t.Errorf("%s: %d searches in A and %d in B, want %d each", base, a, b, 2*i+1)
			}
			if _, err = streamed(t.Context(), d, ldap.NewSearchRequest(base, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil), 0); !errors.As(err, new(*ldapmgr.Error)) {
				t.Errorf("%s, as a stream: %v", base, err)
			}
		}
	})
}
