// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

// DB answers questions about saved usage. Every question first merges the spools of processes that are gone, and looks into
// those of processes that live, so the answer is whole without anybody having saved anything on purpose. Its methods are
// safe for concurrent use.
type DB struct {
	cfg    Config
	spools spoolFolder

	mu      sync.Mutex // guards all below; held while files are opened and spools merged, not while questions are answered
	store   *store     // nil when read-only
	reader  *sql.DB
	version int
	warned  map[string]bool
	closed  bool
}

// view is what one question works on.
type view struct {
	reader  *sql.DB
	path    string
	version int
	pending []document // runs whose newest word is not in the database: live ones, and those that could not be merged
}

// Open opens or creates the database, sets a damaged one aside, brings an older one up to date and merges free spools. A
// file written by a newer version can be read; Version tells. With Config.Existing whatever else is at the path stays as it
// is: ErrNotFound where neither a database nor a spool is, ErrDamaged for what is no readable database of this package. The
// error is an *Error.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	db := &DB{cfg: cfg, spools: spoolsOf(cfg.Path), warned: map[string]bool{}}
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.open(ctx); err != nil {
		return nil, err
	}
	if db.version > SchemaVersion {
		db.warn("usage database was written by a newer version; it is read only, and what is new in it is not shown", nil)
	}
	if _, err := db.refresh(ctx); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return db, nil
}

// Version returns the schema version of the file; one above SchemaVersion can be read but not written.
func (db *DB) Version() int {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.version
}

// Close ends the use of the file. It is safe to call it again.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	return wrap("close the usage database", db.cfg.Path, db.close())
}

// close closes what is open; db.mu is held.
func (db *DB) close() error {
	var errs []error
	if db.reader != nil {
		errs = append(errs, db.reader.Close())
	}
	if db.store != nil {
		errs = append(errs, db.store.close())
	}
	db.reader, db.store = nil, nil
	return errors.Join(errs...)
}

// open opens the file for reading and, unless the configuration says otherwise, for writing; db.mu is held.
func (db *DB) open(ctx context.Context) error {
	switch {
	case db.cfg.ReadOnly:
		return db.openReadOnly(ctx)
	case db.cfg.Existing:
		if err := db.probe(ctx); err != nil {
			return err
		}
	}
	var err error
	if db.store, err = openStore(ctx, db.cfg, db.cfg.BusyTimeout); err != nil {
		return err
	}
	if db.store.file.Size() <= checkedBytes {
		if err := db.store.check(ctx); errors.Is(err, ErrDamaged) {
			if db.cfg.Existing {
				return errors.Join(err, db.close())
			}
			return db.replace(ctx)
		}
	}
	db.version = db.store.version
	db.reader, err = openReader(db.cfg.Path, db.cfg.BusyTimeout, false)
	return wrap(opOpen, db.cfg.Path, err)
}

// replace sets the damaged file aside and opens the new one; db.mu is held.
func (db *DB) replace(ctx context.Context) error {
	if err := db.close(); err != nil {
		return wrap(opOpen, db.cfg.Path, err)
	}
	err := quarantine(ctx, db.cfg, db.cfg.BusyTimeout)
	if err != nil && !errors.Is(err, errReplaced) {
		return err
	}
	if db.store, err = openStore(ctx, db.cfg, db.cfg.BusyTimeout); err != nil {
		return err
	}
	db.version = db.store.version
	db.reader, err = openReader(db.cfg.Path, db.cfg.BusyTimeout, false)
	return wrap(opOpen, db.cfg.Path, err)
}

// openReadOnly also reads a file in a folder where nothing can be created, provided that its log is empty.
func (db *DB) openReadOnly(ctx context.Context) error {
	const nothing = "nothing has been saved there yet"
	if info, err := os.Stat(db.cfg.Path); errors.Is(err, fs.ErrNotExist) {
		return &Error{Op: opOpen, Path: db.cfg.Path, Kind: ErrNotFound, Cause: err, Advice: nothing}
	} else if err == nil && !info.Mode().IsRegular() {
		return &Error{Op: opOpen, Path: db.cfg.Path, Kind: ErrNotFile, Advice: "name a file"}
	} else if err != nil {
		return wrap(opOpen, db.cfg.Path, err)
	}
	for _, immutable := range []bool{false, true} {
		reader, err := openReader(db.cfg.Path, db.cfg.BusyTimeout, immutable)
		if err != nil {
			return wrap(opOpen, db.cfg.Path, err)
		}
		err = reader.QueryRowContext(ctx, "PRAGMA user_version").Scan(&db.version)
		if err == nil {
			err = db.foreign(ctx, reader)
		}
		if err == nil && db.version > 0 {
			db.reader = reader
			return nil
		}
		if err == nil {
			err = &Error{Op: opOpen, Path: db.cfg.Path, Kind: ErrNotFound, Advice: nothing}
		}
		err = wrap(opOpen, db.cfg.Path, errors.Join(err, reader.Close()))
		log, noLog := os.Stat(db.cfg.Path + "-wal")
		blocked := errors.Is(err, ErrPermission) || errors.Is(err, ErrReadOnly)
		if immutable || !blocked || noLog == nil && log.Size() > 0 {
			return err
		}
	}
	return nil
}

// view merges what is free and returns what a question works on.
func (db *DB) view(ctx context.Context) (view, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.ready(ctx); err != nil {
		return view{}, err
	}
	return db.refresh(ctx)
}

// ready opens the file again if it was removed, replaced, or set aside by another process; db.mu is held.
func (db *DB) ready(ctx context.Context) error {
	if db.closed {
		return &Error{Op: "use the usage database", Path: db.cfg.Path, Kind: ErrClosed}
	}
	if db.reader == nil || db.store != nil && !db.store.current() {
		return errors.Join(db.close(), db.open(ctx))
	}
	return nil
}

// warn logs what no caller is told, once for each text and cause.
func (db *DB) warn(text string, err error) {
	key := text
	if err != nil {
		key += err.Error()
	}
	const remembered = 1000
	if db.warned[key] || len(db.warned) >= remembered {
		return
	}
	db.warned[key] = true
	if err != nil {
		db.cfg.Logger.Warn(text, slog.Any("cause", err))
		return
	}
	db.cfg.Logger.Warn(text, slog.String("path", db.cfg.Path))
}

// write runs fn on the writable store, or says why there is none. Questions go on meanwhile.
func (db *DB) write(ctx context.Context, fn func(*store) error) error {
	db.mu.Lock()
	err := db.ready(ctx)
	s, version := db.store, db.version
	db.mu.Unlock()
	switch {
	case err != nil:
		return err
	case s == nil:
		return &Error{Op: opSave, Path: db.cfg.Path, Kind: ErrReadOnly, Advice: "it was opened for reading only"}
	case version > SchemaVersion:
		return &Error{Op: opSave, Path: db.cfg.Path, Kind: ErrNewer, Advice: "use the program that wrote it"}
	}
	return fn(s)
}
