// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/metricsdb"
)

// Names are cut to mostName, or to what a line has room for but no less than leastName; a host with less is left out.
const (
	mostName     = 20
	leastName    = 6
	leastProgram = 10
)

// listTable prints one line for each run and domain. Where there is no room for all, the process id goes first, then most of
// the program, and then it.
func listTable(w io.Writer, rows []metricsdb.Row) error {
	lines := table{{"RUN", "DOMAIN", "PROGRAM", "HOST", "PID", "STARTED", "ENDED", "OPS", "ERRORS", "P95"}}
	for _, r := range rows {
		lines = append(lines, []string{
			short(r.Run), cut(printable(r.Domain), mostName), cut(printable(r.App), mostName), printable(r.Host), strconv.Itoa(r.PID),
			r.Start.Local().Format("01-02 15:04"), string(r.Ended),
			strconv.FormatUint(r.Operations, 10), strconv.FormatUint(r.Errors, 10), latencyText(r.LatencyP95),
		})
	}
	lines.right(len(lines[0])-3, len(lines[0])-1)
	return narrowed(lines).print(w)
}

// noUsage says what makes the first usage.
func (f *metricsFlags) noUsage(w io.Writer) error {
	_, err := fmt.Fprintf(w, "No saved usage in %s.\nRun ldapscope demo, end it with Ctrl-C, and look again.\n", f.database)
	return err
}

// nothing says why a table has no lines: nothing is saved at all, or not what was asked for.
func (f *metricsFlags) nothing(cmd *cobra.Command, w io.Writer, db *metricsdb.DB) error {
	saved, err := db.Runs(cmd.Context(), metricsdb.Filter{Limit: 1})
	if err != nil {
		return err
	}
	if len(saved) == 0 {
		return f.noUsage(w)
	}
	selected, err := db.Runs(cmd.Context(), f.filter)
	if err != nil {
		return err
	}
	text := "No saved run matches these filters."
	if len(selected) > 0 {
		text = "No operations are saved of these runs."
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

// narrowed makes a list fit the screen.
func narrowed(lines table) table {
	const domain, program, pid = 1, 2, 4
	host := 3
	room := func() int { return screen - lines.width(host) - 2 }
	crowded := func() bool { return room() < min(leastName, lines.widths()[host]) }
	if crowded() {
		lines = lines.without(pid)
	}
	if crowded() {
		missing := min(leastName, lines.widths()[host]) - room()
		lines.cut(program, max(lines.widths()[program]-missing, leastProgram))
	}
	if crowded() {
		lines, host = lines.without(program), program
	}
	if crowded() {
		lines = lines.without(host)
	} else {
		lines.cut(host, room())
	}
	lines.cut(domain, max(screen-lines.width(domain)-2, leastName))
	return lines
}
