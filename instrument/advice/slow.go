// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// givenUp finds operations for which the client stopped waiting.
func givenUp(r *review, rule Rule) {
	ops := r.those(func(op *instrument.Operation) bool { return op.State == instrument.StateTimeout })
	if len(ops) > 0 {
		_, longest := total(ops)
		r.add(rule, 0, counted(len(ops), "operation", "operations")+" had no answer after up to "+short(longest), ops...)
	}
}

// slowOperations finds what takes long.
func slowOperations(r *review, rule Rule) {
	late := r.those(func(op *instrument.Operation) bool { return op.Duration >= slow && op.State == instrument.StateDone })
	for _, ops := range grouped(late, shapeOf) {
		sum, longest := total(ops)
		severity := Medium
		if longest >= verySlow {
			severity = High
		}
		where := "waiting for the first answer"
		var stream time.Duration
		for _, op := range ops {
			stream += op.Timing.Stream
		}
		if stream*2 > sum {
			where = "receiving entries"
		}
		r.add(rule, severity, fmt.Sprintf("%s above %s, the slowest %s, most of it %s", counted(len(ops), "operation", "operations"), short(slow), short(longest), where), ops...)
	}
}
