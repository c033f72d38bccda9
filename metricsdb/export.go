// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"iter"

	"github.com/ldapscope/ldapscope/instrument"
)

// Exported is one snapshot with the run it belongs to, in the form in which other programs are to read it. Its counters are
// totals since the start of the run.
type Exported struct {
	Row
	Latency map[string]LatencyFigures `json:"latency"` // by kind of operation
	Codes   map[int64]uint64          `json:"codes"`   // operations by LDAP result code
	Pool    PoolFigures               `json:"pool"`
}

// Export yields the snapshots of all usages selected, the oldest run first and each run in its order; Since and Until also
// cut the course of a run. Progress is called after each usage with how many are done, of all that were selected; it may be
// nil. No lock or transaction is held while the caller works on a snapshot. After an error there is nothing more.
func (db *DB) Export(ctx context.Context, f Filter, progress func(done, of int)) iter.Seq2[Exported, error] {
	if progress == nil {
		progress = func(int, int) {}
	}
	return func(yield func(Exported, error) bool) {
		v, err := db.view(ctx)
		var usages []usage
		if err == nil {
			usages, err = v.usages(ctx, f)
		}
		for i := len(usages) - 1; i >= 0 && err == nil; i-- {
			r := usages[i].run
			err = v.history(ctx, r.ID, usages[i].snapshot.Domain, func(s instrument.Snapshot) bool {
				return !f.during(s) || yield(exported(usage{r, s, usages[i].dropped}), nil)
			})
			progress(len(usages)-i, len(usages))
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(Exported{}, wrap(opRead, db.cfg.Path, err))
		}
	}
}

func exported(u usage) Exported {
	s := u.snapshot
	return Exported{Row: newRow(u), Latency: latencyFigures(s.Latency), Codes: s.Codes, Pool: poolFigures(s.Pool)}
}

// during reports whether a snapshot was taken in the window of the filter.
func (f Filter) during(s instrument.Snapshot) bool {
	return (f.Since.IsZero() || !s.At.Before(f.Since)) && (f.Until.IsZero() || s.At.Before(f.Until))
}
