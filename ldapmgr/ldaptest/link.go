// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// linkPair is an attribute that names entries and the one by which those name it back.
type linkPair struct{ forward, back *attributeType }

func (d *Directory) links() []linkPair {
	pairs := []linkPair{{d.known.member, d.known.memberOf}}
	if d.cfg.Profile == ActiveDirectory {
		pairs = append(pairs, linkPair{d.schema.attribute("manager"), d.schema.attribute("directreports")},
			linkPair{d.schema.attribute("managedby"), d.schema.attribute("managedobjects")})
	}
	return pairs
}

// link brings the attributes that point back in line with a change of an entry that keeps its name; before is nil for a
// new entry. The caller holds the lock for writing, as with all in this file.
func (d *Directory) link(before, after *entry) {
	for _, pair := range d.links() {
		var was, is []string
		if before != nil {
			was = normalsOf(before, pair.forward)
		}
		is = normalsOf(after, pair.forward)
		if len(was) == 0 && len(is) == 0 {
			continue
		}
		gone, come := difference(was, is)
		for _, key := range gone {
			d.takeBack(pair.back, key, after.key)
		}
		for _, key := range come {
			d.giveBack(pair.back, key, after)
		}
	}
}

// linkAll writes all attributes that point back, each entry once.
func (d *Directory) linkAll() {
	if d.tree.root == nil {
		return
	}
	for _, pair := range d.links() {
		back := map[string][]*entry{}
		d.tree.root.walk(func(n *node) bool {
			for _, key := range normalsOf(n.entry, pair.forward) {
				back[key] = append(back[key], n.entry)
			}
			return true
		})
		for key, from := range back {
			if n := d.tree.byKey[key]; n != nil {
				d.pointBack(n, pair.back, from)
			}
		}
	}
}

// pointBack adds names to what the entry may have from its LDIF.
func (d *Directory) pointBack(n *node, typ *attributeType, from []*entry) {
	a := attr{typ: typ}
	have := map[string]bool{}
	if old := n.entry.find(typ, ""); old != nil {
		a.values, a.normal = slices.Clone(old.values), slices.Clone(old.normal)
		for _, v := range old.normal {
			have[v] = true
		}
	}
	for _, e := range from {
		if !have[e.key] {
			a.values, a.normal = append(a.values, []byte(e.text)), append(a.normal, e.key)
		}
	}
	e := n.entry.clone()
	e.put(a)
	d.tree.replace(n, e)
}

func normalsOf(e *entry, typ *attributeType) []string {
	if a := e.find(typ, ""); a != nil {
		return a.normal
	}
	return nil
}

func difference(was, is []string) (gone, come []string) {
	had := make(map[string]bool, len(was))
	for _, v := range was {
		had[v] = true
	}
	for _, v := range is {
		if !had[v] {
			come = append(come, v)
		}
		delete(had, v)
	}
	for v := range had {
		gone = append(gone, v)
	}
	return gone, come
}

// giveBack lets the entry at key point back to e.
func (d *Directory) giveBack(typ *attributeType, key string, e *entry) {
	n := d.tree.byKey[key]
	if n == nil {
		return
	}
	a := attr{typ: typ}
	if old := n.entry.find(typ, ""); old != nil {
		if slices.Contains(old.normal, e.key) {
			return
		}
		a = *old
	}
	changed := n.entry.clone()
	changed.put(a.with([]byte(e.text), e.key))
	d.tree.replace(n, changed)
}

// takeBack removes a name from an attribute of the entry at key.
func (d *Directory) takeBack(typ *attributeType, key, name string) {
	n := d.tree.byKey[key]
	if n == nil {
		return
	}
	old := n.entry.find(typ, "")
	if old == nil {
		return
	}
	if i := slices.Index(old.normal, name); i >= 0 {
		changed := n.entry.clone()
		changed.put(old.without(i))
		d.tree.replace(n, changed)
	}
}

// unlink takes an entry that is about to go out of all that name it.
func (d *Directory) unlink(e *entry) {
	for _, pair := range d.links() {
		for _, key := range normalsOf(e, pair.forward) {
			d.takeBack(pair.back, key, e.key)
		}
		for _, n := range slices.Clone(d.tree.having(pair.forward, e.key)) {
			d.takeBack(pair.forward, n.entry.key, e.key)
		}
	}
}

// relink follows a rename: every name of the entry in linked attributes is brought up to date.
func (d *Directory) relink(was, is *entry) {
	if was.key == is.key && was.text == is.text {
		return
	}
	for _, pair := range d.links() {
		for _, typ := range []*attributeType{pair.forward, pair.back} {
			for _, n := range slices.Clone(d.tree.having(typ, was.key)) {
				old := n.entry.find(typ, "")
				if old == nil {
					continue
				}
				i := slices.Index(old.normal, was.key)
				if i < 0 {
					continue
				}
				now := attr{typ: typ, values: slices.Clone(old.values), normal: slices.Clone(old.normal)}
				now.values[i], now.normal[i] = []byte(is.text), is.key
				changed := n.entry.clone()
				changed.put(now)
				d.tree.replace(n, changed)
			}
		}
	}
}

// checkLinks refuses new links to entries that do not exist, as Active Directory does.
func (d *Directory) checkLinks(before, after *entry) *wire.Reply {
	for _, pair := range d.links() {
		_, come := difference(normalsOf(before, pair.forward), normalsOf(after, pair.forward))
		for _, key := range come {
			if d.tree.byKey[key] == nil {
				return refuse(codeNoSuchObject, "00000525: NameErr: DSID-031A11FC, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'%s'\n\x00", d.Suffix())
			}
		}
	}
	return nil
}
