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
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/metricsdb"
)

func recordingsCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	var run string
	var remove bool
	cmd := &cobra.Command{
		Use: "recordings [NAME]", Short: "Keep slow and failed operations under a name, and show them",
		Long: `Slow and failed operations go when their run is forgotten. What is kept under
a name stays until it is deleted; a run that is still there keeps what it had.

  ldapscope metrics recordings NAME --keep RUN    keep those of a run
  ldapscope metrics recordings                    list the names
  ldapscope metrics recordings NAME               show the operations
  ldapscope metrics recordings NAME --delete      give the name up`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && (run != "" || remove) || run != "" && remove {
				return usageError{errors.New("name one recording, and with it --keep RUN, --delete or neither")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return f.listRecordings(cmd, s.stdout)
			}
			return f.ask(cmd, func(db *metricsdb.DB) error {
				switch {
				case run != "":
					kept, err := db.KeepRecording(cmd.Context(), args[0], run)
					return f.recordingChanged(s.stdout, "kept", args[0], kept, err)
				case remove:
					gone, err := db.DeleteRecording(cmd.Context(), args[0])
					return f.recordingChanged(s.stdout, "deleted", args[0], gone, err)
				}
				return f.recording(cmd, s.stdout, db, args[0])
			})
		},
	}
	cmd.Flags().StringVar(&run, "keep", "", "keep the slow and failed operations of this run under the name")
	cmd.Flags().BoolVar(&remove, "delete", false, "give up what is kept under the name")
	return cmd
}

func (f *metricsFlags) listRecordings(cmd *cobra.Command, w io.Writer) error {
	err := f.ask(cmd, func(db *metricsdb.DB) error {
		all, err := db.Recordings(cmd.Context())
		if err != nil {
			return err
		}
		return f.recordings(w, all)
	})
	return absent(err, func() error { return f.recordings(w, nil) })
}

func (f *metricsFlags) recordings(w io.Writer, all []metricsdb.Recording) error {
	switch f.format {
	case "json":
		return writeJSON(w, nonNil(all))
	case "csv":
		lines := [][]string{{"name", "operations", "runs", "first", "last"}}
		for _, r := range all {
			lines = append(lines, []string{cell(r.Name), strconv.Itoa(r.Operations), strconv.Itoa(r.Runs), r.First.Format(time.RFC3339Nano), r.Last.Format(time.RFC3339Nano)})
		}
		return csv.NewWriter(w).WriteAll(lines)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "Nothing is kept under a name in %s.\nTo keep the slow and failed operations of a run: ldapscope metrics recordings NAME --keep RUN\n", f.database)
		return err
	}
	lines := table{{"NAME", "OPERATIONS", "RUNS", "FIRST", "LAST"}}
	for _, r := range all {
		lines = append(lines, []string{
			printable(r.Name), strconv.Itoa(r.Operations), strconv.Itoa(r.Runs), r.First.Local().Format("2006-01-02 15:04"), r.Last.Local().Format("2006-01-02 15:04"),
		})
	}
	lines.cut(0, max(screen-lines.width(0)-2, mostName))
	lines.right(1, 2)
	return lines.print(w)
}

func (f *metricsFlags) recordingChanged(w io.Writer, verb, name string, operations int, err error) error {
	switch {
	case err != nil:
		return err
	case f.format == "json":
		return writeJSON(w, map[string]any{"name": name, verb: operations})
	case f.format == "csv":
		return csv.NewWriter(w).WriteAll([][]string{{"name", verb}, {cell(name), strconv.Itoa(operations)}})
	}
	_, err = fmt.Fprintf(w, "%s %s under %s\n", verb, counted(operations, "operation", "operations"), printable(name))
	return err
}

// recording shows the operations that are kept under a name.
func (f *metricsFlags) recording(cmd *cobra.Command, w io.Writer, db *metricsdb.DB, name string) error {
	all, err := db.Operations(cmd.Context(), metricsdb.OperationQuery{Note: name, Reason: metricsdb.ReasonPinned, Limit: math.MaxInt32})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("nothing is kept under %q in %s; ldapscope metrics recordings lists the names", name, f.database)
	}
	switch {
	case err != nil:
		return err
	case f.format == "json":
		return writeJSON(w, all)
	case f.format == "csv":
		return operationsCSV(w, all)
	}
	lines := table{{"STARTED", "RUN", "DOMAIN", "DURATION", "OPERATION"}}
	for _, o := range slices.Backward(all) {
		lines = append(lines, []string{
			o.Start.Local().Format("01-02 15:04:05"), short(o.Run), cut(printable(o.Domain), mostName), brief(time.Duration(o.Duration) * time.Microsecond), printable(keptText(o)),
		})
	}
	lines.right(3, 3)
	return lines.folded().print(w)
}

func operationsCSV(w io.Writer, all []metricsdb.SavedOperation) error {
	lines := [][]string{{"run", "seq", "domain", "kind", "shape", "reason", "start", "duration_us", "code", "name", "text"}}
	for _, o := range all {
		lines = append(lines, []string{
			o.Run, strconv.FormatUint(o.Seq, 10), cell(o.Domain), o.Kind, o.Shape, string(o.Reason), o.Start.Format(time.RFC3339Nano),
			strconv.FormatInt(o.Duration, 10), strconv.FormatInt(o.Code, 10), cell(o.Note), cell(keptText(o)),
		})
	}
	return csv.NewWriter(w).WriteAll(lines)
}
