// SPDX-License-Identifier: MIT

package usersql_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// inTheWay has a table refuse its first writes as if each met another transaction. Sequences keep count beyond a rollback.
func inTheWay(t *testing.T, db *sql.DB, table string, times string) {
	t.Helper()
	for _, statement := range []string{
		"CREATE SEQUENCE tries",
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') <= ` + times + ` THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END IF;
			RETURN NEW;
		END $$`,
		"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON " + table + " FOR EACH STATEMENT EXECUTE PROCEDURE refuse()",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestConflicts: every change is begun again where a transaction of somebody else was in the way, and says so in the end.
func TestConflicts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, table string
		change      func(ctx context.Context, s *usersql.Store) error
	}{
		{"plan", "app_membership", func(ctx context.Context, s *usersql.Store) error {
			_, err := s.Apply(ctx, []ldapmgr.Plan{newAda()}, nothing)
			return err
		}},
		{"local account", "app_user", func(ctx context.Context, s *usersql.Store) error {
			_, err := s.AddLocal(ctx, "new", "")
			return err
		}},
		{"password", "app_user", func(ctx context.Context, s *usersql.Store) error { return s.SetPassword(ctx, "local", "secret") }},
		{"link", "app_ldap_user", func(ctx context.Context, s *usersql.Store) error {
			return s.Link(ctx, "1", &ldapmgr.User{Domain: "EXAMPLE", Key: "key-1"})
		}},
		{"failure", "app_ldap_user", func(ctx context.Context, s *usersql.Store) error {
			return s.Failed(ctx, "EXAMPLE", "key-2", "no server")
		}},
		{"grant", "app_permission", func(ctx context.Context, s *usersql.Store) error { return s.Grant(ctx, "staff", "read") }},
		{"revoke", "app_permission", func(ctx context.Context, s *usersql.Store) error { return s.Revoke(ctx, "staff", "read") }},
		{"run", "app_sync_run", func(ctx context.Context, s *usersql.Store) error {
			return s.SaveRun(ctx, "EXAMPLE", ldapmgr.Run{At: synced})
		}},
	}
	for _, test := range tests {
		for times, want := range map[string]error{"2": nil, "1000": usersql.ErrConflict} {
			t.Run(test.name+" "+times, func(t *testing.T) {
				t.Parallel()
				p := onPostgreSQL(t)
				db := p.open(t)
				s := p.storeOn(t, db)
				if _, err := s.AddLocal(t.Context(), "local", ""); err != nil {
					t.Fatal(err)
				}
				inTheWay(t, db, test.table, times)
				err := test.change(t.Context(), s)
				if !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), "40001") {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
	}
}

// TestConflictBehindTheHook: the hook is asked once, so what fails from then on is not begun again.
func TestConflictBehindTheHook(t *testing.T) {
	t.Parallel()
	const refuse = "DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40P01'; END $$"
	tests := []struct {
		name string
		hook func(ctx context.Context, tx *sql.Tx) error
	}{
		{"in the hook", func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, refuse)
			return err
		}},
		{"at the end", func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO late VALUES (1)")
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := onPostgreSQL(t)
			db := p.open(t)
			s := p.storeOn(t, db)
			for _, statement := range []string{
				"CREATE TABLE late (x BIGINT)",
				"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END $$",
				"CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE PROCEDURE refuse()",
			} {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			asked := 0
			ids, err := s.Apply(t.Context(), []ldapmgr.Plan{newAda()}, func(ctx context.Context) error {
				asked++
				tx, _ := usersql.Tx(ctx)
				return test.hook(ctx, tx)
			})
			if !errors.Is(err, usersql.ErrConflict) || asked != 1 || ids != nil {
				t.Errorf("got %v and %q, and the hook was asked %d times", err, ids, asked)
			}
			for account := range s.All(t.Context()) {
				t.Errorf("%+v is left", account)
			}
		})
	}
}

// TestDeadlockWithTheApplication: a plan that the database ends for the sake of the application's own transaction is carried
// out after it.
func TestDeadlockWithTheApplication(t *testing.T) {
	t.Parallel()
	p := onPostgreSQL(t)
	p.dsn += " application_name=deadlock"
	db := p.open(t)
	s := p.storeOn(t, db)
	first, second := newAda(), newAda()
	second.Key, second.Name = "key-2", "grace"
	ids := apply(t, s, first, second)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	touch := func(id string) {
		t.Helper()
		if _, err := tx.ExecContext(t.Context(), "SET LOCAL deadlock_timeout = '1min'"); err != nil { // the plan's is a second, so it notices first
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "UPDATE app_user SET phone = 'own' WHERE id = "+id); err != nil {
			t.Fatal(err)
		}
	}
	touch(ids[1])
	first.ID, second.ID, first.Create, second.Create = ids[0], ids[1], false, false
	ended := make(chan error, 1)
	go func() {
		_, err := s.Apply(t.Context(), []ldapmgr.Plan{first, second}, nothing)
		ended <- err
	}()
	waiting(t, db)
	touch(ids[0])
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// waiting waits until a transaction of the test waits for another.
func waiting(t *testing.T, db *sql.DB) {
	t.Helper()
	for deadline, waits := time.Now().Add(20*time.Second), 0; waits == 0; {
		const ask = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = current_setting('application_name')"
		if err := db.QueryRowContext(t.Context(), ask).Scan(&waits); err != nil || time.Now().After(deadline) {
			t.Fatalf("nobody waits: %v", err)
		}
	}
}
