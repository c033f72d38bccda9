// SPDX-License-Identifier: MIT

package usersql_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

func nothing(context.Context) error { return nil }

func apply(t *testing.T, s *usersql.Store, plans ...ldapmgr.Plan) []string {
	t.Helper()
	ids, err := s.Apply(t.Context(), plans, nothing)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

var synced = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func ada(more func(*ldapmgr.Plan)) ldapmgr.Plan {
	p := ldapmgr.Plan{Domain: "EXAMPLE", Key: "key-1", DN: "cn=ada", Account: "Ada", Name: "ada", LastSync: synced}
	if more != nil {
		more(&p)
	}
	return p
}

func newAda() ldapmgr.Plan {
	return ada(func(p *ldapmgr.Plan) {
		p.Create = true
		p.Fields = []ldapmgr.FieldChange{{Name: "mail", To: new("ada@example.org")}, {Name: "no such column", To: new("x")}}
		p.Flags = []ldapmgr.FlagChange{{Name: "staff", To: true}}
		p.Join = []string{"Staff", "admins"}
	})
}

// TestApply: what a plan says it leaves behind is what the database then holds.
func TestApply(t *testing.T) { everywhere(t, testApply) }

func testApply(t *testing.T, p place) {
	s := p.store(t)
	steps := []ldapmgr.Plan{
		newAda(),
		ada(func(p *ldapmgr.Plan) {
			p.Moved, p.DN = true, "cn=ada,ou=elsewhere"
			p.Fields = []ldapmgr.FieldChange{{Name: "mail"}, {Name: "phone", To: new("1")}}
			p.Quit, p.Join = []string{"STAFF"}, []string{"ADMINS", "new"}
		}),
		ada(func(p *ldapmgr.Plan) {
			p.Leave, p.Flags = true, []ldapmgr.FlagChange{{Name: "active", To: false}}
		}),
		ada(func(p *ldapmgr.Plan) {
			p.Return, p.Flags = true, []ldapmgr.FlagChange{{Name: "active", To: true}}
		}),
	}
	var want ldapmgr.Stored
	for i, p := range steps {
		p.ID = want.ID
		id := apply(t, s, p)[0]
		want = p.After(want)
		want.ID, want.Domain = id, "example"
		delete(want.Fields, "no such column")
		if i == 1 {
			want.Groups = []string{"admins", "new"} // there already, in another spelling
		}
		got, err := s.Stored(t.Context(), "Example", []string{"key-1", "key-2"})
		if err != nil || len(got) != 1 {
			t.Fatalf("step %d: %v, %v", i, got, err)
		}
		stored := got["key-1"]
		slices.Sort(stored.Groups)
		slices.Sort(want.Groups)
		if i == 0 {
			want.Groups = []string{"Staff", "admins"}
		}
		if diff := cmp.Diff(want, stored); diff != "" {
			t.Errorf("step %d:\n%s", i, diff)
		}
	}
}

func TestApplyIsAllOrNothing(t *testing.T) { everywhere(t, testApplyIsAllOrNothing) }

func testApplyIsAllOrNothing(t *testing.T, p place) {
	db := p.open(t)
	s := p.storeOn(t, db)
	veto := errors.New("veto")
	other := ldapmgr.Plan{Domain: "example", Key: "key-2", Name: "Ada", Create: true} // the name is taken
	tests := []struct {
		name   string
		plans  []ldapmgr.Plan
		commit func(context.Context) error
	}{
		{"a hook refuses", []ldapmgr.Plan{newAda()}, func(context.Context) error { return veto }},
		{"the second plan fails", []ldapmgr.Plan{newAda(), other}, nothing},
		{"a hook writes and refuses", []ldapmgr.Plan{newAda()}, func(ctx context.Context) error {
			tx, ok := usersql.Tx(ctx)
			if !ok {
				t.Error("the hook gets no transaction")
				return nil
			}
			if _, err := tx.ExecContext(ctx, "UPDATE app_user SET name = 'changed'"); err != nil {
				t.Error(err)
			}
			return veto
		}},
	}
	for _, test := range tests {
		if _, err := s.Apply(t.Context(), test.plans, test.commit); err == nil {
			t.Errorf("%s: no error", test.name)
		}
		for account := range s.All(t.Context()) {
			t.Errorf("%s: %+v is left", test.name, account)
		}
		var groups int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM app_group").Scan(&groups); err != nil || groups != 0 {
			t.Errorf("%s: %d groups are left, %v", test.name, groups, err)
		}
	}
	if _, err := s.Apply(t.Context(), []ldapmgr.Plan{newAda()}, func(ctx context.Context) error {
		tx, _ := usersql.Tx(ctx)
		_, err := tx.ExecContext(ctx, "CREATE TABLE profile AS SELECT id, 'x' AS text FROM app_user")
		return err
	}); err != nil {
		t.Errorf("the application writes in the same transaction: %v", err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	db := onSQLite(t).open(t)
	for _, c := range []usersql.Config{
		{}, {DB: db, Fields: []string{"a b"}}, {DB: db, Fields: []string{"x; DROP TABLE app_user"}}, {DB: db, Fields: []string{"name"}},
		{DB: db, Fields: []string{"x"}, Flags: []string{"x"}}, {DB: db, Prefix: "'"}, {DB: db, Flags: []string{"Staff"}},
	} {
		if _, err := usersql.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// TestCreateTablesAgain: new fields and flags get their columns, and nothing is lost.
func TestCreateTablesAgain(t *testing.T) { everywhere(t, testCreateTablesAgain) }

func testCreateTablesAgain(t *testing.T, p place) {
	db := p.open(t)
	apply(t, p.storeOn(t, db), newAda())
	wider, err := usersql.New(usersql.Config{DB: db, Dialect: p.dialect, Fields: []string{"mail", "title"}, Flags: []string{"active", "beta"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := wider.CreateTables(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	account, found, err := wider.Named(t.Context(), "", "ADA")
	if err != nil || !found || account.Fields["mail"] != "ada@example.org" || !account.Flags["active"] || account.Flags["beta"] {
		t.Errorf("got %+v, %v, %v", account, found, err)
	}
}

func TestPermissions(t *testing.T) { everywhere(t, testPermissions) }

func testPermissions(t *testing.T, p place) {
	s := p.store(t)
	id := apply(t, s, newAda())[0]
	for _, grant := range [][2]string{{"Staff", "read"}, {"STAFF", "write"}, {"admins", "read"}, {"others", "all"}, {"staff", "read"}} {
		if err := s.Grant(t.Context(), grant[0], grant[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Permissions(t.Context(), []string{"staff", "nobody"}); err != nil || !slices.Equal(got, []string{"read", "write"}) {
		t.Errorf("staff may %q, %v", got, err)
	}
	if err := s.Revoke(t.Context(), "staff", "write"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.PermissionsOf(t.Context(), id); err != nil || !slices.Equal(got, []string{"read"}) {
		t.Errorf("ada may %q, %v", got, err)
	}
	if got, err := s.Permissions(t.Context(), nil); err != nil || got != nil {
		t.Errorf("members of nothing may %q, %v", got, err)
	}
}

func TestLocalPasswords(t *testing.T) { everywhere(t, testLocalPasswords) }

func testLocalPasswords(t *testing.T, p place) {
	s := p.store(t)
	if _, err := s.AddLocal(t.Context(), "Guest", "correct horse"); err != nil {
		t.Fatal(err)
	}
	apply(t, s, newAda())
	if account, err := s.CheckPassword(t.Context(), " guest ", "correct horse"); err != nil || account.Name != "Guest" {
		t.Errorf("got %+v, %v", account, err)
	}
	for _, wrong := range [][2]string{{"guest", "wrong"}, {"guest", ""}, {"ada", ""}, {"ada", "x"}, {"nobody", "correct horse"}} {
		if _, err := s.CheckPassword(t.Context(), wrong[0], wrong[1]); !errors.Is(err, usersql.ErrPassword) {
			t.Errorf("%q: got %v", wrong, err)
		}
	}
	if err := s.SetPassword(t.Context(), "nobody", "x"); !errors.Is(err, usersql.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := s.SetPassword(t.Context(), "guest", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckPassword(t.Context(), "guest", "correct horse"); !errors.Is(err, usersql.ErrPassword) {
		t.Errorf("got %v after the password was taken away", err)
	}
}

func TestLinkAndRuns(t *testing.T) { everywhere(t, testLinkAndRuns) }

func testLinkAndRuns(t *testing.T, p place) {
	s := p.store(t)
	id, err := s.AddLocal(t.Context(), "ada", "")
	if err != nil {
		t.Fatal(err)
	}
	u := &ldapmgr.User{Domain: "EXAMPLE", Key: "key-1", DN: "cn=ada"}
	if err := s.Link(t.Context(), id, u); err != nil {
		t.Fatal(err)
	}
	if err := s.Link(t.Context(), id, u); err == nil {
		t.Error("an account is linked twice")
	}
	if err := s.Link(t.Context(), "77", &ldapmgr.User{Domain: "EXAMPLE", Key: "key-77"}); !errors.Is(err, usersql.ErrNotFound) {
		t.Errorf("an account that does not exist is linked: got %v", err)
	}
	if err := s.Failed(t.Context(), "example", "key-1", "no server"); err != nil {
		t.Fatal(err)
	}
	if a, err := s.ByID(t.Context(), id); err != nil || a.Key != "key-1" || a.LastError != "no server" || !a.LastSync.IsZero() {
		t.Errorf("got %+v, %v", a, err)
	}
	if _, err := s.ByID(t.Context(), "77"); !errors.Is(err, usersql.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if run, err := s.LastRun(t.Context(), "example"); err != nil || !run.At.IsZero() {
		t.Errorf("got %+v, %v", run, err)
	}
	want := ldapmgr.Run{At: synced, People: 7, Wanted: map[string]time.Time{"user key-1": synced}}
	for range 2 {
		if err := s.SaveRun(t.Context(), "EXAMPLE", want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.LastRun(t.Context(), "example")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
