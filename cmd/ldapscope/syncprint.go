// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
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
	if err := writePlan(w, s.Plan, s.colour); err != nil {
		return err
	}
	said := "nothing changes"
	switch {
	case s.Plan.Changed() && s.Applied:
		said = "done"
	case s.Plan.Changed():
		said = "nothing was changed; --apply does it"
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
	shown := r.Plans[:min(len(r.Plans), mostPlans)]
	for _, p := range shown {
		if err := writePlan(w, p, s.colour); err != nil {
			return err
		}
	}
	if n := len(r.Plans) - len(shown); n > 0 {
		fmt.Fprintf(w, "and %d more; --format json has all of them\n", n)
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
	done := "nothing was changed; --apply does it"
	if r.Applied {
		done = "applied"
	}
	if len(shown)+len(r.Failures) > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s: %s read and compared in %s\n", r.Domain, counted(r.People, "person", "people"), brief(r.Took.Round(time.Microsecond)))
	fmt.Fprintf(w, "%s, %d failed, %s", counted(len(r.Plans), "account changes", "accounts change"), len(r.Failures), counted(r.Removals, "removal", "removals"))
	if r.Held > 0 {
		fmt.Fprintf(w, ", %d of them kept back", r.Held)
	}
	_, err := fmt.Fprintf(w, ": %s\n", done)
	return err
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
