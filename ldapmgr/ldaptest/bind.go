// SPDX-License-Identifier: MIT

package ldaptest

import "github.com/ldapscope/ldapscope/instrument/wire"

// bind authenticates. A bind that fails leaves the connection anonymous (RFC 4511 section 4.2.1).
func (o *operation) bind() {
	o.conn.become(identity{})
	o.conn.halve(false)
	b, err := wire.ParseBind(o.message.Body)
	if err != nil {
		o.malformed()
		return
	}
	if b.Version != 3 {
		o.reply(wire.Reply{Code: codeProtocolError, Diagnostic: "requested protocol version not supported"}, nil)
		return
	}
	if o.dir.cfg.Profile == ActiveDirectory && o.sicily(b) {
		return
	}
	if o.dir.cfg.Profile == OpenLDAP && b.Method == wire.BindSASL && string(b.Mechanism) == mechanismExternal {
		o.external(b)
		return
	}
	if b.Method != wire.BindSimple {
		o.reply(wire.Reply{Code: codeAuthMethod, Diagnostic: "this way to bind is not known here"}, nil)
		return
	}
	var who identity
	var reply wire.Reply
	if o.dir.cfg.Profile == ActiveDirectory {
		who, reply = o.dir.bindAD(string(b.Name), b.Password)
	} else {
		who, reply = o.dir.bindOpenLDAP(string(b.Name), b.Password)
	}
	if reply.Code == codeSuccess {
		o.conn.become(who)
	}
	o.reply(reply, nil)
}

func (c *conn) become(who identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.who = who
}

func (d *Directory) bindOpenLDAP(name string, password []byte) (identity, wire.Reply) {
	parsed, err := d.schema.parseDN(name)
	switch {
	case err != nil:
		return identity{}, *d.badDN()
	case parsed.empty() && len(password) > 0:
		return identity{}, wire.Reply{Code: codeInvalidCredentials}
	case parsed.empty():
		return identity{}, wire.Reply{}
	case len(password) == 0:
		return identity{}, wire.Reply{Code: codeUnwilling, Diagnostic: "unauthenticated bind (DN with no password) disallowed"}
	}
	who := identity{text: d.schema.format(parsed), key: parsed.key()}
	if who.key == d.rootDN.key() && d.cfg.RootPassword != "" && string(password) == d.cfg.RootPassword {
		who.root = true
		return who, wire.Reply{}
	}
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	n := d.tree.byKey[who.key]
	if n == nil || !d.verify(n.entry, password) {
		return identity{}, wire.Reply{Code: codeInvalidCredentials}
	}
	who.text = n.entry.text
	return who, wire.Reply{}
}
