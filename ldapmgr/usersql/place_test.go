// SPDX-License-Identifier: MIT

package usersql_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/postgres"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// place is where one test keeps users: an empty SQLite file, or an empty schema of PostgreSQL.
type place struct {
	dialect usersql.Dialect
	driver  string
	dsn     string
}

// everywhere runs a test with each database that the package speaks.
func everywhere(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, onSQLite(t))
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		test(t, onPostgreSQL(t))
	})
	for _, isolation := range []string{"repeatable read", "serializable"} {
		t.Run("postgresql, "+isolation, func(t *testing.T) {
			t.Parallel()
			p := onPostgreSQL(t)
			p.dsn += " default_transaction_isolation='" + isolation + "'" // as an administrator may have set it
			test(t, p)
		})
	}
}

func onSQLite(t *testing.T) place {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.db")
	return place{usersql.SQLite, "sqlite", "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=journal_mode(wal)"}
}

// server is started by the first test that needs it, and ended by TestMain.
var (
	server  postgres.Server
	schemas atomic.Int64
)

func onPostgreSQL(t *testing.T) place {
	t.Helper()
	server.Start(t)
	schema := fmt.Sprintf("test%d", schemas.Add(1))
	p := place{usersql.PostgreSQL, "pgx", server.DSN() + " search_path=" + schema}
	if _, err := p.open(t).ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return p
}

// open connects anew, as another process would.
func (p place) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.driver, p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// store connects anew and creates what is missing.
func (p place) store(t *testing.T) *usersql.Store {
	t.Helper()
	return p.storeOn(t, p.open(t))
}

func (p place) storeOn(t *testing.T, db *sql.DB) *usersql.Store {
	t.Helper()
	s := p.unmade(t, db)
	if err := s.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// unmade is a store whose tables may be missing.
func (p place) unmade(t *testing.T, db *sql.DB) *usersql.Store {
	t.Helper()
	s, err := usersql.New(usersql.Config{DB: db, Dialect: p.dialect, Fields: []string{"mail", "phone"}, Flags: []string{"staff"}, Rounds: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
