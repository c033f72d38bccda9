// SPDX-License-Identifier: MIT

package usersql_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// TestBytesThatAreNoText: an attribute may hold anything, and one person's must not end the sync of everybody.
func TestBytesThatAreNoText(t *testing.T) { everywhere(t, testBytesThatAreNoText) }

func testBytesThatAreNoText(t *testing.T, p place) {
	s := p.store(t)
	const bad = "a\x00b\xff"
	plan := ldapmgr.Plan{
		Domain: bad, Key: bad, DN: bad, Name: bad, Create: true, LastSync: synced, Join: []string{bad},
		Fields: []ldapmgr.FieldChange{{Name: "mail", To: new(bad)}, {Name: "phone", To: new("Zoë 𝄞 \n")}},
	}
	id := apply(t, s, plan)[0]
	if again := apply(t, s, plan)[0]; again != id {
		t.Errorf("accounts %s and %s for one person", id, again)
	}
	plan.ID, plan.Create, plan.Join, plan.Quit = id, false, nil, []string{bad}
	apply(t, s, plan)
	if err := s.Failed(t.Context(), bad, bad, "the server said "+bad); err != nil {
		t.Error(err)
	}
	stored, err := s.Stored(t.Context(), bad, []string{bad})
	if err != nil || len(stored) != 1 {
		t.Errorf("got %v, %v", stored, err)
	}
	for name, find := range map[string]func() (ldapmgr.Stored, bool, error){
		"name":  func() (ldapmgr.Stored, bool, error) { return s.Named(t.Context(), "", bad) },
		"field": func() (ldapmgr.Stored, bool, error) { return s.Named(t.Context(), "mail", bad) },
	} {
		account, found, err := find()
		if err != nil || !found || account.ID != id || len(account.Groups) > 0 || account.Fields["phone"] != "Zoë 𝄞 \n" {
			t.Errorf("by %s: %+v, %v, %v", name, account, found, err)
		}
	}
	if err := s.SaveRun(t.Context(), bad, ldapmgr.Run{At: synced, Wanted: map[string]time.Time{bad: synced}}); err != nil {
		t.Error(err)
	}
	if err := s.Grant(t.Context(), bad, bad); err != nil {
		t.Error(err)
	}
	if _, err := s.CheckPassword(t.Context(), bad, bad); !errors.Is(err, usersql.ErrPassword) {
		t.Error(err)
	}
}

// TestReservedWords: fields and flags may be called what SQL calls something else.
func TestReservedWords(t *testing.T) { everywhere(t, testReservedWords) }

func testReservedWords(t *testing.T, p place) {
	s, err := usersql.New(usersql.Config{DB: p.open(t), Dialect: p.dialect, Fields: []string{"order", "user", "end"}, Flags: []string{"check", "analyse"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.CreateTables(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	apply(t, s, ldapmgr.Plan{
		Domain: "EXAMPLE", Key: "key-1", Name: "ada", Create: true, Fields: []ldapmgr.FieldChange{{Name: "order", To: new("first")}},
		Flags: []ldapmgr.FlagChange{{Name: "check", To: true}},
	})
	account, found, err := s.Named(t.Context(), "order", "FIRST")
	if err != nil || !found || !account.Flags["check"] || account.Flags["analyse"] {
		t.Errorf("got %+v, %v, %v", account, found, err)
	}
}

// TestCollations: names are compared and sorted alike, whatever language the database is set to.
func TestCollations(t *testing.T) {
	t.Parallel()
	p := onPostgreSQL(t)
	db := p.open(t)
	s := p.storeOn(t, db)
	for _, statement := range []string{
		"CREATE COLLATION turkish (provider = icu, locale = 'tr')", // where i and I are two letters
		"ALTER TABLE app_user ALTER COLUMN mail TYPE TEXT COLLATE turkish",
		"CREATE COLLATION english (provider = icu, locale = 'en')", // where b comes before C
		"ALTER TABLE app_permission ALTER COLUMN permission TYPE TEXT COLLATE english",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	plan := newAda()
	plan.Fields = []ldapmgr.FieldChange{{Name: "mail", To: new("Iris.dieci@example.org")}}
	apply(t, s, plan)
	for _, mail := range []string{"iris.dieci@example.org", "IRIS.DIECI@EXAMPLE.ORG", "Iris.dieci@example.org"} {
		if _, found, err := s.Named(t.Context(), "mail", mail); err != nil || !found {
			t.Errorf("%s: %v, %v", mail, found, err)
		}
	}
	for _, permission := range []string{"b", "C", "a"} {
		if err := s.Grant(t.Context(), "staff", permission); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Permissions(t.Context(), []string{"staff"}); err != nil || !slices.Equal(got, []string{"C", "a", "b"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestSeveralSchemas: the tables are those that the statements meet, whatever other schemas have by the same names.
func TestSeveralSchemas(t *testing.T) {
	t.Parallel()
	old, p := onPostgreSQL(t), onPostgreSQL(t)
	apply(t, old.store(t), newAda())
	_, theirs, _ := strings.Cut(old.dsn, "search_path=")
	p.dsn += "," + theirs
	db := p.open(t)
	s, err := usersql.New(usersql.Config{DB: db, Dialect: p.dialect, Fields: []string{"mail"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Named(t.Context(), "mail", "ada@example.org"); err != nil || found {
		t.Errorf("another schema's account: %v, %v", found, err)
	}
}
