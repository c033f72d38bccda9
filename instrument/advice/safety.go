// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// clearPasswords finds passwords that crossed a network in clear text.
func clearPasswords(r *review, rule Rule) {
	var far, near []*instrument.Operation
	for _, op := range r.ended {
		if op.Bind == nil || op.Bind.Method != "simple" || local(op.Server) || op.Security != instrument.SecurityNone {
			continue
		}
		if loopback(op.Server) {
			near = append(near, op)
		} else {
			far = append(far, op)
		}
	}
	if len(far) > 0 {
		r.add(rule, 0, counted(len(far), "bind", "binds")+" with a password over a connection without TLS", far...)
	} else if len(near) > 0 {
		r.add(rule, Low, counted(len(near), "bind", "binds")+" with a password without TLS, on this machine only", near...)
	}
}

// clearData finds entries that crossed a network in clear text.
func clearData(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		return op.Entries > 0 && !loopback(op.Server) && op.Security == instrument.SecurityNone
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(entries(ops), "entry", "entries")+" came over a connection without TLS", ops...)
	}
}

// loopback reports whether a server is on this machine; a socket path always is.
func loopback(server string) bool {
	if at, err := netip.ParseAddrPort(server); err == nil {
		return at.Addr().Unmap().IsLoopback()
	}
	return strings.HasPrefix(server, "localhost:") || strings.Contains(server, "/")
}

// local reports whether a server is a unix socket.
func local(server string) bool { return strings.Contains(server, "/") }

// emptyPasswords finds logins that succeed without a password (RFC 4513 section 5.1.2).
func emptyPasswords(r *review, rule Rule) {
	var taken, refused []*instrument.Operation
	for _, op := range r.ended {
		switch {
		case op.Bind == nil || op.Bind.Method != "unauthenticated":
		case succeeded(op):
			taken = append(taken, op)
		default:
			refused = append(refused, op)
		}
	}
	if len(taken) > 0 {
		r.add(rule, 0, counted(len(taken), "bind", "binds")+" with a name and an empty password succeeded", taken...)
	} else if len(refused) > 0 {
		r.add(rule, Medium, counted(len(refused), "bind", "binds")+" with a name and an empty password; this server refuses that, others do not", refused...)
	}
}

// administrators finds applications that bind as somebody who may do everything.
func administrators(r *review, rule Rule) {
	ops := r.those(func(op *instrument.Operation) bool {
		return op.Bind != nil && succeeded(op) && administrator(op.Bind.Name)
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "bind", "binds")+" as an administrator of the whole directory", ops...)
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
	refused := r.those(func(op *instrument.Operation) bool {
		return op.Bind != nil && op.Bind.Name != "" && op.Result.Received && op.Result.Code == invalidCredentials
	})
	for _, ops := range grouped(refused, func(op *instrument.Operation) string { return strings.ToLower(op.Bind.Name) }) {
		if len(ops) >= refusedFrom {
			r.add(rule, 0, fmt.Sprintf("one identity was refused %d times", len(ops)), ops...)
		}
	}
}

// secretReads finds passwords and keys that are asked for.
func secretReads(r *review, rule Rule) {
	ops := r.searches(func(op *instrument.Operation) bool {
		return slices.ContainsFunc(op.Search.Attributes, instrument.SecretAttribute)
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "search asks", "searches ask")+" for passwords or keys", ops...)
	}
}

// comparedPasswords finds logins that compare a password instead of binding with it.
func comparedPasswords(r *review, rule Rule) {
	ops := r.those(func(op *instrument.Operation) bool {
		return op.Kind == instrument.KindCompare && len(op.Changes) > 0 && instrument.SecretAttribute(op.Changes[0].Attribute)
	})
	if len(ops) > 0 {
		r.add(rule, 0, counted(len(ops), "compare", "compares")+" of a password", ops...)
	}
}
