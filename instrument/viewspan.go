// SPDX-License-Identifier: MIT

package instrument

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// attributes lists what a recorded span says of the request, behind what all spans of the connection say.
func (v *requestView) attributes(r redactor, rec *record, e *endpoint) []attribute.KeyValue {
	set := make([]attribute.KeyValue, 0, len(e.common)+8) // a search with its answer
	set = append(append(set, e.common...), attribute.Int64(attrMessageID, rec.messageID), attribute.Int64(attrConnection, int64(rec.from.id)))
	switch v.kind {
	case KindSearch:
		set = v.searchAttributes(set, r, rec.shape, e.db)
	case KindBind:
		set = append(set, attribute.String(attrBindMethod, bindMethod(v.bind)))
		if len(v.bind.Mechanism) > 0 {
			set = append(set, attribute.String(attrMechanism, mechanismText(v.bind.Mechanism)))
		}
		if r.level >= LevelHashes {
			set = append(set, attribute.String(attrBindDN, r.dn(v.dn)))
		}
	case KindExtended:
		set = append(set, attribute.String(attrExtendedOID, boundedOID(v.extended.OID)))
		if name := oidNames[string(v.extended.OID)]; name != "" {
			set = append(set, attribute.String(attrExtendedName, name))
		}
	case KindModify, KindAdd, KindModifyDN:
		var names []string
		v.changed(func(_, attribute string) { names = append(names, attribute) })
		set = append(set, attribute.Int(attrChanges, len(names)), attribute.StringSlice(attrChanged, names[:min(len(names), spanNames)]))
	}
	if target := v.target(); r.level >= LevelHashes && len(target) > 0 {
		set = append(set, attribute.String(attrDN, r.dn(target)))
	}
	var controls []string
	_ = v.message.Controls(func(c wire.Control) bool {
		controls = append(controls, boundedOID([]byte(c.OID)))
		return len(controls) < spanControls
	})
	if controls != nil {
		set = append(set, attribute.StringSlice(attrControls, controls))
	}
	return set
}

// searchAttributes appends what a span says of a search.
func (v *requestView) searchAttributes(set []attribute.KeyValue, r redactor, shape *Shape, db bool) []attribute.KeyValue {
	set = append(set, attribute.String(attrScope, SearchScope(v.search.Scope).String()))
	for _, limit := range [...]struct { // what is asked for by nearly nobody costs nothing
		key   string
		value int64
	}{{attrDeref, v.search.Deref}, {attrSizeLimit, v.search.SizeLimit}, {attrTimeLimit, v.search.TimeLimit}} {
		if limit.value != 0 {
			set = append(set, attribute.Int64(limit.key, limit.value))
		}
	}
	if v.search.TypesOnly {
		set = append(set, attribute.Bool(attrTypesOnly, true))
	}
	if filter := v.shownFilter(r, shape); filter != "" {
		set = append(set, attribute.String(attrFilter, filter))
		if db {
			set = append(set, attribute.String(attrDBQuery, filter))
		}
	}
	if shape != nil && shape.requested.Valid() {
		set = append(set, shape.requested)
	} else if names := v.requested(spanNames); names != nil {
		set = append(set, attribute.StringSlice(attrRequested, names))
	}
	if r.level >= LevelHashes {
		set = append(set, attribute.String(attrBase, r.dn(v.dn)))
	}
	return set
}

// Bounds of what a span lists: names of attributes, and OIDs of controls, those of the request and those of the answer each.
const (
	spanNames    = 32
	spanControls = 16
)

// target returns the entry that a request is about, nil for searches, binds and what has none.
func (v *requestView) target() []byte {
	switch v.kind {
	case KindModify, KindAdd, KindDelete, KindModifyDN, KindCompare:
		return v.dn
	}
	return nil
}

// shownFilter returns the filter as the level allows. Its shape has been written down when it was new.
func (v *requestView) shownFilter(r redactor, shape *Shape) string {
	if r.level == LevelShapes && shape != nil && shape.filter != "" {
		return shape.filter
	}
	return string(r.appendFilter(v.text[:0], v.filter()))
}
