// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const opSave = "save usage to"

// A run that ended cleanly stays so, whatever older document comes late; anything else takes the newest word.
const upsertRun = `INSERT INTO runs (run, host, pid, app, version, go_version, start_us, end_us, ended, dropped)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run) DO UPDATE SET
    end_us  = CASE WHEN runs.ended = 'clean' THEN runs.end_us ELSE excluded.end_us END,
    ended   = CASE WHEN runs.ended = 'clean' THEN runs.ended ELSE excluded.ended END,
    dropped = CASE WHEN runs.dropped > excluded.dropped THEN runs.dropped ELSE excluded.dropped END
RETURNING id`

const upsertUsage = `INSERT INTO usages (run_id, domain, last_seq) VALUES (?, ?, ?)
ON CONFLICT (run_id, domain) DO UPDATE SET last_seq = CASE WHEN usages.last_seq > excluded.last_seq THEN usages.last_seq ELSE excluded.last_seq END
RETURNING id, last_seq`

const upsertShape = `INSERT INTO shapes (usage_id, shape, kind, domain, text, count, errors, total_us, max_us, entries, bytes, last_seen_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (usage_id, shape, kind) DO UPDATE SET text = excluded.text, count = excluded.count, errors = excluded.errors,
    total_us = excluded.total_us, max_us = excluded.max_us, entries = excluded.entries, bytes = excluded.bytes,
    last_seen_us = excluded.last_seen_us`

// Record saves snapshots of a run at once, without a spool; repeating it changes nothing. A run without a spool cannot be
// going on, so one that is not clean is saved as unclean, with the newest snapshot as its end. It is for programs that have
// their figures from elsewhere; a process saves its own with a Spool.
func (db *DB) Record(ctx context.Context, run instrument.Run, snapshots []instrument.Snapshot) error {
	if err := checkRunID(run.ID); err != nil {
		return wrap(opSave, db.cfg.Path, err)
	}
	d := document{Run: run, Clean: run.Ended == instrument.RunClean, Snapshots: snapshots}
	for _, s := range snapshots {
		if s.At.After(d.Checkpoint) {
			d.Checkpoint = s.At
		}
	}
	d.close()
	return db.write(ctx, func(s *store) error { return s.record(ctx, d, db.cfg.BusyTimeout) })
}

// record writes a document in one transaction. What is there already stays, so doing it twice changes nothing.
func (s *store) record(ctx context.Context, d document, wait time.Duration) error {
	if s.version > SchemaVersion {
		return &Error{Op: opSave, Path: s.cfg.Path, Kind: ErrNewer, Advice: "use the program that wrote it, or name another file"}
	}
	err := s.change(ctx, wait, func(tx *sql.Tx) error { return recordDocument(ctx, tx, d) })
	return wrap(opSave, s.cfg.Path, err)
}

func recordDocument(ctx context.Context, tx *sql.Tx, d document) error {
	r := d.Run
	var run int64
	err := tx.QueryRowContext(ctx, upsertRun, r.ID, r.Host, r.PID, r.App, r.Version, r.GoVersion, micros(r.Start), micros(r.End),
		string(r.Ended), int64(d.Dropped)).Scan(&run)
	if err != nil {
		return err
	}
	w := &usageWriter{run: run}
	if err := w.prepare(ctx, tx); err != nil {
		return errors.Join(err, w.close())
	}
	for _, snapshot := range d.all() {
		if err := w.write(ctx, snapshot); err != nil {
			return errors.Join(err, w.close())
		}
	}
	return w.close()
}

// usageWriter writes the snapshots of one run within one transaction.
type usageWriter struct {
	run                     int64
	usage, snapshot, shapes *sql.Stmt
}

func (w *usageWriter) prepare(ctx context.Context, tx *sql.Tx) (err error) {
	if w.usage, err = tx.PrepareContext(ctx, upsertUsage); err != nil {
		return err
	}
	if w.snapshot, err = tx.PrepareContext(ctx, insertSnapshot); err != nil {
		return err
	}
	w.shapes, err = tx.PrepareContext(ctx, upsertShape)
	return err
}

func (w *usageWriter) write(ctx context.Context, s instrument.Snapshot) error {
	var usage, last int64
	if err := w.usage.QueryRowContext(ctx, w.run, s.Domain, int64(s.Seq)).Scan(&usage, &last); err != nil {
		return err
	}
	values, err := snapshotValues(&s)
	if err != nil {
		return err
	}
	if _, err := w.snapshot.ExecContext(ctx, append([]any{usage}, values...)...); err != nil {
		return err
	}
	if int64(s.Seq) < last {
		return nil // the shapes there are newer
	}
	for _, p := range s.Shapes {
		_, err := w.shapes.ExecContext(ctx, usage, p.ID, p.Kind, s.Domain, p.Text, int64(p.Count), int64(p.Errors),
			p.Total.Microseconds(), p.Max.Microseconds(), int64(p.Entries), int64(p.Bytes), micros(p.LastSeen))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *usageWriter) close() error {
	var all []error
	for _, statement := range []*sql.Stmt{w.usage, w.snapshot, w.shapes} {
		if statement != nil {
			all = append(all, statement.Close())
		}
	}
	return errors.Join(all...)
}
