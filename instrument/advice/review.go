// SPDX-License-Identifier: MIT

package advice

import (
	"cmp"
	"slices"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Facts are what is known beside the operations. Every field may be left out; rules that need it then find nothing.
type Facts struct {
	// Vendor names what a domain's servers are; "" for unknown.
	Vendor func(domain string) string
	// Entries returns the entries that were kept of a search. It is asked of few operations.
	Entries func(seq uint64) []instrument.Entry
	// Known reports whether the schema of a domain has an attribute; loaded is false without a schema.
	Known func(domain, attribute string) (known, loaded bool)
}

// Limits of the rules, from which on something counts.
const (
	loopFrom        = 5                      // searches of one shape in a row
	loopTime        = 50 * time.Millisecond  // that they take together
	membersFrom     = 3                      // entries read one by one out of a list of names
	budget          = 10                     // calls in one HTTP request
	ldapTime        = 200 * time.Millisecond // of a request, from which its share counts
	slow            = 500 * time.Millisecond
	verySlow        = 2 * time.Second
	scanned         = 200 * time.Millisecond // from which a search that no index serves is felt
	growing         = 500                    // entries without paging
	manyEntries     = 5000
	manyBytes       = 5 << 20
	largeEntry      = 64 << 10
	rangeBytes      = 20 << 10 // of an entry whose values may have been cut
	largeFilter     = 8 << 10
	mostClauses     = 50
	starving        = 20 * time.Millisecond
	refusedFrom     = 3
	seqsKept        = 20
	deletesFrom     = 10
	connectionsFrom = 3
)

// Review returns what could be better in one request, the worst first. ops are its operations in the order of their start.
func Review(q instrument.Request, ops []instrument.Operation, facts Facts) []Finding {
	r := &review{request: q, ops: ops, facts: facts, filters: map[*instrument.Shape]parsed{}}
	for i := range ops {
		if ops[i].State != instrument.StateRunning {
			r.ended = append(r.ended, &ops[i])
		}
	}
	if len(r.ended) == 0 {
		return nil
	}
	for _, rule := range catalogue {
		if q.Kind != instrument.Background || rule.ID[0] != 'A' { // a bucket holds what many did, who know nothing of each other
			rule.check(r, rule)
		}
	}
	slices.SortStableFunc(r.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule.ID, b.Rule.ID))
	})
	return r.found
}

// review is one run of the rules.
type review struct {
	request instrument.Request
	ops     []instrument.Operation
	ended   []*instrument.Operation
	facts   Facts
	filters map[*instrument.Shape]parsed
	groups  [][]*instrument.Operation  // searches by shape, see byShape
	members map[*instrument.Shape]bool // see memberShapes
	found   []Finding
}

type parsed struct {
	tree wire.Filter
	ok   bool
}

// filter returns the tree of a search, or of another of its shape, whose literals alone differ. ok is false where it was
// not recorded or was cut.
func (r *review) filter(op *instrument.Operation) (wire.Filter, bool) {
	p, known := r.filters[op.Shape]
	if !known || op.Shape == nil {
		tree, err := wire.ParseFilterText(op.Search.Filter)
		p = parsed{tree, err == nil && op.Search.Filter != ""}
		r.filters[op.Shape] = p
	}
	return p.tree, p.ok
}

func (r *review) vendor(domain string) string {
	if r.facts.Vendor == nil {
		return ""
	}
	return r.facts.Vendor(domain)
}

// add keeps a finding about operations. A severity of 0 is the rule's own.
func (r *review) add(rule Rule, severity Severity, evidence string, ops ...*instrument.Operation) *Finding {
	if severity == 0 {
		severity = rule.Severity
	}
	f := Finding{Rule: rule, Severity: severity, Evidence: evidence, Count: len(ops)}
	for _, op := range ops[:min(len(ops), seqsKept)] {
		f.Operations = append(f.Operations, op.Seq)
	}
	if len(ops) > 0 && ops[0].Shape != nil {
		f.Shape, f.ShapeText = ops[0].Shape.ID, ops[0].Shape.Text
		for _, op := range ops {
			if op.Shape != ops[0].Shape {
				f.Shape, f.ShapeText = 0, ""
			}
		}
	}
	r.found = append(r.found, f)
	return &r.found[len(r.found)-1]
}

// those returns the ended operations that hold a property.
func (r *review) those(holds func(*instrument.Operation) bool) (found []*instrument.Operation) {
	for _, op := range r.ended {
		if holds(op) {
			found = append(found, op)
		}
	}
	return found
}

// searches returns the ended searches that hold a property, first pages only.
func (r *review) searches(holds func(*instrument.Operation) bool) []*instrument.Operation {
	return r.those(func(op *instrument.Operation) bool { return op.Search != nil && op.Call.N <= 1 && holds(op) })
}

// byShape groups the ended searches, first pages only, in the order in which the shapes came first.
func (r *review) byShape() [][]*instrument.Operation {
	if r.groups != nil {
		return r.groups
	}
	r.groups = grouped(r.searches(func(op *instrument.Operation) bool { return op.Shape != nil }), shapeOf)
	return r.groups
}

// grouped puts operations with the same key together, in the order in which the keys came first.
func grouped[K comparable](ops []*instrument.Operation, key func(*instrument.Operation) K) (groups [][]*instrument.Operation) {
	place := map[K]int{}
	for _, op := range ops {
		k := key(op)
		i, known := place[k]
		if !known {
			i = len(groups)
			place[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], op)
	}
	return groups
}

// succeeded reports whether an operation was answered with success.
func succeeded(op *instrument.Operation) bool { return op.Result.Received && op.Result.Code == 0 }

func shapeOf(op *instrument.Operation) *instrument.Shape { return op.Shape }

func total(ops []*instrument.Operation) (sum, longest time.Duration) {
	for _, op := range ops {
		sum, longest = sum+op.Duration, max(longest, op.Duration)
	}
	return sum, longest
}
