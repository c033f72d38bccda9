// SPDX-License-Identifier: MIT

package metricsdb

import (
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Filter selects usages, a usage being one domain in one run. The zero value selects all; fields that are set must all hold.
type Filter struct {
	Run    string            // whole id
	Domain string            // exact name
	Host   string            // exact name
	PID    int               // process id; 0 for any
	App    string            // exact name
	Since  time.Time         // runs that had not ended before; inclusive
	Until  time.Time         // runs that had started before; exclusive
	Ended  instrument.RunEnd // how the run ended
	Limit  int               // newest so many; 0 for all
}

// where returns the conditions on runs r and usages u, starting with "WHERE" unless there are none, and their arguments.
// Runs that are left out are those whose newest word is elsewhere.
func (f Filter) where(without []document) (string, []any) {
	var c conditions
	c.text("r.run", f.Run)
	c.text("u.domain", f.Domain)
	c.text("r.host", f.Host)
	c.text("r.app", f.App)
	c.text("r.ended", string(f.Ended))
	if f.PID != 0 {
		c.add("r.pid = ?", f.PID)
	}
	if !f.Since.IsZero() {
		c.add("(r.end_us IS NULL OR r.end_us >= ?)", f.Since.UnixMicro())
	}
	c.until("r.start_us", f.Until)
	for _, d := range without {
		c.add("r.run <> ?", d.Run.ID)
	}
	return c.where(), c.args
}

// conditions collects what must hold all together.
type conditions struct {
	parts []string
	args  []any
}

func (c *conditions) add(condition string, values ...any) {
	c.parts, c.args = append(c.parts, condition), append(c.args, values...)
}

func (c *conditions) text(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

func (c *conditions) from(column string, t time.Time) {
	if !t.IsZero() {
		c.add(column+" >= ?", t.UnixMicro())
	}
}

func (c *conditions) until(column string, t time.Time) {
	if !t.IsZero() {
		c.add(column+" < ?", t.UnixMicro())
	}
}

func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(c.parts, " AND ")
}

// byRun reports whether the filter asks for more than a domain.
func (f Filter) byRun() bool {
	f.Domain, f.Limit = "", 0
	return f != Filter{}
}

// matches says of a run and domain outside the database what where says of those in it.
func (f Filter) matches(r instrument.Run, domain string) bool {
	return (f.Run == "" || f.Run == r.ID) &&
		(f.Domain == "" || f.Domain == domain) &&
		(f.Host == "" || f.Host == r.Host) &&
		(f.PID == 0 || f.PID == r.PID) &&
		(f.App == "" || f.App == r.App) &&
		(f.Since.IsZero() || r.End.IsZero() || !r.End.Before(f.Since)) &&
		(f.Until.IsZero() || r.Start.Before(f.Until)) &&
		(f.Ended == "" || f.Ended == r.Ended)
}
