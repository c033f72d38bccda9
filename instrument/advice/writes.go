// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// splitWrites finds one entry that is changed by several operations.
func splitWrites(r *review, rule Rule) {
	writes := r.those(func(op *instrument.Operation) bool { return op.Kind == instrument.KindModify && succeeded(op) })
	for _, ops := range grouped(writes, func(op *instrument.Operation) string { return op.Domain + " " + strings.ToLower(op.DN) }) {
		if len(ops) > 1 {
			r.add(rule, 0, fmt.Sprintf("one entry changed by %d operations", len(ops)), ops...)
		}
	}
}

// treeDeletes finds a tree that is deleted entry by entry.
func treeDeletes(r *review, rule Rule) {
	deletes := r.those(func(op *instrument.Operation) bool { return op.Kind == instrument.KindDelete })
	parent := func(op *instrument.Operation) string {
		_, above, _ := strings.Cut(strings.ToLower(op.DN), ",")
		return above
	}
	for _, ops := range grouped(deletes, parent) {
		if len(ops) >= deletesFrom {
			r.add(rule, 0, fmt.Sprintf("%d entries below one parent deleted one by one", len(ops)), ops...)
		}
	}
}
