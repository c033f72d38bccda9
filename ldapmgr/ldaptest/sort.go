// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// sortKey is one key of server-side sorting (RFC 2891).
type sortKey struct {
	typ     *attributeType
	rule    *rule
	reverse bool
}

// sortProblem is why a search cannot be sorted.
type sortProblem struct {
	code      int64
	attribute string
}

// readSortKeys reads the value of the sort request control. A key that cannot be used is a problem and no failure, since
// the control may be non-critical.
func (d *Directory) readSortKeys(value []byte) (keys []sortKey, problem *sortProblem, ok bool) {
	tag, body, rest, ok := cut(value)
	if !ok || tag != 0x30 || len(rest) > 0 {
		return nil, nil, false
	}
	for len(body) > 0 {
		var one []byte
		if tag, one, body, ok = cut(body); !ok || tag != 0x30 {
			return nil, nil, false
		}
		key, bad, ok := d.readSortKey(one)
		if !ok {
			return nil, nil, false
		}
		if bad != nil && problem == nil {
			problem = bad
		}
		keys = append(keys, key)
	}
	return keys, problem, len(keys) > 0
}

func (d *Directory) readSortKey(b []byte) (key sortKey, problem *sortProblem, ok bool) {
	tag, name, b, ok := cut(b)
	if !ok || tag != 0x04 {
		return key, nil, false
	}
	ruleName := ""
	for len(b) > 0 {
		var part []byte
		if tag, part, b, ok = cut(b); !ok {
			return key, nil, false
		}
		switch tag {
		case 0x80:
			ruleName = string(part)
		case 0x81:
			key.reverse = len(part) == 1 && part[0] != 0
		default:
			return key, nil, false
		}
	}
	key.typ, _ = d.schema.split(string(name))
	if key.typ == nil {
		return key, &sortProblem{codeNoSuchAttribute, string(name)}, true
	}
	key.rule = key.typ.ordering
	if ruleName != "" {
		key.rule = findRule(ruleName)
	}
	if key.rule == nil || key.rule.compare == nil {
		return key, &sortProblem{codeInappropriateMatch, string(name)}, true
	}
	return key, nil, true
}

// sortResult is the response control.
func sortResult(problem *sortProblem) wire.Control {
	var e wire.Encoder
	mark := e.Begin(0x30)
	if problem == nil {
		e.Integer(0x0a, codeSuccess)
	} else {
		e.Integer(0x0a, problem.code)
		if problem.attribute != "" {
			e.Text(0x80, problem.attribute)
		}
	}
	e.End(mark)
	return wire.Control{OID: wire.OIDSortResponse, Value: e.Bytes}
}

// sortRefused is the answer to a sort that cannot be done. slapd fails the search with the reason as its code; RFC 2891
// and Active Directory fail it only where the control is critical, and otherwise send unsorted entries.
func (o *operation) sortRefused() *wire.Reply {
	problem := o.controls.sortProblem
	switch {
	case problem == nil:
		return nil
	case o.dir.cfg.Profile == OpenLDAP:
		return &wire.Reply{Code: problem.code, Diagnostic: "serverSort control: the key cannot be used"}
	case o.controls.sortCritical:
		return &wire.Reply{Code: codeCriticalExtension, Diagnostic: o.dir.criticalText(true)}
	}
	return nil
}

// order sorts by the keys. An entry without the attribute counts as larger than all others; of several values the
// smallest decides.
func (d *Directory) order(nodes []*node, keys []sortKey) {
	type ranked struct {
		n      *node
		values []string
		have   []bool
	}
	list := make([]ranked, len(nodes))
	for i, n := range nodes {
		r := ranked{n, make([]string, len(keys)), make([]bool, len(keys))}
		for k, key := range keys {
			r.values[k], r.have[k] = d.smallest(n.entry, key)
		}
		list[i] = r
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		for k, key := range keys {
			order := 0
			switch {
			case a.have[k] && b.have[k]:
				order = key.rule.compare(a.values[k], b.values[k])
			case a.have[k]:
				order = -1
			case b.have[k]:
				order = 1
			}
			if key.reverse {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	for i := range list {
		nodes[i] = list[i].n
	}
}

func (d *Directory) smallest(e *entry, key sortKey) (least string, found bool) {
	for _, a := range e.attrs {
		if !slices.Contains(key.typ.subtypes, a.typ) || a.typ.secret {
			continue
		}
		for _, v := range a.values {
			normal, ok := key.rule.normalize(d.schema, v)
			if ok && (!found || key.rule.compare(normal, least) < 0) {
				least, found = normal, true
			}
		}
	}
	return least, found
}
