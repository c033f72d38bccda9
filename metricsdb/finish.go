// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const opSpool = "save usage beside"

// DefaultExitBudget is how long Finish works on the database when it is given no budget.
const DefaultExitBudget = 80 * time.Millisecond

// Finish writes the last snapshots, marked as a clean end, to the spool, then merges the spool into the database if that
// takes no longer than budget (0: DefaultExitBudget; negative: not at all). Otherwise the spool stays for the next reader,
// which is no error: an error means that neither could be written. Nil snapshots stand for those of the last checkpoint.
// It takes no context, because at exit the program's has ended already, and it returns within 1.3 seconds and the budget also
// when the disk does not answer; if the process then lives on, the work goes on too. Calling it again returns the same.
func (s *Spool) Finish(snapshots []instrument.Snapshot, budget time.Duration) (Saved, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return s.saved, s.failed
	}
	if budget == 0 {
		budget = DefaultExitBudget
	}
	if snapshots != nil {
		s.doc.Snapshots = snapshots
	}
	s.doc.Clean, s.doc.Run.Ended, s.doc.Run.End = true, instrument.RunClean, time.Now().UTC()
	s.doc.Checkpoint = s.doc.Run.End
	s.saved = Saved{Run: s.doc.Run.ID, Domains: len(s.doc.Snapshots), Database: s.cfg.Path}
	for _, snapshot := range s.doc.Snapshots {
		s.saved.Operations += snapshot.Usage.Operations
	}
	e := &ending{spool: s, lock: s.lock, saved: s.saved}
	s.lock = nil // from here on nothing changes the document
	s.saved, s.failed = e.await(budget)
	return s.saved, s.failed
}

// ending is the last work of a Spool. It is right whenever it gets there, also after nobody waits for it any more.
type ending struct {
	spool   *Spool
	lock    *os.File
	spooled error
	saved   Saved
}

// await does the work and returns when it is done, or when the disk has not answered for too long.
func (e *ending) await(budget time.Duration) (Saved, error) {
	hung := e.saved
	spooled, done := make(chan error, 1), make(chan error, 1)
	go func() {
		e.spooled = e.write()
		spooled <- e.spooled
		done <- e.merge(budget)
	}()
	timer := time.NewTimer(finishWait + max(budget, 0))
	defer timer.Stop()
	select {
	case err := <-done:
		return e.saved, err
	case <-timer.C:
	}
	select {
	case err := <-spooled:
		if err == nil {
			hung.Spool = e.spool.folder.file(hung.Run, dataSuffix)
		}
		return hung, err
	default:
		return hung, wrap(opSpool, e.spool.cfg.Path, errHangs)
	}
}

// write writes the document as it will stay, after a checkpoint that may be under way.
func (e *ending) write() error {
	s := e.spool
	s.file.await()
	defer s.file.put()
	err := s.doc.encode(&s.buffer)
	if err == nil {
		err = s.folder.write(e.saved.Run, s.buffer.Bytes())
	}
	return wrap(opSpool, s.cfg.Path, err)
}

func (e *ending) merge(budget time.Duration) error {
	s := e.spool
	s.base.await()
	defer s.base.put()
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	return e.settle(s.mergeOwn(ctx, budget))
}

// settle removes the spool once it is merged, or leaves it for the next reader, and gives the lock back.
func (e *ending) settle(merged error) error {
	s := e.spool
	if e.saved.Merged = merged == nil; e.saved.Merged {
		err := errors.Join(s.folder.clear(e.saved.Run), unlockFile(e.lock, true))
		return wrap("remove the spool beside", s.cfg.Path, err)
	}
	released := unlockFile(e.lock, false)
	if e.spooled != nil {
		return errors.Join(e.spooled, merged, released)
	}
	e.saved.Spool = s.folder.file(e.saved.Run, dataSuffix)
	late := errors.Is(merged, context.DeadlineExceeded) || errors.Is(merged, context.Canceled)
	if !late && !errors.Is(merged, ErrBusy) {
		s.cfg.Logger.Warn("the database cannot be written; usage stays in its spool for the next reader",
			slog.String("spool", e.saved.Spool), slog.Any("cause", merged))
	}
	return wrap("leave the spool beside", s.cfg.Path, released)
}

// mergeOwn merges this run's document and, with what is left of the first half of the budget, what others have left: a
// program that is never asked would otherwise pile up spools.
func (s *Spool) mergeOwn(ctx context.Context, budget time.Duration) error {
	if len(s.doc.all()) == 0 {
		return nil // it never used a directory
	}
	if budget < 0 {
		return context.DeadlineExceeded
	}
	started := time.Now()
	db, err := openStore(ctx, s.cfg, budget/2)
	if err != nil {
		return err
	}
	err = db.merge(ctx, s.doc, max(budget/2, time.Millisecond))
	if err == nil {
		rest, cancel := context.WithDeadline(ctx, started.Add(budget/2))
		s.adoptOthers(rest, db, budget/16)
		cancel()
	}
	return errors.Join(err, db.close())
}
