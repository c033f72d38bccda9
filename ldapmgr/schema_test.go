// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// schemaReads counts how often a domain's schema was read.
func schemaReads(scope *instrument.Scope) (n int) {
	for _, op := range scope.Recorder().Since(0, 1000).Operations {
		if op.Search != nil && slices.Contains(op.Search.Attributes, "objectClasses") {
			n++
		}
	}
	return n
}

func checkSchema(t *testing.T, d *ldapmgr.Domain) {
	t.Helper()
	s, err := d.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	person, ok := s.Class("INETORGPERSON")
	if !ok || person.Name != "inetOrgPerson" || person.OID != "2.16.840.1.113730.3.2.2" {
		t.Fatalf("inetOrgPerson is %+v, %v", person, ok)
	}
	for _, name := range []string{"objectClass", "sn", "cn"} { // of top and person, above it
		if !slices.Contains(person.Must, name) {
			t.Errorf("%s is missing from what entries must have: %v", name, person.Must)
		}
	}
	if !person.Allows("JPEGphoto") || !person.Allows("telephoneNumber") || person.Allows("uidNumber") {
		t.Errorf("entries may have %v", person.May)
	}
	tests := []struct {
		name   string
		binary bool
		syntax string // end of the OID
		single bool
	}{
		{"jpegPhoto", true, ".28", false}, {"userCertificate;binary", true, ".8", false}, {"CN", false, ".15", false}, {"2.5.4.4", false, ".15", false},
	}
	for _, test := range tests {
		a, ok := s.Attribute(test.name)
		if !ok || a.Binary() != test.binary || !strings.HasSuffix(a.Syntax, test.syntax) || a.SingleValue != test.single {
			t.Errorf("%s is %+v, %v", test.name, a, ok)
		}
	}
	if _, ok := s.Attribute("nonsense"); ok {
		t.Error("an attribute that there is not")
	}
	if _, ok := s.Class("nonsense"); ok {
		t.Error("a class that there is not")
	}
}

// The first who asks reads the schema, however many ask at once.
func TestSchema(t *testing.T) {
	t.Parallel()
	d, scope := domain(t, bound(ldaptest.Start(t, small()).URL()))
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			if _, err := d.Schema(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	checkSchema(t, d)
	if n := schemaReads(scope); n != 1 {
		t.Errorf("the schema was read %d times, want once", n)
	}
}

// With classes configured the schema is read in the background as soon as the domain is in use; without, never by itself.
func TestSchemaAhead(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, small())
	lazy, unread := domain(t, bound(server.URL()))
	c := bound(server.URL())
	c.Classes = []string{"inetOrgPerson", "nonsense"}
	d, scope := domain(t, c)
	for _, d := range []*ldapmgr.Domain{lazy, d} {
		if err := d.Preload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { return schemaReads(scope) == 1 })
	checkSchema(t, d)
	if n := schemaReads(scope); n != 1 {
		t.Errorf("the schema was read %d times", n)
	}
	if n := schemaReads(unread); n != 0 {
		t.Errorf("the schema was read %d times without being asked for", n)
	}
}

// TestHasAttribute: what a schema has is known once it was read, without asking a server.
func TestHasAttribute(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := bound(ldaptest.Start(t, small()).URL())
	c.Aliases = []string{"example.org"}
	m, err := ldapmgr.New(ldapmgr.Config{Scope: scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	if has, loaded := m.HasAttribute("EXAMPLE", "cn"); has || loaded || schemaReads(scope) != 0 {
		t.Errorf("before the schema was read: %v, %v, %d reads", has, loaded, schemaReads(scope))
	}
	d, err := m.Domain("EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Schema(t.Context()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		domain, name string
		has, loaded  bool
	}{
		{"EXAMPLE", "CN", true, true}, {"Example.ORG", "cn;lang-en", true, true}, {"EXAMPLE", "nonsense", false, true},
		{"", "cn", false, false}, {"OTHER", "cn", false, false},
	}
	for _, tt := range tests {
		if has, loaded := m.HasAttribute(tt.domain, tt.name); has != tt.has || loaded != tt.loaded {
			t.Errorf("%s of %q: %v, %v", tt.name, tt.domain, has, loaded)
		}
	}
}
