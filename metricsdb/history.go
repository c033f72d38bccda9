// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// addHistory writes the present snapshots to the database, so that a long run has more than its end. While the database
// cannot be written the points wait in the spool, without their shapes and not more than keptPoints.
func (s *Spool) addHistory(ctx context.Context) {
	s.mu.Lock()
	d := s.doc
	d.Points, d.Snapshots = slices.Clone(d.Points), slices.Clone(d.Snapshots)
	news := slices.ContainsFunc(d.Snapshots, func(snapshot instrument.Snapshot) bool {
		return s.recorded[snapshot.Domain] != snapshot.Usage.Counters
	})
	s.mu.Unlock()
	if !news && len(d.Points) == 0 {
		return
	}
	err := errHangs
	if s.base.take() {
		err = s.base.do(ctx, patience, func() error { return s.recordHistory(ctx, d) })
	}
	if err != nil && ctx.Err() == nil {
		s.warn("the database cannot be written for now; usage stays in its spool", wrap(opSave, s.cfg.Path, err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snapshot := range d.Snapshots {
		s.recorded[snapshot.Domain] = snapshot.Usage.Counters
	}
	s.unsaved = s.unsaved || err != nil || len(s.doc.Points) > 0
	if err == nil {
		s.doc.Points = nil
		return
	}
	for _, snapshot := range d.Snapshots {
		snapshot.Shapes = nil
		s.doc.Points = append(s.doc.Points, snapshot)
	}
	if over := len(s.doc.Points) - keptPoints; over > 0 {
		s.doc.Points = slices.Delete(s.doc.Points, 0, over)
		s.doc.Dropped += uint64(over)
	}
}

// recordHistory opens the database for one point only: a file held open for hours might have been set aside or moved.
func (s *Spool) recordHistory(ctx context.Context, d document) error {
	db, err := openStore(ctx, s.cfg, historyWait)
	if err != nil {
		return err
	}
	err = db.merge(ctx, d, historyWait)
	if err == nil {
		s.adoptOthers(ctx, db, historyWait)
	}
	return errors.Join(err, db.close())
}

// adoptOthers merges spools that dead processes have left until ctx ends or one cannot be merged.
func (s *Spool) adoptOthers(ctx context.Context, db *store, wait time.Duration) {
	lock, err := claim(s.folder.adoption(), 0)
	if err != nil {
		return // another process is at it
	}
	defer func() { _ = unlockFile(lock, false) }()
	runs, err := s.folder.runs()
	if err != nil {
		return // it is said to whoever reads
	}
	for _, run := range runs {
		if ctx.Err() != nil {
			return
		}
		if err := s.folder.adopt(ctx, db, run, wait); err != nil && !errors.Is(err, errHeld) {
			return
		}
	}
}
