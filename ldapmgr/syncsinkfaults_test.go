// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// badSink is a store some of whose methods go wrong.
type badSink struct {
	*usersql.Store
	applied func(ids []string, err error) ([]string, error)
	saveRun error
}

func (s *badSink) Apply(ctx context.Context, plans []ldapmgr.Plan, commit func(context.Context) error) ([]string, error) {
	ids, err := s.Store.Apply(ctx, plans, commit)
	if s.applied != nil {
		return s.applied(ids, err)
	}
	return ids, err
}

func (s *badSink) SaveRun(ctx context.Context, domain string, run ldapmgr.Run) error {
	if s.saveRun != nil {
		return s.saveRun
	}
	return s.Store.SaveRun(ctx, domain, run)
}

// badly is a stage whose sink goes wrong.
func badly(t *testing.T, bad *badSink) *stage {
	t.Helper()
	s := fixtureInMemory(t).stage(t, ungrouped)
	bad.Store = s.store
	s.syncer = ldapmgr.NewSyncer(s.syncer.Manager(), bad, ldapmgr.Hooks{})
	return s
}

// TestSinkLosesCount: a sink of an application that returns too few ids is an error and no panic, for one and for all.
func TestSinkLosesCount(t *testing.T) {
	t.Parallel()
	s := badly(t, &badSink{applied: func([]string, error) ([]string, error) { return nil, nil }})
	if _, err := s.try("alice", "password"); err == nil || !strings.Contains(err.Error(), "lost count") {
		t.Errorf("one: %v", err)
	}
	if _, err := s.syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true}); err == nil || !strings.Contains(err.Error(), "lost count") {
		t.Errorf("all: %v", err)
	}
}

// TestRunThatCannotBeNoted: once everybody is saved, the sync has happened, and its report says so. That the next sync knows
// nothing of it is told.
func TestRunThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	s := badly(t, &badSink{saveRun: full})
	report, err := s.syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true})
	if err != nil || !report.Applied || len(s.accounts()) != report.People {
		t.Errorf("got %+v, %v", report, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.events); n == 0 || s.events[n-1].Stage != ldapmgr.StageSave || !errors.Is(s.events[n-1].Err, full) {
		t.Errorf("told of %+v", s.events)
	}
}

// TestFailureOfOneInAll: who cannot be synced with all others has the reason at the account, as after a sync of one.
func TestFailureOfOneInAll(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	s := p.stage(t, ungrouped)
	s.login("nobody")
	strict := p.stage(t, func(c *ldapmgr.DomainConfig) {
		ungrouped(c)
		c.Users.Fields = map[string]ldapmgr.Field{"first_name": {Attribute: "givenName", Required: true}}
	})
	syncer := ldapmgr.NewSyncer(strict.syncer.Manager(), s.store, ldapmgr.Hooks{})
	if _, err := syncer.All(t.Context(), "", ldapmgr.AllOptions{}); err != nil || s.account("nobody").LastError != "" {
		t.Errorf("a plan notes %q, %v", s.account("nobody").LastError, err)
	}
	report, err := syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true})
	if err != nil || len(report.Failures) == 0 || !strings.Contains(s.account("nobody").LastError, "first_name") {
		t.Errorf("got %+v, %v; the account says %q", report, err, s.account("nobody").LastError)
	}
}
