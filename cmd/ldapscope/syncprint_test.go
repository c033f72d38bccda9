// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestHeldOfOne: a reason that several removals of a person share is said once, another one where it belongs.
func TestHeldOfOne(t *testing.T) {
	t.Parallel()
	one := syncedOne{Applied: true, Plan: ldapmgr.Plan{Name: "ada", Account: "ada", Domain: "EXAMPLE", Held: []ldapmgr.Held{
		{What: "group a", Reason: "no group is seen"}, {What: "field mail", Reason: "no attribute is seen"}, {What: "group b", Reason: "no group is seen"},
	}}}
	var got strings.Builder
	if err := one.text(&got); err != nil {
		t.Fatal(err)
	}
	want := "ada (ada in EXAMPLE)\n  ! kept: group a: see reason 1 below\n  ! kept: field mail: no attribute is seen\n  ! kept: group b: see reason 1 below\n" +
		"kept back because\n  1  no group is seen\n\nnothing changes; 3 removals are kept back\n"
	if got.String() != want {
		t.Errorf("the text is\n%swant\n%s", &got, want)
	}
	if one.Plan.Held[0].Reason != "no group is seen" {
		t.Error("the plan itself lost its reason")
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		report  ldapmgr.Report
		changed int
		want    string
	}{
		{ldapmgr.Report{Applied: true}, 0, "applied"},
		{ldapmgr.Report{Applied: true, Removals: 1, Held: 1}, 0, "nothing was applied: the only removal was kept back"},
		{ldapmgr.Report{Applied: true, Removals: 12, Held: 1}, 11, "applied; 1 of 12 removals was kept back"},
		{ldapmgr.Report{Removals: 12, Held: 5}, 7, "nothing was changed; --apply does it and keeps 5 of 12 removals back"},
	} {
		if got := outcome(&test.report, test.changed); got != test.want {
			t.Errorf("%+v: %q, want %q", test.report, got, test.want)
		}
	}
}
