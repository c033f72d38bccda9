// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

const clearText = "none"

// clearPasswords finds passwords that crossed a network in clear text.
func clearPasswords(r *review, rule Rule) {
	var far, near []*instrument.Operation
	for _, op := range r.ended {
		if op.Bind == nil || op.Bind.Method != "simple" || local(op.Server) || r.domain(op.Domain).Security != clearText {
			continue
		}
		if loopback(op.Server) {
			near = append(near, op)
		} else {
			far = append(far, op)
		}
	}
	if len(far) > 0 {
		r.add(rule, 0, fmt.Sprintf("%d binds with a password over a connection without TLS", len(far)), far...)
	} else if len(near) > 0 {
		r.add(rule, Low, fmt.Sprintf("%d binds with a password without TLS, on this machine only", len(near)), near...)
	}
}

// clearData finds entries that crossed a network in clear text.
func clearData(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		return op.Entries > 0 && !loopback(op.Server) && r.domain(op.Domain).Security == clearText
	})
	if len(ops) > 0 {
		r.add(rule, 0, fmt.Sprintf("%d entries came over a connection without TLS", entries(ops)), ops...)
	}
}

// emptyPasswords finds logins that succeed without a password (RFC 4513 section 5.1.2).
func emptyPasswords(r *review, rule Rule) {
	var taken, refused []*instrument.Operation
	for _, op := range r.ended {
		switch {
		case op.Bind == nil || op.Bind.Method != "unauthenticated":
		case op.Result.Received && op.Result.Code == 0:
			taken = append(taken, op)
		default:
			refused = append(refused, op)
		}
	}
	if len(taken) > 0 {
		r.add(rule, 0, fmt.Sprintf("%d binds with a name and an empty password succeeded", len(taken)), taken...)
	} else if len(refused) > 0 {
		r.add(rule, Medium, fmt.Sprintf("%d binds with a name and an empty password; this server refuses them, others do not", len(refused)), refused...)
	}
}

// administrators finds applications that bind as somebody who may do everything.
func administrators(r *review, rule Rule) {
	var ops []*instrument.Operation
	for _, op := range r.ended {
		if op.Bind != nil && op.Result.Code == 0 && op.Result.Received && administrator(op.Bind.Name) {
			ops = append(ops, op)
		}
	}
	if len(ops) > 0 {
		r.add(rule, 0, fmt.Sprintf("%d binds as an administrator of the whole directory", len(ops)), ops...)
	}
}

func administrator(name string) bool {
	name = strings.ToLower(name)
	if _, user, ok := strings.Cut(name, `\`); ok {
		name = user
	}
	if user, _, ok := strings.Cut(name, "@"); ok {
		name = user
	}
	first, _, _ := strings.Cut(name, ",")
	switch first {
	case "administrator", "cn=administrator", "cn=admin", "cn=directory manager", "cn=manager", "cn=root":
		return true
	}
	return false
}

// refusals finds one identity that is refused again and again.
func refusals(r *review, rule Rule) {
	const invalidCredentials = 49
	refused := map[string][]*instrument.Operation{}
	var order []string
	for _, op := range r.ofCode(invalidCredentials) {
		if op.Bind == nil || op.Bind.Name == "" {
			continue
		}
		name := strings.ToLower(op.Bind.Name)
		if len(refused[name]) == 0 {
			order = append(order, name)
		}
		refused[name] = append(refused[name], op)
	}
	for _, name := range order {
		if ops := refused[name]; len(ops) >= refusedFrom {
			r.add(rule, 0, fmt.Sprintf("one identity was refused %d times", len(ops)), ops...)
		}
	}
}

// secretReads finds passwords and keys that are asked for.
func secretReads(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		for _, a := range op.Search.Attributes {
			if instrument.SecretAttribute(a) {
				return true
			}
		}
		return false
	})
	if len(ops) > 0 {
		r.add(rule, 0, fmt.Sprintf("%d searches ask for passwords or keys", len(ops)), ops...)
	}
}

// comparedPasswords finds logins that compare a password instead of binding with it.
func comparedPasswords(r *review, rule Rule) {
	var ops []*instrument.Operation
	for _, op := range r.ended {
		if op.Kind == instrument.KindCompare && len(op.Changes) > 0 && instrument.SecretAttribute(op.Changes[0].Attribute) {
			ops = append(ops, op)
		}
	}
	if len(ops) > 0 {
		r.add(rule, 0, fmt.Sprintf("%d compares of a password", len(ops)), ops...)
	}
}
