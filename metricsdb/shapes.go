// SPDX-License-Identifier: MIT

package metricsdb

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/ldapscope/ldapscope/instrument"
)

const defaultShapes = 20

// shapeKey is what is added up over runs.
type shapeKey struct{ domain, shape, kind string }

func keyOf(p instrument.ShapeTotal) shapeKey { return shapeKey{p.Domain, p.ID, p.Kind} }

// Shapes returns the operation shapes of all usages selected, added up over runs, those that took the most time first.
// Filter.Limit is the number of shapes; 0 means 20.
func (db *DB) Shapes(ctx context.Context, f Filter) ([]instrument.ShapeTotal, error) {
	if f.Limit <= 0 {
		f.Limit = defaultShapes
	}
	v, err := db.view(ctx)
	if err != nil {
		return nil, err
	}
	top, err := v.topShapes(ctx, f)
	return top, wrap(opRead, v.path, err)
}

// topShapes adds up what is saved and what is in spools, and ranks the sums.
func (v view) topShapes(ctx context.Context, f Filter) ([]instrument.ShapeTotal, error) {
	totals := map[shapeKey]*instrument.ShapeTotal{}
	if err := v.sumShapes(ctx, f, totals); err != nil {
		return nil, err
	}
	for _, d := range v.pending {
		for _, s := range d.Snapshots {
			if f.matches(d.Run, s.Domain) {
				for _, p := range s.Shapes {
					addShape(totals, p)
				}
			}
		}
	}
	top := make([]instrument.ShapeTotal, 0, len(totals))
	for _, p := range totals {
		top = append(top, *p)
	}
	slices.SortFunc(top, func(a, b instrument.ShapeTotal) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind))
	})
	top = top[:min(len(top), f.Limit)]
	for i := range top {
		if err := v.addText(ctx, &top[i]); err != nil {
			return nil, err
		}
	}
	return top, nil
}

func addShape(totals map[shapeKey]*instrument.ShapeTotal, p instrument.ShapeTotal) {
	sum, ok := totals[keyOf(p)]
	if !ok {
		totals[keyOf(p)] = &p
		return
	}
	sum.Count += p.Count
	sum.Errors += p.Errors
	sum.Total += p.Total
	sum.Max = max(sum.Max, p.Max)
	sum.Entries += p.Entries
	sum.Bytes += p.Bytes
	if p.LastSeen.After(sum.LastSeen) {
		sum.LastSeen = p.LastSeen
	}
	sum.Text = cmp.Or(p.Text, sum.Text)
}

// from returns the tables and conditions of a question about shapes p, without those usages of which the spools know more.
// What needs no run is asked of the shapes alone, which one index answers.
func (v view) from(ctx context.Context, f Filter) (string, []any, error) {
	if f.byRun() {
		where, args := f.where(v.pending)
		if f.Run != "" || f.PID != 0 {
			return "FROM runs r CROSS JOIN usages u CROSS JOIN shapes p " + where + " AND u.run_id = r.id AND p.usage_id = u.id", args, nil
		}
		// Many runs may be selected: then it is quicker to walk through the index of all shapes, which is in the order of the
		// groups. The plus keeps SQLite from looking up one usage after the other.
		return "FROM shapes p WHERE +p.usage_id IN (SELECT u.id FROM runs r JOIN usages u ON u.run_id = r.id " + where + ")", args, nil
	}
	where, args := "WHERE 1 = 1", []any(nil)
	if f.Domain != "" {
		where, args = "WHERE p.domain = ?", []any{f.Domain}
	}
	for _, d := range v.pending {
		ids, err := texts(ctx, v.reader, "SELECT u.id FROM usages u JOIN runs r ON r.id = u.run_id WHERE r.run = ?", d.Run.ID)
		if err != nil {
			return "", nil, err
		}
		for _, id := range ids {
			where, args = where+" AND p.usage_id <> ?", append(args, id)
		}
	}
	return "FROM shapes p " + where, args, nil
}

const selectTotals = `SELECT p.domain, p.shape, p.kind, sum(p.total_us), max(p.max_us), max(p.last_seen_us), `

