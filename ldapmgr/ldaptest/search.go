// SPDX-License-Identifier: MIT

package ldaptest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// The scopes of a search.
const (
	scopeBase = iota
	scopeOne
	scopeSub
	scopeChildren
)

// query is a search request made ready.
type query struct {
	wire.Search
	base     dn
	filter   filter
	sel      selection
	identity string // what must be the same on every page
	deadline time.Time
}

func (o *operation) search() {
	q, problem := o.readSearch()
	if problem == nil {
		problem = o.searchAllowed(q)
	}
	if problem != nil {
		o.reply(*problem, nil)
		return
	}
	if f, ok := o.special(q); ok {
		within := q.Scope == scopeBase || q.Scope == scopeSub // nothing lies below the entries outside the tree
		if within && o.dir.match(&q.filter, f.entry) == yes {
			o.send(func(e *wire.Encoder) { o.dir.encode(e, f, &q.sel) })
		}
		o.reply(wire.Reply{}, nil)
		return
	}
	o.searchTree(q)
}

func (o *operation) readSearch() (q *query, problem *wire.Reply) {
	malformed := &wire.Reply{Code: codeProtocolError, Diagnostic: "decoding error"}
	q = &query{deadline: time.Now().Add(o.dir.cfg.TimeLimit)}
	var err error
	if q.Search, err = wire.ParseSearch(o.message.Body); err != nil {
		return nil, malformed
	}
	parsed, err := wire.ParseFilter(q.Filter)
	if err != nil || q.Scope < scopeBase || q.Scope > scopeChildren || q.Deref < 0 || q.Deref > 3 || q.SizeLimit < 0 || q.TimeLimit < 0 {
		return nil, malformed
	}
	var names []string
	if q.Attributes(func(name []byte) bool { names = append(names, string(name)); return true }) != nil {
		return nil, malformed
	}
	if q.base, err = o.dir.schema.parseDN(string(q.Base)); err != nil {
		return nil, o.dir.badDN()
	}
	q.filter = o.dir.schema.compile(parsed)
	q.sel = o.dir.schema.choose(names, q.TypesOnly)
	if q.TimeLimit > 0 && q.TimeLimit < int64(o.dir.cfg.TimeLimit/time.Second) {
		q.deadline = time.Now().Add(time.Duration(q.TimeLimit) * time.Second)
	}
	if o.controls.paging {
		q.identity = strings.Join([]string{string(q.Base), strconv.FormatInt(q.Scope, 10), string(q.Filter)}, "\x00")
	}
	return q, nil
}

// searchAllowed refuses what Active Directory refuses to strangers: everything but the root of the directory.
func (o *operation) searchAllowed(q *query) *wire.Reply {
	if o.dir.cfg.Profile == ActiveDirectory && o.who.anonymous() && !q.base.empty() {
		return o.dir.mustBind()
	}
	return nil
}

func (o *operation) searchTree(q *query) {
	if problem := o.sortRefused(); problem != nil {
		o.reply(*problem, nil)
		return
	}
	if o.controls.paging && len(o.controls.pageCookie) > 0 {
		o.nextPage(q)
		return
	}
	nodes, problem := o.findNodes(q)
	if problem != nil {
		o.reply(*problem, nil)
		return
	}
	var controls []wire.Control
	if o.controls.sort != nil {
		controls = append(controls, sortResult(o.controls.sortProblem))
	}
	if o.controls.paging {
		o.sendPage(q, &page{search: q.identity, rest: nodes}, controls)
		return
	}
	limit := o.limit(q)
	code := int64(codeSuccess)
	if limit >= 0 && len(nodes) > limit {
		nodes, code = nodes[:limit], codeSizeLimit
	}
	if !o.sendNodes(q, nodes) {
		code = codeTimeLimit
	}
	o.sendPartitions(q)
	o.reply(wire.Reply{Code: code}, controls)
}

