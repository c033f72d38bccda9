// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// No lock that an operation takes is held while usage is being saved: with the database locked by somebody who lets nobody
// even read, and with a disk that never answers, operations take no longer than before, and their counters go on.
func TestNoOperationWaitsForSaving(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		history time.Duration
		still   time.Duration // for as long nothing goes on at least
		hinder  func(t *testing.T, path string) (end func())
	}{
		{"the database is locked", time.Millisecond, 20 * time.Millisecond, func(t *testing.T, path string) func() { return lockDatabase(t, path, "EXCLUSIVE") }},
		{"the disk hangs", -1, time.Second, func(t *testing.T, path string) func() { return hangs(t, filepath.Join(path+".spool", "r1.tmp")) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			client, err := scope.Dial(t.Context(), ldaptest.Start(t, ldaptest.Config{}).URL(), instrument.WithDomain("CORP"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close(context.WithoutCancel(t.Context())) }()
			path := newPath(t)
			if err := open(t, metricsdb.Config{Path: path}).Close(); err != nil {
				t.Fatal(err)
			}
			s := spool(t, metricsdb.Config{Path: path, Checkpoint: time.Millisecond, History: test.history, BusyTimeout: time.Hour}, run("r1"))
			end := test.hinder(t, path)
			var looks atomic.Int64
			ctx, cancel := context.WithCancel(t.Context())
			saved := make(chan error, 1)
			go func() { // ends with ctx
				saved <- s.Run(ctx, func() []instrument.Snapshot { looks.Add(1); return scope.Snapshots() })
			}()
			operate := func() {
				if _, err := client.WhoAmI(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			operate()
			standsStill(t, &looks, test.still)
			const operations = 200 // for which one that waited once would be seen
			begin := time.Now()
			for range operations {
				operate()
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("%d operations took %v", operations, took)
			}
			if got := scope.Snapshots()[0].Usage.ExtendedOperations; got != operations+1 {
				t.Errorf("%d operations were counted, want %d", got, operations+1)
			}
			end()
			cancel()
			<-saved
			finish(t, s, scope.Snapshots()...)
		})
	}
}

// standsStill waits until whoever looks at the counters is held up by what it does with them.
func standsStill(t *testing.T, looks *atomic.Int64, still time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		before := looks.Load()
		<-time.After(still)
		if before > 0 && looks.Load() == before {
			return
		}
	}
	t.Fatal("nothing holds the saving up")
}
