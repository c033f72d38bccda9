// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// allAttributes finds searches that fetch whatever entries hold.
func allAttributes(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		s := op.Search
		return (len(s.Attributes) == 0 || slices.Contains(s.Attributes, "*")) && !slices.Contains(s.Attributes, "+") && !s.TypesOnly && s.Base != "" && op.Entries > 0
	})
	for _, ops := range grouped(ops, shapeOf) {
		r.add(rule, 0, counted(entries(ops), "entry", "entries")+" came with all attributes, "+size(received(ops)), ops...)
	}
}

func operationalToo(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		return slices.Contains(op.Search.Attributes, "*") && slices.Contains(op.Search.Attributes, "+") && op.Search.Base != ""
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "search asks", "searches ask")+" for every attribute and every operational one", ops...)
	}
}

func entries(ops []*instrument.Operation) (n int) {
	for _, op := range ops {
		n += op.Entries
	}
	return n
}

func received(ops []*instrument.Operation) (n int64) {
	for _, op := range ops {
		n += op.BytesReceived
	}
	return n
}

// largeEntries finds searches whose entries are large on average, such as with photos.
func largeEntries(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		return op.Entries > 0 && op.BytesReceived/int64(op.Entries) > largeEntry
	})
	for _, ops := range grouped(ops, shapeOf) {
		r.add(rule, 0, fmt.Sprintf("%s for each entry", size(received(ops)/int64(entries(ops)))), ops...)
	}
}

// cutValues finds attributes of which only the first values came and that nobody asked the rest of.
func cutValues(r *review, rule Rule) {
	if r.facts.Entries == nil {
		return
	}
	followed := map[string]bool{} // entries of which a range was asked for
	for _, op := range r.ended {
		if op.Search != nil && slices.ContainsFunc(op.Search.Attributes, func(a string) bool { return strings.Contains(strings.ToLower(a), ";range=") }) {
			followed[strings.ToLower(op.Search.Base)] = true
		}
	}
	var cut []*instrument.Operation
	attribute := ""
	for _, op := range r.ended {
		if op.Search == nil || op.Entries == 0 || op.BytesReceived < rangeBytes {
			continue
		}
		for _, e := range r.facts.Entries(op.Seq) {
			for _, a := range e.Attributes {
				if _, values, ok := strings.Cut(strings.ToLower(a.Name), ";range="); ok && !strings.HasSuffix(values, "-*") && !followed[strings.ToLower(e.DN)] {
					attribute = a.Name
					if len(cut) == 0 || cut[len(cut)-1] != op {
						cut = append(cut, op)
					}
				}
			}
		}
	}
	if len(cut) > 0 {
		r.add(rule, 0, fmt.Sprintf("only %.80s came, and no search asked for the values behind", attribute), cut...)
	}
}

// manyResults finds answers that are very large for one HTTP request.
func manyResults(r *review, rule Rule) {
	if r.request.Kind != "http" {
		return
	}
	n, sum := 0, int64(0)
	var ops []*instrument.Operation
	for _, op := range r.ended {
		if op.Search != nil {
			n, sum = n+op.Entries, sum+op.BytesReceived
			if op.Entries > 0 {
				ops = append(ops, op)
			}
		}
	}
	if n >= manyEntries || sum >= manyBytes {
		r.add(rule, 0, counted(n, "entry", "entries")+" and "+size(sum)+" in one HTTP request", ops...)
	}
}

// ofCode returns the operations that ended with one of the result codes.
func (r *review) ofCode(codes ...int64) []*instrument.Operation {
	return r.those(func(op *instrument.Operation) bool {
		return op.Result.Received && slices.Contains(codes, op.Result.Code)
	})
}

func sizeLimit(r *review, rule Rule) {
	const sizeLimitExceeded = 4
	if ops := r.ofCode(sizeLimitExceeded); len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "search was", "searches were")+" cut off after "+counted(entries(ops), "entry", "entries"), ops...)
	}
}

func otherLimits(r *review, rule Rule) {
	const timeLimitExceeded, adminLimitExceeded = 3, 11
	if ops := r.ofCode(timeLimitExceeded, adminLimitExceeded); len(ops) > 0 {
		_, longest := total(ops)
		r.add(rule, 0, counted(len(ops), "operation was", "operations were")+" ended by a limit, the longest after "+short(longest), ops...)
	}
}

// withoutPages finds answers that will meet the server's limit when the directory grows.
func withoutPages(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		most := growing
		if strings.Contains(strings.ToLower(r.vendor(op.Domain)), "openldap") {
			most = growing / 2 // its default limit is 500
		}
		return op.Search.PageSize == 0 && op.Search.Scope.String() != "base" && op.Entries >= most && op.Result.Code == 0
	})
	for _, ops := range grouped(ops, shapeOf) {
		r.add(rule, 0, fmt.Sprintf("%d entries in one answer without paging", entries(ops)/len(ops)), ops...)
	}
}

// lookups finds searches for a person who then binds: two answers may let in the wrong one.
func lookups(r *review, rule Rule) {
	for i, op := range r.ended[:len(r.ended)-1] {
		next := r.ended[i+1]
		if op.Search == nil || op.Search.Scope == instrument.ScopeBase || !userBind(next) || next.Domain != op.Domain || next.Conn == op.Conn || op.Entries == 0 {
			continue
		}
		switch {
		case op.Entries > 1:
			r.add(rule, 0, fmt.Sprintf("the search before a login returned %d entries", op.Entries), op, next)
		case op.Search.SizeLimit == 0 || op.Search.SizeLimit > 2:
			r.add(rule, Low, "the search before a login has no size limit of 2", op, next)
		}
	}
}

// userBind reports whether somebody logs in, in contrast to a connection that is set up.
func userBind(op *instrument.Operation) bool {
	return op.Kind == instrument.KindBind && op.Bind != nil && op.Bind.Name != "" && op.Bind.Method == "simple"
}
