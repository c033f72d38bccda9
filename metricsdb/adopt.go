// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

var errReplaced = errors.New("the database was replaced meanwhile")

// adopt merges the spool of a run whose owner is gone and removes it; errHeld when the owner lives. Whatever happens in
// between, the spool goes only after its content is on the disk, and merging it again would change nothing.
func (f spoolFolder) adopt(ctx context.Context, s *store, run string, wait time.Duration) error {
	lock, err := lockFile(f.file(run, lockSuffix))
	if err != nil {
		return err
	}
	done, err := f.adoptLocked(ctx, s, run, wait)
	return errors.Join(err, unlockFile(lock, done))
}

func (f spoolFolder) adoptLocked(ctx context.Context, s *store, run string, wait time.Duration) (done bool, err error) {
	d, err := f.read(run)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, f.clear(run) // its owner died before it had anything to say, or somebody else was faster
	case errors.Is(err, errTorn):
		aside, renamed := f.setAside(run)
		s.cfg.Logger.Warn("a saved usage cannot be read; it was set aside", slog.String("run", run), slog.String("aside", aside), slog.Any("cause", err))
		return renamed == nil, renamed
	case err != nil:
		return false, err
	}
	d.close()
	if d.Clean && len(d.all()) == 0 {
		return true, f.clear(run) // it never used a directory
	}
	if err := s.merge(ctx, d, wait); err != nil {
		return false, err
	}
	return true, f.clear(run)
}

// merge records a document whose spool may go after it: it fails when the file that took it is no longer the database.
func (s *store) merge(ctx context.Context, d document, wait time.Duration) error {
	if err := s.record(ctx, d, wait); err != nil {
		return err
	}
	if !s.current() {
		return &Error{Op: opSave, Path: s.cfg.Path, Cause: errReplaced}
	}
	return nil
}

// peek returns the document of a spool that stays where it is, in the form in which it is to be listed.
func (f spoolFolder) peek(run string) (document, error) {
	live := held(f.file(run, lockSuffix)) // asked before reading: an owner that ends in between left its last word
	d, err := f.read(run)
	if err != nil {
		return d, err
	}
	if live && !d.Clean {
		d.Run.Ended, d.Run.End = instrument.RunRunning, time.Time{}
		return d, nil
	}
	d.close()
	return d, nil
}
