// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// statements counts what a database is asked.
type statements struct{ reads, writes atomic.Int64 }

func (s *statements) count(query string) {
	if strings.HasPrefix(strings.TrimSpace(query), "SELECT") {
		s.reads.Add(1)
	} else {
		s.writes.Add(1)
	}
}

// counting is a connector whose connections count their statements.
type counting struct {
	driver driver.Driver
	name   string
	*statements
}

func (c counting) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.name)
	return countingConn{conn, c.statements}, err
}

func (c counting) Driver() driver.Driver { return c.driver }

type countingConn struct {
	driver.Conn
	*statements
}

func (c countingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.count(query)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c countingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.count(query)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c countingConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

var (
	storeFields = []string{"first_name", "last_name", "extra"}
	storeFlags  = []string{"staff", "superuser"}
)

// emptyStore is the content of a database with all tables: making them anew for each test takes longer than most tests.
var emptyStore = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "users")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "users.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s, err := usersql.New(usersql.Config{DB: db, Fields: storeFields, Flags: storeFlags})
	if err == nil {
		err = s.CreateTables(context.Background())
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// userStore is a new SQLite database for users.
func userStore(t testing.TB) (*usersql.Store, *sql.DB, *statements) {
	t.Helper()
	content, err := emptyStore()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	plain, err := sql.Open("sqlite", "")
	if err != nil {
		t.Fatal(err)
	}
	count := &statements{}
	db := sql.OpenDB(counting{plain.Driver(), "file:" + path + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=journal_mode(memory)&_pragma=synchronous(0)", count})
	t.Cleanup(func() { db.Close(); plain.Close() })
	s, err := usersql.New(usersql.Config{DB: db, Fields: storeFields, Flags: storeFlags, Rounds: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return s, db, count
}

// nameFields are what Django maps by default.
func nameFields() map[string]ldapmgr.Field {
	return map[string]ldapmgr.Field{"first_name": {Attribute: "givenName"}, "last_name": {Attribute: "sn"}}
}
