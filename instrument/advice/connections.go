// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// repeatedBinds finds one identity that binds again within a request.
func repeatedBinds(r *review, rule Rule) {
	binds := map[string][]*instrument.Operation{}
	var order []string
	for _, op := range r.ended {
		if op.Bind == nil || !op.Result.Received || op.Result.Code != 0 || op.Call.N > 1 {
			continue
		}
		key := op.Domain + " " + strings.ToLower(op.Bind.Name)
		if len(binds[key]) == 0 {
			order = append(order, key)
		}
		binds[key] = append(binds[key], op)
	}
	if r.request.Kind == instrument.Background {
		return // connections of a pool are made there
	}
	for _, key := range order {
		if ops := binds[key]; len(ops) > 1 {
			sum, longest := total(ops)
			r.add(rule, 0, fmt.Sprintf("one identity bound %d times in a request", len(ops)), ops...).Wasted = sum - longest
		}
	}
}

// freshConnections finds requests that connect anew for their operations.
func freshConnections(r *review, rule Rule) {
	var ops []*instrument.Operation
	var spent time.Duration
	for _, op := range r.ended {
		if op.Timing.Dial > 0 {
			ops = append(ops, op)
			spent += op.Timing.Dial + op.Timing.TLS + op.Timing.SetupBind
		}
	}
	if len(ops) >= connectionsFrom && len(ops)*2 >= len(r.ended) && r.request.Kind != instrument.Background {
		r.add(rule, 0, fmt.Sprintf("%d of %d operations waited for a new connection, %s in all", len(ops), len(r.ended), short(spent)), ops...).Wasted = spent
	}
}

// waits finds requests that wait for a free connection.
func waits(r *review, rule Rule) {
	var ops []*instrument.Operation
	var waited time.Duration
	for _, op := range r.ended {
		if op.Timing.WaitPool >= time.Millisecond {
			ops = append(ops, op)
		}
		waited += op.Timing.WaitPool
	}
	if waited >= starving && waited*5 > r.request.LDAPTime {
		r.add(rule, 0, fmt.Sprintf("%s waiting for a free connection", short(waited)), ops...).Wasted = waited
	}
}

// referrals finds answers that say the entries are elsewhere.
func referrals(r *review, rule Rule) {
	const referral = 10
	if ops := r.ofCode(referral); len(ops) > 0 {
		r.add(rule, 0, fmt.Sprintf("%d operations were answered with a referral and did nothing", len(ops)), ops...)
		return
	}
	ops := r.searches(func(op *instrument.Operation) bool { return op.References > 0 })
	if len(ops) > 0 {
		r.add(rule, Low, fmt.Sprintf("%d searches returned references to other servers", len(ops)), ops...)
	}
}

// startTLS finds connections that are secured again and again.
func startTLS(r *review, rule Rule) {
	var ops []*instrument.Operation
	for _, op := range r.ended {
		if op.Extended != nil && op.Extended.Name == "StartTLS" {
			ops = append(ops, op)
		}
	}
	if len(ops) > 1 && r.request.Kind == "http" {
		r.add(rule, 0, fmt.Sprintf("%d StartTLS in one HTTP request", len(ops)), ops...)
	}
}

// givenUp finds operations for which the client stopped waiting.
func givenUp(r *review, rule Rule) {
	var ops []*instrument.Operation
	for _, op := range r.ended {
		if op.State == instrument.StateTimeout {
			ops = append(ops, op)
		}
	}
	if len(ops) > 0 {
		_, longest := total(ops)
		r.add(rule, 0, fmt.Sprintf("%d operations had no answer after up to %s", len(ops), short(longest)), ops...)
	}
}

// slowOperations finds what takes long.
func slowOperations(r *review, rule Rule) {
	var ops []*instrument.Operation
	for _, op := range r.ended {
		if op.Duration >= slow && op.State == instrument.StateDone {
			ops = append(ops, op)
		}
	}
	r.eachShape(ops, func(ops []*instrument.Operation) {
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
		r.add(rule, severity, fmt.Sprintf("%d operations above %s, the slowest %s, most of it %s", len(ops), short(slow), short(longest), where), ops...)
	})
}

// splitWrites finds one entry that is changed by several operations.
func splitWrites(r *review, rule Rule) {
	writes := map[string][]*instrument.Operation{}
	var order []string
	for _, op := range r.ended {
		if op.Kind == instrument.KindModify && op.Result.Code == 0 && op.Result.Received {
			key := op.Domain + " " + strings.ToLower(op.DN)
			if len(writes[key]) == 0 {
				order = append(order, key)
			}
			writes[key] = append(writes[key], op)
		}
	}
	for _, key := range order {
		if ops := writes[key]; len(ops) > 1 {
			r.add(rule, 0, fmt.Sprintf("one entry changed by %d operations", len(ops)), ops...)
		}
	}
}

// treeDeletes finds a tree that is deleted entry by entry.
func treeDeletes(r *review, rule Rule) {
	below := map[string][]*instrument.Operation{}
	for _, op := range r.ended {
		if op.Kind == instrument.KindDelete {
			_, parent, _ := strings.Cut(strings.ToLower(op.DN), ",")
			below[parent] = append(below[parent], op)
		}
	}
	for _, ops := range below {
		if len(ops) >= deletesFrom {
			r.add(rule, 0, fmt.Sprintf("%d entries below one parent deleted one by one", len(ops)), ops...)
		}
	}
}
