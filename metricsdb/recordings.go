// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"time"
)

// Recording is what was pinned under one name, which is the note of each of its operations. Like every pinned operation
// they outlive their runs, and are imported with the file that they are in.
type Recording struct {
	Name       string    `json:"name"`
	Operations int       `json:"operations"`
	Runs       int       `json:"runs"`
	First      time.Time `json:"first"` // start of the first operation
	Last       time.Time `json:"last"`  // start of the last
}

// Recordings lists the named recordings, the newest first. A file of a version before there were operations has none.
func (db *DB) Recordings(ctx context.Context) ([]Recording, error) {
	v, err := db.view(ctx)
	if err != nil || v.version < operationsVersion {
		return nil, err
	}
	var all []Recording
	err = each(ctx, v.reader, `SELECT o.note, count(*), count(DISTINCT o.run), min(o.start_us), max(o.start_us) FROM operations o
		WHERE o.reason = 'pinned' AND o.note <> '' GROUP BY o.note ORDER BY max(o.start_us) DESC, o.note`, nil, func(rows *sql.Rows) error {
		var r Recording
		var first, last moment
		err := rows.Scan(&r.Name, &r.Operations, &r.Runs, &first, &last)
		r.First, r.Last = first.time(), last.time()
		all = append(all, r)
		return err
	})
	return all, wrap(opRead, v.path, err)
}

// KeepRecording pins the slow and failed operations that are kept of a run, named by its id or the start of it, under a
// name, and returns how many that are. What is pinned under another name stays there. ErrNotFound when nothing is to be pinned.
func (db *DB) KeepRecording(ctx context.Context, name, run string) (int, error) {
	v, err := db.view(ctx)
	if err != nil {
		return 0, err
	}
	if run, err = v.resolve(ctx, run); err != nil {
		return 0, err
	}
	return db.recorded(ctx, "pin operations in", "UPDATE operations SET reason = 'pinned', note = ? WHERE run = ? AND reason <> 'pinned'", name, run)
}

// DeleteRecording gives all up that is pinned under a name and returns how many operations that were. ErrNotFound when there
// is none.
func (db *DB) DeleteRecording(ctx context.Context, name string) (int, error) {
	return db.recorded(ctx, opPrune, "DELETE FROM operations WHERE reason = 'pinned' AND note = ?", name)
}

// recorded changes operations and returns how many.
func (db *DB) recorded(ctx context.Context, op, statement string, args ...any) (changed int, err error) {
	if args[0] == "" {
		return 0, &Error{Op: op, Path: db.cfg.Path, Kind: ErrArgument, Advice: "a recording has a name"}
	}
	err = db.write(ctx, func(s *store) error {
		return wrap(op, db.cfg.Path, s.change(ctx, db.cfg.BusyTimeout, func(tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, statement, args...)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if changed = int(n); err == nil && n == 0 {
				return &Error{Op: op, Path: db.cfg.Path, Kind: ErrNotFound, Advice: "no operation is kept there"}
			}
			return err
		}))
	})
	return changed, err
}
