// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestCallersNeedNotWait: who gives up, or has little time, is not kept by a sync that others wait for too, nor by a server
// that says nothing. The sync itself goes on for the others.
func TestCallersNeedNotWait(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	s := p.stage(t, nil)
	key := s.login("alice").Account.Key
	p.memory.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Hang: true})))
	for name, call := range map[string]func(ctx context.Context) error{
		"resync":  func(ctx context.Context) error { _, err := s.syncer.Resync(ctx, "", key); return err },
		"current": func(ctx context.Context) error { _, err := s.syncer.Current(ctx, "", key, 0); return err },
		"sync":    func(ctx context.Context) error { _, err := s.syncer.Sync(ctx, "", "alice"); return err },
		"login": func(ctx context.Context) error {
			_, err := s.syncer.Login(ctx, ldapmgr.Credentials{Name: "alice", Password: "password"})
			return err
		},
		"plan": func(ctx context.Context) error { _, err := s.syncer.PlanByKey(ctx, "", key); return err },
		"user": func(ctx context.Context) error { _, err := s.domain.User(ctx, "alice"); return err },
		"all": func(ctx context.Context) error {
			_, err := s.syncer.All(ctx, "", ldapmgr.AllOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			begin := time.Now()
			err := call(ctx)
			if took := time.Since(begin); err == nil || took > 1500*time.Millisecond { // Timeouts.Idle is 3 s
				t.Errorf("with 200ms it took %v: %v", took, err)
			}
			if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, instrument.ErrTimeout) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestHookPanics: a panic of a hook is one of its caller, as if nobody else could have been waiting; nothing is kept, and the
// next sync works.
func TestHookPanics(t *testing.T) {
	t.Parallel()
	panics := true
	s := fixtureInMemory(t).stage(t, ungrouped, ldapmgr.Hooks{BeforeCommit: func(context.Context, ldapmgr.Plan) error {
		if panics {
			panic("of the application")
		}
		return nil
	}})
	func() {
		defer func() {
			if got := recover(); got != "of the application" {
				t.Errorf("recovered %v", got)
			}
		}()
		_, err := s.try("alice", "password")
		t.Errorf("no panic: %v", err)
	}()
	s.wantAccounts()
	panics = false
	s.login("alice")
}
