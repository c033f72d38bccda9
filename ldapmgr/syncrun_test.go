// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// TestRunSyncsInTime lets hours pass: everybody is synced again and again, never at quite the same distance, an outage
// costs one sync, and the end of the context ends it.
func TestRunSyncsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Users = ldapmgr.Users{Filter: "(ou=*)", Account: "ou"}
		c.Groups.Strategy = ldapmgr.GroupsNone
		c.Sync.Every = time.Hour
		scope := instrument.New()
		m := identityManagerOf(t, ldapmgr.Config{Scope: scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c}})
		store, _, _ := userStore(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		type ended struct {
			at  time.Time
			err error
		}
		var all []ended
		over := make(chan error)
		begin := time.Now()
		go func() {
			over <- ldapmgr.NewSyncer(m, store, ldapmgr.Hooks{}).Run(ctx, func(_ *ldapmgr.Report, err error) { all = append(all, ended{time.Now(), err}) })
		}()
		time.Sleep(10 * time.Hour) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		if len(all) < 10 || len(all) > 12 || all[0].at.Sub(begin) > 6*time.Minute {
			t.Fatalf("%d syncs in ten hours, the first after %v", len(all), all[0].at.Sub(begin))
		}
		early := 0
		for i, e := range all {
			if e.err != nil {
				t.Errorf("sync %d: %v", i, e.err)
			}
			if i == 0 {
				continue
			}
			switch gap := e.at.Sub(all[i-1].at); {
			case gap < 54*time.Minute || gap > time.Hour+time.Minute:
				t.Errorf("sync %d came after %v", i, gap)
			case gap < 59*time.Minute+50*time.Second:
				early++
			}
		}
		if early == 0 {
			t.Error("every sync came after the whole hour: processes that start together ask together")
		}
		before := len(all)
		n.host(0).set(refusing)
		time.Sleep(time.Hour + time.Minute) //nolint:forbidigo // the bubble's clock
		n.host(0).set(serving)
		time.Sleep(time.Hour + time.Minute) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		if len(all) < before+2 || !errors.Is(all[before].err, ldapmgr.ErrUnavailable) || all[len(all)-1].err != nil {
			t.Errorf("around an outage: %v", all[before:])
		}
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// TestRunWithoutEvery has nothing to do.
func TestRunWithoutEvery(t *testing.T) {
	t.Parallel()
	s := fixtureInMemory(t).stage(t, nil)
	if err := s.syncer.Run(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if got := wireUsage(s.scope).Operations; got != 0 {
		t.Errorf("%d operations", got)
	}
}
