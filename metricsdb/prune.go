// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Retention says what to forget. Runs that go on are kept whole except for points of their history before Before.
type Retention struct {
	Before   time.Time    // forget runs that had ended before; zero for none
	MaxBytes int64        // forget the oldest runs until the data takes no more; 0 for no limit
	DryRun   bool         // count only
	Progress func(Pruned) // called now and then with what is done so far; may be nil
}

// Pruned is what was forgotten, or would be.
type Pruned struct {
	Runs      int         `json:"runs"`
	Snapshots int         `json:"snapshots"`
	Bytes     int64       `json:"bytes"` // freed in the file
	Left      int64       `json:"left"`  // bytes of data that stay
	DryRun    bool        `json:"dry_run"`
	Forgotten []Forgotten `json:"forgotten"` // the runs, in the order in which they go
}

// Forgotten is a run that goes, with all that hangs on it.
type Forgotten struct {
	Run       string            `json:"run"`
	Host      string            `json:"host"`
	PID       int               `json:"pid"`
	App       string            `json:"app"`
	Start     time.Time         `json:"start"`
	End       *time.Time        `json:"end"`
	Ended     instrument.RunEnd `json:"ended"`
	Snapshots int               `json:"snapshots"`
}

const (
	opPrune   = "forget usage in"
	pruneRuns = 20    // runs that go in one transaction, so that others who write wait for little
	pruneRows = 5_000 // likewise points of history
)

// Prune forgets old usage and gives the space back. A dry run does the same in a transaction that it takes back, so what it
// says is what would happen.
func (db *DB) Prune(ctx context.Context, r Retention) (Pruned, error) {
	if r.Progress == nil {
		r.Progress = func(Pruned) {}
	}
	done := Pruned{DryRun: r.DryRun, Forgotten: []Forgotten{}}
	if _, err := db.view(ctx); err != nil { // merges what dead processes have left, for that to be old too
		return done, err
	}
	err := db.write(ctx, func(s *store) error {
		p := &pruner{store: s, retention: r, wait: db.cfg.BusyTimeout, done: &done}
		if r.DryRun {
			return p.dry(ctx)
		}
		return p.run(ctx)
	})
	return done, wrap(opPrune, db.cfg.Path, err)
}

type pruner struct {
	store     *store
	retention Retention
	wait      time.Duration
	done      *Pruned
	before    int64 // bytes of data at the start
}

var errTakeBack = errors.New("a dry run is taken back")

func (p *pruner) dry(ctx context.Context) error {
	err := p.store.change(ctx, p.wait, func(tx *sql.Tx) error {
		for more := true; more; {
			var err error
			if more, err = p.step(ctx, tx); err != nil {
				return err
			}
		}
		return errTakeBack
	})
	if errors.Is(err, errTakeBack) {
		return nil
	}
	return err
}

