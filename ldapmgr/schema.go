// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// AttributeType is what a schema says about an attribute (RFC 4512 section 4.1.2).
type AttributeType struct {
	Name        string // the first of Names
	Names       []string
	OID         string
	Syntax      string // OID, inherited where the type has none of its own
	SingleValue bool
	ReadOnly    bool // kept by the server
	Operational bool // returned only when asked for
}

// binarySyntaxes are those whose values are no text: octet string, JPEG, certificates and lists of them, binary, and Active
// Directory's SIDs and security descriptors.
var binarySyntaxes = []string{
	"1.3.6.1.4.1.1466.115.121.1.40", "1.3.6.1.4.1.1466.115.121.1.28", "1.3.6.1.4.1.1466.115.121.1.8", "1.3.6.1.4.1.1466.115.121.1.9",
	"1.3.6.1.4.1.1466.115.121.1.10", "1.3.6.1.4.1.1466.115.121.1.5", "1.2.840.113556.1.4.907",
}

// Binary reports whether values of the attribute are no text, so that Entry.Bytes, GUID or SID reads them.
func (t AttributeType) Binary() bool { return slices.Contains(binarySyntaxes, t.Syntax) }

// ObjectClass is what entries of a class have, that of the classes above it and of auxiliary ones that belong to it included
// (RFC 4512 sections 4.1.1 and 4.1.6).
type ObjectClass struct {
	Name string
	OID  string
	Must []string // attributes that every entry has
	May  []string // attributes that an entry may have
}

// Allows reports whether entries of the class may have an attribute, by its name as in Must and May.
func (c ObjectClass) Allows(attribute string) bool {
	same := func(name string) bool { return strings.EqualFold(name, attribute) }
	return slices.ContainsFunc(c.Must, same) || slices.ContainsFunc(c.May, same)
}

// Schema is the definitions of a server. It does not change; all methods may be called from any goroutine.
type Schema struct {
	attributes map[string]*AttributeType // by every name and OID, folded
	classes    map[string]*classDefinition
	rules      map[string]definition // content rules by OID of the class, folded
}

type classDefinition struct {
	definition
	name string
}

// Attribute returns a type by any of its names or its OID, without regard to case and options.
func (s *Schema) Attribute(name string) (AttributeType, bool) {
	name, _, _ = strings.Cut(name, ";")
	t := s.attributes[fold(name)]
	if t == nil {
		return AttributeType{}, false
	}
	return *t, true
}

// Class returns an object class by any of its names or its OID.
func (s *Schema) Class(name string) (ObjectClass, bool) {
	c := s.classes[fold(name)]
	if c == nil {
		return ObjectClass{}, false
	}
	w := classWalk{schema: s, class: ObjectClass{Name: c.name, OID: c.oid}, seen: map[string]bool{}}
	w.add(name)
	w.class.May = slices.DeleteFunc(w.class.May, func(name string) bool { return slices.Contains(w.class.Must, name) })
	return w.class, true
}

// classWalk collects attributes over a class and all that belongs to it. Servers with circles in their schema exist.
type classWalk struct {
	schema *Schema
	class  ObjectClass
	seen   map[string]bool
}

func (w *classWalk) add(name string) {
	c := w.schema.classes[fold(name)]
	if c == nil || w.seen[c.oid] {
		return
	}
	w.seen[c.oid] = true
	w.take(c.definition)
	for _, above := range c.words["SUP"] {
		w.add(above)
	}
	if rule, ok := w.schema.rules[fold(c.oid)]; ok {
		w.take(rule)
		for _, auxiliary := range rule.words["AUX"] {
			w.add(auxiliary)
		}
		not := rule.words["NOT"]
		w.class.May = slices.DeleteFunc(w.class.May, func(name string) bool {
			return slices.ContainsFunc(not, func(n string) bool { return strings.EqualFold(n, name) })
		})
	}
}

func (w *classWalk) take(d definition) {
	for _, list := range []struct {
		names []string
		into  *[]string
	}{{d.words["MUST"], &w.class.Must}, {d.words["MAY"], &w.class.May}} {
		for _, name := range list.names {
			if t := w.schema.attributes[fold(name)]; t != nil {
				name = t.Name
			}
			if !slices.Contains(*list.into, name) {
				*list.into = append(*list.into, name)
			}
		}
	}
}

