// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

func (o *operation) add() (wire.Reply, []wire.Control) {
	request, err := wire.ParseAdd(o.message.Body)
	if err != nil {
		return wire.Reply{Code: codeProtocolError}, nil
	}
	var raw []rawAttr
	malformed := false
	err = request.Attributes(func(a wire.Attribute) bool {
		values, ok := cloneValues(a)
		malformed = !ok || len(values) == 0
		raw = append(raw, rawAttr{string(a.Name), values})
		return !malformed
	})
	if err != nil || malformed {
		return wire.Reply{Code: codeProtocolError, Diagnostic: "no values given"}, nil
	}
	d := o.dir
	e, problem := d.newEntry(string(request.DN), raw, false)
	if problem != nil {
		return *problem, nil
	}
	if problem := o.checkPasswords(e.attrs); problem != nil {
		return *problem, nil
	}
	if d.cfg.Profile == ActiveDirectory {
		d.disableNew(e)
	}
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	parent, problem := o.placeFor(e)
	if problem != nil {
		return *problem, nil
	}
	if problem := d.insert(e, parent, o.who.text); problem != nil {
		return *problem, nil
	}
	n := d.tree.byKey[e.key]
	d.link(nil, n.entry)
	return wire.Reply{}, o.readEntry(oidPostRead, n, o.controls.postRead)
}

// placeFor returns the entry that a new one goes below; nil is for the suffix entry itself.
func (o *operation) placeFor(e *entry) (*node, *wire.Reply) {
	d, name := o.dir, e.name
	if !name.under(d.suffix) {
		if d.cfg.Profile == ActiveDirectory {
			return nil, d.elsewhere(name)
		}
		return nil, refuse(codeUnwilling, "no global superior knowledge")
	}
	if problem := d.checkEntry(e, nil); problem != nil {
		return nil, problem
	}
	if n := d.tree.byKey[name.key()]; n != nil {
		return nil, d.exists()
	}
	if name.key() == d.suffix.key() {
		return nil, o.writable()
	}
	parent, problem := o.locate(name.parent())
	if problem != nil && problem.Code == codeReferral {
		_, problem = o.locate(name) // so that the referral names the new entry
	}
	if problem == nil {
		problem = o.writable()
	}
	return parent, problem
}

func (d *Directory) exists() *wire.Reply {
	if d.cfg.Profile == ActiveDirectory {
		return refuse(codeAlreadyExists, "00002071: UpdErr: DSID-0305038D, problem 6005 (ENTRY_EXISTS), data 0\n\x00")
	}
	return refuse(codeAlreadyExists, "")
}

// newEntry builds an entry from what was given and checks all that can be checked without looking at others.
func (d *Directory) newEntry(name string, raw []rawAttr, internal bool) (*entry, *wire.Reply) {
	parsed, err := d.schema.parseDN(name)
	if err != nil {
		return nil, d.badDN()
	}
	if parsed.empty() {
		return nil, refuse(codeAlreadyExists, "root DSE cannot be added")
	}
	e := &entry{name: parsed, text: d.schema.format(parsed), key: parsed.key()}
	for _, r := range raw {
		a, problem := d.readAttr(r.name, r.values, internal)
		if problem != nil {
			return nil, problem
		}
		if old := e.find(a.typ, a.option); old != nil {
			if a, problem = d.readAttr(r.name, append(slices.Clip(old.values), a.values...), internal); problem != nil {
				return nil, problem
			}
		}
		e.put(a)
	}
	d.addNaming(e)
	if d.cfg.Profile == ActiveDirectory {
		d.expandClasses(e)
		d.keepPassword(e)
	}
	if problem := d.checkClassNames(e); problem != nil {
		return nil, problem
	}
	d.schema.resolveClasses(e)
	return e, nil
}

// checkClassNames refuses classes that nobody defined.
func (d *Directory) checkClassNames(e *entry) *wire.Reply {
	if a := e.find(d.known.objectClass, ""); a != nil {
		for i, v := range a.values {
			if d.schema.class(string(v)) == nil {
				return refuse(codeInvalidSyntax, "objectClass: value #%d invalid per syntax", i)
			}
		}
	}
	return nil
}

// addNaming gives the entry the values of its own name where they are missing.
func (d *Directory) addNaming(e *entry) {
	for _, part := range e.name.rdns[0].parts {
		a := e.find(part.typ, "")
		if a == nil {
			e.put(attr{typ: part.typ, values: [][]byte{part.value}, normal: []string{part.normal}})
		} else if !slices.Contains(a.normal, part.normal) {
			e.put(a.with(part.value, part.normal))
		}
	}
}

// insert checks the entry and puts it into the tree. The caller holds the lock for writing.
func (d *Directory) insert(e *entry, parent *node, by string) *wire.Reply {
	d.tree.usn++
	if parent != nil {
		e.text = d.schema.formatBelow(e.name.rdns[0], parent.entry.text)
	}
	d.stampNew(e, by)
	if problem := d.checkEntry(e, nil); problem != nil {
		return problem
	}
	d.tree.insert(e, parent)
	return nil
}
