// SPDX-License-Identifier: MIT

package metricsdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const opRead = "read usage from"

// Row is the newest word of one run on one domain, as lists show it. In JSON every counter is beside the other keys under
// its own name, as a number with all its digits.
type Row struct {
	Run     string            `json:"run"`
	Domain  string            `json:"domain"`
	Server  string            `json:"server"`
	Host    string            `json:"host"`
	PID     int               `json:"pid"`
	App     string            `json:"app"`
	Version string            `json:"version"`
	Start   time.Time         `json:"start"`
	End     *time.Time        `json:"end"` // nil while the run goes on
	Ended   instrument.RunEnd `json:"ended"`
	Seq     uint64            `json:"seq"`
	At      time.Time         `json:"at"`         // when the newest snapshot was taken
	Elapsed int64             `json:"elapsed_us"` // monotonic, from the start of the run to that snapshot
	Dropped uint64            `json:"dropped"`    // points of the run's history that could not be kept; totals lack nothing
	instrument.Counters

	InitialConnectionStartTime time.Time `json:"initial_connection_start_time,omitzero"`
	OpenSocketStartTime        time.Time `json:"open_socket_start_time,omitzero"`
	ConnectionStopTime         time.Time `json:"connection_stop_time,omitzero"`
	LastTransmittedTime        time.Time `json:"last_transmitted_time,omitzero"`
	LastReceivedTime           time.Time `json:"last_received_time,omitzero"`

	LatencyMean int64 `json:"latency_mean_us"` // of all kinds of operation together
	LatencyP50  int64 `json:"latency_p50_us"`
	LatencyP95  int64 `json:"latency_p95_us"`
	LatencyMax  int64 `json:"latency_max_us"`
}

// usage is what a Row is made of.
type usage struct {
	run      instrument.Run
	snapshot instrument.Snapshot
	dropped  uint64
}

func newRow(u usage) Row {
	r, s := u.run, u.snapshot
	latency := s.Total()
	return Row{
		Run: r.ID, Domain: s.Domain, Server: s.Server, Host: r.Host, PID: r.PID, App: r.App, Version: r.Version,
		Start: r.Start, End: known(r.End), Ended: r.Ended, Seq: s.Seq, At: s.At, Elapsed: s.Elapsed.Microseconds(), Dropped: u.dropped,
		Counters: s.Usage.Counters,

		InitialConnectionStartTime: s.Usage.InitialConnectionStartTime,
		OpenSocketStartTime:        s.Usage.OpenSocketStartTime,
		ConnectionStopTime:         s.Usage.ConnectionStopTime,
		LastTransmittedTime:        s.Usage.LastTransmittedTime,
		LastReceivedTime:           s.Usage.LastReceivedTime,

		LatencyMean: latency.Mean().Microseconds(), LatencyP50: latency.Quantile(0.5).Microseconds(),
		LatencyP95: latency.Quantile(0.95).Microseconds(), LatencyMax: latency.Max.Microseconds(),
	}
}

// Runs lists usages, the newest run first, then by domain.
func (db *DB) Runs(ctx context.Context, f Filter) ([]Row, error) {
	v, err := db.view(ctx)
	if err != nil {
		return nil, err
	}
	usages, err := v.usages(ctx, f)
	if err != nil {
		return nil, wrap(opRead, v.path, err)
	}
	rows := make([]Row, len(usages))
	for i, u := range usages {
		rows[i] = newRow(u)
	}
	return rows, nil
}

// The cross joins keep SQLite to the order in which a limit is soon reached; elsewhere they mean no more than a join.
const selectUsages = `SELECT ` + runColumns + `, u.domain, %s
FROM runs r CROSS JOIN usages u CROSS JOIN snapshots s
%s u.run_id = r.id AND s.usage_id = u.id AND s.seq = u.last_seq ORDER BY r.start_us DESC, r.run, u.domain%s`

