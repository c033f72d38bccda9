// SPDX-License-Identifier: MIT

package metricsdb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ldapscope/ldapscope/instrument"
)

// Comparison sets runs side by side; the first is what the others are held against.
type Comparison struct {
	Runs    []instrument.Run   `json:"runs"` // in JSON the end of one that goes on is null
	Domains []DomainComparison `json:"domains"`
}

// MarshalJSON implements json.Marshaler.
func (c Comparison) MarshalJSON() ([]byte, error) {
	type plain Comparison
	form := struct {
		Runs []runForm `json:"runs"`
		plain
	}{make([]runForm, len(c.Runs)), plain(c)}
	for i, r := range c.Runs {
		form.Runs[i] = runFormOf(r)
	}
	return json.Marshal(form)
}

// DomainComparison compares one domain; a run that did not use it counts zero.
type DomainComparison struct {
	Domain   string       `json:"domain"`
	Counters []Difference `json:"counters"` // those that any run has, in the order of instrument.CounterFields
	Latency  []Difference `json:"latency"`  // microseconds, mean, p50 and p95 of each kind
	Shapes   []Difference `json:"shapes"`   // operations of each shape, the largest difference first
}

// Difference is one figure in each run. Change and Notable are of the last run against the first.
type Difference struct {
	Name    string   `json:"name"`
	Text    string   `json:"text,omitempty"` // of a shape
	Values  []uint64 `json:"values"`         // in the order of Comparison.Runs
	Change  float64  `json:"change"`         // last/first - 1; 0 when both are zero; 1 when only the first is
	Notable bool     `json:"notable"`        // more than chance and the width of a histogram's bucket explain
}

const (
	leastChange  = 0.05 // smaller changes of a count are never notable
	bucketChange = 0.34 // a bucket is a third wider than the one before, so quantiles are not known better
	leastTimed   = 20   // operations that a mean or quantile needs in both runs
)

// Compare returns what differs between runs, named by their ids or the start of them.
func (db *DB) Compare(ctx context.Context, ids ...string) (Comparison, error) {
	if len(ids) < 2 {
		return Comparison{}, &Error{Op: "compare runs in", Path: db.cfg.Path, Kind: ErrArgument, Advice: "name at least two runs"}
	}
	v, err := db.view(ctx)
	if err != nil {
		return Comparison{}, err
	}
	var c Comparison
	runs := make([]map[string]instrument.Snapshot, len(ids))
	domains := map[string]bool{}
	for i, id := range ids {
		detail, err := v.detail(ctx, id)
		if err != nil {
			return Comparison{}, err
		}
		c.Runs = append(c.Runs, detail.Run)
		runs[i] = map[string]instrument.Snapshot{}
		for _, s := range detail.Snapshots {
			runs[i][s.Domain] = s
			domains[s.Domain] = true
		}
	}
	for _, domain := range slices.Sorted(maps.Keys(domains)) {
		side := make([]instrument.Snapshot, len(runs))
		for i := range runs {
			side[i] = runs[i][domain]
		}
		c.Domains = append(c.Domains, DomainComparison{
			Domain: domain, Counters: compareCounters(side), Latency: compareLatency(side), Shapes: compareShapes(side),
		})
	}
	return c, nil
}

func compareCounters(side []instrument.Snapshot) []Difference {
	var all []Difference
	for _, field := range instrument.CounterFields {
		d := Difference{Name: field.Name}
		for i := range side {
			d.Values = append(d.Values, *field.Field(&side[i].Usage.Counters))
		}
		if slices.Max(d.Values) > 0 {
			all = append(all, d.judged(judgeOf(field.Name, side)))
		}
	}
	return all
}