// Sums of counters in two's complement are right whatever their signs, but SQLite refuses one that passes 2^63 on its way.
// Then counters are added up in halves, which takes longer, and put together in Go.
const (
	wholeSums  = "sum(p.count), 0, sum(p.errors), 0, sum(p.entries), 0, sum(p.bytes), 0 "
	halvedSums = `sum(p.count & 4294967295), sum(p.count >> 32), sum(p.errors & 4294967295), sum(p.errors >> 32),
	sum(p.entries & 4294967295), sum(p.entries >> 32), sum(p.bytes & 4294967295), sum(p.bytes >> 32) `
)

// sumShapes adds up the saved shapes, without their texts.
func (v view) sumShapes(ctx context.Context, f Filter, totals map[shapeKey]*instrument.ShapeTotal) error {
	from, args, err := v.from(ctx, f)
	if err != nil {
		return err
	}
	var all []instrument.ShapeTotal
	for _, sums := range []string{wholeSums, halvedSums} {
		all, err = v.totals(ctx, selectTotals+sums+from+" GROUP BY p.domain, p.shape, p.kind", args)
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	for _, p := range all {
		addShape(totals, p)
	}
	return err
}

func (v view) totals(ctx context.Context, query string, args []any) (all []instrument.ShapeTotal, err error) {
	err = each(ctx, v.reader, query, args, func(rows *sql.Rows) error {
		var p instrument.ShapeTotal
		var total, most int64
		var seen moment
		var sums [8]int64 // low and high part of each
		err := rows.Scan(&p.Domain, &p.ID, &p.Kind, &total, &most, &seen, &sums[0], &sums[1], &sums[2], &sums[3],
			&sums[4], &sums[5], &sums[6], &sums[7])
		p.Total, p.Max, p.LastSeen = microseconds(total), microseconds(most), seen.time()
		for i, to := range []*uint64{&p.Count, &p.Errors, &p.Entries, &p.Bytes} {
			*to = uint64(sums[2*i]) + uint64(sums[2*i+1])<<32
		}
		all = append(all, p)
		return err
	})
	return all, err
}

// addText fetches the text of a shape that has none yet; it is the same in all runs.
func (v view) addText(ctx context.Context, p *instrument.ShapeTotal) error {
	if p.Text != "" {
		return nil
	}
	found, err := texts(ctx, v.reader, "SELECT text FROM shapes WHERE domain = ? AND shape = ? AND kind = ? LIMIT 1", p.Domain, p.ID, p.Kind)
	if len(found) > 0 {
		p.Text = found[0]
	}
	return err
}

const shapeColumns = "p.domain, p.shape, p.kind, p.text, p.count, p.errors, p.total_us, p.max_us, p.entries, p.bytes, p.last_seen_us "

// shapesOf returns the shapes of one usage: its snapshot's own when it comes from a spool.
func (v view) shapesOf(ctx context.Context, run string, s instrument.Snapshot) ([]instrument.ShapeTotal, error) {
	if s.Shapes != nil {
		return s.Shapes, nil
	}
	var all []instrument.ShapeTotal
	query := "SELECT " + shapeColumns + `FROM shapes p JOIN usages u ON u.id = p.usage_id JOIN runs r ON r.id = u.run_id
		WHERE r.run = ? AND u.domain = ? ORDER BY p.total_us DESC, p.shape, p.kind`
	err := each(ctx, v.reader, query, []any{run, s.Domain}, func(rows *sql.Rows) error {
		p, err := scanShape(rows)
		all = append(all, p)
		return err
	})
	return all, err
}

func scanShape(rows *sql.Rows) (instrument.ShapeTotal, error) {
	var p instrument.ShapeTotal
	var count, errs, total, most, entries, bytes int64
	var seen moment
	err := rows.Scan(&p.Domain, &p.ID, &p.Kind, &p.Text, &count, &errs, &total, &most, &entries, &bytes, &seen)
	p.Count, p.Errors, p.Entries, p.Bytes = uint64(count), uint64(errs), uint64(entries), uint64(bytes)
	p.Total, p.Max, p.LastSeen = microseconds(total), microseconds(most), seen.time()
	return p, err
}
