// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"github.com/ldapscope/ldapscope/instrument"
)

// refresh merges free spools and reads the others; db.mu is held. A spool that cannot be merged or read never keeps the
// others from being so.
func (db *DB) refresh(ctx context.Context) (view, error) {
	runs, err := db.spools.runs()
	if err != nil {
		return view{}, err
	}
	writable := db.store != nil && db.version <= SchemaVersion
	if writable && len(runs) > 0 {
		// While this process alone adopts, a spool that is held is one whose owner lives.
		lock, err := claim(db.spools.adoption(), mergeWait)
		if writable = err == nil; writable {
			defer func() { _ = unlockFile(lock, false) }()
		}
	}
	var pending []document
	for _, run := range runs {
		if writable {
			err := db.adopt(ctx, run)
			if err == nil {
				continue
			}
			if writable = !errors.Is(err, ErrBusy); !errors.Is(err, errHeld) {
				db.warn("a saved usage could not be merged for now; it is shown from its spool", err)
			}
		}
		if ctx.Err() != nil {
			return view{}, ctx.Err()
		}
		switch d, err := db.spools.peek(run); {
		case err == nil && len(d.all()) > 0:
			pending = append(pending, d)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			db.warn("a saved usage cannot be read", wrap("read the spool", db.spools.file(run, dataSuffix), err))
		}
	}
	if writable {
		err = db.endLost(ctx)
	}
	return view{reader: db.reader, path: db.cfg.Path, version: db.version, pending: pending}, err
}

// adopt merges one spool; damage that shows only now has the database replaced first, and the spool merged into the new one.
func (db *DB) adopt(ctx context.Context, run string) error {
	err := db.spools.adopt(ctx, db.store, run, mergeWait)
	if !errors.Is(err, ErrDamaged) || db.cfg.Existing {
		return err
	}
	if err := db.replace(ctx); err != nil {
		return err
	}
	return db.spools.adopt(ctx, db.store, run, mergeWait)
}

// endLost ends runs that the database calls running but that have no spool, as after somebody removed it. A live run has its
// spool before it has a row here, so none of those can be meant.
func (db *DB) endLost(ctx context.Context) error {
	lost, err := db.lost(ctx)
	if err != nil || len(lost) == 0 {
		return err
	}
	return wrap(opSave, db.cfg.Path, db.store.change(ctx, mergeWait, func(tx *sql.Tx) error {
		for _, run := range lost {
			_, err := tx.ExecContext(ctx, `UPDATE runs SET ended = ?, end_us = (SELECT max(s.at_us) FROM snapshots s
				JOIN usages u ON u.id = s.usage_id WHERE u.run_id = runs.id) WHERE run = ? AND ended = ?`,
				string(instrument.RunUnclean), run, string(instrument.RunRunning))
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

func (db *DB) lost(ctx context.Context) ([]string, error) {
	running, err := texts(ctx, db.reader, "SELECT run FROM runs WHERE ended = ?", string(instrument.RunRunning))
	if err != nil {
		return nil, wrap("read the usage database", db.cfg.Path, err)
	}
	var lost []string
	for _, run := range running {
		if !db.spools.has(run) {
			lost = append(lost, run)
		}
	}
	return lost, nil
}
