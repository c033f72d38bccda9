// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ldapscope/ldapscope/instrument"
)

// Imported is what an import has brought.
type Imported struct {
	Runs      int `json:"runs"`      // looked at, new or not
	Total     int `json:"total"`     // in the other file
	Snapshots int `json:"snapshots"` // looked at, new or not
}

const (
	opImport    = "import usage from"
	importBatch = 500 // snapshots in memory and in one transaction
)

// Import merges another database, as of another host, with the spools beside it. The other is not changed, and importing it
// again changes nothing. Runs that go on elsewhere are imported as unclean with what they have so far; a later import brings
// the rest. Progress is called after each run and may be nil.
func (db *DB) Import(ctx context.Context, path string, progress func(Imported)) (Imported, error) {
	var done Imported
	if progress == nil {
		progress = func(Imported) {}
	}
	if here, err := os.Stat(db.cfg.Path); err == nil {
		if there, err := os.Stat(path); err == nil && os.SameFile(here, there) {
			return done, &Error{Op: opImport, Path: path, Kind: ErrArgument, Advice: "it is this database itself"}
		}
	}
	other, drop, err := openOther(ctx, db.cfg, path)
	if err != nil {
		return done, err
	}
	err = db.importFrom(ctx, other, &done, progress)
	return done, wrap(opImport, path, errors.Join(err, other.Close(), drop()))
}

// openOther opens a file for reading; one of an older version is copied to a temporary file and brought up to date there.
// Drop removes the copy.
func openOther(ctx context.Context, cfg Config, path string) (other *DB, drop func() error, err error) {
	cfg.Path, cfg.ReadOnly = path, true
	drop = func() error { return nil }
	if other, err = Open(ctx, cfg); err != nil || other.version >= SchemaVersion {
		return other, drop, err
	}
	folder, err := os.MkdirTemp("", "ldapscope-import-")
	if err != nil {
		return nil, drop, wrap(opImport, path, errors.Join(err, other.Close()))
	}
	drop = func() error { return os.RemoveAll(folder) }
	cfg.Path = filepath.Join(folder, "usage.db")
	if err = other.Close(); err == nil {
		err = copyDatabase(ctx, path, cfg)
	}
	if err == nil {
		other, err = Open(ctx, cfg)
	}
	if err != nil {
		return nil, drop, wrap(opImport, path, errors.Join(err, drop()))
	}
	other.spools = spoolsOf(path)
	return other, drop, nil
}

// copyDatabase copies a database, with what is in its log, to cfg.Path and brings the copy up to date.
func copyDatabase(ctx context.Context, path string, cfg Config) error {
	from, err := sql.Open(driver, fileURI(path, append(common(cfg.BusyTimeout), "mode=ro")...))
	if err != nil {
		return err
	}
	_, err = from.ExecContext(ctx, "VACUUM INTO ?", cfg.Path)
	if err = errors.Join(err, from.Close()); err != nil {
		return err
	}
	s, err := openStore(ctx, cfg, cfg.BusyTimeout)
	if err != nil {
		return err
	}
	return s.close()
}

func (db *DB) importFrom(ctx context.Context, other *DB, done *Imported, progress func(Imported)) error {
	v, err := other.view(ctx)
	if err != nil {
		return err
	}
	runs, err := texts(ctx, v.reader, "SELECT run FROM runs ORDER BY start_us, run")
	if err != nil {
		return err
	}
	for _, d := range v.pending {
		if !slices.Contains(runs, d.Run.ID) {
			runs = append(runs, d.Run.ID)
		}
	}
	done.Total = len(runs)
	for _, run := range runs {
		if err := db.importRun(ctx, v, run, done); err != nil {
			return err
		}
		done.Runs++
		progress(*done)
	}
	return importOperations(ctx, db, v, "o.reason", string(ReasonPinned)) // also those that have outlived their runs
}

// importRun copies a run in batches. Its newest snapshots come last and bring the shapes, so a break leaves an older state
// that the next import completes.
func (db *DB) importRun(ctx context.Context, other view, run string, done *Imported) error {
	detail, err := other.detail(ctx, run)
	if err != nil {
		return err
	}
	d := document{Run: detail.Run, Clean: detail.Ended == instrument.RunClean, Checkpoint: detail.End}
	for _, s := range detail.Snapshots {
		if s.At.After(d.Checkpoint) {
			d.Checkpoint = s.At
		}
	}
	d.close()
	save := func(snapshots []instrument.Snapshot) error {
		part := d
		part.Snapshots = snapshots
		done.Snapshots += len(snapshots)
		return db.write(ctx, func(s *store) error { return s.record(ctx, part, db.cfg.BusyTimeout) })
	}
	for _, newest := range detail.Snapshots {
		var batch []instrument.Snapshot
		var failed error
		err := other.history(ctx, run, newest.Domain, func(s instrument.Snapshot) bool {
			if s.Seq == newest.Seq {
				return true
			}
			if batch = append(batch, s); len(batch) == importBatch {
				failed = save(batch)
				batch = batch[:0]
			}
			return failed == nil
		})
		if err = errors.Join(failed, err); err != nil {
			return fmt.Errorf("run %s: %w", run, err)
		}
		if err := save(append(batch, newest)); err != nil {
			return fmt.Errorf("run %s: %w", run, err)
		}
	}
	return importOperations(ctx, db, other, "o.run", run)
}

// importOperations copies what is kept of single operations whose column has a value.
func importOperations(ctx context.Context, db *DB, other view, column, value string) error {
	var saved []SavedOperation
	err := each(ctx, other.reader, selectOperations(other.version)+" WHERE "+column+" = ? ORDER BY o.run, o.seq", []any{value}, func(rows *sql.Rows) error {
		o, err := scanOperation(rows)
		saved = append(saved, o)
		return err
	})
	if err != nil || len(saved) == 0 {
		return err
	}
	return db.SaveOperations(ctx, saved)
}
