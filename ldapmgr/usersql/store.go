// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Config says where users are kept.
type Config struct {
	DB      *sql.DB  // required; the application opens and closes it
	Dialect Dialect  // SQLite or PostgreSQL; default SQLite
	Prefix  string   // before the names of tables; default app_
	Fields  []string // text columns beside those of the package, as in ldapmgr.Users.Fields; default none
	Rounds  int      // of PBKDF2 with SHA-256 for local passwords; default 600,000, as OWASP asks
	Flags   []string // boolean columns, as in ldapmgr.Sync.Flags; active is always there
}

// Dialect is what databases say differently.
type Dialect struct {
	name    string
	tables  []string            // statements that create what is missing; %[1]s is the prefix
	bind    func(n int) string  // the n-th parameter, from 1
	columns string              // query for the names of a table's columns; its parameter is the table
	boolean string              // type of a flag
	lower   string              // text without regard to the case of ASCII; %s is the text
	text    func(string) string // what can be kept of a text
	lock    string              // takes, as the first statement of a transaction, the right to write, and waits for it
	create  string              // the same for the right to create tables; "" where creating them needs no transaction
}

// Store is users, groups and memberships in a database. All methods are safe for concurrent use.
type Store struct {
	db      *sql.DB
	dialect Dialect
	prefix  string
	fields  []string
	flags   []string
	rounds  int
}

var (
	_ ldapmgr.Roster           = (*Store)(nil)
	_ ldapmgr.PermissionSource = (*Store)(nil)
	_ ldapmgr.Census           = (*Store)(nil)
)

// ErrNotFound marks an account that does not exist.
var ErrNotFound = errors.New("no such account")

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,60}$`)

// reserved are the columns of the package's own.
var reserved = []string{"id", "name", "name_fold", "password"}

// New checks a configuration. It asks the database nothing. The error joins everything that is wrong.
func New(c Config) (*Store, error) {
	if c.Dialect.name == "" {
		c.Dialect = SQLite
	}
	if c.Rounds <= 0 {
		c.Rounds = 600_000
	}
	if c.Prefix == "" {
		c.Prefix = "app_"
	}
	if !slices.Contains(c.Flags, ldapmgr.ActiveFlag) {
		c.Flags = append([]string{ldapmgr.ActiveFlag}, c.Flags...)
	}
	var problems []error
	if c.DB == nil {
		problems = append(problems, errors.New("DB is missing: open one with sql.Open"))
	}
	seen := map[string]bool{}
	for _, name := range slices.Concat(c.Fields, c.Flags, []string{c.Prefix}) {
		switch {
		case !plainName.MatchString(name):
			problems = append(problems, fmt.Errorf("%q cannot name a column or table: use small letters, digits and underscores", name))
		case slices.Contains(reserved, name) || seen[name]:
			problems = append(problems, fmt.Errorf("column %q is there already", name))
		}
		seen[name] = true
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("store of users: %w", err)
	}
	return &Store{db: c.DB, dialect: c.Dialect, prefix: c.Prefix, fields: slices.Clone(c.Fields), flags: slices.Clone(c.Flags), rounds: c.Rounds}, nil
}

// statement is the text of a query with its parameters, written left to right.
type statement struct {
	store *Store
	text  strings.Builder
	args  []any
}

// say starts a query. {user} and the like stand for the tables.
func (s *Store) say(text string) *statement {
	q := &statement{store: s}
	return q.add(text)
}

var tableName = regexp.MustCompile(`\{([a-z_]+)\}`)

func (q *statement) add(text string) *statement {
	q.text.WriteString(tableName.ReplaceAllString(text, q.store.prefix+"$1"))
	return q
}

// with adds parameters, with commas between.
func (q *statement) with(values ...any) *statement {
	for i, v := range values {
		if i > 0 {
			q.text.WriteString(", ")
		}
		q.args = append(q.args, q.store.kept(v))
		q.text.WriteString(q.store.dialect.bind(len(q.args)))
	}
	return q
}

// kept is a value as the database can keep it.
func (s *Store) kept(value any) any {
	switch text := value.(type) {
	case string:
		return s.dialect.text(text)
	case *string:
		if text != nil {
			return s.dialect.text(*text)
		}
	}
	return value
}

// quoted is the name of a column, which may be a word that means something else in SQL.
func quoted(column string) string { return `"` + column + `"` }

// executor is a database or a transaction.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (q *statement) exec(ctx context.Context, on executor) error {
	_, err := on.ExecContext(ctx, q.text.String(), q.args...)
	return err
}

func (q *statement) rows(ctx context.Context, on executor) (*sql.Rows, error) {
	return on.QueryContext(ctx, q.text.String(), q.args...)
}

// texts reads the one column of a query to its end.
func texts(rows *sql.Rows, err error) (all []string, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// value reads the first column of the first row.
func (q *statement) value(ctx context.Context, on executor, into any) error {
	return on.QueryRowContext(ctx, q.text.String(), q.args...).Scan(into)
}
