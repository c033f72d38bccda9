// SPDX-License-Identifier: MIT

package panel

import (
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// boundAs returns who asked an operation, so that a copied command asks as the same: whoever bound last on its connection, or the
// account of its domain. It is nil where nobody can know, because a bind may have left the recorder.
func (p *Panel) boundAs(op *instrument.Operation) *instrument.Bind {
	recorder := p.config.Scope.Recorder()
	_, own, _ := recorder.Request(op.RequestID)
	if b := lastBind(nil, own, op); b != nil {
		return b
	}
	if b := p.accountOf(op.Domain); b != nil || op.State == instrument.StateRunning { // what runs is asked for again and again
		return b
	}
	var b *instrument.Bind
	lost := recorder.Stats().Evicted > 0
	for after, more := uint64(0), true; more; {
		changes := recorder.Since(after, 1000)
		after, more, lost = changes.To, changes.More, lost || changes.Cleared > 0
		b = lastBind(b, changes.Operations, op)
	}
	if b == nil && !lost {
		return &instrument.Bind{Method: "anonymous"}
	}
	return b
}

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

// Result codes of a bind (RFC 4511 section 4.1.9).
const (
	success            = 0
	saslBindInProgress = 14
)

// lastBind goes on from an earlier bind to the last one in a list on the connection of an operation, before it. One that fails leaves
// nobody behind (RFC 4513 section 4).
func lastBind(b *instrument.Bind, list []instrument.Operation, op *instrument.Operation) *instrument.Bind {
	for _, o := range list {
		if o.Kind != instrument.KindBind || o.Conn != op.Conn || o.Seq >= op.Seq || !o.Result.Received {
			continue
		}
		switch o.Result.Code {
		case success:
			b = o.Bind
		case saslBindInProgress:
		default:
			b = &instrument.Bind{Method: "anonymous"}
		}
	}
	return b
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
