// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

func showCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "show RUN", Short: "Show everything about one run (the beginning of its id is enough)",
		Long: `Show everything about one run: every counter that is not zero, how long
operations took, where the time went, and slow and failed operations. Of these
a program keeps the first 5 of each domain, shape and reason, 200 in all; the
newest 100 are told, in JSON and CSV too. RUN is its id, as ldapscope metrics
list shows it; the beginning is enough. In CSV every figure has a line, also
those that are zero.`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.ask(cmd, func(db *metricsdb.DB) error {
				detail, err := db.Run(cmd.Context(), args[0])
				switch {
				case err != nil:
					return err
				case f.format == "json":
					return writeJSON(s.stdout, detail)
				case f.format == "csv":
					return showCSV(s.stdout, detail)
				}
				return showRun(s.stdout, detail)
			})
		},
	}
}

// shownShapes is how many of a domain's shapes people are shown; top has the others.
const shownShapes = 5

// showRun prints a run with every counter that is not zero, in the order of instrument.CounterFields.
func showRun(w io.Writer, d metricsdb.Detail) error {
	end := "still running"
	if !d.End.IsZero() {
		end = d.End.Local().Format(time.DateTime) + " (" + string(d.Ended) + ")"
	}
	fmt.Fprintf(w, "run      %s\nprogram  %s %s, process %d on %s\nstart    %s\nend      %s\n", d.ID, printable(d.App), printable(d.Version), d.PID, printable(d.Host),
		d.Start.Local().Format(time.DateTime), end)
	for _, s := range d.Snapshots {
		if err := showDomain(w, s); err != nil {
			return err
		}
	}
	return showOperations(w, d)
}

func showDomain(w io.Writer, s instrument.Snapshot) error {
	fmt.Fprintf(w, "\ndomain   %s on %s\n", printable(s.Domain), printable(s.Server))
	parts := []func(io.Writer, instrument.Snapshot) error{showFigures}
	if len(s.Latency) > 0 {
		parts = append(parts, showLatency)
	}
	if len(s.Shapes) > 0 {
		parts = append(parts, showShapes)
	}
	for i, part := range parts {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := part(w, s); err != nil {
			return err
		}
	}
	return nil
}

// usageTimes are the times of a usage with the names that they have in JSON.
func usageTimes(u instrument.Usage) []struct {
	name string
	at   time.Time
} {
	return []struct {
		name string
		at   time.Time
	}{
		{"initial_connection_start_time", u.InitialConnectionStartTime}, {"open_socket_start_time", u.OpenSocketStartTime},
		{"connection_stop_time", u.ConnectionStopTime}, {"last_transmitted_time", u.LastTransmittedTime},
		{"last_received_time", u.LastReceivedTime},
	}
}

func showFigures(w io.Writer, s instrument.Snapshot) error {
	words := func(name string) string {
		return "  " + strings.ReplaceAll(strings.TrimSuffix(name, timeName), "_", " ")
	}
	var lines table
	for _, t := range usageTimes(s.Usage) {
		if !t.at.IsZero() {
			lines = append(lines, []string{words(t.name), t.at.Local().Format(time.DateTime)})
		}
	}
	for _, c := range instrument.CounterFields {
		n := *c.Field(&s.Usage.Counters)
		if n > 0 {
			lines = append(lines, []string{words(c.Name), figureText(c.Name, n)})
		}
	}
	for _, code := range slices.Sorted(maps.Keys(s.Codes)) {
		lines = append(lines, []string{"  answers " + instrument.CodeName(code), strconv.FormatUint(s.Codes[code], 10)})
	}
	if len(lines) == 0 {
		return nil
	}
	return lines.print(w)
}

