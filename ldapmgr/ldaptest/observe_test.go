// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

const observed = 1200 // people, more than slapd gives without paging

// observedPeople is LDIF with people whose values are awkward: binary, empty-looking, long and not in ASCII.
func observedPeople() string {
	var b strings.Builder
	b.WriteString("dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\ndn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: people\n\n")
	photo := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff, 0xd8, 0, 1}, 300))
	for i := range observed {
		fmt.Fprintf(&b, "dn: uid=p%04d,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: p%04[1]d\ncn: Person %[1]d\ncn: P%[1]d, the Other\nsn:: %s\nmail: p%04[1]d@example.org\nuserPassword: planted-%[1]d\n",
			i, base64.StdEncoding.EncodeToString([]byte(" Grüße ")))
		if i%100 == 0 {
			fmt.Fprintf(&b, "jpegPhoto:: %s\ndescription: %s\n", photo, strings.Repeat("long ", 2000))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func trusting(t *testing.T, s *slapd.Server) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// A real server, seen by the observer: every kind of operation, over every kind of connection.
func TestObservedSlapd(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: observedPeople()})
	t.Run("kinds", func(t *testing.T) { observeKinds(t, s) }) // alone, because it adds a person whom the others would count
	t.Run("entries", func(t *testing.T) { t.Parallel(); observeEntries(t, s) })
	for name, dial := range map[string]struct {
		url  string
		opts []instrument.DialOption
	}{
		"ldap":      {s.LDAP, nil},
		"ldaps":     {s.LDAPS, []instrument.DialOption{instrument.WithTLS(trusting(t, s))}},
		"start_tls": {s.LDAP, []instrument.DialOption{instrument.WithTLS(trusting(t, s)), instrument.WithStartTLS()}},
		"ldapi":     {s.LDAPI, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			c, err := scope.Dial(t.Context(), dial.url, append(dial.opts, instrument.WithDomain("TEST"))...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(t.Context())
			if err := c.Bind(t.Context(), s.RootDN, s.RootPW); err != nil {
				t.Fatal(err)
			}
			who, err := c.WhoAmI(t.Context())
			if err != nil || who != "dn:"+s.RootDN {
				t.Errorf("%q, %v", who, err)
			}
			result, err := c.SearchPaged(t.Context(), people("(objectClass=inetOrgPerson)"), 500)
			if err != nil || len(result.Entries) != observed {
				t.Errorf("%d entries, %v", len(result.Entries), err)
			}
			usage := scope.Snapshots()[0].Usage
			if usage.Entries != observed || usage.Pages != 3 || usage.Errors != 0 {
				t.Errorf("usage %+v", usage.Counters)
			}
		})
	}
}

func people(filter string, attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest("ou=people,dc=example,dc=org", ldap.ScopeWholeSubtree, 0, 0, 0, false, filter, attributes, nil)
}

