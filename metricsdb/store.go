// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	timeInName   = "20060102T150405.000Z" // UTC; no colons, which some file systems refuse
	opOpen       = "open the usage database"
	checkedBytes = 16 << 20 // a larger file is not looked through when it is opened: that would take long
)

// store is a database file opened for writing.
type store struct {
	cfg     Config
	db      *sql.DB
	file    fs.FileInfo // which file it is: another process may set it aside while we hold it
	version int
}

// openStore creates what is missing, sets a damaged file aside unless cfg forbids it, and brings the schema up to date, waiting for others at most
// until ctx ends and at most wait for each. The error is an *Error.
func openStore(ctx context.Context, cfg Config, wait time.Duration) (*store, error) {
	for end := time.Now().Add(wait); ; {
		s, err := tryUndisturbed(ctx, cfg, wait)
		if errors.Is(err, ErrDamaged) && !cfg.Existing {
			if err = quarantine(ctx, cfg, wait); err == nil {
				continue
			}
		}
		// Another process may be setting the file aside at this moment.
		if !errors.Is(err, errReplaced) || !time.Now().Before(end) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, err
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// tryUndisturbed opens the file while nobody can set it aside. SQLite finds the journal by the name of the file: opening the
// damaged one while a new one gets its name would take the new one's journal for an unfinished change, and delete it.
func tryUndisturbed(ctx context.Context, cfg Config, wait time.Duration) (*store, error) {
	folder := spoolsOf(cfg.Path)
	if err := os.MkdirAll(string(folder), 0o700); err != nil {
		return nil, wrap(opOpen, cfg.Path, err)
	}
	lock, err := lockShared(folder.quarantine())
	if errors.Is(err, errHeld) {
		return nil, &Error{Op: opOpen, Path: cfg.Path, Kind: ErrBusy, Cause: errReplaced, Advice: "another process is setting the damaged file aside"}
	}
	if err != nil {
		return nil, wrap(opOpen, cfg.Path, err)
	}
	s, err := tryStore(ctx, cfg, wait)
	if lock != nil {
		err = errors.Join(err, lock.Close())
	}
	return s, err
}

func tryStore(ctx context.Context, cfg Config, wait time.Duration) (*store, error) {
	if err := createFile(cfg.Path); err != nil {
		return nil, wrap(opOpen, cfg.Path, err)
	}
	db, err := openWriter(cfg.Path, wait)
	if err != nil {
		return nil, wrap(opOpen, cfg.Path, err)
	}
	s := &store{cfg: cfg, db: db}
	if s.file, err = os.Stat(cfg.Path); err == nil {
		s.version, err = prepare(ctx, db)
	}
	if err == nil {
		return s, nil
	}
	if s.file == nil || !s.current() {
		err = &Error{Op: opOpen, Path: cfg.Path, Kind: ErrBusy, Cause: errors.Join(errReplaced, err), Advice: "try again"}
	}
	return nil, diagnose(cfg.Path, wrap(opOpen, cfg.Path, errors.Join(err, db.Close())))
}

// diagnose asks the system why SQLite could not write: its own errors say more.
func diagnose(path string, err error) error {
	if !errors.Is(err, ErrPermission) && !errors.Is(err, ErrReadOnly) {
		return err
	}
	probe, said := os.CreateTemp(filepath.Dir(path), ".ldapscope-")
	if said == nil {
		_ = probe.Close()
		_ = os.Remove(probe.Name())
		return err
	}
	return wrap(opOpen, path, said)
}

// check looks through the pages of the file.
func (s *store) check(ctx context.Context) error {
	var said string
	err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said)
	if err == nil && said != "ok" {
		return &Error{Op: opOpen, Path: s.cfg.Path, Kind: ErrDamaged, Cause: errors.New(said), Advice: adviceDamaged}
	}
	return wrap(opOpen, s.cfg.Path, err)
}

// createFile makes the folder and the file for their owner alone, unless they are there. A file that is there is never
// opened, and a new one gets its name only when it is closed: closing any file drops the locks that SQLite has on it
// elsewhere in this process.
func createFile(path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return &Error{Op: opOpen, Path: path, Kind: ErrNotFile, Advice: "name a file"}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	blank, err := os.CreateTemp(folder, ".ldapscope-") // with mode 0600
	if err != nil {
		return err
	}
	err = blank.Close()
	if err == nil {
		if err = os.Link(blank.Name(), path); errors.Is(err, fs.ErrExist) {
			err = nil // somebody else was faster
		} else if err != nil {
			err = os.Rename(blank.Name(), path) // a file system without links
		}
	}
	if gone := os.Remove(blank.Name()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// current reports whether the path still leads to the file that is open.
func (s *store) current() bool {
	now, err := os.Stat(s.cfg.Path)
	return err == nil && os.SameFile(now, s.file)
}

// change runs fn in a transaction that holds the write lock from its start, waiting for it at most wait, and no longer than
// ctx lasts: while SQLite waits for a lock it does not look whether it has been cancelled.
func (s *store) change(ctx context.Context, wait time.Duration, fn func(*sql.Tx) error) error {
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, busyPragma(wait)); err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ignoreDone drops the error of rolling back what a cancelled context has rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func (s *store) close() error { return s.db.Close() }