func showLatency(w io.Writer, s instrument.Snapshot) error {
	lines := table{{"  LATENCY", "COUNT", "MEAN", "P50", "P95", "P99", "MAX"}}
	for k := instrument.KindBind; int(k) < instrument.Kinds; k++ {
		if l, ok := s.Latency[k.String()]; ok {
			lines = append(lines, []string{
				"  " + k.String(), strconv.FormatUint(l.Count, 10), brief(l.Mean()), brief(l.Quantile(0.5)), brief(l.Quantile(0.95)), brief(l.Quantile(0.99)), brief(l.Max),
			})
		}
	}
	lines.right(1, len(lines[0])-1)
	return lines.print(w)
}

func showShapes(w io.Writer, s instrument.Snapshot) error {
	return topTable(w, s.Shapes[:min(len(s.Shapes), shownShapes)], "  ")
}

// shownOperations is how many a metricsdb.Detail holds at most.
const shownOperations = 100

// showOperations prints the operations that were kept, the newest first, and says which are not: a failure that repeats is
// not seen to repeat here.
func showOperations(w io.Writer, d metricsdb.Detail) error {
	if len(d.Operations) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nslow and failed operations, the newest first, at most %d\n", shownOperations)
	fmt.Fprintf(w, "the program kept the first %d of each domain, shape and reason, %d in all\n", keptOfShape, keptOfRun)
	const domain = 1
	lines := table{{"  STARTED", "DOMAIN", "WHY", "DURATION", "OPERATION"}}
	for _, o := range d.Operations {
		lines = append(lines, []string{
			"  " + o.Start.Local().Format("01-02 15:04:05"), printable(o.Domain), why(o),
			brief(time.Duration(o.Duration) * time.Microsecond), printable(keptText(o)),
		})
	}
	if len(d.Snapshots) == 1 {
		lines = lines.without(domain)
	}
	return lines.folded().print(w)
}

// why says for what reason a run has an operation, also while a recording keeps it.
func why(o metricsdb.SavedOperation) string { return string(cmp.Or(o.Policy, o.Reason)) }

// showCSV writes a line for each figure of a run; durations are in microseconds, as their names say.
func showCSV(w io.Writer, d metricsdb.Detail) error {
	out := csv.NewWriter(w)
	write := func(domain, figure, name, text, value string) {
		_ = out.Write([]string{d.ID, cell(domain), figure, cell(name), cell(text), value}) // Error below tells
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	micros := func(t time.Duration) string { return strconv.FormatInt(t.Microseconds(), 10) }
	_ = out.Write([]string{"run", "domain", "figure", "name", "text", "value"})
	for _, s := range d.Snapshots {
		for _, t := range usageTimes(s.Usage) {
			if !t.at.IsZero() {
				write(s.Domain, "time", t.name, "", t.at.Format(time.RFC3339Nano))
			}
		}
		for _, c := range instrument.CounterFields {
			write(s.Domain, "counter", c.Name, "", number(*c.Field(&s.Usage.Counters)))
		}
		for _, code := range slices.Sorted(maps.Keys(s.Codes)) {
			write(s.Domain, "result", strconv.FormatInt(code, 10), instrument.CodeName(code), number(s.Codes[code]))
		}
		for _, kind := range slices.Sorted(maps.Keys(s.Latency)) {
			l := s.Latency[kind]
			write(s.Domain, "latency", kind+".count", "", number(l.Count))
			for _, q := range []struct {
				name string
				d    time.Duration
			}{{"mean", l.Mean()}, {"p50", l.Quantile(0.5)}, {"p95", l.Quantile(0.95)}, {"p99", l.Quantile(0.99)}, {"max", l.Max}} {
				write(s.Domain, "latency", kind+"."+q.name+"_us", "", micros(q.d))
			}
		}
		for _, p := range s.Shapes {
			write(s.Domain, "shape", p.ID+".count", p.Text, number(p.Count))
			write(s.Domain, "shape", p.ID+".total_us", p.Text, micros(p.Total))
		}
	}
	for _, o := range d.Operations {
		write(o.Domain, why(o), strconv.FormatUint(o.Seq, 10)+".duration_us", keptText(o), strconv.FormatInt(o.Duration, 10))
	}
	out.Flush()
	return out.Error()
}