func observeKinds(t *testing.T, s *slapd.Server) {
	scope := instrument.New()
	c, err := scope.Dial(t.Context(), s.LDAP, instrument.WithDomain("TEST"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := scope.Job(t.Context(), "kinds")
	const dn = "uid=new,ou=people,dc=example,dc=org"
	add := ldap.NewAddRequest(dn, nil)
	for name, value := range map[string]string{"objectClass": "inetOrgPerson", "uid": "new", "cn": "New", "sn": "New", "userPassword": "planted-new"} {
		add.Attribute(name, []string{value})
	}
	modify := ldap.NewModifyRequest(dn, nil)
	modify.Replace("mail", []string{"new@example.org"})
	check := func(what string, err error, code uint16) {
		t.Helper()
		if code == 0 && err != nil || code != 0 && !ldap.IsErrorWithCode(err, code) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("wrong bind", c.Bind(ctx, s.RootDN, "planted-wrong"), 49)
	check("bind", c.Bind(ctx, s.RootDN, s.RootPW), 0)
	check("add", c.Add(ctx, add), 0)
	_, err = c.Modify(ctx, modify)
	check("modify", err, 0)
	matches, err := c.Compare(ctx, dn, "mail", "new@example.org")
	check("compare", err, 0)
	if !matches {
		t.Error("compare says no")
	}
	_, err = c.PasswordModify(ctx, ldap.NewPasswordModifyRequest(dn, "planted-new", "planted-newer"))
	check("password modify", err, 0)
	check("rename", c.ModifyDN(ctx, ldap.NewModifyDNRequest(dn, "uid=newer", true, "")), 0)
	check("delete", c.Delete(ctx, ldap.NewDelRequest("uid=newer,ou=people,dc=example,dc=org", nil)), 0)
	check("delete again", c.Delete(ctx, ldap.NewDelRequest("uid=newer,ou=people,dc=example,dc=org", nil)), 32)
	limited := people("(uid=*)")
	limited.SizeLimit = 3
	result, err := c.Search(ctx, limited)
	check("limited search", err, 4)
	if result == nil || len(result.Entries) != 3 {
		t.Errorf("limited search: %+v", result)
	}
	end()
	_ = c.Close(t.Context())
	_, ops, _ := scope.Recorder().Request(instrument.RequestID(ctx))
	var seen []string
	for _, op := range ops {
		whole, _, _, _ := scope.Recorder().Operation(op.Seq)
		if all := fmt.Sprintf("%+v %+v %+v", whole, whole.Search, whole.Bind); strings.Contains(all, "planted") {
			t.Errorf("a secret is kept: %s", all)
		}
		seen = append(seen, fmt.Sprintf("%v %v %d", op.Kind, op.State, op.Result.Code))
	}
	want := []string{
		"bind error 49", "bind done 0", "add done 0", "modify done 0", "compare done 6", "extended done 0", "modify_dn done 0",
		"delete done 0", "delete error 32", "search error 4",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

// Entries that go-ldap never parses are those that it gives alone, value for value.
func observeEntries(t *testing.T, s *slapd.Server) {
	alone, err := ldap.DialURL(s.LDAP)
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	if err := alone.Bind(s.RootDN, s.RootPW); err != nil {
		t.Fatal(err)
	}
	scope := instrument.New()
	bind := func(ctx context.Context, c *instrument.Client) error { return c.Bind(ctx, s.RootDN, s.RootPW) }
	c, err := scope.Dial(t.Context(), s.LDAP, instrument.WithSetup(bind))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	types := people("(uid=p000*)")
	types.TypesOnly = true
	root := ldap.NewSearchRequest("", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"*", "+"}, nil)
	schema := ldap.NewSearchRequest("cn=Subschema", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"*", "+"}, nil)
	for name, r := range map[string]*ldap.SearchRequest{
		"everything": people("(|(uid=p0*)(objectClass=organizationalUnit))", "*", "+"), "types": types, "rootDSE": root, "schema": schema,
		"some": people("(uid=p1*)", "cn", "jpegPhoto"), "none": people("(uid=nobody)"), "no attributes": people("(uid=p11*)", "1.1"),
	} {
		theirs, theirsErr := alone.SearchWithPaging(r, 300)
		r.Controls = nil // it appended one
		ours, oursErr := c.SearchPaged(t.Context(), r, 300)
		if theirsErr != nil || oursErr != nil {
			t.Fatalf("%s: we say %v, go-ldap %v", name, oursErr, theirsErr)
		}
		if diff := cmp.Diff(theirs.Entries, ours.Entries, cmp.Comparer(bytes.Equal)); diff != "" && len(theirs.Entries)+len(ours.Entries) > 0 {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	found := 0
	for _, err := range c.Entries(t.Context(), people("(objectClass=inetOrgPerson)"), 77) {
		if err != nil {
			t.Fatal(err)
		}
		found++
	}
	stream := c.With(t.Context()).SearchAsync(t.Context(), people("(uid=p01*)"), 10)
	for stream.Next() {
		found++
	}
	if found != observed+100 || stream.Err() != nil {
		t.Errorf("%d entries one by one, %v", found, stream.Err())
	}
}
