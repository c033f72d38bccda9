// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// readAttr checks one attribute of a request: the type, who may write it, the values. internal is for the directory's own
// data, which may hold what clients must not write.
func (d *Directory) readAttr(description string, values [][]byte, internal bool) (attr, *wire.Reply) {
	typ, option := d.schema.split(description)
	if typ == nil {
		return attr{}, d.undefined(description)
	}
	a := attr{typ: typ, option: option, values: values, normal: make([]string, len(values))}
	if typ.readOnly && !internal {
		return a, d.serverOnly(typ)
	}
	var seen map[string]bool
	if len(values) > 8 {
		seen = make(map[string]bool, len(values))
	}
	for i, v := range values {
		normal, ok := d.schema.normalOf(typ, v)
		if !ok || !d.schema.validValue(typ, v) {
			return a, refuse(codeInvalidSyntax, "%s: value #%d invalid per syntax", typ.name, i)
		}
		if seen[normal] || seen == nil && slices.Contains(a.normal[:i], normal) {
			return a, refuse(codeValueExists, "%s: value #%d provided more than once", typ.name, i)
		}
		if seen != nil {
			seen[normal] = true
		}
		a.normal[i] = normal
		if typ.syntax == syntaxDN {
			name, _ := d.schema.parseDN(string(v))
			a.values[i] = []byte(d.schema.format(name))
		}
	}
	return a, nil
}

func (d *Directory) serverOnly(typ *attributeType) *wire.Reply {
	switch {
	case d.cfg.Profile == OpenLDAP:
		return refuse(codeConstraint, "%s: no user modification allowed", typ.name)
	case slices.ContainsFunc(d.links(), func(l linkPair) bool { return l.back == typ }):
		return refuse(codeUnwilling, "00002077: SvcErr: DSID-03190F5E, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")
	}
	return d.violation(codeConstraint, 0x20b1, "", typ.name)
}

// violation refuses what the schema does not allow: with a sentence for slapd, with Active Directory's number for itself.
func (d *Directory) violation(code int64, win32 int, sentence, attribute string) *wire.Reply {
	switch {
	case d.cfg.Profile == OpenLDAP:
		return refuse(code, "%s", sentence)
	case code == codeConstraint:
		return refuse(code, "%08X: AtrErr: DSID-030F112A, #1:\n\t0: %08[1]X: DSID-030F112A, problem 1005 (CONSTRAINT_ATT_TYPE), data 0, Att 0 (%s)\n\x00", win32, attribute)
	}
	return refuse(code, "%08X: UpdErr: DSID-0315166D, problem 6002 (OBJ_CLASS_VIOLATION), data 0\n\x00", win32)
}

func (d *Directory) undefined(description string) *wire.Reply {
	if d.cfg.Profile == ActiveDirectory {
		return refuse(codeNoSuchAttribute, "00000057: LdapErr: DSID-0C0D1137, comment: Error in attribute conversion operation, data 0, v4563\x00")
	}
	return refuse(codeUndefinedType, "%s: attribute type undefined", description)
}

// checkEntry holds an entry against the schema; before is what a change started from, or nil. What is looked at first is
// what slapd looks at first.
func (d *Directory) checkEntry(e, before *entry) *wire.Reply {
	if len(e.classes) == 0 {
		return d.violation(codeClassViolation, 0x207c, "no objectClass attribute", "")
	}
	structural := e.structural()
	if structural == nil {
		return d.violation(codeClassViolation, 0x2014, "no structural object class provided", "")
	}
	for _, c := range e.classes {
		if c.kind == structuralClass && !structural.is(c) {
			return d.violation(codeClassViolation, 0x2014, "invalid structural object class chain ("+structural.name+"/"+c.name+")", "")
		}
	}
	if before != nil && before.structural() != structural {
		return refuse(codeClassModsProhibited, "structural object class modification from '%s' to '%s' not allowed", before.structural().name, structural.name)
	}
	if problem := d.checkNaming(e); problem != nil {
		return problem
	}
	for _, c := range e.classes {
		if missing := d.missing(e, c); missing != nil {
			return d.violation(codeClassViolation, 0x207c, "object class '"+c.name+"' requires attribute '"+missing.name+"'", "")
		}
	}
	return d.checkAttributes(e)
}

func (d *Directory) checkAttributes(e *entry) *wire.Reply {
	open := d.known.extensible != nil && e.has(d.known.extensible)
	for _, a := range e.attrs {
		if !open && !a.typ.operational && !e.allows(a.typ) {
			return d.violation(codeClassViolation, 0x207d, "attribute '"+a.typ.name+"' not allowed", "")
		}
		if a.typ.single && len(a.values) > 1 {
			return d.violation(codeConstraint, 0x2081, "attribute '"+a.typ.name+"' cannot have multiple values", a.typ.name)
		}
	}
	return nil
}

func (d *Directory) missing(e *entry, c *objectClass) *attributeType {
	for _, typ := range c.must {
		if !slices.ContainsFunc(e.attrs, func(a attr) bool { return slices.Contains(typ.subtypes, a.typ) }) {
			return typ
		}
	}
	for _, sup := range c.sup {
		if typ := d.missing(e, sup); typ != nil {
			return typ
		}
	}
	return nil
}

func (e *entry) allows(typ *attributeType) bool {
	return slices.ContainsFunc(e.classes, func(c *objectClass) bool { return c.allows(typ) })
}

func (c *objectClass) allows(typ *attributeType) bool {
	return slices.Contains(c.must, typ) || slices.Contains(c.may, typ) ||
		slices.ContainsFunc(c.sup, func(sup *objectClass) bool { return sup.allows(typ) })
}

// checkNaming wants the values of the entry's own component among its attributes.
func (d *Directory) checkNaming(e *entry) *wire.Reply {
	for _, part := range e.name.rdns[0].parts {
		if a := e.find(part.typ, ""); a == nil || !slices.Contains(a.normal, part.normal) {
			return refuse(codeNamingViolation, "value of naming attribute '%s' is not present in entry", part.typ.name)
		}
	}
	return nil
}
