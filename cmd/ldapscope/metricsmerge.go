// SPDX-License-Identifier: MIT

package main

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/metricsdb"
)

// mergedFile is what one file has brought.
type mergedFile struct {
	File string `json:"file"`
	metricsdb.Imported
}

func mergeCommand(s *surroundings, f *metricsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "merge FILE...", Short: "Bring the usage of other hosts into this database",
		Long: `Copy the runs of other databases, such as those of other hosts, into this one,
with the spools that lie beside them. The files are not changed, and merging
one again brings only what is new in it.

  scp web1:.local/state/ldapscope/usage.db web1.db
  ldapscope metrics merge web1.db
  ldapscope metrics list --host web1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("name one or more databases of other hosts")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.open(cmd, !vacant(f.database), func(db *metricsdb.DB) error {
				said := newProgress(s.stderr)
				merged, problems := []mergedFile{}, []error{}
				for _, file := range args {
					done, err := db.Import(cmd.Context(), file, func(i metricsdb.Imported) {
						said.tell("%s: merged %d of %d runs, %d snapshots", file, i.Runs, i.Total, i.Snapshots)
					})
					if err != nil {
						problems = append(problems, err)
						continue
					}
					merged = append(merged, mergedFile{file, done})
				}
				return errors.Join(f.merged(s.stdout, merged), errors.Join(problems...))
			})
		},
	}
}

// vacant reports whether a database can be created at the path without taking the place of anything.
func vacant(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0
}

func (f *metricsFlags) merged(w io.Writer, files []mergedFile) error {
	if f.format == "json" {
		return writeJSON(w, files)
	}
	lines := table{{"file", "runs", "snapshots"}}
	for _, m := range files {
		lines = append(lines, []string{m.File, strconv.Itoa(m.Runs), strconv.Itoa(m.Snapshots)})
	}
	if f.format == "csv" {
		for _, line := range lines[1:] {
			line[0] = cell(line[0])
		}
		return csv.NewWriter(w).WriteAll(lines)
	}
	if len(files) == 0 {
		return nil
	}
	lines[0] = []string{"FILE", "RUNS", "SNAPSHOTS"}
	return lines.print(w)
}
