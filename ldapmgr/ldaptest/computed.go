// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// constructed returns the attributes that no entry stores.
func (d *Directory) constructed() []*attributeType {
	k := &d.known
	if d.cfg.Profile == ActiveDirectory {
		return []*attributeType{k.tokenGroups, k.canonicalName, k.accountComputed, k.principalName, k.created, k.modified, k.subschema}
	}
	return []*attributeType{k.entryDN, k.subschema, k.hasSubordinates}
}

func (d *Directory) computes(typ *attributeType) bool { return slices.Contains(d.computed, typ) }

// computedMatch matches a filter on a computed attribute; unknown means that the attribute is not one. Active Directory
// does not search on its constructed attributes.
func (d *Directory) computedMatch(f *filter, e *entry) truth {
	if !f.typ.operational || !d.computes(f.typ) {
		return unknown
	}
	if d.cfg.Profile == ActiveDirectory {
		return no
	}
	a := d.compute(f.typ, e)
	if f.op == wire.Present || d.matchValues(f, &a) {
		return yes
	}
	return no
}

// compute returns a computed attribute of the entry. The caller holds the tree's lock.
func (d *Directory) compute(typ *attributeType, e *entry) attr {
	k := &d.known
	switch typ {
	case k.entryDN:
		return d.schema.newAttr(typ, e.text)
	case k.subschema:
		return d.schema.newAttr(typ, d.subschemaDN())
	case k.hasSubordinates:
		n := d.tree.byKey[e.key]
		return d.schema.newAttr(typ, strings.ToUpper(strconv.FormatBool(n != nil && len(n.children) > 0)))
	case k.tokenGroups:
		return d.schema.newAttr(typ, d.tokenGroupsOf(e)...)
	case k.canonicalName:
		return d.schema.newAttr(typ, canonicalName(e.name))
	case k.accountComputed:
		if e.find(k.control, "") != nil {
			return d.schema.newAttr(typ, strconv.Itoa(d.computedControl(e)))
		}
	case k.principalName:
		if name := e.first(k.account); name != "" {
			return d.schema.newAttr(typ, d.cfg.NetBIOS+`\`+name)
		}
	case k.created:
		return d.schema.newAttr(typ, e.first(d.schema.attribute("whencreated")))
	case k.modified:
		return d.schema.newAttr(typ, e.first(d.schema.attribute("whenchanged")))
	}
	return attr{typ: typ}
}

// canonicalName is the form example.org/People/Ada Lovelace, escaped as in a DN.
func canonicalName(name dn) string {
	var domain, path []string
	for _, component := range name.rdns {
		part := component.parts[0]
		if part.typ.name == "dc" {
			domain = append(domain, string(part.value))
		} else {
			var b strings.Builder
			escapeChars(&b, string(part.value))
			path = append(path, strings.ReplaceAll(b.String(), "/", `\/`))
		}
	}
	slices.Reverse(path)
	return strings.Join(domain, ".") + "/" + strings.Join(path, "/")
}
