// SPDX-License-Identifier: MIT

package ldaptest

import (
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Request is one request as a Fault sees it, before it is carried out.
type Request struct {
	Conn    int64 // connection, from 1 in order of arrival
	Message int   // message on that connection, from 1
	Op      wire.Op
	DN      string // bind name, search base or entry
	Filter  string // of a search, as text
	OID     string // of an extended request
	Bound   string // who the connection is bound as; "" is anonymous
	TLS     bool
}

// Fault decides what goes wrong with a request. It is called from several goroutines at once. The zero Action carries the
// request out as usual.
type Fault func(Request) Action

// Action is what happens to a request. Delay comes first; of the others the first that is set decides, in the order of
// the fields, except Tag and CutEntry, which change how the usual answer is sent.
type Action struct {
	Delay  time.Duration // waited before anything else; a search's time limit and an abandon end the wait
	Hang   bool          // never answer; the connection stays open
	Drop   bool          // close the connection without an answer
	Notice string        // send a notice of disconnection (RFC 4511 section 4.4.1) with this message, then close
	Raw    []byte        // send these bytes as they are in the place of the answer
	Result *wire.Reply   // answer with this result, without carrying the request out; any code, however large

	Tag      wire.Op       // send the final response under this tag
	CutEntry int           // end the connection in the middle of the n-th entry, from 1
	PerEntry time.Duration // waited before each entry: a server that trickles
}

// Garbage is no LDAP message: for Action.Raw.
var Garbage = []byte("\x30\x84\x00\x00\x00\x05\x02\x01\x01\x64\xff this is not LDAP \x00\x80")

// On limits a fault to one kind of request.
func On(op wire.Op, f Fault) Fault {
	return When(func(r Request) bool { return r.Op == op }, f)
}

// When limits a fault to requests that a predicate accepts.
func When(accepts func(Request) bool, f Fault) Fault {
	return func(r Request) Action {
		if !accepts(r) {
			return Action{}
		}
		return f(r)
	}
}

// At limits a fault to the n-th message of each connection, from 1.
func At(n int, f Fault) Fault {
	return When(func(r Request) bool { return r.Message == n }, f)
}

// Always does the same to every request.
func Always(a Action) Fault { return func(Request) Action { return a } }

// Delay waits before every request.
func Delay(d time.Duration) Fault { return Always(Action{Delay: d}) }

// Combine asks every fault: delays add up, and of the rest the first fault that asks for anything decides.
func Combine(faults ...Fault) Fault {
	return func(r Request) Action {
		var all Action
		for _, f := range faults {
			a := f(r)
			all.Delay += a.Delay
			if all.plain() {
				a.Delay = all.Delay
				all = a
			}
		}
		return all
	}
}

// plain reports whether the action, but for its delay, leaves the request alone.
func (a Action) plain() bool {
	return !a.Hang && !a.Drop && a.Notice == "" && a.Raw == nil && a.Result == nil && a.Tag == 0 && a.CutEntry == 0 && a.PerEntry == 0
}

// decide asks latency and fault what to do with a request.
func (d *Directory) decide(o *operation) Action {
	fault := d.fault.Load()
	if fault == nil && d.cfg.Latency == nil {
		return Action{}
	}
	r := o.describe()
	var a Action
	if fault != nil {
		a = (*fault)(r)
	}
	if d.cfg.Latency != nil {
		a.Delay += d.cfg.Latency(r)
	}
	return a
}

// describe reads from a request what a fault may want to know; malformed requests give what they have.
func (o *operation) describe() Request {
	r := Request{Conn: o.conn.id, Message: o.number, Op: o.message.Op, TLS: o.conn.encrypted.Load(), Bound: o.who.text}
	switch o.message.Op {
	case wire.BindRequest:
		b, _ := wire.ParseBind(o.message.Body)
		r.DN = string(b.Name)
	case wire.SearchRequest:
		s, _ := wire.ParseSearch(o.message.Body)
		r.DN = string(s.Base)
		if f, err := wire.ParseFilter(s.Filter); err == nil {
			r.Filter = f.String()
		}
	case wire.ModifyRequest:
		m, _ := wire.ParseModify(o.message.Body)
		r.DN = string(m.DN)
	case wire.AddRequest:
		a, _ := wire.ParseAdd(o.message.Body)
		r.DN = string(a.DN)
	case wire.DelRequest:
		r.DN = string(o.message.Body)
	case wire.ModifyDNRequest:
		m, _ := wire.ParseModifyDN(o.message.Body)
		r.DN = string(m.DN)
	case wire.CompareRequest:
		c, _ := wire.ParseCompare(o.message.Body)
		r.DN = string(c.DN)
	case wire.ExtendedRequest:
		e, _ := wire.ParseExtended(o.message.Body)
		r.OID = string(e.OID)
	}
	return r
}
