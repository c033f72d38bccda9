// SPDX-License-Identifier: MIT

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/metricsdb"
)

// comparedAtMost is how many runs a filter may bring into one comparison: more columns do not fit a terminal.
const comparedAtMost = 4

func compareCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "compare [RUN RUN...]", Short: "Set runs side by side and show what changed",
		Long: `Set runs side by side. The first is the baseline; CHANGE is that of the last
run against it. What chance explains is left out: a count must differ by more
than three standard deviations and by 5 %, a sum such as bytes by more than
that of the operations behind it, a latency by more than its histogram can
tell apart (34 %), from 20 operations on. --all shows the rest too, marked
with ~.

  ldapscope metrics compare BEFORE AFTER
  ldapscope metrics compare --app payroll --since 7d

Without names the newest four runs that the filters select are compared, the
oldest of them as the baseline. With names only --domain selects further.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) > 1 && f.selects() {
				return usageError{errors.New("name two or more runs, as ldapscope metrics list shows them, or select them with filters such as --app; not both")}
			}
			return f.ask(cmd, func(db *metricsdb.DB) error {
				names, err := f.compared(cmd, db, args)
				if err != nil {
					return err
				}
				c, err := db.Compare(cmd.Context(), names...)
				if err != nil {
					return err
				}
				c.Domains = slices.DeleteFunc(c.Domains, func(d metricsdb.DomainComparison) bool {
					return f.filter.Domain != "" && d.Domain != f.filter.Domain
				})
				return f.compare(s.stdout, c, all)
			})
		},
	}
	f.selecting(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also show what chance explains")
	return cmd
}

// selects reports whether a filter is set that selects runs.
func (f *metricsFlags) selects() bool {
	other := f.filter
	other.Domain = ""
	return other != metricsdb.Filter{} || f.ended != ""
}

// compared returns the runs that are named, or else the newest that the filters select, the oldest first.
func (f *metricsFlags) compared(cmd *cobra.Command, db *metricsdb.DB, named []string) ([]string, error) {
	if len(named) > 0 {
		return named, nil
	}
	rows, err := db.Runs(cmd.Context(), f.filter)
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, r := range rows {
		if !slices.Contains(runs, r.Run) && len(runs) < comparedAtMost {
			runs = append(runs, r.Run)
		}
	}
	if len(runs) < 2 {
		return nil, fmt.Errorf("%d runs are selected in %s, and comparing takes two: widen the filters, or name runs", len(runs), f.database)
	}
	slices.Reverse(runs)
	return runs, nil
}

func (f *metricsFlags) compare(w io.Writer, c metricsdb.Comparison, all bool) error {
	switch f.format {
	case "json":
		return writeJSON(w, c)
	case "csv":
		return compareCSV(w, c)
	}
	const mostOther = 50 // columns of all but the program
	lines := table{{"", "RUN", "PROGRAM", "STARTED", "ENDED", ""}}
	for i, r := range c.Runs {
		role := ""
		if i == 0 {
			role = "baseline"
		}
		lines = append(lines, []string{letter(i), short(r.ID), cut(printable(strings.TrimSpace(r.App+" "+r.Version)), screen-mostOther), r.Start.Local().Format("01-02 15:04"), string(r.Ended), role})
	}
	if err := lines.print(w); err != nil {
		return err
	}
	figures, hidden := 0, 0
	for _, d := range c.Domains {
		h, err := compareDomain(w, d, all)
		if err != nil {
			return err
		}
		figures, hidden = figures+len(d.Counters)+len(d.Latency)+len(d.Shapes), hidden+h
	}
	if hidden == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%d of %d figures differ by no more than chance explains; --all shows them too.\n", hidden, figures)
	return err
}

// compareDomain prints the figures of a domain and returns how many it left out.
func compareDomain(w io.Writer, d metricsdb.DomainComparison, all bool) (hidden int, err error) {
	var lines table
	for _, x := range slices.Concat(d.Counters, d.Latency, d.Shapes) {
		if !x.Notable && !all {
			hidden++
			continue
		}
		line := []string{figureName(x)}
		for _, v := range x.Values {
			line = append(line, figureText(x.Name, v))
		}
		lines = append(lines, append(line, figureChange(x)))
	}
	if len(lines) == 0 {
		return hidden, nil
	}
	head := []string{"domain " + cut(printable(d.Domain), 2*mostName)}
	for i := range lines[0][2:] {
		head = append(head, letter(i))
	}
	lines = append(table{append(head, "CHANGE")}, lines...)
	if _, err := fmt.Fprintln(w); err != nil {
		return hidden, err
	}
	lines.cut(0, max(screen-lines.width(0)-2, mostName))
	lines.right(1, len(lines[0])-1)
	return hidden, lines.print(w)
}

func letter(i int) string { return string(rune('A' + i%26)) }

func figureName(x metricsdb.Difference) string {
	if x.Text != "" {
		return "  " + printable(x.Text)
	}
	return "  " + strings.NewReplacer("_", " ", ".", " ").Replace(strings.TrimSuffix(x.Name, timeName))
}

func figureChange(x metricsdb.Difference) string {
	first, last := x.Values[0], x.Values[len(x.Values)-1]
	text := fmt.Sprintf("%+.0f %%", 100*x.Change)
	switch {
	case math.Abs(x.Change) < 0.005:
		text = "same"
	case first == 0:
		text = "new"
	case last == 0:
		text = "gone"
	}
	if !x.Notable {
		return "~ " + text
	}
	return text
}

// compareCSV writes every figure, with the ids of the runs in the head.
func compareCSV(w io.Writer, c metricsdb.Comparison) error {
	out := csv.NewWriter(w)
	head := []string{"domain", "figure", "name", "text"}
	for _, r := range c.Runs {
		head = append(head, r.ID)
	}
	_ = out.Write(append(head, "change", "notable")) // Error below tells
	for _, d := range c.Domains {
		for _, group := range []struct {
			name    string
			figures []metricsdb.Difference
		}{{"counter", d.Counters}, {"latency", d.Latency}, {"shape", d.Shapes}} {
			for _, x := range group.figures {
				line := []string{cell(d.Domain), group.name, cell(x.Name), cell(x.Text)}
				for _, v := range x.Values {
					line = append(line, strconv.FormatUint(v, 10))
				}
				_ = out.Write(append(line, strconv.FormatFloat(x.Change, 'f', 4, 64), strconv.FormatBool(x.Notable)))
			}
		}
	}
	out.Flush()
	return out.Error()
}
