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
	if r.request.Kind == instrument.Background {
		return // connections of a pool are made there
	}
	binds := r.those(func(op *instrument.Operation) bool { return op.Bind != nil && succeeded(op) && op.Call.N <= 1 })
	for _, ops := range grouped(binds, func(op *instrument.Operation) string { return op.Domain + " " + strings.ToLower(op.Bind.Name) }) {
		if len(ops) > 1 {
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
		r.add(rule, 0, counted(len(ops), "operation was", "operations were")+" answered with a referral and did nothing", ops...)
		return
	}
	ops := r.searches(func(op *instrument.Operation) bool { return op.References > 0 })
	if len(ops) > 0 {
		r.add(rule, Low, counted(len(ops), "search", "searches")+" returned references to other servers", ops...)
	}
}

// startTLS finds connections that are secured again and again.
func startTLS(r *review, rule Rule) {
	ops := r.those(func(op *instrument.Operation) bool { return op.Extended != nil && op.Extended.Name == "StartTLS" })
	if len(ops) > 1 && r.request.Kind == "http" {
		r.add(rule, 0, fmt.Sprintf("%d StartTLS in one HTTP request", len(ops)), ops...)
	}
}
