// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/instrument"
)

// selecting adds the flags that select runs.
func (f *metricsFlags) selecting(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.filter.Domain, "domain", "", "only this domain")
	cmd.Flags().StringVar(&f.filter.Host, "host", "", "only this host")
	cmd.Flags().IntVar(&f.filter.PID, "pid", 0, "only this process id")
	cmd.Flags().StringVar(&f.filter.App, "app", "", "only this program")
	cmd.Flags().StringVar(&f.ended, "ended", "", "only runs that ended so: clean, unclean or running")
	cmd.Flags().Var((*instant)(&f.filter.Since), "since", "only what went on since then: 24h, 7d or 2026-03-29")
	cmd.Flags().Var((*instant)(&f.filter.Until), "until", "only what had begun before then, likewise")
	choices(cmd, "ended", string(instrument.RunClean), string(instrument.RunUnclean), string(instrument.RunRunning))
}

// instant is a flag that takes a duration back from now, or a date.
type instant time.Time

// instantForms are the dates that are understood, in local time unless they say otherwise.
var instantForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly,
}

// Set implements the interface of flags.
func (i *instant) Set(text string) error {
	if back, err := ago(text); err == nil {
		*i = instant(time.Now().Add(-back))
		return nil
	}
	for _, form := range instantForms {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			*i = instant(t)
			return nil
		}
	}
	return fmt.Errorf("it is neither a duration back from now, such as 90m, 24h or 7d, nor a date, such as 2026-03-29 or 2026-03-29T14:00")
}

// String implements the interface of flags; an unset flag has no default to show.
func (i *instant) String() string {
	if t := (*time.Time)(i); !t.IsZero() {
		return t.Format(time.RFC3339)
	}
	return ""
}

// Type implements the interface of flags: what help calls the value.
func (i *instant) Type() string { return "time" }

// longest keeps what is counted back from now within what a time can be.
const longest = 100 * 365 * 24 * time.Hour

// ago reads a duration of Go's, or a number of days or weeks.
func ago(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	for unit, days := range map[string]float64{"d": 1, "w": 7} {
		if number, has := strings.CutSuffix(text, unit); has && err != nil {
			var n float64
			if n, err = strconv.ParseFloat(number, 64); err == nil && n*days*24 <= longest.Hours() {
				d = time.Duration(n * days * 24 * float64(time.Hour))
			} else {
				d = -1
			}
		}
	}
	if err == nil && (d < 0 || d > longest) {
		err = fmt.Errorf("%q is not between now and a hundred years ago", text)
	}
	return d, err
}

// amount is a flag that takes a number of bytes.
type amount int64

// amountUnits are what a number of bytes may end with, in capitals or not, the longest first. Those of 1024 say so.
var amountUnits = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"B", 1}, {"", 1},
}

// Set implements the interface of flags.
func (a *amount) Set(text string) error {
	for _, unit := range amountUnits {
		number, has := strings.CutSuffix(strings.ToLower(text), strings.ToLower(unit.name))
		if !has {
			continue
		}
		if n, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil && n > 0 && n*unit.bytes < 1<<62 {
			*a = amount(n * unit.bytes)
			return nil
		}
	}
	return fmt.Errorf("it is no size: write a number with a unit, such as 500kB, 100MB or 2GiB")
}

// String implements the interface of flags; an unset flag has no default to show.
func (a *amount) String() string {
	if *a == 0 {
		return ""
	}
	return bytesText(int64(*a))
}

// Type implements the interface of flags: what help calls the value.
func (a *amount) Type() string { return "size" }
