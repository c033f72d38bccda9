// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// requestView is one request as read from the wire, before redaction. It lives as long as the call that sends it.
type requestView struct {
	parsed
	others
	scratch // used again
}

// parsed is what a message says. It aliases the message.
type parsed struct {
	message  wire.Message
	kind     Kind
	dn       []byte // target, search base or bind name
	search   wire.Search
	paged    bool
	lasts    bool // to tell of changes
	pageSize int64
}

// others is what messages say that are no searches, as nearly all are.
type others struct {
	bind     wire.Bind
	modify   wire.Modify
	add      wire.Add
	modifyDN wire.ModifyDN
	compare  wire.Compare
	extended wire.Extended
	abandon  int64
}

// scratch is memory for reading one request.
type scratch struct {
	filters wire.FilterReader
	text    []byte
	options [3]trace.SpanStartOption
	summed  filterSum
	named   lastDN
	listed  lastList
	stack   *callStack // of the last call
}

// forget makes it ready for the next message.
func (v *requestView) forget() {
	if v.kind != KindSearch {
		v.others = others{}
	}
	v.parsed = parsed{}
}

// read reads the request of a message.
func (v *requestView) read(m *wire.Message) (err error) {
	v.message = *m
	switch m.Op {
	case wire.BindRequest:
		v.kind = KindBind
		v.bind, err = wire.ParseBind(m.Body)
		v.dn = v.bind.Name
	case wire.UnbindRequest:
		v.kind = KindUnbind
	case wire.SearchRequest:
		v.kind = KindSearch
		if err = v.search.Parse(m.Body); err == nil {
			err = v.summed.read(&v.filters, v.search.Filter)
		}
		v.dn = v.search.Base
	case wire.ModifyRequest:
		v.kind = KindModify
		v.modify, err = wire.ParseModify(m.Body)
		v.dn = v.modify.DN
	case wire.AddRequest:
		v.kind = KindAdd
		v.add, err = wire.ParseAdd(m.Body)
		v.dn = v.add.DN
	case wire.DelRequest:
		v.kind, v.dn = KindDelete, m.Body
	case wire.ModifyDNRequest:
		v.kind = KindModifyDN
		v.modifyDN, err = wire.ParseModifyDN(m.Body)
		v.dn = v.modifyDN.DN
	case wire.CompareRequest:
		v.kind = KindCompare
		v.compare, err = wire.ParseCompare(m.Body)
		v.dn = v.compare.DN
	case wire.AbandonRequest:
		v.kind = KindAbandon
		v.abandon, err = wire.ParseAbandon(m.Body)
	case wire.ExtendedRequest:
		v.kind = KindExtended
		v.extended, err = wire.ParseExtended(m.Body)
	default:
		return wire.ErrMalformed
	}
	if err != nil || !m.HasControls() {
		return err
	}
	return m.Controls(func(c wire.Control) bool {
		if c.OID == wire.OIDPaging {
			v.paged = true
			v.pageSize, _, _ = wire.ParsePaging(c.Value)
		}
		v.lasts = v.lasts || v.kind == KindSearch && c.Lasts()
		return true
	})
}

// outline writes into a record that nobody will look at what the observer itself needs of the request later.
func (v *requestView) outline(rec *record) {
	rec.kind = v.kind
	rec.search.Scope = SearchScope(v.search.Scope)
}

// fill writes the redacted request into a record.
func (v *requestView) fill(rec *record, r *redactor) {
	rec.kind = v.kind
	switch v.kind {
	case KindSearch:
		v.fillSearch(rec, r)
	case KindAbandon, KindUnbind:
	default:
		v.fillDetails(rec.more(), r)
	}
	if v.message.HasControls() {
		d := rec.more()
		_ = v.message.Controls(func(c wire.Control) bool {
			d.controls = append(d.controls, Control{OID: boundedOID([]byte(c.OID)), Name: oidNames[c.OID], Critical: c.Critical})
			return len(d.controls) < keptControls
		})
	}
}

// fillDetails writes a request that is no search.
func (v *requestView) fillDetails(d *details, r *redactor) {
	switch v.kind {
	case KindBind:
		d.bind = &Bind{Method: bindMethod(v.bind), Mechanism: mechanismText(v.bind.Mechanism), Name: r.dn(v.dn)}
	case KindExtended:
		d.extended = &Extended{OID: boundedOID(v.extended.OID), Name: oidNames[string(v.extended.OID)]}
		if d.extended.OID == wire.OIDPasswd {
			identity, _, _, _ := wire.ParsePasswd(v.extended.Value)
			d.dn = r.dn(identity)
		}
	case KindCompare:
		d.dn = r.dn(v.dn)
		d.changes = []Change{{Operation: "compare", Attribute: bounded(string(v.compare.Attribute), keptAttribute), Values: []Value{
			r.value(v.compare.Attribute, v.compare.Value[:min(len(v.compare.Value), keptValue)]),
		}}}
	default:
		d.dn = r.dn(v.dn)
		d.changes = v.changes(*r)
	}
}

