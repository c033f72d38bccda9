// SPDX-License-Identifier: MIT

package panel

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/ldapscope/ldapscope/instrument"
)

// bindings remember who bound on which connection. They follow the recorder from one question to the next, so that a question costs
// what has changed since and not a look at every operation.
type bindings struct {
	mu    sync.Mutex // guards everything below
	after uint64     // cursor in the recorder
	lost  bool       // there were binds that nobody can know
	of    map[uint64][]bound
}

// bound is one bind and its place among the operations.
type bound struct {
	seq uint64
	as  *instrument.Bind
}

// More binds of one connection than an application makes, and more connections than it has, are forgotten from the oldest on.
const (
	bindsKept       = 64
	connectionsKept = 4096
)

// boundAs returns who asked an operation, so that a copied command asks as the same: whoever bound last on its connection, or the
// account of its domain. It is nil where nobody can know, because a bind may have left the recorder.
func (p *Panel) boundAs(op *instrument.Operation) *instrument.Bind {
	b, lost := p.bindings.before(p.config.Scope.Recorder(), op)
	if b == nil {
		b = p.accountOf(op.Domain)
	}
	if b == nil && !lost {
		return &instrument.Bind{Method: "anonymous"}
	}
	return b
}

// before returns the last bind on the connection of an operation before it, and whether there may be one that it does not know.
func (b *bindings) before(recorder *instrument.Recorder, op *instrument.Operation) (as *instrument.Bind, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follow(recorder)
	for _, one := range b.of[op.Conn] {
		if one.seq < op.Seq {
			as = one.as
		}
	}
	return as, b.lost
}

func (b *bindings) follow(recorder *instrument.Recorder) {
	if b.of == nil {
		b.of, b.lost = map[uint64][]bound{}, recorder.Stats().Evicted > 0
	}
	for more := true; more; {
		changes := recorder.Since(b.after, 1000)
		b.after, more, b.lost = changes.To, changes.More, b.lost || changes.Gap != nil || changes.Cleared > 0
		for i := range changes.Operations {
			b.add(&changes.Operations[i])
		}
	}
}

// add takes a bind with its answer. One that fails leaves nobody behind (RFC 4513 section 4).
func (b *bindings) add(op *instrument.Operation) {
	if op.Kind != instrument.KindBind || !op.Result.Received || op.Result.Code == saslBindInProgress {
		return
	}
	as := op.Bind
	if op.Result.Code != success {
		as = &instrument.Bind{Method: "anonymous"}
	}
	list := append(b.of[op.Conn], bound{op.Seq, as})
	slices.SortFunc(list, func(x, y bound) int { return cmp.Compare(x.seq, y.seq) })
	b.of[op.Conn] = list[max(0, len(list)-bindsKept):]
	if len(b.of) > connectionsKept {
		b.of, b.lost = map[uint64][]bound{op.Conn: b.of[op.Conn]}, true
	}
}

// Result codes of a bind (RFC 4511 section 4.1.9).
const (
	success            = 0
	saslBindInProgress = 14
)

// accountOf is the account of a configured domain.
func (p *Panel) accountOf(domain string) *instrument.Bind {
	if p.config.Domains == nil {
		return nil
	}
	for _, s := range p.config.Domains.Statuses() {
		if s.Name == domain && s.BindMethod != "" {
			return &instrument.Bind{Method: s.BindMethod, Name: s.BindName}
		}
	}
	return nil
}

// bindFlags are what the commands of OpenLDAP take to authenticate in the same way. They ask for the password.
func bindFlags(b *instrument.Bind) string {
	switch {
	case b == nil:
		return "-x -D 'YOUR BIND DN' -W"
	case b.Method == "anonymous" || b.Method == "unauthenticated":
		return "-x"
	case b.Mechanism != "":
		return "-Y " + shellQuote(b.Mechanism)
	case b.Method == "external" || b.Method == "gssapi":
		return "-Y " + strings.ToUpper(b.Method)
	case b.Name == "":
		return bindFlags(nil) // at a level that keeps no names
	}
	return "-x -D " + shellQuote(b.Name) + " -W"
}
