// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

func exportCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	return f.exporting(s, &cobra.Command{
		Use: "export", Short: "Write all snapshots of runs, for other programs", Args: noArguments,
		Long: `Write every snapshot that is kept of the runs selected to stdout, the oldest run
first: one object or line for each run, domain and instant, with every counter
as the total since the start of the run. JSON unless --format says otherwise;
in CSV, texts that a spreadsheet would take for a formula begin with '.

  ldapscope metrics export > usage.json
  ldapscope metrics export --format csv --app payroll --since 30d > usage.csv
  ldapscope metrics export | jq '.[] | select(.errors > 0) | .domain'`,
	})
}

// exporting gives the command its flags and its work.
func (f *metricsFlags) exporting(s *surroundings, cmd *cobra.Command) *cobra.Command {
	var limit int
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !cmd.Flags().Changed("format") {
			f.format = "json"
		}
		f.filter.Limit = limit
		said, snapshots := newProgress(s.stderr), 0
		err := f.ask(cmd, func(db *metricsdb.DB) error {
			return f.export(s.stdout, counting(&snapshots, db.Export(cmd.Context(), f.filter, func(done, of int) {
				said.tell("exported %d of %d runs and domains, %d snapshots", done, of, snapshots)
			})))
		})
		return absent(err, func() error { return f.export(s.stdout, func(func(metricsdb.Exported, error) bool) {}) })
	}
	f.selecting(cmd)
	cmd.Flags().IntVar(&limit, "limit", 0, "only the newest so many runs and domains, 0 for all")
	return cmd
}

// counting counts what passes.
func counting(n *int, all iter.Seq2[metricsdb.Exported, error]) iter.Seq2[metricsdb.Exported, error] {
	return func(yield func(metricsdb.Exported, error) bool) {
		for x, err := range all {
			if !yield(x, err) {
				return
			}
			*n++
		}
	}
}

func (f *metricsFlags) export(w io.Writer, all iter.Seq2[metricsdb.Exported, error]) error {
	to := bufio.NewWriter(w)
	out, err := newExportWriter(f.format, to)
	if err != nil {
		return err
	}
	for x, err := range all {
		if err == nil {
			err = out.write(x)
		}
		if err != nil {
			return errors.Join(err, to.Flush())
		}
	}
	return errors.Join(out.end(), to.Flush())
}

// exportWriter writes snapshots in one form.
type exportWriter interface {
	write(metricsdb.Exported) error
	end() error
}

func newExportWriter(format string, to io.Writer) (exportWriter, error) {
	switch format {
	case "json":
		return &exportJSON{to: to}, nil
	case "csv":
		out := &exportCSV{csv.NewWriter(to)}
		return out, out.w.Write(exportHead())
	}
	_, err := fmt.Fprintf(to, exportLine, "RUN", "DOMAIN", "SEQ", "AT", "OPS", "ERRORS", "P95")
	return exportTable{to}, err
}

// exportJSON writes an array with one object to a line, without ever holding it whole.
type exportJSON struct {
	to    io.Writer
	count int
}

func (e *exportJSON) write(x metricsdb.Exported) error {
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	before := ",\n"
	if e.count++; e.count == 1 {
		before = "[\n"
	}
	_, err = fmt.Fprintf(e.to, "%s%s", before, text)
	return err
}

func (e *exportJSON) end() error {
	text := "\n]\n"
	if e.count == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(e.to, text)
	return err
}

type exportCSV struct{ w *csv.Writer }

func exportHead() []string {
	head := []string{"run", "domain", "server", "host", "pid", "app", "version", "start", "end", "ended", "seq", "at", "elapsed_us"}
	for _, c := range instrument.CounterFields {
		head = append(head, c.Name)
	}
	return append(head, "latency_mean_us", "latency_p50_us", "latency_p95_us", "latency_max_us")
}

func (e *exportCSV) write(x metricsdb.Exported) error {
	end := ""
	if x.End != nil {
		end = x.End.Format(time.RFC3339Nano)
	}
	line := []string{
		x.Run, cell(x.Domain), cell(x.Server), cell(x.Host), strconv.Itoa(x.PID), cell(x.App), cell(x.Version), x.Start.Format(time.RFC3339Nano), end, string(x.Ended),
		strconv.FormatUint(x.Seq, 10), x.At.Format(time.RFC3339Nano), strconv.FormatInt(x.Elapsed, 10),
	}
	for _, c := range instrument.CounterFields {
		line = append(line, strconv.FormatUint(*c.Field(&x.Counters), 10))
	}
	for _, us := range []int64{x.LatencyMean, x.LatencyP50, x.LatencyP95, x.LatencyMax} {
		line = append(line, strconv.FormatInt(us, 10))
	}
	return e.w.Write(line)
}

func (e *exportCSV) end() error {
	e.w.Flush()
	return e.w.Error()
}

// exportTable is for a look at what an export holds; its columns have fixed widths, since it never holds all lines.
type exportTable struct{ to io.Writer }

const exportLine = "%-8s  %-14s  %7s  %-19s  %9s  %6s  %s\n"

func (e exportTable) write(x metricsdb.Exported) error {
	_, err := fmt.Fprintf(e.to, exportLine, short(x.Run), cut(printable(x.Domain), 14), strconv.FormatUint(x.Seq, 10), x.At.Local().Format(time.DateTime),
		strconv.FormatUint(x.Operations, 10), strconv.FormatUint(x.Errors, 10), latencyText(x.LatencyP95))
	return err
}

func (e exportTable) end() error { return nil }
