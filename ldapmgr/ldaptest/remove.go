// SPDX-License-Identifier: MIT

package ldaptest

import "github.com/ldapscope/ldapscope/instrument/wire"

func (o *operation) remove() (wire.Reply, []wire.Control) {
	d := o.dir
	name, err := d.schema.parseDN(string(o.message.Body))
	if err != nil {
		return *d.badDN(), nil
	}
	if name.empty() {
		return wire.Reply{Code: codeUnwilling, Diagnostic: "cannot delete the root DSE"}, nil
	}
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	n, problem := o.locate(name)
	if problem == nil && !o.asserted(n.entry) {
		problem = &wire.Reply{Code: codeAssertionFailed}
	}
	if problem == nil {
		problem = o.writable()
	}
	if problem != nil {
		return *problem, nil
	}
	if len(n.children) > 0 && !o.controls.treeDelete {
		if d.cfg.Profile == ActiveDirectory {
			return *refuse(codeNotAllowedOnNonLeaf, "00002015: UpdErr: DSID-03100A35, problem 6003 (CANT_ON_NON_LEAF), data 0\n\x00"), nil
		}
		return *refuse(codeNotAllowedOnNonLeaf, "subordinate objects must be deleted first"), nil
	}
	controls := o.readEntry(oidPreRead, n, o.controls.preRead)
	var all []*node
	n.walk(func(m *node) bool { all = append(all, m); return true })
	d.tree.usn++
	for i := len(all) - 1; i >= 0; i-- {
		d.unlink(all[i].entry)
		d.tree.remove(all[i])
	}
	return wire.Reply{}, controls
}
