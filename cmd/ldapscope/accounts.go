// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// usersDatabase is where local accounts are: as told, as configured, or beside the usage.
func usersDatabase(asked, configured string, env map[string]string) string {
	return cmp.Or(asked, configured, filepath.Join(stateFolder(env), "users.db"))
}

// accounts is the store of local accounts with its database.
type accounts struct {
	*usersql.Store
	db *sql.DB
}

// inMemory is the database of accounts that end with the process, such as the demo's.
const inMemory = ":memory:"

// openAccounts opens a SQLite database with the columns that the domains need, and creates what is missing of it.
func openAccounts(ctx context.Context, path string, domains []*ldapmgr.Domain) (*accounts, error) {
	db, err := openUsers(path)
	if err != nil {
		return nil, fmt.Errorf("the database of local accounts cannot be opened; choose another with --users-db or users_database: %w", err)
	}
	fields, flags := map[string]bool{}, map[string]bool{}
	for _, d := range domains {
		c := d.Config()
		for name := range c.Users.Fields {
			fields[name] = true
		}
		for name := range c.Sync.Flags {
			flags[name] = true
		}
	}
	store, err := usersql.New(usersql.Config{DB: db, Fields: slices.Sorted(maps.Keys(fields)), Flags: slices.Sorted(maps.Keys(flags))})
	if err == nil {
		err = store.CreateTables(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("local accounts in %s: %w", path, err), db.Close())
	}
	return &accounts{store, db}, nil
}

func openUsers(path string) (*sql.DB, error) {
	const options = "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_txlock=immediate"
	if path == inMemory {
		db, err := sql.Open("sqlite", "file::memory:"+options)
		if err == nil {
			db.SetMaxOpenConns(1) // each connection would have a database of its own
		}
		return db, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would let everybody read it
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()+options)
}

func (a *accounts) close() error { return a.db.Close() }
