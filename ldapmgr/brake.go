// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// removalKind is what a removal takes away. Each kind is counted apart.
type removalKind string

const (
	removeUser  removalKind = "user"
	removeFlag  removalKind = "flag"
	removeGroup removalKind = "group"
	removeField removalKind = "field"
)

// removal is one thing that a sync of everybody wants to take away.
type removal struct {
	kind removalKind
	key  string // of the person
	name string // of the flag, group or field
}

func (r removal) id() string {
	return strings.TrimSuffix(string(r.kind)+" "+r.key+" "+r.name, " ")
}

// findings are what a sync of everybody saw, as far as the brake must know.
type findings struct {
	complete    bool   // every page ended with a final answer and an empty cookie
	oneServer   bool   // all pages came from one server
	oneIdentity bool   // the server still takes the connection for the same account
	sentinel    string // why the sentinels are not proof that everything can be seen; "" when they are
	people      int    // found
	baseline    int    // of the last accepted run, or else the accounts there are
	totals      map[removalKind]int
	previous    Run
	now         time.Time
	confirmed   int // removals that an operator agreed to, having seen the number
}

// decide returns why each removal is held back; those that may be made are missing. wanted is what the next run compares
// with.
func (b Brake) decide(f findings, removals []removal) (held map[string]string, wanted map[string]time.Time) {
	held, wanted = map[string]string{}, map[string]time.Time{}
	counts := map[removalKind]int{}
	for _, r := range removals {
		counts[r.kind]++
		id := r.id()
		wanted[id] = f.now
		if first, ok := f.previous.Wanted[id]; ok && first.Before(f.now) {
			wanted[id] = first
		}
	}
	reasons := map[removalKind]string{}
	for kind, n := range counts {
		if reasons[kind] = b.refuses(f, len(removals)); reasons[kind] == "" && !f.agreed(len(removals)) && n > b.most(f.totals[kind]) {
			reasons[kind] = fmt.Sprintf("%d removals of this kind are more than %d of %d; to agree, confirm all %d removals",
				n, b.most(f.totals[kind]), f.totals[kind], len(removals))
		}
	}
	alone := fmt.Sprintf("more than %.3g %% of this kind: a second sync must agree, at least %v later", b.AgreeOver*100, b.AgreeGap)
	for _, r := range removals {
		id := r.id()
		many := float64(counts[r.kind]) > b.AgreeOver*float64(f.totals[r.kind])
		if reason := reasons[r.kind]; reason != "" {
			held[id] = reason
		} else if many && f.now.Sub(wanted[id]) < b.AgreeGap {
			held[id] = alone
		}
	}
	return held, wanted
}

// agreed reports whether an operator agreed to so many removals.
func (f findings) agreed(removals int) bool { return removals > 0 && f.confirmed == removals }

// refuses returns why nothing at all may be removed.
func (b Brake) refuses(f findings, removals int) string {
	switch {
	case !f.complete:
		return "the answer is not the whole"
	case !f.oneServer:
		return "the pages came from several servers"
	case !f.oneIdentity:
		return "the server does not take the connection for the service account any more"
	case f.sentinel != "":
		return f.sentinel
	case !b.enough(f) && !f.agreed(removals):
		return fmt.Sprintf("%d people are fewer than %.3g %% of the %d there were; to agree, confirm all %d removals",
			f.people, b.MinShare*100, f.baseline, removals)
	}
	return ""
}

// enough reports whether about as many people were found as before.
func (b Brake) enough(f findings) bool {
	return float64(f.people) >= b.MinShare*float64(f.baseline)
}

// most is how many removals of a kind are few.
func (b Brake) most(total int) int {
	return max(b.Removals, int(math.Floor(b.Share*float64(total))))
}

// removals lists what a plan takes away.
func (p Plan) removals() (all []removal) {
	if p.Create {
		return nil // who is new has nothing to lose, and must not get what the groups do not give
	}
	if p.Leave {
		all = append(all, removal{removeUser, p.Key, ""})
	}
	for _, c := range p.Flags {
		if !c.To && !p.Leave {
			all = append(all, removal{removeFlag, p.Key, c.Name})
		}
	}
	for _, g := range p.Quit {
		all = append(all, removal{removeGroup, p.Key, strings.ToLower(g)})
	}
	for _, c := range p.Fields {
		if c.To == nil {
			all = append(all, removal{removeField, p.Key, c.Name})
		}
	}
	return all
}

// without returns the plan without the removals that are held.
func (p Plan) without(held map[string]string) Plan {
	holds := func(kind removalKind, name, what string) bool {
		reason, is := held[removal{kind, p.Key, name}.id()]
		if is {
			p.Held = append(p.Held, Held{what, reason})
		}
		return is
	}
	if p.Leave && holds(removeUser, "", "account") {
		p.Leave, p.Flags, p.LastSync = false, nil, time.Time{}
		return p
	}
	p.Flags = slices.DeleteFunc(slices.Clone(p.Flags), func(c FlagChange) bool { return !c.To && !p.Leave && holds(removeFlag, c.Name, "flag "+c.Name) })
	p.Quit = slices.DeleteFunc(slices.Clone(p.Quit), func(g string) bool { return holds(removeGroup, strings.ToLower(g), "group "+g) })
	p.Fields = slices.DeleteFunc(slices.Clone(p.Fields), func(c FieldChange) bool { return c.To == nil && holds(removeField, c.Name, "field "+c.Name) })
	return p
}
