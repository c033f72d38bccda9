// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"fmt"
	"sync/atomic"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// askedID is where the message ids of searches begin that the observer sends itself; the driver counts from 1, and ownID
// is added to give one up.
const askedID = ownID / 2

// asked counts the searches that the observer sent itself on one connection.
type asked struct{ atomic.Int64 }

func (a *asked) next() int64 { return askedID + a.Add(1)%askedID }

// reply is where the answers of a search are gathered that the observer sent itself. It belongs to the goroutine that
// reads until call.answered is set.
type reply struct {
	raw    []byte        // the request
	done   chan struct{} // receives when the search has ended or the connection has
	result ldap.SearchResult
	err    error // why the result is no success
}

// newReply encodes a search; nil when the driver has to send it. The driver would build a tree of packets for the request
// and one for the answer, and hand both from goroutine to goroutine, which costs more than all the rest. A filter that we
// do not read is left to it, for its error.
func newReply(id int64, r *ldap.SearchRequest) *reply {
	raw, ok := searchMessage(id, r)
	if !ok {
		return nil
	}
	return &reply{raw: raw, done: make(chan struct{}, 1), result: ldap.SearchResult{Referrals: []string{}, Controls: []ldap.Control{}}}
}

// ask sends a search without the driver and waits for its end. Its call goes with the message: it is not announced, so
// that a search of the driver's, sent meanwhile, cannot be taken for it.
func (c *Client) ask(k *call) (*ldap.SearchResult, error) {
	answer := k.reply
	message := &wire.Message{}
	err := message.Parse(answer.raw)
	if err == nil {
		_, err = c.conn.send(k, message, answer.raw, c.conn.limits.Write)
	}
	if err != nil {
		return nil, err
	}
	c.conn.lead(k)
	<-answer.done
	k.mu.Lock()
	answered := k.answered
	k.mu.Unlock()
	if !answered {
		return nil, ErrIncomplete
	}
	return &answer.result, answer.err
}

// searchMessage encodes a search, and reports whether it could.
func searchMessage(id int64, r *ldap.SearchRequest) (raw []byte, ok bool) {
	filter, err := wire.ParseFilterText(r.Filter)
	if err != nil {
		return nil, false
	}
	e := wire.Encoder{Bytes: make([]byte, 0, 256)}
	message := e.Begin(wire.TagSequence)
	e.Integer(wire.TagInteger, id)
	search := e.Begin(byte(wire.SearchRequest))
	e.OctetString(r.BaseDN)
	e.Integer(wire.TagEnumerated, int64(r.Scope))
	e.Integer(wire.TagEnumerated, int64(r.DerefAliases))
	e.Integer(wire.TagInteger, int64(r.SizeLimit))
	e.Integer(wire.TagInteger, int64(r.TimeLimit))
	e.Bool(wire.TagBoolean, r.TypesOnly)
	e.Bytes = wire.AppendFilter(e.Bytes, filter)
	attributes := e.Begin(wire.TagSequence)
	for _, name := range r.Attributes {
		e.OctetString(name)
	}
	e.End(attributes)
	e.End(search)
	if len(r.Controls) > 0 {
		controls := e.Begin(wire.TagControls)
		for _, control := range r.Controls {
			e.Bytes = append(e.Bytes, control.Encode().Bytes()...)
		}
		e.End(controls)
	}
	e.End(message)
	return e.Bytes, true
}

// refer keeps the first address of a reference, as the driver does.
func (a *reply) refer(uri string) { a.result.Referrals = append(a.result.Referrals, uri) }

// take reads the last answer. It has been checked whole.
func (a *reply) take(m *wire.Message, raw []byte, result *wire.Result) {
	a.result.ResultCode, a.result.DiagnosticMessage = uint16(result.Code), string(result.Diagnostic)
	if result.Code != 0 {
		packet, err := ber.DecodePacketErr(bytes.Clone(raw)) // callers may look for controls in the packet
		if err != nil {
			a.err = fmt.Errorf("%w: %w", ErrMalformed, err)
			return
		}
		a.err = ldap.GetLDAPError(packet)
		return
	}
	if m.HasControls() {
		a.result.Controls, a.err = driverControls(m)
	}
}

// end wakes who waits for the answer.
func (a *reply) end() {
	select {
	case a.done <- struct{}{}:
	default: // woken already: the connection ended in the moment of the answer
	}
}