// sums are counters that add up what single events brought; what made them tells how far chance can take them.
var sums = map[string]func(instrument.Counters) uint64{
	"bytes_transmitted": func(c instrument.Counters) uint64 { return c.Operations },
	"bytes_received":    func(c instrument.Counters) uint64 { return c.Operations },
	"messages_received": func(c instrument.Counters) uint64 { return c.Operations },
	"entries":           func(c instrument.Counters) uint64 { return c.SearchOperations },
	"references":        func(c instrument.Counters) uint64 { return c.SearchOperations },
	"pool_wait_us":      func(c instrument.Counters) uint64 { return c.PoolWaits },
}

func judgeOf(counter string, side []instrument.Snapshot) func(first, last, change float64) bool {
	events, isSum := sums[counter]
	if !isSum {
		return counted
	}
	before, after := events(side[0].Usage.Counters), events(side[len(side)-1].Usage.Counters)
	return func(first, last, change float64) bool { return summed(first, last, change, before, after) }
}

func compareLatency(side []instrument.Snapshot) []Difference {
	kinds := map[string]bool{}
	for _, s := range side {
		for kind := range s.Latency {
			kinds[kind] = true
		}
	}
	figures := []struct {
		name string
		of   func(instrument.Latency) uint64
	}{
		{"mean", func(l instrument.Latency) uint64 { return uint64(l.Mean().Microseconds()) }},
		{"p50", func(l instrument.Latency) uint64 { return uint64(l.Quantile(0.5).Microseconds()) }},
		{"p95", func(l instrument.Latency) uint64 { return uint64(l.Quantile(0.95).Microseconds()) }},
	}
	var all []Difference
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		enough := side[0].Latency[kind].Count >= leastTimed && side[len(side)-1].Latency[kind].Count >= leastTimed
		for _, figure := range figures {
			d := Difference{Name: fmt.Sprintf("%s.%s_us", kind, figure.name)}
			for _, s := range side {
				d.Values = append(d.Values, figure.of(s.Latency[kind]))
			}
			all = append(all, d.judged(func(_, _, change float64) bool { return enough && math.Abs(change) > bucketChange }))
		}
	}
	return all
}

func compareShapes(side []instrument.Snapshot) []Difference {
	found := map[shapeKey]*Difference{}
	for i, s := range side {
		for _, p := range s.Shapes {
			key := shapeKey{"", p.ID, p.Kind}
			if found[key] == nil {
				found[key] = &Difference{Name: p.Kind + " " + p.ID, Text: p.Text, Values: make([]uint64, len(side))}
			}
			found[key].Values[i] += p.Count
		}
	}
	all := make([]Difference, 0, len(found))
	for _, d := range found {
		all = append(all, d.judged(counted))
	}
	slices.SortFunc(all, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(b.distance(), a.distance()), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func (d Difference) distance() uint64 {
	first, last := d.Values[0], d.Values[len(d.Values)-1]
	return max(first, last) - min(first, last)
}

func (d Difference) judged(notable func(first, last, change float64) bool) Difference {
	first, last := float64(d.Values[0]), float64(d.Values[len(d.Values)-1])
	switch first {
	case last:
		d.Change = 0
	case 0:
		d.Change = 1
	default:
		d.Change = last/first - 1
	}
	d.Notable = notable(first, last, d.Change)
	return d
}

// counted takes counts of unrelated events for what they are: two that differ by less than three standard deviations of
// their difference may well be the same.
func counted(first, last, change float64) bool {
	return math.Abs(change) > leastChange && math.Abs(last-first) > 3*math.Sqrt(first+last)
}

// summed takes sums for what events of very different size have brought: their spread is taken to be as large as their mean.
// Few events explain any difference.
func summed(first, last, change float64, before, after uint64) bool {
	variance := 0.0
	for _, side := range [][2]float64{{first, float64(before)}, {last, float64(after)}} {
		if value, events := side[0], side[1]; events > 0 {
			variance += 2 * value * value / events
		}
	}
	return math.Abs(change) > leastChange && math.Abs(last-first) > 3*math.Sqrt(variance)
}
