// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/metricsdb"
)

// asked is every statement that any test had the package say to SQLite.
var asked = &statements{texts: map[string]bool{}}

// listening runs tests through a driver that writes down what it is asked, and holds all of that to the shared subset.
type listening struct{ m *testing.M }

func (l listening) Run() int {
	plain, err := sql.Open("sqlite", "")
	if err != nil {
		panic(err)
	}
	sql.Register("listening", listener{plain.Driver(), asked})
	_ = plain.Close()
	metricsdb.SetDriver("listening")
	code := l.m.Run()
	for _, text := range asked.all() {
		if why := refused(text); why != "" {
			fmt.Fprintf(os.Stderr, "not in the SQL that PostgreSQL takes too: %s in\n%s\n", why, text)
			code = 1
		}
	}
	return code
}

type statements struct {
	mu    sync.Mutex // guards texts
	texts map[string]bool
}

func (s *statements) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts[text] = true
}

// all returns what is asked of any database: not the care for the file, and not the schema.
func (s *statements) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.texts)), func(text string) bool {
		return strings.HasPrefix(text, "PRAGMA ") || strings.HasPrefix(text, "VACUUM ") || strings.Contains(text, "CREATE TABLE") || strings.Contains(text, "ALTER TABLE")
	})
}

type listener struct {
	driver.Driver
	heard *statements
}

func (l listener) Open(name string) (driver.Conn, error) {
	c, err := l.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return listeningConn{c.(sqliteConn), l.heard}, nil
}

// sqliteConn is what the package uses of a connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type listeningConn struct {
	sqliteConn
	heard *statements
}

func (c listeningConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.heard.add(query)
	return c.sqliteConn.PrepareContext(ctx, query)
}

func (c listeningConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.heard.add(query)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c listeningConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.heard.add(query)
	return c.sqliteConn.QueryContext(ctx, query, args)
}
