// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

func (o *operation) extended() {
	request, err := wire.ParseExtended(o.message.Body)
	if err != nil {
		o.malformed()
		return
	}
	d := o.dir
	switch oid := string(request.OID); {
	case oid == wire.OIDWhoAmI:
		o.reply(wire.Reply{Value: []byte(d.authzID(o.who))}, nil)
	case oid == wire.OIDPasswd && d.cfg.Profile == OpenLDAP:
		o.reply(o.passwd(request.Value), nil)
	case oid == oidCancel && d.cfg.Profile == OpenLDAP:
		o.reply(o.cancelOther(request.Value), nil)
	case d.cfg.Profile == ActiveDirectory:
		o.reply(wire.Reply{Code: codeProtocolError, Diagnostic: "0000203D: LdapErr: DSID-0C090C7D, comment: Unknown extended request OID, data 0, v4563\x00"}, nil)
	default:
		o.reply(wire.Reply{Code: codeProtocolError, Diagnostic: "unsupported extended operation"}, nil)
	}
}

// authzID is the answer of Who am I (RFC 4532).
func (d *Directory) authzID(who identity) string {
	if who.anonymous() {
		return ""
	}
	if d.cfg.Profile == ActiveDirectory {
		d.tree.mu.RLock()
		defer d.tree.mu.RUnlock()
		if n := d.tree.byKey[who.key]; n != nil && n.entry.first(d.known.account) != "" {
			return "u:" + d.cfg.NetBIOS + `\` + n.entry.first(d.known.account)
		}
	}
	return "dn:" + who.text
}

// passwd is password modify (RFC 3062).
func (o *operation) passwd(value []byte) wire.Reply {
	d := o.dir
	user, old, fresh, err := wire.ParsePasswd(value)
	if err != nil {
		return wire.Reply{Code: codeProtocolError, Diagnostic: "data decoding error"}
	}
	if o.who.anonymous() {
		return wire.Reply{Code: codeStrongerAuth, Diagnostic: "only authenticated users may change passwords"}
	}
	name, err := d.schema.parseDN(o.who.text)
	if user != nil {
		name, err = d.schema.parseDN(string(user))
	}
	if err != nil {
		return wire.Reply{Code: codeInvalidSyntax, Diagnostic: "invalid DN"}
	}
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	n := d.tree.byKey[name.key()]
	if n == nil {
		return wire.Reply{Code: codeNoSuchObject}
	}
	if problem := o.writable(); problem != nil && n.entry.key != o.who.key {
		return *problem
	}
	if old != nil && !d.verify(n.entry, old) {
		return wire.Reply{Code: codeUnwilling, Diagnostic: "unwilling to verify old password"}
	}
	var reply wire.Reply
	if fresh == nil {
		fresh = []byte(generatePassword())
		reply.Value = generated(fresh)
	}
	if len(fresh) == 0 {
		return wire.Reply{Code: codeUnwilling, Diagnostic: "no password given"}
	}
	return o.storePassword(n, fresh, reply)
}

func (o *operation) storePassword(n *node, fresh []byte, reply wire.Reply) wire.Reply {
	d := o.dir
	e := n.entry.clone()
	e.put(d.schema.newAttr(d.known.userPassword, hashPassword(fresh)))
	if problem := d.checkEntry(e, n.entry); problem != nil {
		return *problem
	}
	d.tree.usn++
	d.stampChanged(e, o.who.text)
	d.tree.replace(n, e)
	return reply
}

func generated(password []byte) []byte {
	var e wire.Encoder
	mark := e.Begin(0x30)
	e.String(0x80, bytes.Clone(password))
	e.End(mark)
	return e.Bytes
}

// cancelOther is the Cancel operation (RFC 3909): the cancelled operation answers too.
func (o *operation) cancelOther(value []byte) wire.Reply {
	tag, body, _, ok := cut(value)
	if ok && tag == 0x30 {
		tag, body, _, ok = cut(body)
	}
	if !ok || tag != 0x02 || len(body) == 0 || len(body) > 4 {
		return wire.Reply{Code: codeProtocolError, Diagnostic: "message ID parse failed"}
	}
	id, err := wire.ParseAbandon(body)
	if err != nil || !o.conn.abandon(id, func(other *operation) { other.cancelled = true }) {
		return wire.Reply{Code: codeNoSuchOperation, Diagnostic: "message ID not found"}
	}
	return wire.Reply{}
}
