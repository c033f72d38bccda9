// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
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
// name, and returns how many that are. The run has them too, until it is forgotten. What is pinned already stays under its
// name. ErrNotFound when nothing is kept of the run, ErrKept when all of it is pinned already.
func (db *DB) KeepRecording(ctx context.Context, name, run string) (kept int, err error) {
	v, err := db.view(ctx)
	if err != nil {
		return 0, err
	}
	if run, err = v.resolve(ctx, run); err != nil {
		return 0, err
	}
	const op = "pin operations in"
	err = db.changeRecording(ctx, op, name, func(tx *sql.Tx) error {
		kept, err = affected(ctx, tx, "UPDATE operations SET policy = reason, reason = 'pinned', note = ? WHERE run = ? AND reason <> 'pinned'", name, run)
		if err != nil || kept > 0 {
			return err
		}
		names, err := texts(ctx, tx, "SELECT DISTINCT note FROM operations WHERE run = ? ORDER BY note", run)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			return &Error{Op: op, Path: db.cfg.Path, Kind: ErrNotFound, Advice: "the run has no slow or failed operations to keep"}
		}
		return &Error{Op: op, Path: db.cfg.Path, Kind: ErrKept, Advice: "the operations of the run are kept " + under(names)}
	})
	return kept, err
}

// under says where operations are kept; those pinned one by one may have no name.
func under(names []string) string {
	var quoted []string
	for _, name := range names {
		if name != "" {
			quoted = append(quoted, strconv.Quote(name))
		}
	}
	if len(quoted) == 0 {
		return "as single pins"
	}
	return "under " + strings.Join(quoted, ", ")
}

// DeleteRecording gives all up that is pinned under a name and returns how many operations that were. Those that their run
// had before KeepRecording stay with it, unless it was forgotten meanwhile. ErrNotFound when there is no such recording.
func (db *DB) DeleteRecording(ctx context.Context, name string) (gone int, err error) {
	err = db.changeRecording(ctx, opPrune, name, func(tx *sql.Tx) error {
		gone, err = giveUp(ctx, tx, "note = ?", name)
		if err == nil && gone == 0 {
			err = &Error{Op: "find the recording in", Path: db.cfg.Path, Kind: ErrNotFound, Advice: "there is no recording of that name"}
		}
		return err
	})
	return gone, err
}

func (db *DB) changeRecording(ctx context.Context, op, name string, fn func(*sql.Tx) error) error {
	if name == "" {
		return &Error{Op: op, Path: db.cfg.Path, Kind: ErrArgument, Advice: "a recording has a name"}
	}
	return db.write(ctx, func(s *store) error {
		return wrap(op, db.cfg.Path, s.change(ctx, db.cfg.BusyTimeout, fn))
	})
}
