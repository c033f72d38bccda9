// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// cost is what an answer cost, operation by operation. Times are microseconds.
type cost struct {
	Operations    []spent `json:"operations"`
	Connections   uint64  `json:"connections"` // opened
	ConnectMicros int64   `json:"connect_us"`  // look-up, TCP and TLS of these
	BytesSent     uint64  `json:"bytes_sent"`
	BytesReceived uint64  `json:"bytes_received"`
	TookMicros    int64   `json:"took_us"` // from the question to the answer
}

// spent is one operation, in the words of the panel's API.
type spent struct {
	Kind     string     `json:"kind"`
	Step     string     `json:"step,omitempty"`
	Server   string     `json:"server"`
	State    string     `json:"state"`
	DN       string     `json:"dn,omitempty"`
	Search   *spentSeek `json:"search,omitempty"`
	Bind     *spentBind `json:"bind,omitempty"`
	Extended string     `json:"extended,omitempty"`
	Result   *spentCode `json:"result,omitempty"`
	Entries  int        `json:"entries"`
	Sent     int64      `json:"bytes_sent"`
	Received int64      `json:"bytes_received"`
	Micros   int64      `json:"duration_us"`
	shape    string
}

type spentSeek struct {
	Base       string   `json:"base"`
	Scope      string   `json:"scope"`
	Filter     string   `json:"filter"`
	Attributes []string `json:"attributes"`
	Page       int      `json:"page,omitempty"`
}

type spentBind struct {
	Method string `json:"method"`
	Name   string `json:"name"`
}

type spentCode struct {
	Code int64  `json:"code"`
	Name string `json:"name"`
	Hint string `json:"hint,omitempty"`
}

// mostSpent is how many operations are told of; there is no question that costs more than a few but a sync.
const mostSpent = 100_000

// costOf reads what a scope saw.
func costOf(scope *instrument.Scope, took time.Duration) cost {
	c := cost{Operations: []spent{}, TookMicros: took.Microseconds()}
	for _, s := range scope.Snapshots() {
		c.Connections += s.Usage.OpenSockets
		c.BytesSent += s.Usage.BytesTransmitted
		c.BytesReceived += s.Usage.BytesReceived
	}
	ops := scope.Recorder().Since(0, mostSpent).Operations
	slices.SortFunc(ops, func(a, b instrument.Operation) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, op := range ops {
		c.ConnectMicros += (op.Timing.Dial + op.Timing.TLS).Microseconds()
		c.Operations = append(c.Operations, spentOn(op))
	}
	return c
}

func spentOn(op instrument.Operation) spent {
	s := spent{
		Kind: op.Kind.String(), Step: op.Step, Server: op.Server, State: op.State.String(), DN: op.DN, Entries: op.Entries,
		Sent: op.BytesSent, Received: op.BytesReceived, Micros: op.Duration.Microseconds(),
	}
	if op.Shape != nil {
		s.shape = op.Shape.Text
	}
	if q := op.Search; q != nil {
		s.Search = &spentSeek{q.Base, q.Scope.String(), q.Filter, nonNil(q.Attributes), q.Page}
	}
	if b := op.Bind; b != nil {
		s.Bind = &spentBind{cmp.Or(b.Mechanism, b.Method), b.Name}
	}
	if e := op.Extended; e != nil {
		s.Extended = cmp.Or(e.Name, e.OID)
	}
	if r := op.Result; r.Received {
		s.Result = &spentCode{r.Code, r.Name, r.Hint}
	}
	return s
}

// what is the one thing that tells an operation from others: the filter, or whom it is about.
func (s spent) what() string {
	switch {
	case s.Search != nil && s.Search.Scope == "base":
		return cmp.Or(s.Search.Base, "rootDSE")
	case s.Search != nil:
		return s.Search.Filter
	case s.Bind != nil:
		return cmp.Or(s.Bind.Name, s.Bind.Method)
	}
	return cmp.Or(s.DN, s.Extended)
}

func (s spent) result() string {
	if s.Result != nil {
		return s.Result.Name
	}
	if s.State == instrument.StateDone.String() {
		return "-" // unbind has no answer
	}
	return s.State
}

// foldFrom is the number of operations from which those of one shape share a line.
const foldFrom = 20

// print writes one line for each operation, or for each kind of it where there are many, and a sum.
func (c cost) print(w io.Writer) error {
	lines := table{{"STEP", "KIND", "ENTRIES", "TIME", "RESULT", "WHAT"}}
	for _, l := range c.lines() {
		what := l.what()
		if l.times > 1 {
			what = fmt.Sprintf("%d times %s", l.times, cmp.Or(l.shape, what))
		}
		entries := ""
		if l.Search != nil {
			entries = strconv.Itoa(l.Entries)
		}
		lines = append(lines, []string{cmp.Or(l.Step, "-"), l.Kind, entries, brief(time.Duration(l.Micros) * time.Microsecond), l.result(), printable(what)})
	}
	if len(lines) > 1 {
		const step, entries, took = 0, 2, 3
		lines.right(entries, took)
		if !slices.ContainsFunc(c.Operations, func(s spent) bool { return s.Step != "" }) {
			lines = lines.without(step)
		}
		if err := lines.folded().print(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, c.sum())
	return err
}

// line is one operation, or several that look alike.
type line struct {
	spent
	times int
}

// lines puts operations of one step, shape and result together where there are many.
func (c cost) lines() []line {
	type alike struct{ step, kind, shape, result string }
	first := map[alike]int{}
	var all []line
	for _, s := range c.Operations {
		key := alike{s.Step, s.Kind, cmp.Or(s.shape, s.what()), s.result()}
		at, known := first[key]
		if !known || len(c.Operations) < foldFrom {
			first[key] = len(all)
			all = append(all, line{s, 1})
			continue
		}
		all[at].times++
		all[at].Entries += s.Entries
		all[at].Micros += s.Micros
	}
	return all
}

func (c cost) sum() string {
	text := fmt.Sprintf("%s in %s, %s received", counted(len(c.Operations), "operation", "operations"),
		brief(time.Duration(c.TookMicros)*time.Microsecond), bytesText(int64(min(c.BytesReceived, 1<<62))))
	if c.Connections > 0 {
		text += fmt.Sprintf("; %s took %s", counted(int(min(c.Connections, 1<<30)), "new connection", "new connections"),
			brief(time.Duration(c.ConnectMicros)*time.Microsecond))
	}
	return text
}

// counted writes a number with what it counts.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
