// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"
	"sync"
)

// tree holds all entries below the suffix.
type tree struct {
	mu     sync.RWMutex // guards everything below, the nodes included
	byKey  map[string]*node
	root   *node // the suffix entry; nil while there is none
	index  map[*attributeType]map[string][]*node
	lastID uint64
	usn    uint64 // counts changes, as Active Directory's update sequence number
}

// node is a place in the tree. Its entry is replaced at every change.
type node struct {
	entry    *entry
	parent   *node
	children []*node
}

func newTree() *tree {
	return &tree{byKey: map[string]*node{}, index: map[*attributeType]map[string][]*node{}}
}

// nearest returns the deepest existing entry at or above name, or nil.
func (t *tree) nearest(name dn) *node {
	for ; !name.empty(); name = name.parent() {
		if n := t.byKey[name.key()]; n != nil {
			return n
		}
	}
	return nil
}

func (t *tree) insert(e *entry, parent *node) *node {
	t.lastID++
	e.id = t.lastID
	n := &node{entry: e, parent: parent}
	if parent == nil {
		t.root = n
	} else {
		parent.children = append(parent.children, n)
	}
	t.byKey[e.key] = n
	for _, a := range e.attrs {
		t.post(n, a)
	}
	return n
}

func (t *tree) remove(n *node) {
	delete(t.byKey, n.entry.key)
	if n.parent == nil {
		t.root = nil
	} else {
		n.parent.children = without(n.parent.children, n)
	}
	for _, a := range n.entry.attrs {
		t.unpost(n, a)
	}
}

// replace puts a changed entry of the same name in the place of n's entry.
func (t *tree) replace(n *node, e *entry) {
	for _, old := range n.entry.attrs {
		now := e.find(old.typ, old.option)
		if now == nil {
			t.unpost(n, old)
			continue
		}
		gone, come := changed(old.normal, now.normal)
		t.unpost(n, attr{typ: old.typ, normal: gone})
		t.post(n, attr{typ: old.typ, normal: come})
	}
	for _, now := range e.attrs {
		if n.entry.find(now.typ, now.option) == nil {
			t.post(n, now)
		}
	}
	n.entry = e
}

// changed cuts off what two lists have in common at both ends, so that one value more in a large group costs little.
func changed(old, now []string) (gone, come []string) {
	if len(old) == len(now) && (len(old) == 0 || &old[0] == &now[0]) {
		return nil, nil
	}
	shorter := min(len(old), len(now))
	head := 0
	for head < shorter && old[head] == now[head] {
		head++
	}
	tail := 0
	for tail < shorter-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	return old[head : len(old)-tail], now[head : len(now)-tail]
}

// move gives n another parent and another name; rename is called for n and all below it to give each its new entry.
func (t *tree) move(n, parent *node, rename func(n *node) *entry) {
	if n.parent != parent {
		n.parent.children = without(n.parent.children, n)
		n.parent = parent
		parent.children = append(parent.children, n)
	}
	n.walk(func(n *node) bool { delete(t.byKey, n.entry.key); return true })
	n.walk(func(n *node) bool {
		e := rename(n)
		t.replace(n, e)
		t.byKey[e.key] = n
		return true
	})
}

// walk visits n and everything below it, parents first, until visit returns false.
func (n *node) walk(visit func(*node) bool) bool {
	if !visit(n) {
		return false
	}
	for _, child := range n.children {
		if !child.walk(visit) {
			return false
		}
	}
	return true
}

// under reports whether n is base or lies below it.
func (n *node) under(base *node) bool {
	for ; n != nil; n = n.parent {
		if n == base {
			return true
		}
	}
	return false
}

func without(list []*node, n *node) []*node {
	if i := slices.Index(list, n); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// indexed reports whether values of a type can be found without reading every entry.
func indexed(typ *attributeType) bool { return typ.equality != nil && !typ.secret }

func (t *tree) post(n *node, a attr) {
	if !indexed(a.typ) {
		return
	}
	values := t.index[a.typ]
	if values == nil {
		values = map[string][]*node{}
		t.index[a.typ] = values
	}
	for _, v := range a.normal {
		values[v] = append(values[v], n)
	}
}

func (t *tree) unpost(n *node, a attr) {
	if !indexed(a.typ) {
		return
	}
	values := t.index[a.typ]
	for _, v := range a.normal {
		list := values[v]
		if i := slices.Index(list, n); i >= 0 {
			list[i] = list[len(list)-1]
			list[len(list)-1] = nil
			list = list[:len(list)-1]
		}
		if len(list) == 0 {
			delete(values, v)
		} else {
			values[v] = list
		}
	}
}

// having returns the nodes that have the value in the attribute or a subtype; with options they may be too many.
func (t *tree) having(typ *attributeType, normal string) []*node {
	if len(typ.subtypes) == 1 {
		return t.index[typ][normal]
	}
	var found []*node
	for _, sub := range typ.subtypes {
		found = append(found, t.index[sub][normal]...)
	}
	return found
}