// usages answers Runs from the database and from the spools that are not in it.
func (v view) usages(ctx context.Context, f Filter) ([]usage, error) {
	where, args := f.where(v.pending)
	if where == "" {
		where = "WHERE"
	} else {
		where += " AND"
	}
	limit := ""
	if f.Limit > 0 {
		limit, args = " LIMIT ?", append(args, f.Limit)
	}
	var found []usage
	scan := newSnapshotScan()
	var r runScan
	targets := append(append(r.targets(), &r.domain), scan.targets...)
	err := each(ctx, v.reader, fmt.Sprintf(selectUsages, selectSnapshot, where, limit), args, func(rows *sql.Rows) error {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		s, err := scan.snapshot(r.domain)
		found = append(found, usage{r.value(), s, uint64(r.dropped)})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range v.pending {
		for _, s := range d.Snapshots {
			if f.matches(d.Run, s.Domain) {
				found = append(found, usage{d.Run, s, d.Dropped})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b usage) int {
		return cmp.Or(b.run.Start.Compare(a.run.Start), cmp.Compare(a.run.ID, b.run.ID), cmp.Compare(a.snapshot.Domain, b.snapshot.Domain))
	})
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
	}
	return found, nil
}

const runColumns = "r.run, r.host, r.pid, r.app, r.version, r.go_version, r.start_us, r.end_us, r.ended, r.dropped"

// runScan is the room for runColumns, and for the domain of a usage.
type runScan struct {
	run        instrument.Run
	start, end moment
	dropped    int64
	domain     string
}

func (r *runScan) targets() []any {
	return []any{&r.run.ID, &r.run.Host, &r.run.PID, &r.run.App, &r.run.Version, &r.run.GoVersion, &r.start, &r.end, &r.run.Ended, &r.dropped}
}

func (r *runScan) value() instrument.Run {
	r.run.Start, r.run.End = r.start.time(), r.end.time()
	return r.run
}

// Run returns one run by its id or the start of its id. ErrNotFound when there is none; ErrAmbiguous when several begin so.
func (db *DB) Run(ctx context.Context, id string) (Detail, error) {
	v, err := db.view(ctx)
	if err != nil {
		return Detail{}, err
	}
	detail, err := v.detail(ctx, id)
	if err == nil {
		detail.Operations, err = v.operations(ctx, OperationQuery{Run: detail.ID})
	}
	return detail, err
}

func (v view) detail(ctx context.Context, id string) (Detail, error) {
	id, err := v.resolve(ctx, id)
	if err != nil {
		return Detail{}, err
	}
	var r runScan
	err = each(ctx, v.reader, "SELECT "+runColumns+" FROM runs r WHERE r.run = ?", []any{id},
		func(rows *sql.Rows) error { return rows.Scan(r.targets()...) })
	if err != nil {
		return Detail{}, wrap(opRead, v.path, err)
	}
	detail := Detail{Run: r.value(), Dropped: uint64(r.dropped)}
	for _, d := range v.pending {
		if d.Run.ID == id {
			detail.Run, detail.Dropped = d.Run, d.Dropped
		}
	}
	usages, err := v.usages(ctx, Filter{Run: id})
	if err != nil {
		return Detail{}, wrap(opRead, v.path, err)
	}
	for _, u := range usages {
		if u.snapshot.Shapes, err = v.shapesOf(ctx, id, u.snapshot); err != nil {
			return Detail{}, wrap(opRead, v.path, err)
		}
		detail.Snapshots = append(detail.Snapshots, u.snapshot)
	}
	return detail, nil
}

// resolve completes the start of an id.
func (v view) resolve(ctx context.Context, id string) (string, error) {
	var found []string
	for _, d := range v.pending {
		if len(id) > 0 && len(id) <= len(d.Run.ID) && d.Run.ID[:len(id)] == id {
			found = append(found, d.Run.ID)
		}
	}
	saved, err := texts(ctx, v.reader, "SELECT run FROM runs WHERE run >= ? AND substr(run, 1, length(?)) = ? ORDER BY run LIMIT 2", id, id, id)
	if err != nil {
		return "", wrap(opRead, v.path, err)
	}
	found = append(found, saved...)
	slices.Sort(found)
	found = slices.Compact(found)
	switch {
	case id == "" || len(found) == 0:
		return "", &Error{Op: fmt.Sprintf("find run %.100q in", id), Path: v.path, Kind: ErrNotFound, Advice: "list the runs there are"}
	case len(found) > 1 && found[0] != id:
		return "", &Error{Op: fmt.Sprintf("find run %.100q in", id), Path: v.path, Kind: ErrAmbiguous, Advice: "write more of it"}
	}
	return found[0], nil
}