func (p *pruner) run(ctx context.Context) error {
	for more := true; more; {
		err := p.store.change(ctx, p.wait, func(tx *sql.Tx) (err error) {
			more, err = p.step(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		p.retention.Progress(*p.done)
	}
	if p.done.Runs+p.done.Snapshots == 0 {
		return nil
	}
	for _, pragma := range []string{"PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if err := each(ctx, p.store.db, pragma, nil, func(*sql.Rows) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// step forgets a handful and reports whether there may be more.
func (p *pruner) step(ctx context.Context, tx *sql.Tx) (more bool, err error) {
	used, err := usedBytes(ctx, tx)
	if err != nil {
		return false, err
	}
	if p.before == 0 {
		p.before = used
	}
	defer func() {
		if err == nil {
			p.done.Left, err = usedBytes(ctx, tx)
			p.done.Bytes = p.before - p.done.Left
		}
	}()
	victims, err := p.victims(ctx, tx, used)
	if err != nil {
		return false, err
	}
	if len(victims) > 0 {
		return true, p.forget(ctx, tx, victims)
	}
	if p.retention.Before.IsZero() {
		return false, nil
	}
	result, err := tx.ExecContext(ctx, `DELETE FROM snapshots WHERE (usage_id, seq) IN (SELECT s.usage_id, s.seq FROM snapshots s
		JOIN usages u ON u.id = s.usage_id WHERE s.at_us < ? AND s.seq <> u.last_seq LIMIT ?)`, p.retention.Before.UnixMicro(), pruneRows)
	if err != nil {
		return false, err
	}
	gone, err := result.RowsAffected()
	p.done.Snapshots += int(gone)
	return gone > 0, err
}

// victims returns the next runs to go: those that ended too long ago, else the oldest while the data is too large.
func (p *pruner) victims(ctx context.Context, tx *sql.Tx, used int64) ([]string, error) {
	if !p.retention.Before.IsZero() {
		old, err := texts(ctx, tx, "SELECT id FROM runs WHERE ended <> ? AND coalesce(end_us, start_us, 0) < ? ORDER BY start_us LIMIT ?",
			string(instrument.RunRunning), p.retention.Before.UnixMicro(), pruneRuns)
		if err != nil || len(old) > 0 {
			return old, err
		}
	}
	if p.retention.MaxBytes <= 0 || used <= p.retention.MaxBytes {
		return nil, nil
	}
	// One at a time: what a run takes is not known before it is gone.
	return texts(ctx, tx, "SELECT id FROM runs WHERE ended <> ? ORDER BY start_us LIMIT 1", string(instrument.RunRunning))
}

func (p *pruner) forget(ctx context.Context, tx *sql.Tx, runs []string) error {
	for _, id := range runs {
		var r runScan
		err := tx.QueryRowContext(ctx, "SELECT "+runColumns+" FROM runs r WHERE r.id = ?", id).Scan(r.targets()...)
		if err != nil {
			return err
		}
		run := r.value()
		gone := Forgotten{Run: run.ID, Host: run.Host, PID: run.PID, App: run.App, Start: run.Start, End: known(run.End), Ended: run.Ended}
		if gone.Snapshots, err = forgetRun(ctx, tx, id); err != nil {
			return err
		}
		p.done.Runs++
		p.done.Snapshots += gone.Snapshots
		p.done.Forgotten = append(p.done.Forgotten, gone)
	}
	return nil
}

// forgetRun removes a run by its number in the file, with all that hangs on it, and returns how many snapshots that were.
func forgetRun(ctx context.Context, tx *sql.Tx, id string) (snapshots int, err error) {
	result, err := tx.ExecContext(ctx, "DELETE FROM snapshots WHERE usage_id IN (SELECT id FROM usages WHERE run_id = ?)", id)
	if err != nil {
		return 0, err
	}
	gone, err := result.RowsAffected()
	if err != nil {
		return 0, err
	}
	for _, statement := range []string{
		"DELETE FROM operations WHERE reason <> 'pinned' AND run = (SELECT run FROM runs WHERE id = ?)",
		"UPDATE operations SET policy = '' WHERE policy <> '' AND run = (SELECT run FROM runs WHERE id = ?)", // now only their pins keep them
		"DELETE FROM runs WHERE id = ?", // usages and shapes go with it
	} {
		if _, err := tx.ExecContext(ctx, statement, id); err != nil {
			return 0, err
		}
	}
	return int(gone), nil
}

// usedBytes is the size of the pages that hold data, as seen in the transaction.
func usedBytes(ctx context.Context, tx *sql.Tx) (int64, error) {
	var pages, free, size int64
	for pragma, to := range map[string]*int64{"page_count": &pages, "freelist_count": &free, "page_size": &size} {
		if err := tx.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(to); err != nil {
			return 0, err
		}
	}
	return (pages - free) * size, nil
}

// Delete forgets one run, named by its id or the start of it. ErrRunning when its process lives; pinned operations stay.
func (db *DB) Delete(ctx context.Context, id string) error {
	v, err := db.view(ctx)
	if err != nil {
		return err
	}
	if id, err = v.resolve(ctx, id); err != nil {
		return err
	}
	for _, d := range v.pending {
		if d.Run.ID == id {
			return &Error{Op: opPrune, Path: v.path, Kind: ErrRunning, Advice: "end the process first"}
		}
	}
	return db.write(ctx, func(s *store) error {
		return wrap(opPrune, v.path, s.change(ctx, db.cfg.BusyTimeout, func(tx *sql.Tx) error {
			ids, err := texts(ctx, tx, "SELECT id FROM runs WHERE run = ?", id)
			for _, number := range ids {
				if err == nil {
					_, err = forgetRun(ctx, tx, number)
				}
			}
			return err
		}))
	})
}
