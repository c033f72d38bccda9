// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/ldapscope/ldapscope/instrument"
)

var (
	errStop = errors.New("no more rows wanted")

	selectHistory = fmt.Sprintf(`SELECT %s FROM snapshots s JOIN usages u ON u.id = s.usage_id JOIN runs r ON r.id = u.run_id
		WHERE r.run = ? AND u.domain = ? AND s.seq > ? ORDER BY s.seq LIMIT ?`, selectSnapshot)
)

// historyBatch is how many snapshots are read before any is handed out: a transaction that stays open for as long as the
// caller likes would keep the write-ahead log from shrinking.
const historyBatch = 500

// Snapshots yields all that is kept of one domain in one run, in the order in which it happened, without shapes. The run is
// named by its id or the start of it. After an error there is nothing more.
func (db *DB) Snapshots(ctx context.Context, run, domain string) iter.Seq2[instrument.Snapshot, error] {
	return func(yield func(instrument.Snapshot, error) bool) {
		v, err := db.view(ctx)
		if err == nil {
			run, err = v.resolve(ctx, run)
		}
		if err == nil {
			err = v.history(ctx, run, domain, func(s instrument.Snapshot) bool { return yield(s, nil) })
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(instrument.Snapshot{}, wrap(opRead, db.cfg.Path, err))
		}
	}
}

// history calls fn with each snapshot until it returns false, which ends it with errStop.
func (v view) history(ctx context.Context, run, domain string, fn func(instrument.Snapshot) bool) error {
	last := int64(-1)
	for more := true; more; {
		batch, err := v.historyAfter(ctx, run, domain, last)
		if err != nil {
			return err
		}
		for _, s := range batch {
			if last = int64(s.Seq); !fn(s) {
				return errStop
			}
		}
		more = len(batch) == historyBatch
	}
	for _, s := range v.unmerged(run, domain) {
		if s.Shapes = nil; int64(s.Seq) > last && !fn(s) {
			return errStop
		}
	}
	return nil
}

// historyAfter reads the next batch.
func (v view) historyAfter(ctx context.Context, run, domain string, seq int64) ([]instrument.Snapshot, error) {
	scan := newSnapshotScan()
	var batch []instrument.Snapshot
	err := each(ctx, v.reader, selectHistory, []any{run, domain, seq, historyBatch}, func(rows *sql.Rows) error {
		if err := rows.Scan(scan.targets...); err != nil {
			return err
		}
		s, err := scan.snapshot(domain)
		batch = append(batch, s)
		return err
	})
	return batch, err
}

// unmerged returns what the spools have of one domain in one run.
func (v view) unmerged(run, domain string) []instrument.Snapshot {
	var found []instrument.Snapshot
	for _, d := range v.pending {
		if d.Run.ID != run {
			continue
		}
		for _, s := range d.all() {
			if s.Domain == domain {
				found = append(found, s)
			}
		}
	}
	return found
}
