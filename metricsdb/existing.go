// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// probe finds out, without changing anything, whether a database of ours or a spool is at the path, so that opening it for
// writing changes nothing that belongs to somebody else. SQLite itself looks into the file: see createFile. db.mu is held.
func (db *DB) probe(ctx context.Context) error {
	err := db.openReadOnly(ctx)
	reader := db.reader
	db.reader = nil
	if err == nil {
		return wrap(opOpen, db.cfg.Path, reader.Close())
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if runs, failed := db.spools.runs(); failed != nil || len(runs) > 0 {
		return failed // with spools alone their usage is what is asked for, and the first to ask merges it
	}
	return err
}

// foreign returns an error for a sound database that is another program's: it is not empty and lacks a table that every
// version of ours has. db.version is that of the file.
func (db *DB) foreign(ctx context.Context, reader *sql.DB) error {
	theirs, ours := false, false
	err := each(ctx, reader, "PRAGMA table_list", nil, func(rows *sql.Rows) error {
		var schema, name, kind string
		var columns, plain, strict int
		err := rows.Scan(&schema, &name, &kind, &columns, &plain, &strict)
		ours = ours || name == "usages"
		theirs = theirs || !strings.HasPrefix(name, "sqlite_")
		return err
	})
	if err == nil && !ours && (theirs || db.version > 0) {
		return &Error{Op: opOpen, Path: db.cfg.Path, Kind: ErrDamaged, Advice: "it belongs to another program; name the file with the usage"}
	}
	return wrap(opOpen, db.cfg.Path, err)
}
