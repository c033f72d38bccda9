// SPDX-License-Identifier: MIT

package ldaptest

import (
	"math/big"
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// The kinds of change in a modify request.
const (
	changeAdd = iota
	changeDelete
	changeReplace
	changeIncrement
)

type modification struct {
	kind int64
	attr attr
}

func (o *operation) modify() (wire.Reply, []wire.Control) {
	request, err := wire.ParseModify(o.message.Body)
	if err != nil {
		return wire.Reply{Code: codeProtocolError}, nil
	}
	d := o.dir
	name, err := d.schema.parseDN(string(request.DN))
	if err != nil {
		return *d.badDN(), nil
	}
	changes, problem := o.readChanges(request)
	if problem == nil && (name.empty() || name.key() == d.subschemaName().key()) {
		problem = refuse(codeUnwilling, "this entry is the server's own")
	}
	if problem != nil {
		return *problem, nil
	}
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	n, problem := o.locate(name)
	if problem != nil {
		return *problem, nil
	}
	if !o.asserted(n.entry) {
		return wire.Reply{Code: codeAssertionFailed}, nil
	}
	if problem := o.writable(); problem != nil && !o.ownPassword(n, changes) {
		return *problem, nil
	}
	controls := o.readEntry(oidPreRead, n, o.controls.preRead)
	if problem := o.applyChanges(n, changes); problem != nil {
		return *problem, nil
	}
	return wire.Reply{}, append(controls, o.readEntry(oidPostRead, n, o.controls.postRead)...)
}

// ownPassword is the one change that everybody may make.
func (o *operation) ownPassword(n *node, changes []modification) bool {
	return n.entry.key == o.who.key && !slices.ContainsFunc(changes, func(m modification) bool { return !m.attr.typ.secret })
}

func (o *operation) readChanges(request wire.Modify) (changes []modification, problem *wire.Reply) {
	malformed := &wire.Reply{Code: codeProtocolError, Diagnostic: "decoding modlist error"}
	err := request.Changes(func(c wire.Change) bool {
		values, ok := cloneValues(c.Attribute)
		if !ok || c.Operation < changeAdd || c.Operation > changeIncrement {
			problem = malformed
			return false
		}
		if len(values) == 0 && (c.Operation == changeAdd || c.Operation == changeIncrement) || len(values) > 1 && c.Operation == changeIncrement {
			problem = refuse(codeProtocolError, "modify operation requires values")
			return false
		}
		var a attr
		if a, problem = o.dir.readAttr(string(c.Attribute.Name), values, false); problem != nil {
			return false
		}
		changes = append(changes, modification{c.Operation, a})
		return true
	})
	if err != nil {
		return nil, malformed
	}
	if problem != nil {
		return nil, problem
	}
	var written []attr
	for _, c := range changes {
		written = append(written, c.attr)
	}
	return changes, o.checkPasswords(written)
}

// checkPasswords holds passwords for Active Directory against its rules: encrypted connections only, in quotation marks.
func (o *operation) checkPasswords(attrs []attr) *wire.Reply {
	for _, a := range attrs {
		if a.typ != o.dir.known.unicodePwd || a.typ == nil {
			continue
		}
		for _, v := range a.values {
			if _, ok := decodeUnicodePwd(v); !ok || !o.conn.encrypted.Load() {
				return refuse(codeUnwilling, "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")
			}
		}
	}
	return nil
}

func (o *operation) applyChanges(n *node, changes []modification) *wire.Reply {
	d := o.dir
	before := n.entry
	e := before.clone()
	for _, c := range changes {
		if problem := o.apply(e, c); problem != nil {
			return problem
		}
	}
	if problem := d.checkClassNames(e); problem != nil {
		return problem
	}
	d.schema.resolveClasses(e)
	if d.cfg.Profile == ActiveDirectory {
		if problem := d.checkLinks(before, e); problem != nil {
			return problem
		}
	}
	if problem := d.checkEntry(e, before); problem != nil {
		return problem
	}
	d.tree.usn++
	d.stampChanged(e, o.who.text)
	if d.cfg.Profile == ActiveDirectory && slices.ContainsFunc(changes, func(m modification) bool { return m.attr.typ == d.known.unicodePwd }) {
		d.set(e, "pwdLastSet", itoa(FileTime(d.cfg.Now())))
	}
	d.tree.replace(n, e)
	d.link(before, e)
	return nil
}

func (o *operation) apply(e *entry, c modification) *wire.Reply {
	old := e.find(c.attr.typ, c.attr.option)
	switch c.kind {
	case changeAdd:
		return o.applyAdd(e, old, c.attr)
	case changeDelete:
		return o.applyDelete(e, old, c.attr)
	case changeReplace:
		e.put(c.attr)
	case changeIncrement:
		return o.dir.applyIncrement(e, old, c.attr)
	}
	return nil
}

func (o *operation) applyAdd(e *entry, old *attr, added attr) *wire.Reply {
	if old == nil {
		e.put(added)
		return nil
	}
	merged := *old
	for i, v := range added.values {
		if slices.Contains(old.normal, added.normal[i]) {
			if o.controls.permissive {
				continue
			}
			return o.dir.valueExists(added.typ, i)
		}
		merged = merged.with(v, added.normal[i])
	}
	e.put(merged)
	return nil
}

func (d *Directory) valueExists(typ *attributeType, i int) *wire.Reply {
	if d.cfg.Profile != ActiveDirectory {
		return refuse(codeValueExists, "modify/add: %s: value #%d already exists", typ.name, i)
	}
	if typ == d.known.member {
		return refuse(codeAlreadyExists, "00000562: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0\n\x00")
	}
	return refuse(codeValueExists, "00002083: AtrErr: DSID-03151785, #1:\n\t0: 00002083: DSID-03151785, problem 1006 (ATT_OR_VALUE_EXISTS), data 0, Att 0 (%s)\n\x00", typ.name)
}

func (o *operation) applyDelete(e *entry, old *attr, gone attr) *wire.Reply {
	if old == nil {
		if o.controls.permissive {
			return nil
		}
		return o.dir.noValue(gone.typ)
	}
	if len(gone.values) == 0 {
		e.put(attr{typ: gone.typ, option: gone.option})
		return nil
	}
	if gone.typ.equality == nil && o.dir.cfg.Profile == OpenLDAP {
		return refuse(codeInappropriateMatch, "modify/delete: %s: no equality matching rule", gone.typ.name)
	}
	left := *old
	for _, normal := range gone.normal {
		i := slices.Index(left.normal, normal)
		switch {
		case i >= 0:
			left = left.without(i)
		case !o.controls.permissive:
			return o.dir.noValue(gone.typ)
		}
	}
	e.put(left)
	return nil
}

func (d *Directory) noValue(typ *attributeType) *wire.Reply {
	if d.cfg.Profile != ActiveDirectory {
		return refuse(codeNoSuchAttribute, "modify/delete: %s: no such value", typ.name)
	}
	if typ == d.known.unicodePwd { // the old password of a change is wrong
		return d.violation(codeConstraint, 0x56, "", typ.name)
	}
	if typ == d.known.member {
		return refuse(codeUnwilling, "00000561: SvcErr: DSID-031A1261, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")
	}
	return refuse(codeNoSuchAttribute, "00002085: AtrErr: DSID-03152EFA, #1:\n\t0: 00002085: DSID-03152EFA, problem 1001 (NO_ATTRIBUTE_OR_VAL), data 0, Att 0 (%s)\n\x00", typ.name)
}

// applyIncrement is RFC 4525.
func (d *Directory) applyIncrement(e *entry, old *attr, by attr) *wire.Reply {
	switch {
	case old == nil:
		return refuse(codeNoSuchAttribute, "modify/increment: %s: no such attribute", by.typ.name)
	case by.typ.syntax != syntaxInteger:
		return refuse(codeConstraint, "modify/increment: %s: increment not supported for value syntax", by.typ.name)
	}
	step, _ := new(big.Int).SetString(string(by.values[0]), 10)
	sum := attr{typ: old.typ, option: old.option}
	for _, v := range old.values {
		n, _ := new(big.Int).SetString(string(v), 10)
		text := n.Add(n, step).String()
		sum = sum.with([]byte(text), text)
	}
	e.put(sum)
	return nil
}
