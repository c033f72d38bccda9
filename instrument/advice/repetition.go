// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// duplicates finds the same question asked again while nothing was written to the domain in between.
func duplicates(r *review, rule Rule) {
	asked := map[uint64][]*instrument.Operation{}
	var order []uint64
	var repeated [][]*instrument.Operation
	settle := func(domain string) { // what was asked of a domain before a write, or before the end
		order = slices.DeleteFunc(order, func(exact uint64) bool {
			ops := asked[exact]
			if domain != "" && ops[0].Domain != domain {
				return false
			}
			if len(ops) > 1 {
				repeated = append(repeated, ops)
			}
			delete(asked, exact)
			return true
		})
	}
	for _, op := range r.ended {
		switch {
		case op.Kind.Writes():
			settle(op.Domain)
		case op.Exact == 0 || op.Kind != instrument.KindSearch && op.Kind != instrument.KindCompare || op.Call.N > 1:
		default:
			if len(asked[op.Exact]) == 0 {
				order = append(order, op.Exact)
			}
			asked[op.Exact] = append(asked[op.Exact], op)
		}
	}
	settle("")
	if len(repeated) == 0 {
		return
	}
	var wasted time.Duration
	for _, same := range repeated {
		sum, longest := total(same)
		wasted += sum - longest
	}
	ops := slices.Concat(repeated...)
	evidence := fmt.Sprintf("%d operations ask %d questions", len(ops), len(repeated))
	if len(repeated) == 1 {
		evidence = fmt.Sprintf("the same question %d times", len(ops))
	}
	r.add(rule, 0, fmt.Sprintf("%s; %s went into answers that were there already", evidence, short(wasted)), ops...).Wasted = wasted
}

// loops finds searches of one shape that follow each other with other literals.
func loops(r *review, rule Rule) {
	for _, ops := range r.byShape() {
		if len(ops) < loopFrom || r.memberShapes()[ops[0].Shape] || distinct(ops) < loopFrom || overlaps(ops) {
			continue
		}
		sum, longest := total(ops)
		if sum < loopTime && sum*4 < r.request.LDAPTime {
			continue
		}
		r.add(rule, 0, fmt.Sprintf("%d searches of one shape one after the other, %s in all, %s each", len(ops), short(sum), short(sum/time.Duration(len(ops)))), ops...).Wasted = sum - longest
	}
}

func distinct(ops []*instrument.Operation) int {
	exact := map[uint64]bool{}
	for _, op := range ops {
		exact[op.Exact] = true
	}
	return len(exact)
}

// overlaps reports whether most of the operations ran at the same time as another: then they are no loop.
func overlaps(ops []*instrument.Operation) bool {
	n := 0
	for i := 1; i < len(ops); i++ {
		if ops[i].Start.Before(ops[i-1].Start.Add(ops[i-1].Duration)) {
			n++
		}
	}
	return n*2 > len(ops)
}

// memberReads finds entries that are read one by one by names which an earlier search returned as members, and groups that
// are asked one by one for the same person.
func memberReads(r *review, rule Rule) {
	for _, ops := range r.byShape() {
		if !r.memberShapes()[ops[0].Shape] {
			continue
		}
		sum, longest := total(ops)
		r.add(rule, 0, fmt.Sprintf("%d entries read one by one out of the members of a group, %s in all", len(ops), short(sum)), ops...).Wasted = sum - longest
	}
}

// memberShapes are the shapes of walks over members. They are told as that, and not as loops.
func (r *review) memberShapes() map[*instrument.Shape]bool {
	if r.members == nil {
		r.members = map[*instrument.Shape]bool{}
		for _, ops := range r.byShape() {
			if len(ops) >= membersFrom && ops[0].Search.Scope == instrument.ScopeBase && r.fromMembers(ops) {
				r.members[ops[0].Shape] = true
			}
		}
	}
	return r.members
}

// memberAttributes hold names of entries that applications follow.
var memberAttributes = []string{"member", "memberof", "uniquemember"}

// fromMembers reports whether most of the names that are read were values of member or memberOf before.
func (r *review) fromMembers(ops []*instrument.Operation) bool {
	if r.facts.Entries == nil {
		return false
	}
	names := map[string]bool{}
	for _, op := range r.ended {
		if op.Search == nil || op.Entries == 0 || op.Start.After(ops[0].Start) || op.Shape == ops[0].Shape || !asksFor(op.Search, memberAttributes...) {
			continue
		}
		for _, e := range r.facts.Entries(op.Seq) {
			for _, a := range e.Attributes {
				if name, _, _ := strings.Cut(strings.ToLower(a.Name), ";"); slices.Contains(memberAttributes, name) {
					for _, v := range a.Values {
						names[strings.ToLower(v.Text)] = true
					}
				}
			}
		}
	}
	n := 0
	for _, op := range ops {
		if names[strings.ToLower(op.Search.Base)] {
			n++
		}
	}
	return n >= membersFrom && n*2 >= len(ops)
}

// asksFor reports whether a search requests one of the attributes, by name or by asking for all.
func asksFor(s *instrument.Search, names ...string) bool {
	if len(s.Attributes) == 0 {
		return true
	}
	for _, a := range s.Attributes {
		name, _, _ := strings.Cut(strings.ToLower(a), ";")
		if name == "*" || slices.Contains(names, name) {
			return true
		}
	}
	return false
}

// sameEntry finds one entry that is read again with other attributes.
func sameEntry(r *review, rule Rule) {
	reads := r.searches(func(op *instrument.Operation) bool {
		return op.Search.Scope == instrument.ScopeBase && op.Search.Base != ""
	})
	question := func(op *instrument.Operation) string {
		return op.Domain + " " + strings.ToLower(op.Search.Base) + " " + strings.ToLower(op.Search.Filter)
	}
	for _, ops := range grouped(reads, question) {
		lists := map[string]bool{}
		for _, op := range ops {
			lists[strings.ToLower(strings.Join(op.Search.Attributes, ","))] = true
		}
		if len(lists) > 1 {
			sum, longest := total(ops)
			r.add(rule, 0, fmt.Sprintf("one entry read %d times with %d different lists of attributes", len(ops), len(lists)), ops...).Wasted = sum - longest
		}
	}
}

// staticReads finds the root entry or the schema read within an HTTP request.
func staticReads(r *review, rule Rule) {
	if r.request.Kind != "http" {
		return
	}
	ops := r.searches(func(op *instrument.Operation) bool {
		base := strings.ToLower(op.Search.Base)
		return op.Search.Scope == instrument.ScopeBase && (base == "" || base == "cn=subschema" || strings.HasPrefix(base, "cn=schema,")) && op.Result.Received
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "read", "reads")+" of the root entry or of the schema", ops...)
	}
}

// overBudget finds HTTP requests that ask very often, or wait for the directory most of their time.
func overBudget(r *review, rule Rule) {
	if r.request.Kind != "http" || r.request.Running {
		return
	}
	calls := 0
	for _, op := range r.ops {
		if op.Call.N <= 1 {
			calls++
		}
	}
	share := float64(r.request.LDAPTime) / float64(max(r.request.Duration, 1))
	switch {
	case calls > budget:
		r.add(rule, 0, fmt.Sprintf("%d calls in one HTTP request, %s with an operation open", calls, short(r.request.LDAPTime)), r.ended...)
	case r.request.LDAPTime >= ldapTime && share > 0.5:
		r.add(rule, Low, fmt.Sprintf("%.0f %% of %s with an operation open", share*100, short(r.request.Duration)), r.ended...)
	}
}
