// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// leastEvery is the least of Sync.Every: a sync of everybody reads everybody.
const leastEvery = time.Minute

// Run syncs everybody of each domain that has Sync.Every, again and again until ctx ends, and then returns nil. The first
// sync of a domain comes a tenth of its time after the start at most, and the others with 10 % jitter, so that processes
// that start together do not ask together. A sync that fails, or that the brake holds back, is told to DomainConfig.Event
// and logged; the next one comes in time. done, which may be nil, is called after each.
func (s *Syncer) Run(ctx context.Context, done func(*Report, error)) error {
	var running sync.WaitGroup
	for _, d := range s.manager.Domains() {
		if d.cfg.Sync.Every > 0 {
			running.Go(func() { s.every(ctx, d, done) })
		}
	}
	running.Wait()
	return nil
}

// every syncs one domain in time.
func (s *Syncer) every(ctx context.Context, d *Domain, done func(*Report, error)) {
	every := d.cfg.Sync.Every
	next := time.NewTimer(every - jitter(every)) // from none to a tenth of it
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		job, end := d.scope.Job(ctx, "sync "+d.name)
		report, err := s.All(job, d.name, AllOptions{Apply: true})
		end()
		if ctx.Err() != nil {
			return
		}
		d.logSync(ctx, report, err)
		if done != nil {
			done(report, err)
		}
		next.Reset(jitter(every))
	}
}

// logSync logs how a sync of everybody ended, and what the brake kept back. That it failed was told already.
func (d *Domain) logSync(ctx context.Context, r *Report, err error) {
	if err != nil {
		return
	}
	if r.Held > 0 {
		d.event(ctx, Event{Stage: StageSave, Err: fmt.Errorf("%w: %d of %d", ErrHeld, r.Held, r.Removals)})
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "synced everybody", slog.Int("people", r.People), slog.Int("changed", len(r.Plans)),
		slog.Int("failed", len(r.Failures)), slog.Duration("took", r.Took))
}
