// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// onEditable runs a test on people who may be changed, in memory and on slapd.
func onEditable(t *testing.T, n int, test func(t *testing.T, cfg ldapmgr.DomainConfig)) {
	t.Helper()
	text := "dn: " + suffix + "\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n"
	for i := range n {
		text += fmt.Sprintf("\ndn: cn=P%d,%s\nobjectClass: inetOrgPerson\ncn: P%d\nsn: S%d\ntitle: Dr\nmail: a@x\nmail: b@x\n", i, suffix, i, i)
	}
	onBoth(t, text, func(t *testing.T, cfg ldapmgr.DomainConfig) { test(t, writable(cfg)) })
}

// OfClass reads in pages what is asked for, and names that do not exist are errors instead of empty answers.
func TestOfClass(t *testing.T) {
	t.Parallel()
	onEditable(t, 1100, readsOfClass)
}

func readsOfClass(t *testing.T, cfg ldapmgr.DomainConfig) {
	t.Helper()
	d, scope := domain(t, cfg)
	n := 0
	for e, err := range d.OfClass(t.Context(), "inetOrgPerson", "(!(cn=P7))", "SN", "mail", "createTimestamp") {
		if err != nil {
			t.Fatal(err)
		}
		if e.String("sn") == "" || len(e.Strings("mail")) != 2 || e.Has("title") {
			t.Fatalf("got %v", e.Attributes)
		}
		n++
	}
	if pages := scope.Snapshots()[0].Usage.Pages; n != 1099 || pages != 3 {
		t.Errorf("%d entries in %d pages", n, pages)
	}
	for _, wrong := range [][]string{{"inetOrgPersom"}, {"inetOrgPerson", "sn", "maill"}, {"organization", "sn"}} {
		for _, err := range d.OfClass(t.Context(), wrong[0], "", wrong[1:]...) {
			if !errors.Is(err, ldapmgr.ErrNotFound) || !strings.Contains(err.Error(), wrong[len(wrong)-1]) {
				t.Errorf("%v: got %v", wrong, err)
			}
		}
	}
}

// Only what changes something is sent, in one operation, and values that others add meanwhile stay.
func TestEdit(t *testing.T) {
	t.Parallel()
	onEditable(t, 1, edits)
}

func edits(t *testing.T, cfg ldapmgr.DomainConfig) {
	t.Helper()
	d, scope := domain(t, cfg)
	read := func() ldapmgr.Entry {
		t.Helper()
		e, err := d.Read(t.Context(), "cn=P0,"+suffix, "cn", "sn", "title", "mail", "description")
		if err != nil {
			t.Fatal(err)
		}
		return ldapmgr.Entry{Entry: e}
	}
	tests := []struct {
		name string
		edit func(w *ldapmgr.Edit)
		want []string // operation, attribute and values of each change
	}{
		{"nothing", func(*ldapmgr.Edit) {}, nil},
		{"as it is", func(w *ldapmgr.Edit) {
			w.Set("SN", "S0").Set("mail", "b@x", "a@x").Add("mail", "a@x").Remove("title", "Prof").Set("description")
		}, nil},
		{"one value", func(w *ldapmgr.Edit) { w.Set("title", "Prof") }, []string{"2 title [Prof]"}},
		{"gone", func(w *ldapmgr.Edit) { w.Set("title") }, []string{"2 title []"}},
		{"one of many", func(w *ldapmgr.Edit) { w.Add("mail", "c@x", "c@x", "a@x").Remove("MAIL", "b@x") }, []string{"1 mail [b@x]", "0 mail [c@x]"}},
		{"added and taken back", func(w *ldapmgr.Edit) { w.Add("mail", "c@x").Remove("mail", "c@x") }, nil},
		{"removed and given back", func(w *ldapmgr.Edit) { w.Remove("mail", "a@x").Add("mail", "a@x") }, nil},
		{"set, then changed", func(w *ldapmgr.Edit) { w.Set("mail", "z@x").Add("mail", "y@x").Remove("mail", "z@x") }, []string{"2 mail [y@x]"}},
	}
	for _, test := range tests {
		w := d.Edit(read())
		test.edit(w)
		var got []string
		for _, c := range w.Changes() {
			got = append(got, fmt.Sprint(c.Operation, " ", c.Modification.Type, " ", c.Modification.Vals))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	mine := d.Edit(read()).Add("mail", "mine@x").Set("title", "Prof")
	if changed, err := d.Edit(read()).Add("mail", "theirs@x").Commit(t.Context()); !changed || err != nil {
		t.Fatalf("got %v, %v", changed, err)
	}
	if changed, err := mine.Commit(t.Context()); !changed || err != nil {
		t.Fatalf("got %v, %v", changed, err)
	}
	e := read()
	mail := slices.Sorted(slices.Values(e.Strings("mail")))
	if diff := cmp.Diff([]string{"a@x", "b@x", "mine@x", "theirs@x"}, mail); diff != "" || e.String("title") != "Prof" {
		t.Errorf("%s, title %s", diff, e.String("title"))
	}
	if changed, err := d.Edit(e).Set("title", "Prof").Commit(t.Context()); changed || err != nil {
		t.Errorf("a change of nothing: %v, %v", changed, err)
	}
	if n := scope.Snapshots()[0].Usage.ModifyOperations; n != 2 {
		t.Errorf("%d modify operations, want 2", n)
	}
	changed, err := d.Edit(e).Set("title", "x").Set("nonsense", "y").Commit(t.Context())
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultUndefinedAttributeType) || changed || read().String("title") != "Prof" {
		t.Errorf("half of a change: %v, %v", changed, err)
	}
}