// parseSchema reads a subschema entry. Definitions that cannot be read are left out and counted: one strange definition must
// not hide all others.
func parseSchema(e Entry) (s *Schema, skipped int) {
	s = &Schema{attributes: map[string]*AttributeType{}, classes: map[string]*classDefinition{}, rules: map[string]definition{}}
	each := func(attribute string, take func(d definition)) {
		for _, text := range e.Strings(attribute) {
			d, err := parseDefinition(text)
			if err != nil {
				skipped++
				continue
			}
			take(d)
		}
	}
	above := map[*AttributeType]string{}
	each("attributeTypes", func(d definition) {
		t := &AttributeType{OID: d.oid, Names: d.words["NAME"], SingleValue: d.has("SINGLE-VALUE"), ReadOnly: d.has("NO-USER-MODIFICATION")}
		t.Name = nameOf(d)
		t.Syntax, _, _ = strings.Cut(d.first("SYNTAX"), "{")
		usage := d.first("USAGE")
		t.Operational = usage != "" && usage != "userApplications"
		above[t] = d.first("SUP")
		for _, name := range append(slices.Clone(t.Names), t.OID) {
			s.attributes[fold(name)] = t
		}
	})
	for t, sup := range above {
		for range len(above) { // no longer way up, even in a circle
			up := s.attributes[fold(sup)]
			if t.Syntax != "" || up == nil {
				break
			}
			t.Syntax, sup = up.Syntax, above[up]
		}
	}
	each("objectClasses", func(d definition) {
		c := &classDefinition{d, nameOf(d)}
		for _, name := range append(slices.Clone(d.words["NAME"]), d.oid) {
			s.classes[fold(name)] = c
		}
	})
	each("dITContentRules", func(d definition) { s.rules[fold(d.oid)] = d })
	return s, skipped
}

func nameOf(d definition) string {
	if name := d.first("NAME"); name != "" {
		return name
	}
	return d.oid
}

// HasAttribute reports whether the schema of a domain has an attribute, by any of its names. It asks no server: loaded is
// false where nobody has read the schema yet, see Domain.Schema, and for an unknown domain.
func (m *Manager) HasAttribute(domain, name string) (has, loaded bool) {
	d := m.byName[fold(domain)]
	if d == nil || domain == "" {
		return false, false
	}
	s := d.schema.Load()
	if s == nil {
		return false, false
	}
	_, has = s.Attribute(name)
	return has, true
}

// Schema returns the server's definitions. They are read once for each domain, by the first who asks, or in the background
// once the domain is in use where DomainConfig.Classes is set.
func (d *Domain) Schema(ctx context.Context) (*Schema, error) {
	if s := d.schema.Load(); s != nil {
		return s, nil
	}
	select {
	case d.readingSchema <- struct{}{}:
		defer func() { <-d.readingSchema }()
	case <-ctx.Done():
		return nil, &Error{Op: "schema", Domain: d.name, Err: contextError(ctx)}
	}
	if s := d.schema.Load(); s != nil {
		return s, nil
	}
	root, err := d.RootDSE(ctx)
	if err != nil {
		return nil, err
	}
	if root.SubschemaSubentry == "" {
		return nil, &Error{Op: "schema", Domain: d.name, Err: fmt.Errorf("%w: the server does not say where its schema is", ErrNotFound)}
	}
	var loaded *Schema
	err = d.call(ctx, call{op: "schema", pool: d.service, reads: true}, func(ctx context.Context, client *instrument.Client) error {
		request := entryRequest(root.SubschemaSubentry, "attributeTypes", "objectClasses", "dITContentRules")
		result, err := client.Search(ctx, request)
		if err = completed(ctx, client, request, result, err); err != nil {
			return err
		}
		if len(result.Entries) != 1 {
			return fmt.Errorf("%w: the server hides its schema", ErrNotFound)
		}
		var skipped int
		if loaded, skipped = parseSchema(Entry{result.Entries[0]}); skipped > 0 {
			d.log.Debug("parts of the schema cannot be read", slog.Int("definitions", skipped))
		}
		d.schema.Store(loaded)
		return nil
	})
	return loaded, err
}

// readAhead reads the schema in the background where classes are configured, and tells of those that do not exist.
func (d *Domain) readAhead() {
	if len(d.cfg.Classes) == 0 || !d.ahead.CompareAndSwap(false, true) {
		return
	}
	d.spawn(func() {
		s, err := d.Schema(d.life)
		if err != nil {
			d.ahead.Store(false) // the next connection tries again
			d.log.Debug("the schema cannot be read", slog.String("reason", Reason(err)))
			return
		}
		for _, name := range d.cfg.Classes {
			if _, ok := s.Class(name); !ok {
				d.log.Warn("the server does not know an object class", slog.String("class", name))
			}
		}
	})
}
