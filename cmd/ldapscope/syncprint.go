// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// mostPlans is how many people's changes are printed; programs get all of them as JSON.
const mostPlans = 200

// syncedOne is the sync of one person.
type syncedOne struct {
	Applied bool         `json:"applied"`
	Plan    ldapmgr.Plan `json:"plan"`
	colour  bool
}

func (s *syncedOne) text(w io.Writer) error {
	plans, reasons := reasonsApart([]ldapmgr.Plan{s.Plan})
	if err := writePlan(w, plans[0], s.colour); err != nil {
		return err
	}
	if err := writeReasons(w, reasons); err != nil {
		return err
	}
	said := "nothing changes"
	switch {
	case s.Plan.Changed() && s.Applied:
		said = "done"
	case s.Plan.Changed():
		said = "nothing was changed; --apply does it"
	}
	if n := len(s.Plan.Held); n > 0 {
		said += "; " + counted(n, "removal is", "removals are") + " kept back"
	}
	_, err := fmt.Fprintf(w, "\n%s\n", said)
	return err
}

// syncedAll is the sync of everybody.
type syncedAll struct {
	Reports []*ldapmgr.Report `json:"reports"`
	colour  bool
}

func (s *syncedAll) text(w io.Writer) error {
	for _, r := range s.Reports {
		if err := s.report(w, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *syncedAll) report(w io.Writer, r *ldapmgr.Report) error {
	shown, reasons := reasonsApart(r.Plans[:min(len(r.Plans), mostPlans)])
	for _, p := range shown {
		if err := writePlan(w, p, s.colour); err != nil {
			return err
		}
	}
	if n := len(r.Plans) - len(shown); n > 0 {
		fmt.Fprintf(w, "and %d more; --format json has all of them\n", n)
	}
	if err := writeReasons(w, reasons); err != nil {
		return err
	}
	if len(r.Failures) > 0 {
		fmt.Fprintln(w, "could not be synced")
		lines := table{}
		for _, f := range r.Failures[:min(len(r.Failures), mostPlans)] {
			lines = append(lines, []string{"  " + cut(printable(f.DN), screen/2), printable(f.Reason)})
		}
		if err := lines.folded().print(w); err != nil {
			return err
		}
	}
	if len(shown)+len(r.Failures) > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s: %s read and compared in %s\n", r.Domain, counted(r.People, "person", "people"), brief(r.Took.Round(time.Microsecond)))
	changed := 0
	for _, p := range r.Plans {
		if p.Changed() {
			changed++
		}
	}
	between := ": "
	if r.Held > 0 {
		between = "\n" // the outcome is long then
	}
	_, err := fmt.Fprintf(w, "%s, %d failed, %s%s%s\n", counted(changed, "account changes", "accounts change"), len(r.Failures),
		counted(r.Removals, "removal", "removals"), between, outcome(r, changed))
	return err
}

// outcome says what was done and what was not.
func outcome(r *ldapmgr.Report, changed int) string {
	held, were := fmt.Sprintf("%d of %d removals", r.Held, r.Removals), "were"
	if r.Held == r.Removals {
		held = fmt.Sprintf("all %d removals", r.Held)
	}
	if r.Held == 1 {
		were = "was"
	}
	if r.Removals == 1 {
		held = "the only removal"
	}
	switch {
	case r.Applied && r.Held == 0:
		return "applied"
	case r.Applied && changed == 0:
		return "nothing was applied: " + held + " " + were + " kept back"
	case r.Applied:
		return "applied; " + held + " " + were + " kept back"
	case r.Held == 0:
		return "nothing was changed; --apply does it"
	case changed == 0:
		return "nothing was changed, and --apply keeps " + held + " back"
	}
	return "nothing was changed; --apply does it and keeps " + held + " back"
}

// reasonsApart returns the plans with a number in the place of each reason that is told of several removals, and these reasons,
// the first with number 1: a brake usually has the same to say of hundreds.
func reasonsApart(plans []ldapmgr.Plan) (short []ldapmgr.Plan, reasons []string) {
	told := map[string]int{}
	for _, p := range plans {
		for _, h := range p.Held {
			if told[h.Reason]++; told[h.Reason] == 2 {
				reasons = append(reasons, h.Reason)
			}
		}
	}
	short = slices.Clone(plans)
	for i, p := range short {
		short[i].Held = slices.Clone(p.Held)
		for j, h := range p.Held {
			if n := slices.Index(reasons, h.Reason); n >= 0 {
				short[i].Held[j].Reason = fmt.Sprintf("see reason %d below", n+1)
			}
		}
	}
	return short, reasons
}

func writeReasons(w io.Writer, reasons []string) error {
	lines := table{}
	for i, reason := range reasons {
		lines = append(lines, []string{fmt.Sprintf("  %d", i+1), printable(reason)})
	}
	return titled(w, "kept back because", lines)
}

// writePlan prints a plan line by line: green for what comes, red for what goes, yellow for what is kept back.
func writePlan(w io.Writer, p ldapmgr.Plan, colour bool) error {
	for i, text := range strings.Split(p.String(), "\n") {
		text = printable(text)
		if i > 0 && colour && len(text) > 2 {
			if code, ok := map[byte]string{'+': "32", '-': "31", '!': "33"}[text[2]]; ok {
				text = "\x1b[" + code + "m" + text + "\x1b[0m"
			}
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}

// colour reports whether stdout is a terminal of somebody who did not say no to colours (no-color.org).
func (s *surroundings) colour() bool { return s.env["NO_COLOR"] == "" && onTerminal(s.stdout) }
