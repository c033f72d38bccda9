// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// walker finds snapshots of one usage by their elapsed time.
type walker struct {
	usage   int64
	atMost  *sql.Stmt
	after   *sql.Stmt
	scan    *snapshotScan
	domain  string
	pending []instrument.Snapshot // not in the database, later than what is there
}

var (
	selectAtMost = fmt.Sprintf("SELECT %s FROM snapshots s WHERE s.usage_id = ? AND s.elapsed_us <= ? ORDER BY s.elapsed_us DESC, s.seq DESC LIMIT 1", selectSnapshot)
	selectAfter  = fmt.Sprintf("SELECT %s FROM snapshots s WHERE s.usage_id = ? AND s.elapsed_us > ? ORDER BY s.elapsed_us, s.seq LIMIT 1", selectSnapshot)
)

func (v view) walk(ctx context.Context, run, domain string) (*walker, error) {
	w := &walker{scan: newSnapshotScan(), domain: domain}
	var last int64 = -1
	err := each(ctx, v.reader, "SELECT u.id, u.last_seq FROM usages u JOIN runs r ON r.id = u.run_id WHERE r.run = ? AND u.domain = ?",
		[]any{run, domain}, func(rows *sql.Rows) error { return rows.Scan(&w.usage, &last) })
	if err != nil {
		return nil, err
	}
	for _, s := range v.unmerged(run, domain) {
		if int64(s.Seq) > last {
			w.pending = append(w.pending, s)
		}
	}
	if w.atMost, err = v.reader.PrepareContext(ctx, selectAtMost); err != nil {
		return nil, err
	}
	if w.after, err = v.reader.PrepareContext(ctx, selectAfter); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *walker) close() {
	for _, statement := range []*sql.Stmt{w.atMost, w.after} {
		if statement != nil {
			_ = statement.Close()
		}
	}
}

// next returns the snapshot a step further: the last one within it, or else the first one after it; none beyond to.
func (w *walker) next(ctx context.Context, before instrument.Snapshot, found bool, step, to time.Duration) (instrument.Snapshot, bool, error) {
	base := before.Elapsed
	if !found {
		base = -time.Microsecond
	}
	reach := min(base+step, to)
	next, ok, err := w.last(ctx, reach)
	if err == nil && (!ok || next.Elapsed <= base) {
		next, ok, err = w.first(ctx, base)
	}
	return next, ok && next.Elapsed <= to, err
}

// last returns the newest snapshot taken at or before elapsed.
func (w *walker) last(ctx context.Context, elapsed time.Duration) (instrument.Snapshot, bool, error) {
	for i := len(w.pending) - 1; i >= 0; i-- {
		if w.pending[i].Elapsed <= elapsed {
			return w.pending[i], true, nil
		}
	}
	return w.one(ctx, w.atMost, elapsed)
}

// first returns the oldest snapshot taken after elapsed.
func (w *walker) first(ctx context.Context, elapsed time.Duration) (instrument.Snapshot, bool, error) {
	s, found, err := w.one(ctx, w.after, elapsed)
	if err != nil || found {
		return s, found, err
	}
	for _, s := range w.pending {
		if s.Elapsed > elapsed {
			return s, true, nil
		}
	}
	return instrument.Snapshot{}, false, nil
}

func (w *walker) one(ctx context.Context, statement *sql.Stmt, elapsed time.Duration) (s instrument.Snapshot, found bool, err error) {
	rows, err := statement.QueryContext(ctx, w.usage, elapsed.Microseconds())
	if err != nil {
		return s, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return s, false, rows.Err()
	}
	if err := rows.Scan(w.scan.targets...); err != nil {
		return s, false, err
	}
	s, err = w.scan.snapshot(w.domain)
	return s, err == nil, err
}
