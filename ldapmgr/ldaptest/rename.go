// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

func (o *operation) rename() (wire.Reply, []wire.Control) {
	r, problem := o.readRename()
	if problem != nil {
		return *problem, nil
	}
	d, name := o.dir, r.name
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	n, problem := o.locate(name)
	if n == nil && d.cfg.Profile == OpenLDAP && problem.Code == codeNoSuchObject {
		problem = o.noSuchChild(name, problem)
	}
	if problem == nil && !o.asserted(n.entry) {
		problem = &wire.Reply{Code: codeAssertionFailed}
	}
	if problem == nil {
		problem = o.writable()
	}
	if problem != nil {
		return *problem, nil
	}
	parent, problem := o.newParent(n, r)
	if problem != nil {
		return *problem, nil
	}
	controls := o.readEntry(oidPreRead, n, o.controls.preRead)
	target := dn{append([]rdn{r.own}, r.superior.rdns...)}
	if problem := o.renameTo(n, parent, target, r.dropOld); problem != nil {
		return *problem, nil
	}
	return wire.Reply{}, append(controls, o.readEntry(oidPostRead, n, o.controls.postRead)...)
}

// noSuchChild is how slapd turns down the renaming of what is not there: it looks at the entry above first.
func (o *operation) noSuchChild(name dn, problem *wire.Reply) *wire.Reply {
	if o.dir.tree.byKey[name.parent().key()] == nil {
		return &wire.Reply{Code: codeNoSuchObject}
	}
	if refused := o.writable(); refused != nil {
		return refused
	}
	return problem
}

// renaming is a modify DN request with its names read.
type renaming struct {
	name, superior dn // superior is where the entry is to be, moved or not
	own            rdn
	moves, dropOld bool
}

func (o *operation) readRename() (r renaming, problem *wire.Reply) {
	request, err := wire.ParseModifyDN(o.message.Body)
	if err != nil {
		return r, &wire.Reply{Code: codeProtocolError}
	}
	d := o.dir
	r.moves, r.dropOld = request.NewSuperior != nil, request.DeleteOldRDN
	if r.name, err = d.schema.parseDN(string(request.DN)); err != nil {
		return r, d.badDN()
	}
	if r.own, err = d.schema.parseRDN(string(request.NewRDN)); err != nil {
		return r, d.badDN()
	}
	r.superior = r.name.parent()
	if r.moves {
		if r.superior, err = d.schema.parseDN(string(request.NewSuperior)); err != nil {
			return r, d.badDN()
		}
	}
	switch {
	case r.name.empty():
		return r, refuse(codeUnwilling, "cannot rename the root DSE")
	case !r.superior.under(d.suffix) && r.name.under(d.suffix):
		return r, refuse(codeAffectsMultiple, "cannot rename between DSAs")
	}
	return r, nil
}

func (o *operation) newParent(n *node, r renaming) (*node, *wire.Reply) {
	if !r.moves {
		return n.parent, nil
	}
	parent := o.dir.tree.byKey[r.superior.key()]
	switch {
	case parent == nil:
		return nil, &wire.Reply{Code: codeNoSuchObject, Diagnostic: "new superior not found"}
	case parent.under(n):
		return nil, refuse(codeUnwilling, "the new superior lies below the entry")
	}
	return parent, nil
}

func (o *operation) renameTo(n, parent *node, target dn, deleteOld bool) *wire.Reply {
	d := o.dir
	if other := d.tree.byKey[target.key()]; other != nil && other != n {
		return d.exists()
	}
	before := n.entry
	renamed := before.clone()
	renamed.name = target
	if deleteOld || d.cfg.Profile == ActiveDirectory {
		for _, part := range before.name.rdns[0].parts {
			if a := renamed.find(part.typ, ""); a != nil {
				if i := slices.Index(a.normal, part.normal); i >= 0 {
					renamed.put(a.without(i))
				}
			}
		}
	}
	d.addNaming(renamed)
	if problem := d.checkEntry(renamed, nil); problem != nil {
		return problem
	}
	old := map[*node]*entry{}
	n.walk(func(n *node) bool { old[n] = n.entry; return true })
	depth := len(before.name.rdns)
	d.tree.usn++
	d.tree.move(n, parent, func(m *node) *entry {
		e := renamed
		if m != n {
			e = m.entry.clone()
			own := e.name.rdns[:len(e.name.rdns)-depth]
			e.name = dn{append(slices.Clone(own), target.rdns...)}
		}
		e.text, e.key = d.schema.formatBelow(e.name.rdns[0], m.parent.entry.text), e.name.key()
		d.stampName(e)
		if m == n {
			d.stampChanged(e, o.who.text)
		}
		return e
	})
	for m, was := range old {
		d.relink(was, m.entry)
	}
	return nil
}
