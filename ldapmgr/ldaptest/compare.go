// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

func (o *operation) compare() wire.Reply {
	request, err := wire.ParseCompare(o.message.Body)
	if err != nil {
		return wire.Reply{Code: codeProtocolError}
	}
	d := o.dir
	name, err := d.schema.parseDN(string(request.DN))
	if err != nil {
		return *d.badDN()
	}
	if d.cfg.Profile == ActiveDirectory && o.who.anonymous() {
		return *d.mustBind()
	}
	typ, option := d.schema.split(string(request.Attribute))
	if typ == nil {
		return *d.undefined(string(request.Attribute))
	}
	if typ.equality == nil {
		return *refuse(codeInappropriateMatch, "")
	}
	normal, ok := typ.equality.normalize(d.schema, request.Value)
	if !ok || !d.schema.validValue(typ, request.Value) {
		return *refuse(codeInvalidSyntax, "invalid per syntax")
	}
	f := filter{op: wire.Equal, typ: typ, option: option, normal: normal, rule: typ.equality}
	if d.cfg.Profile == OpenLDAP && (typ == d.known.entryDN || typ == d.known.subschema) {
		return *refuse(codeUnwilling, "%s compare not supported", typ.name)
	}
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	if special, ok := d.specialEntry(name); ok {
		return d.compared(&f, special)
	}
	n, problem := o.locate(name)
	switch {
	case problem != nil:
		return *problem
	case !o.asserted(n.entry):
		return wire.Reply{Code: codeAssertionFailed}
	case typ.secret:
		return *refuse(codeInsufficientAccess, "")
	}
	return d.compared(&f, n.entry)
}

func (d *Directory) compared(f *filter, e *entry) wire.Reply {
	has := d.computes(f.typ) || slices.ContainsFunc(e.attrs, func(a attr) bool {
		return slices.Contains(f.typ.subtypes, a.typ) && hasOptions(a.option, f.option)
	})
	switch {
	case !has:
		return *d.noAttribute(f.typ)
	case d.match(f, e) == yes:
		return wire.Reply{Code: codeCompareTrue}
	}
	return wire.Reply{Code: codeCompareFalse}
}

func (d *Directory) noAttribute(typ *attributeType) *wire.Reply {
	if d.cfg.Profile == ActiveDirectory {
		return d.noValue(typ)
	}
	return refuse(codeNoSuchAttribute, "")
}