// boundedOID returns an object identifier; what is none comes from a broken peer and is cut short.
func boundedOID(oid []byte) string { return string(safeName(oid)) }

// filter returns the filter of a search as a tree, which few need. It was read before.
func (v *requestView) filter() wire.Filter {
	f, _ := wire.ParseFilter(v.search.Filter)
	return f
}

// fillSearch writes a search but for its attributes, see list.
func (v *requestView) fillSearch(rec *record, r *redactor) {
	s := &rec.search
	s.Scope, s.TypesOnly, s.Deref = SearchScope(v.search.Scope), v.search.TypesOnly, int(v.search.Deref)
	s.SizeLimit, s.TimeLimit, s.PageSize = int(v.search.SizeLimit), time.Duration(v.search.TimeLimit)*time.Second, int(v.pageSize)
	s.Base = v.named.text(v.dn, r)
	if rec.unread.keep(v, r) {
		return
	}
	text := r.appendFilter(v.text[:0], v.filter())
	rec.search.Filter = string(text)
	if cap(text) <= keptFilter {
		v.text = text[:0]
	}
}

// list returns the requested attributes as the recorder keeps them. Searches of one shape mostly ask for the same in the
// same order, and then share one list.
func (v *requestView) list(shape *Shape) []string {
	if shape != nil && bytes.Equal(v.search.Requested, shape.asked) {
		return shape.attributes
	}
	var names []string
	_ = v.search.Attributes(func(name []byte) bool {
		names = append(names, string(name[:min(len(name), keptAttribute)]))
		return len(names) < keptRequested
	})
	return names
}

// requested lists the requested attributes, up to most.
func (v *requestView) requested(most int) (names []string) {
	_ = v.search.Attributes(func(name []byte) bool {
		names = append(names, string(safeName(name)))
		return len(names) < most
	})
	return names
}

func bindMethod(b wire.Bind) string {
	switch {
	case b.Method == wire.BindSASL:
		return "sasl"
	case b.Method != wire.BindSimple:
		return "ntlm"
	case len(b.Password) > 0:
		return "simple"
	case len(b.Name) > 0:
		return "unauthenticated"
	}
	return "anonymous"
}

// mechanismText bounds the name of a SASL mechanism, which comes from the application.
func mechanismText(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), 32)]), "?") }

// bounds of what one recorded request keeps.
const (
	keptControls  = 32
	keptRequested = 64
	keptAttribute = 256 // bytes of a name
	keptChanges   = 200
	keptValues    = 50
	keptValue     = 4 << 10
	keptWrite     = 64 << 10 // bytes of all values of one write
)

func (v *requestView) changes(r redactor) (changes []Change) {
	left := keptWrite
	add := func(operation string, a wire.Attribute) bool {
		change := Change{Operation: operation, Attribute: bounded(string(a.Name), keptAttribute)}
		_ = a.Values(func(b []byte) bool {
			value := r.value(a.Name, b[:min(len(b), keptValue, max(left, 0))])
			left -= len(value.Text)
			change.Values = append(change.Values, value)
			return len(change.Values) < keptValues && left > 0
		})
		changes = append(changes, change)
		return len(changes) < keptChanges
	}
	switch v.kind {
	case KindModify:
		_ = v.modify.Changes(func(c wire.Change) bool { return add(changeName(c.Operation), c.Attribute) })
	case KindAdd:
		_ = v.add.Attributes(func(a wire.Attribute) bool { return add("add", a) })
	case KindModifyDN:
		changes = append(changes, Change{Operation: "rename", Attribute: "rdn", Values: []Value{{Text: r.dn(v.modifyDN.NewRDN)}}})
		if v.modifyDN.NewSuperior != nil {
			changes = append(changes, Change{Operation: "move", Attribute: "superior", Values: []Value{{Text: r.dn(v.modifyDN.NewSuperior)}}})
		}
	}
	return changes
}

func changeName(operation int64) string {
	names := [...]string{"add", "delete", "replace", "increment"}
	if operation < 0 || operation >= int64(len(names)) {
		return "unknown"
	}
	return names[operation]
}

// changed lists what a write changes, by attribute alone.
func (v *requestView) changed(yield func(operation, attribute string)) {
	for _, c := range v.changes(redactor{level: LevelNames}) {
		yield(c.Operation, string(safeName([]byte(c.Attribute))))
	}
}
