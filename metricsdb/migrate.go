// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

//go:embed sqlite/*.sql
var migrationFiles embed.FS

// SchemaVersion is the newest version of the file that this package writes.
var SchemaVersion = len(migrations())

// migrations returns the statements that lead from version i to version i+1, in order of their numbers.
func migrations() []string {
	names, err := fs.Glob(migrationFiles, "sqlite/*.sql")
	if err != nil {
		panic(err) //nolint:forbidigo // the pattern is a constant
	}
	steps := make([]string, len(names))
	for i, name := range names {
		if !strings.HasPrefix(name, fmt.Sprintf("sqlite/%04d_", i+1)) {
			panic("metricsdb: migrations are not numbered without gaps: " + name) //nolint:forbidigo // found by every test
		}
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			panic(err) //nolint:forbidigo // the file is embedded
		}
		steps[i] = string(text)
	}
	return steps
}

// prepare brings a file, empty or older, to the newest version and returns the version it has then, which is higher than
// SchemaVersion for a file of a later program. Any number of processes may do this at the same time.
func prepare(ctx context.Context, db *sql.DB) (version int, err error) {
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if version >= SchemaVersion {
		return version, nil
	}
	if version == 0 {
		// Only a file without tables can still be told to give pages back later.
		if _, err := db.ExecContext(ctx, "PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
			return 0, err
		}
	}
	if err := writeAhead(ctx, db); err != nil {
		return 0, err
	}
	return migrate(ctx, db)
}

// writeAhead converts the journal unless that is done. The conversion does not wait for others by itself, so it is tried
// again until ctx ends.
func writeAhead(ctx context.Context, db *sql.DB) error {
	for {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
		if err == nil && mode != "wal" {
			err = db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		}
		if err == nil && mode != "wal" {
			return errors.New("the file system does not allow a write-ahead log")
		}
		if _, kind := classify(err, ""); err == nil || !errors.Is(kind, ErrBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// migrate runs what is missing in one transaction, so that a crash leaves the old version or the new one. The version is
// read again under the write lock: another process may have been faster.
func migrate(ctx context.Context, db *sql.DB) (version int, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	steps := migrations()
	for ; version < len(steps); version++ {
		if _, err := tx.ExecContext(ctx, steps[version]); err != nil {
			return version, fmt.Errorf("to version %d: %w", version+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return version, err
	}
	return version, tx.Commit()
}
