// SPDX-License-Identifier: MIT

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/metricsdb"
)

func pruneCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	var before instant
	var most amount
	var dry bool
	cmd := &cobra.Command{
		Use: "prune", Short: "Forget old usage and give its space back", Args: noArguments,
		Long: `Forget runs that ended long ago, or the oldest until what is left is small
enough, and give the space back to the disk. Runs that go on and pinned
operations stay. --dry-run says what would go, and changes nothing.

  ldapscope metrics prune --older-than 30d --dry-run
  ldapscope metrics prune --older-than 30d --max-size 100MB`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if time.Time(before).IsZero() && most == 0 {
				return usageError{errors.New("say what may go: --older-than 30d, --max-size 100MB, or both; --dry-run shows what that would be")}
			}
			err := f.ask(cmd, func(db *metricsdb.DB) error {
				said := newProgress(s.stderr)
				done, err := db.Prune(cmd.Context(), metricsdb.Retention{
					Before: time.Time(before), MaxBytes: int64(most), DryRun: dry,
					Progress: func(p metricsdb.Pruned) { said.tell("forgot %d runs so far", p.Runs) },
				})
				if err != nil {
					return err
				}
				return f.pruned(s.stdout, done)
			})
			return absent(err, func() error {
				return f.pruned(s.stdout, metricsdb.Pruned{DryRun: dry, Forgotten: []metricsdb.Forgotten{}})
			})
		},
	}
	cmd.Flags().Var(&before, "older-than", "forget what ended before then: 30d, 24h or 2026-03-29")
	cmd.Flags().Var(&most, "max-size", "forget the oldest runs until no more is left: 100MB, 2GiB")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be forgotten")
	return cmd
}

func (f *metricsFlags) pruned(w io.Writer, p metricsdb.Pruned) error {
	switch f.format {
	case "json":
		return writeJSON(w, p)
	case "csv":
		return prunedCSV(w, p)
	}
	const shown = 20
	if p.Runs > 0 {
		lines := table{{"RUN", "PROGRAM", "HOST", "STARTED", "ENDED", "SNAPSHOTS"}}
		for _, r := range p.Forgotten[:min(len(p.Forgotten), shown)] {
			lines = append(lines, []string{short(r.Run), cut(printable(r.App), mostName), cut(printable(r.Host), mostName/2), r.Start.Local().Format("2006-01-02 15:04"), string(r.Ended), strconv.Itoa(r.Snapshots)})
		}
		if err := lines.print(w); err != nil {
			return err
		}
		if p.Runs > shown {
			fmt.Fprintf(w, "and %d more\n", p.Runs-shown)
		}
		fmt.Fprintln(w)
	}
	verb := "Forgot"
	if p.DryRun {
		verb = "Would forget"
	}
	_, err := fmt.Fprintf(w, "%s %s and %s: %s; %s stay.\n", verb, counted(p.Runs, "run", "runs"), counted(p.Snapshots, "snapshot", "snapshots"), bytesText(p.Bytes), bytesText(p.Left))
	return err
}

func prunedCSV(w io.Writer, p metricsdb.Pruned) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"run", "app", "host", "pid", "start", "end", "ended", "snapshots", "dry_run"}) // Error below tells
	for _, r := range p.Forgotten {
		end := ""
		if r.End != nil {
			end = r.End.Format(time.RFC3339Nano)
		}
		_ = out.Write([]string{
			r.Run, cell(r.App), cell(r.Host), strconv.Itoa(r.PID), r.Start.Format(time.RFC3339Nano), end, string(r.Ended), strconv.Itoa(r.Snapshots), strconv.FormatBool(p.DryRun),
		})
	}
	out.Flush()
	return out.Error()
}
