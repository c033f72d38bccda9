// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// rawAttr is an attribute as a request or an LDIF record gives it.
type rawAttr struct {
	name   string
	values [][]byte
}

// change runs an operation that writes. Strangers are turned away before anything is looked up, as servers do.
func (o *operation) change(do func() (wire.Reply, []wire.Control)) {
	if o.who.anonymous() {
		if o.dir.cfg.Profile == ActiveDirectory {
			o.reply(*o.dir.mustBind(), nil)
			return
		}
		o.reply(wire.Reply{Code: codeStrongerAuth, Diagnostic: "modifications require authentication"}, nil)
		return
	}
	reply, controls := do()
	o.reply(reply, controls)
}

// writable refuses those who may not change an entry. The caller holds the tree's lock.
func (o *operation) writable() *wire.Reply {
	if o.who.root || len(o.dir.writers) == 0 || o.dir.writers[o.who.key] {
		return nil
	}
	if o.dir.cfg.Profile == ActiveDirectory {
		return refuse(codeInsufficientAccess, "00000005: SecErr: DSID-03152E29, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n\x00")
	}
	return refuse(codeInsufficientAccess, "")
}

func cloneValues(a wire.Attribute) (values [][]byte, ok bool) {
	err := a.Values(func(v []byte) bool { values = append(values, bytes.Clone(v)); return true })
	return values, err == nil
}

// readEntry is the value of a pre-read or post-read response (RFC 4527). The caller holds the tree's lock.
func (o *operation) readEntry(oid string, n *node, sel *selection) []wire.Control {
	if sel == nil {
		return nil
	}
	var e wire.Encoder
	o.dir.encode(&e, o.dir.collect(n, sel), sel)
	return []wire.Control{{OID: oid, Value: e.Bytes}}
}
