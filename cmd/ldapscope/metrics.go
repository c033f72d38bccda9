// SPDX-License-Identifier: MIT

package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// metricsFlags are the flags of all questions about saved usage.
type metricsFlags struct {
	database string
	format   string
	filter   metricsdb.Filter
	ended    string
}

func metricsCommand(s *surroundings) *cobra.Command {
	f := &metricsFlags{}
	cmd := &cobra.Command{
		Use: "metrics", Short: "Show the saved usage of programs that are gone", Args: oneOf,
		Long: `Show what programs used of their directories, also after they are gone:
how many operations of which kind, bytes, errors and how long they took.

  ldapscope metrics list            one line for each run and domain
  ldapscope metrics show RUN        everything about one run
  ldapscope metrics top             the searches that took most time
  ldapscope metrics compare A B     what changed from one run to another
  ldapscope metrics prune --older-than 30d --dry-run
  ldapscope metrics list --format json | jq '.[].operations'`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&f.database, "db", defaultDatabase(s.env), "database with the usage")
	cmd.PersistentFlags().StringVar(&f.format, "format", "table", "table, json or csv")
	choices(cmd, "format", "table", "json", "csv")
	cmd.AddCommand(listCommand(s, f), showCommand(s, f), topCommand(s, f), compareCommand(s, f), exportCommand(s, f), mergeCommand(s, f), pruneCommand(s, f),
		deleteCommand(s, f), recordingsCommand(s, f))
	return cmd
}

// ask opens the database for one question. What is no database of ours stays as it is: the path may be a slip.
func (f *metricsFlags) ask(cmd *cobra.Command, question func(*metricsdb.DB) error) error {
	return f.open(cmd, true, question)
}

// absent answers a question about a database that is not there; other errors stay.
func absent(err error, answer func() error) error {
	if errors.Is(err, metricsdb.ErrNotFound) {
		return answer()
	}
	return err
}

func (f *metricsFlags) open(cmd *cobra.Command, existing bool, question func(*metricsdb.DB) error) error {
	switch f.format {
	case "table", "json", "csv":
	default:
		return usageError{fmt.Errorf("unknown format %q: use table, json or csv", f.format)}
	}
	switch f.filter.Ended = instrument.RunEnd(f.ended); f.filter.Ended {
	case "", instrument.RunClean, instrument.RunUnclean, instrument.RunRunning:
	default:
		return usageError{fmt.Errorf("unknown end %q: use clean, unclean or running", f.ended)}
	}
	if f.filter.Limit < 0 {
		return usageError{errors.New("--limit must not be negative")}
	}
	db, err := metricsdb.Open(cmd.Context(), metricsdb.Config{Path: f.database, Existing: existing})
	if err != nil {
		return err
	}
	return errors.Join(question(db), db.Close())
}

func listCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List runs, the newest first: one line for each run and domain", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.filter.Limit = limit
			err := f.ask(cmd, func(db *metricsdb.DB) error {
				rows, err := db.Runs(cmd.Context(), f.filter)
				if err != nil {
					return err
				}
				if len(rows) == 0 && f.format == "table" {
					return f.nothing(cmd, s.stdout, db)
				}
				return f.list(s.stdout, rows)
			})
			return absent(err, func() error { return f.list(s.stdout, nil) })
		},
	}
	f.selecting(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many, 0 for all")
	return cmd
}

func (f *metricsFlags) list(w io.Writer, rows []metricsdb.Row) error {
	switch f.format {
	case "json":
		return writeJSON(w, nonNil(rows))
	case "csv":
		return listCSV(w, rows)
	}
	if len(rows) == 0 {
		return f.noUsage(w)
	}
	return listTable(w, rows)
}

