// SPDX-License-Identifier: MIT

package ldaptest

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed openldap.schema
var openLDAPSchema string

//go:embed activedirectory.schema
var activeDirectorySchema string

// SchemaForAD names the few Active Directory attributes and classes that applications ask for most, on top of the schema
// of OpenLDAP: for Config.Schema in the OpenLDAP profile and for a real slapd alike.
//
//go:embed ad-on-openldap.schema
var SchemaForAD string

type attributeType struct {
	oid, name   string
	names       []string
	sup         *attributeType
	subtypes    []*attributeType // itself and everything below, for "name" finds "cn"
	syntax      string
	equality    *rule
	ordering    *rule
	substrings  *rule
	single      bool
	readOnly    bool
	operational bool
	secret      bool // a password: verified by bind, never shown nor searched
	definition  string
}

type classKind byte

const (
	abstractClass classKind = iota
	structuralClass
	auxiliaryClass
)

type objectClass struct {
	oid, name  string
	names      []string
	sup        []*objectClass
	kind       classKind
	must, may  []*attributeType
	definition string
}

// is reports whether c is other or derived from it.
func (c *objectClass) is(other *objectClass) bool {
	if c == other {
		return true
	}
	for _, sup := range c.sup {
		if sup.is(other) {
			return true
		}
	}
	return false
}

// schema is fixed once New has returned and shared by all goroutines.
type schema struct {
	profile    Profile
	suffix     string                    // as shown
	attributes map[string]*attributeType // by every name and OID, in lower case
	classes    map[string]*objectClass
	types      []*attributeType // in order of definition
	kinds      []*objectClass
}

func newSchema(profile Profile, extra string) (*schema, error) {
	s := &schema{profile: profile, attributes: map[string]*attributeType{}, classes: map[string]*objectClass{}}
	base := openLDAPSchema
	if profile == ActiveDirectory {
		base = activeDirectorySchema
	}
	for _, text := range []string{base, extra} {
		definitions, err := splitDefinitions(text)
		if err != nil {
			return nil, err
		}
		for _, d := range definitions {
			if err := s.define(d); err != nil {
				return nil, fmt.Errorf("schema line %d: %w", d.line, err)
			}
		}
	}
	if profile == ActiveDirectory {
		s.defineRoot()
	}
	return s, nil
}

// rootAttributes are on Active Directory's root DSE and in no schema.
const rootAttributes = `configurationNamingContext currentTime defaultNamingContext dnsHostName domainControllerFunctionality
	domainFunctionality dsServiceName forestFunctionality highestCommittedUSN isGlobalCatalogReady isSynchronized ldapServiceName
	namingContexts rootDomainNamingContext schemaNamingContext serverName supportedCapabilities supportedControl supportedExtension
	supportedLDAPPolicies supportedLDAPVersion supportedSASLMechanisms`

func (s *schema) defineRoot() {
	for _, name := range strings.Fields(rootAttributes) {
		if s.attribute(name) != nil {
			continue
		}
		a := &attributeType{name: name, names: []string{name}, syntax: syntaxDirectory, equality: ruleOfSyntax(syntaxDirectory)}
		a.ordering, a.substrings, a.subtypes = a.equality, a.equality, []*attributeType{a}
		s.attributes[strings.ToLower(name)] = a
	}
}

func (s *schema) define(d definition) error {
	switch d.keyword {
	case "attributetype":
		return s.defineAttribute(d)
	case "objectclass":
		return s.defineClass(d)
	}
	return fmt.Errorf("%q is neither attributetype nor objectclass", d.keyword)
}

func (s *schema) defineAttribute(d definition) error {
	a := &attributeType{oid: d.oid, names: d.list("NAME"), definition: d.text, syntax: d.first("SYNTAX")}
	if len(a.names) == 0 {
		a.names = []string{d.oid}
	}
	a.name = a.names[0]
	if sup := d.first("SUP"); sup != "" {
		if a.sup = s.attribute(sup); a.sup == nil {
			return fmt.Errorf("attribute %s derives from %s, which is not defined above it", a.name, sup)
		}
		a.inherit()
	}
	if cut := strings.IndexByte(a.syntax, '{'); cut >= 0 {
		a.syntax = a.syntax[:cut]
	}
	for keyword, field := range map[string]**rule{"EQUALITY": &a.equality, "ORDERING": &a.ordering, "SUBSTR": &a.substrings} {
		if name := d.first(keyword); name != "" {
			*field = matchingRules[strings.ToLower(name)] // an unknown rule leaves the attribute without one
		}
	}
	if s.profile == ActiveDirectory && a.equality == nil {
		a.equality = ruleOfSyntax(a.syntax)
		a.ordering, a.substrings = a.equality, a.equality
	}
	a.single, a.readOnly = d.has("SINGLE-VALUE"), d.has("NO-USER-MODIFICATION")
	usage := d.first("USAGE")
	a.operational = usage != "" && usage != "userApplications"
	lower := strings.ToLower(a.name)
	a.secret = lower == "userpassword" || lower == "unicodepwd"
	for up := a; up != nil; up = up.sup {
		up.subtypes = append(up.subtypes, a)
	}
	s.types = append(s.types, a)
	for _, name := range append(a.names, a.oid) {
		s.attributes[strings.ToLower(name)] = a
	}
	return nil
}

func (a *attributeType) inherit() {
	if a.syntax == "" {
		a.syntax = a.sup.syntax
	}
	a.equality, a.ordering, a.substrings = a.sup.equality, a.sup.ordering, a.sup.substrings
}

func (s *schema) defineClass(d definition) error {
	c := &objectClass{oid: d.oid, names: d.list("NAME"), definition: d.text, kind: structuralClass}
	if len(c.names) == 0 {
		c.names = []string{d.oid}
	}
	c.name = c.names[0]
	switch {
	case d.has("ABSTRACT"):
		c.kind = abstractClass
	case d.has("AUXILIARY"):
		c.kind = auxiliaryClass
	}
	for _, name := range d.list("SUP") {
		sup := s.class(name)
		if sup == nil {
			return fmt.Errorf("class %s derives from %s, which is not defined above it", c.name, name)
		}
		c.sup = append(c.sup, sup)
	}
	for keyword, field := range map[string]*[]*attributeType{"MUST": &c.must, "MAY": &c.may} {
		for _, name := range d.list(keyword) {
			a := s.attribute(name)
			if a == nil {
				return fmt.Errorf("class %s names attribute %s, which is not defined above it", c.name, name)
			}
			*field = append(*field, a)
		}
	}
	s.kinds = append(s.kinds, c)
	for _, name := range append(c.names, c.oid) {
		s.classes[strings.ToLower(name)] = c
	}
	return nil
}

// attribute finds a type by name or OID without options, or nil.
func (s *schema) attribute(name string) *attributeType {
	if a := s.attributes[name]; a != nil {
		return a
	}
	return s.attributes[strings.ToLower(name)]
}

func (s *schema) class(name string) *objectClass {
	if c := s.classes[name]; c != nil {
		return c
	}
	return s.classes[strings.ToLower(name)]
}