// limit is how many entries an unpaged search may return; -1 is no limit.
func (o *operation) limit(q *query) int {
	limit := o.dir.cfg.SizeLimit
	if o.who.root && o.dir.cfg.Profile == OpenLDAP {
		limit = -1
	}
	// A client may ask slapd for more than the soft limit; Active Directory never gives more than its own.
	if asked := int(q.SizeLimit); asked > 0 && (limit < 0 || asked < limit || o.dir.cfg.Profile == OpenLDAP) {
		return asked
	}
	return limit
}

// sendNodes sends the entries as they are now; entries that are gone meanwhile are left out. It returns false when the
// time is up.
func (o *operation) sendNodes(q *query, nodes []*node) bool {
	const batch = 64
	for start := 0; start < len(nodes); start += batch {
		var ready [batch]found
		n := 0
		o.dir.tree.mu.RLock()
		for _, candidate := range nodes[start:min(start+batch, len(nodes))] {
			if o.dir.tree.byKey[candidate.entry.key] == candidate {
				ready[n] = o.dir.collect(candidate, &q.sel)
				n++
			}
		}
		o.dir.tree.mu.RUnlock()
		for _, f := range ready[:n] {
			if !o.sendFound(q, f) {
				return true
			}
		}
		if time.Now().After(q.deadline) {
			return false
		}
	}
	return true
}

func (o *operation) sendFound(q *query, f found) bool {
	if o.dir.known.referral != nil && !o.controls.manageDsaIT && f.entry.has(o.dir.known.referral) {
		return o.send(func(e *wire.Encoder) { e.Reference(o.dir.continuations(f.entry, q)...) })
	}
	return o.send(func(e *wire.Encoder) { o.dir.encode(e, f, &q.sel) })
}

// findNodes returns what matches, in order of creation or as the sort keys say.
func (o *operation) findNodes(q *query) ([]*node, *wire.Reply) {
	t := o.dir.tree
	t.mu.RLock()
	defer t.mu.RUnlock()
	base, problem := o.locate(q.base)
	if problem != nil {
		if o.dir.cfg.Profile == OpenLDAP {
			for i := range problem.Referrals {
				problem.Referrals[i] += "??" + [...]string{"base", "one", "sub", "subordinate"}[q.Scope]
			}
		}
		return nil, problem
	}
	if !o.asserted(base.entry) {
		return nil, &wire.Reply{Code: codeAssertionFailed}
	}
	nodes, ok := o.scan(q, base)
	if !ok {
		return nil, &wire.Reply{Code: codeTimeLimit}
	}
	if o.controls.sort != nil && o.controls.sortProblem == nil {
		o.dir.order(nodes, o.controls.sort)
	}
	return nodes, nil
}

// scan collects the matches, by index where one helps. It looks at the clock and at the client now and then.
func (o *operation) scan(q *query, base *node) (nodes []*node, inTime bool) {
	looked, inTime := 0, true
	visit := func(n *node) bool {
		if looked++; looked%256 == 0 {
			inTime = time.Now().Before(q.deadline)
			if !inTime || o.ctx.Err() != nil {
				return false
			}
		}
		if o.dir.isReferral(o, n.entry) || o.dir.match(&q.filter, n.entry) == yes {
			nodes = append(nodes, n)
		}
		return true
	}
	switch q.Scope {
	case scopeBase:
		visit(base)
		return nodes, inTime
	case scopeOne:
		for _, child := range base.children {
			if !visit(child) {
				break
			}
		}
		return nodes, inTime
	}
	candidates, ok := o.dir.candidates(&q.filter)
	if !ok || o.dir.hasReferrals() {
		base.walk(func(n *node) bool { return n == base && q.Scope == scopeChildren || visit(n) })
		return nodes, inTime
	}
	for _, n := range candidates {
		if n.under(base) && !(q.Scope == scopeChildren && n == base) && !visit(n) {
			break
		}
	}
	slices.SortFunc(nodes, func(a, b *node) int { return cmp.Compare(a.entry.id, b.entry.id) })
	return slices.Compact(nodes), inTime
}