func listCSV(w io.Writer, rows []metricsdb.Row) error {
	out := csv.NewWriter(w)
	head := []string{"run", "domain", "host", "pid", "app", "version", "start", "end", "ended"}
	for _, c := range instrument.CounterFields {
		head = append(head, c.Name)
	}
	_ = out.Write(head) // Error below tells
	for _, r := range rows {
		end := ""
		if r.End != nil {
			end = r.End.Format(time.RFC3339Nano)
		}
		line := []string{r.Run, cell(r.Domain), cell(r.Host), strconv.Itoa(r.PID), cell(r.App), cell(r.Version), r.Start.Format(time.RFC3339Nano), end, string(r.Ended)}
		for _, c := range instrument.CounterFields {
			line = append(line, strconv.FormatUint(*c.Field(&r.Counters), 10))
		}
		_ = out.Write(line)
	}
	out.Flush()
	return out.Error()
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func oneRun(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{errors.New("name one run, as ldapscope metrics list shows them")}
	}
	return nil
}

func topCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "top", Short: "Show the operations that took most time, over all runs", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.filter.Limit = limit
			err := f.ask(cmd, func(db *metricsdb.DB) error {
				shapes, err := db.Shapes(cmd.Context(), f.filter)
				if err != nil {
					return err
				}
				if len(shapes) == 0 && f.format == "table" {
					return f.nothing(cmd, s.stdout, db)
				}
				return f.top(s.stdout, shapes)
			})
			return absent(err, func() error { return f.top(s.stdout, nil) })
		},
	}
	f.selecting(cmd)
	cmd.Flags().IntVar(&limit, "limit", 20, "at most this many")
	return cmd
}

func (f *metricsFlags) top(w io.Writer, shapes []instrument.ShapeTotal) error {
	switch f.format {
	case "json":
		return writeJSON(w, topForm(shapes))
	case "csv":
		return topCSV(w, shapes)
	}
	if len(shapes) == 0 {
		return f.noUsage(w)
	}
	return topTable(w, shapes, "")
}

func topTable(w io.Writer, shapes []instrument.ShapeTotal, indent string) error {
	lines := table{{indent + "TOTAL", "COUNT", "MAX", "ERRORS", "OPERATION"}}
	for _, x := range shapes {
		lines = append(lines, []string{
			indent + brief(x.Total), strconv.FormatUint(x.Count, 10), brief(x.Max), strconv.FormatUint(x.Errors, 10), printable(x.Text),
		})
	}
	lines.right(0, len(lines[0])-2)
	return lines.folded().print(w)
}

// topShape is a shape as programs read it: durations are in microseconds.
type topShape struct {
	Domain   string    `json:"domain"`
	Shape    string    `json:"shape"`
	Kind     string    `json:"kind"`
	Text     string    `json:"text"`
	Count    uint64    `json:"count"`
	Errors   uint64    `json:"errors"`
	Total    int64     `json:"total_us"`
	Max      int64     `json:"max_us"`
	Entries  uint64    `json:"entries"`
	Bytes    uint64    `json:"bytes"`
	LastSeen time.Time `json:"last_seen,omitzero"`
}

func topForm(shapes []instrument.ShapeTotal) []topShape {
	all := make([]topShape, len(shapes))
	for i, x := range shapes {
		all[i] = topShape{x.Domain, x.ID, x.Kind, x.Text, x.Count, x.Errors, x.Total.Microseconds(), x.Max.Microseconds(), x.Entries, x.Bytes, x.LastSeen}
	}
	return all
}

func topCSV(w io.Writer, shapes []instrument.ShapeTotal) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"domain", "shape", "kind", "count", "errors", "total_us", "max_us", "entries", "bytes", "text"}) // Error below tells
	for _, x := range shapes {
		_ = out.Write([]string{cell(x.Domain), x.ID, x.Kind, strconv.FormatUint(x.Count, 10), strconv.FormatUint(x.Errors, 10),
			strconv.FormatInt(x.Total.Microseconds(), 10), strconv.FormatInt(x.Max.Microseconds(), 10), strconv.FormatUint(x.Entries, 10), strconv.FormatUint(x.Bytes, 10), cell(x.Text)})
	}
	out.Flush()
	return out.Error()
}

func deleteCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "delete RUN", Short: "Forget one run", Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.ask(cmd, func(db *metricsdb.DB) error {
				if err := db.Delete(cmd.Context(), args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(s.stdout, "deleted run %s\n", args[0])
				return err
			})
		},
	}
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func short(id string) string { return id[:min(len(id), 8)] }

// printable keeps what a directory or a file sent from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
