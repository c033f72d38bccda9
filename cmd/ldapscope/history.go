// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
	"github.com/ldapscope/ldapscope/panel"
)

// history lets the panel ask the database, so that neither room knows the other.
type history struct {
	db  *metricsdb.DB
	run string // of this program; "" when it is not saved
}

func (h history) Runs(ctx context.Context, f panel.RunFilter) ([]panel.SavedUsage, error) {
	rows, err := h.db.Runs(ctx, metricsdb.Filter{Domain: f.Domain, PID: f.PID, Since: f.Since, Until: f.Until, Limit: f.Limit})
	if err != nil {
		return nil, err
	}
	saved := make([]panel.SavedUsage, len(rows))
	for i, r := range rows {
		saved[i] = panel.SavedUsage{
			Run:    instrument.Run{ID: r.Run, Host: r.Host, PID: r.PID, App: r.App, Version: r.Version, Start: r.Start, Ended: r.Ended},
			Domain: r.Domain, Server: r.Server, Counters: r.Counters, Elapsed: time.Duration(r.Elapsed) * time.Microsecond,
			P50: time.Duration(r.LatencyP50) * time.Microsecond, P95: time.Duration(r.LatencyP95) * time.Microsecond,
		}
		if r.End != nil {
			saved[i].Run.End = *r.End
		}
	}
	return saved, nil
}

func (h history) Run(ctx context.Context, id string) (instrument.Run, []instrument.Snapshot, error) {
	detail, err := h.db.Run(ctx, id)
	return detail.Run, detail.Snapshots, telling(err)
}

// domainsOfRun is of how many domains of one run the course is shown.
const domainsOfRun = 1000

func (h history) Series(ctx context.Context, id string) ([]panel.Point, error) {
	series, err := h.db.Series(ctx, metricsdb.SeriesQuery{Filter: metricsdb.Filter{Run: id, Limit: domainsOfRun}})
	if err != nil {
		return nil, telling(err)
	}
	var points []panel.Point
	for _, s := range series {
		for _, p := range s.Points {
			points = append(points, panel.Point{Domain: s.Domain, At: p.At, Operations: p.Operations, Errors: p.Errors, Received: p.BytesReceived})
		}
	}
	return points, nil
}

func (h history) Shapes(ctx context.Context, id string, limit int) ([]instrument.ShapeTotal, error) {
	return h.db.Shapes(ctx, metricsdb.Filter{Run: id, Limit: limit})
}

func (h history) Compare(ctx context.Context, ids []string) (panel.Comparison, error) {
	c, err := h.db.Compare(ctx, ids...)
	compared := panel.Comparison{Runs: c.Runs}
	for _, d := range c.Domains {
		compared.Domains = append(compared.Domains, panel.ComparedDomain{
			Domain: d.Domain, Counters: differences(d.Counters), Latency: differences(d.Latency), Shapes: differences(d.Shapes),
		})
	}
	return compared, telling(err)
}

func differences(list []metricsdb.Difference) []panel.Difference {
	out := make([]panel.Difference, len(list))
	for i, d := range list {
		out[i] = panel.Difference(d)
	}
	return out
}

func (h history) Import(ctx context.Context, path string) (int, error) {
	done, err := h.db.Import(ctx, path, nil)
	return done.Runs, err
}

func (h history) Delete(ctx context.Context, id string) error { return telling(h.db.Delete(ctx, id)) }

func (h history) Pin(ctx context.Context, o panel.Pinned) error {
	if h.run == "" {
		return errors.New("this run is not saved, see what the program said at its start")
	}
	return h.db.SaveOperations(ctx, []metricsdb.SavedOperation{{
		Run: h.run, Seq: o.Seq, Domain: o.Domain, Kind: o.Kind, Shape: o.Shape, Reason: metricsdb.ReasonPinned, Start: o.Start,
		Duration: o.Duration.Microseconds(), Code: o.Code, Note: o.Note, Document: o.Document,
	}})
}

func (h history) Pins(ctx context.Context) ([]panel.Pinned, error) {
	saved, err := h.db.Operations(ctx, metricsdb.OperationQuery{Reason: metricsdb.ReasonPinned, Limit: 1000})
	pins := make([]panel.Pinned, len(saved))
	for i, o := range saved {
		pins[i] = panel.Pinned{
			Run: o.Run, Seq: o.Seq, Domain: o.Domain, Kind: o.Kind, Shape: o.Shape, Start: o.Start,
			Duration: time.Duration(o.Duration) * time.Microsecond, Code: o.Code, Note: o.Note, Document: o.Document,
		}
		if o.Run == h.run {
			pins[i].Run = ""
		}
	}
	return pins, err
}

func (h history) Unpin(ctx context.Context, run string, seq uint64) error {
	if run == "" {
		run = h.run
	}
	return telling(h.db.Unpin(ctx, run, seq))
}

func telling(err error) error {
	if errors.Is(err, metricsdb.ErrNotFound) {
		return panel.ErrAbsent
	}
	if errors.Is(err, metricsdb.ErrRunning) {
		return panel.ErrGoesOn
	}
	return err
}
