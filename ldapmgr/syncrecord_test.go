// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// differs runs f as a job and returns what its steps say was changed, a line for each.
func (s *stage) differs(f func(ctx context.Context)) (lines []string) {
	s.t.Helper()
	ctx, end := s.scope.Job(s.t.Context(), "job")
	f(ctx)
	end()
	q, _ := s.scope.Recorder().Summary(requestOf(ctx))
	text := func(v *instrument.Value) string {
		if v == nil {
			return "-"
		}
		return v.Text
	}
	for _, step := range q.Steps {
		for _, d := range step.Diffs {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s %s %s > %s %s", step.Name, d.Of.Text, d.How, d.What, d.Name, text(d.From), text(d.To), d.Reason)))
		}
	}
	return lines
}

// TestSyncTellsWhatItChanged: each sync leaves its difference with its last step, and what is only planned with a step that
// says so.
func TestSyncTellsWhatItChanged(t *testing.T) {
	t.Parallel()
	s := fixtureInMemory(t).stage(t, demanding)
	want := func(what string, got []string, all ...string) {
		t.Helper()
		for _, line := range all {
			if !slices.Contains(got, line) {
				t.Errorf("%s: no %q in\n%s", what, line, strings.Join(got, "\n"))
			}
		}
	}
	var done *ldapmgr.Synced
	created := s.differs(func(ctx context.Context) {
		var err error
		if done, err = s.syncer.Login(ctx, ldapmgr.Credentials{Name: "alice", Password: "password"}); err != nil {
			t.Fatal(err)
		}
	})
	want("a login", created, "sync.save: alice added account created - > -", "sync.save: alice added field first_name - > Alice",
		"sync.save: alice added flag staff - > -", "sync.save: alice added group  - > staff_gon")
	old := "Alicia"
	stale := ldapmgr.Plan{Domain: done.Account.Domain, Key: done.Account.Key, ID: done.Account.ID, Name: "alice", DN: done.Account.DN,
		Fields: []ldapmgr.FieldChange{{Name: "first_name", To: &old}}, Join: []string{"former"}, Quit: []string{"staff_gon"}}
	if _, err := s.store.Apply(t.Context(), []ldapmgr.Plan{stale}, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	changes := []string{": alice changed field first_name Alicia > Alice", ": alice added group  - > staff_gon", ": alice removed group  former > -"}
	at := func(step string) []string { return []string{step + changes[0], step + changes[1], step + changes[2]} }
	for what, plan := range map[string]func(ctx context.Context) error{
		"plan":        func(ctx context.Context) error { _, err := s.syncer.Plan(ctx, "", "alice"); return err },
		"plan by key": func(ctx context.Context) error { _, err := s.syncer.PlanByKey(ctx, "", done.Account.Key); return err },
		"plan of all": func(ctx context.Context) error { _, err := s.syncer.All(ctx, "", ldapmgr.AllOptions{}); return err },
	} {
		want(what, s.differs(func(ctx context.Context) {
			if err := plan(ctx); err != nil {
				t.Error(what, err)
			}
		}), at("sync.plan")[:2]...)
	}
	got := s.differs(func(ctx context.Context) {
		if _, err := s.syncer.Resync(ctx, "", done.Account.Key); err != nil {
			t.Fatal(err)
		}
	})
	want("a sync", got, at("sync.save")...)
	if len(got) != 3 {
		t.Errorf("a sync of three changes tells %q", got)
	}
	all := s.differs(func(ctx context.Context) {
		if _, err := s.syncer.All(ctx, "", ldapmgr.AllOptions{Apply: true}); err != nil {
			t.Fatal(err)
		}
	})
	want("a sync of all", all, "sync.save: bob added account created - > -")
}

// TestSyncTellsWhatIsHeld: what the brake keeps back is told with its reason, and a group's name is a value.
func TestSyncTellsWhatIsHeld(t *testing.T) {
	t.Parallel()
	r := crowded(t, 80, nil)
	r.remove(0, 30)
	got := r.differs(func(ctx context.Context) {
		if _, err := r.syncer.All(ctx, "", ldapmgr.AllOptions{Apply: true}); err != nil {
			t.Fatal(err)
		}
	})
	// whose name is a value, as it is of a group that a person joins or leaves
	if group := (ldapmgr.Plan{Held: []ldapmgr.Held{{What: "group a b", Reason: "why"}, {What: "account", Reason: "why"}}}).Differences(); *group[0].From != "a b" || group[0].Name != "" || group[1].What != "account" || group[1].From != nil {
		t.Errorf("held: %+v", group)
	}
	if len(got) == 0 || !slices.ContainsFunc(got, func(line string) bool {
		return strings.Contains(line, " held account  - > - ") && strings.Contains(line, "fewer than")
	}) {
		t.Errorf("told %q", got)
	}
}
