// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// CreateTables creates tables and columns that are missing. What is there stays as it is. Several processes may do so at
// once.
func (s *Store) CreateTables(ctx context.Context) error {
	if err := s.createTables(ctx); err != nil {
		return fmt.Errorf("creating tables for users: %w", err)
	}
	return s.change(ctx, func(tx *sql.Tx) (bool, error) { return true, s.addColumns(ctx, tx) })
}

func (s *Store) createTables(ctx context.Context) error {
	create := func(on executor) error {
		for _, statement := range s.dialect.tables {
			if _, err := on.ExecContext(ctx, fmt.Sprintf(statement, s.prefix)); err != nil {
				return err
			}
		}
		return nil
	}
	if s.dialect.create == "" {
		return create(s.db)
	}
	return s.transaction(ctx, s.dialect.create, func(tx *sql.Tx) (bool, error) { return true, create(tx) })
}

func (s *Store) addColumns(ctx context.Context, tx *sql.Tx) error {
	there, err := texts(tx.QueryContext(ctx, s.dialect.columns, s.prefix+"user"))
	if err != nil {
		return fmt.Errorf("reading the columns of users: %w", err)
	}
	add := func(name, definition string) error {
		if slices.Contains(there, name) {
			return nil
		}
		if err := s.say("ALTER TABLE {user} ADD COLUMN "+quoted(name)+" "+definition).exec(ctx, tx); err != nil {
			return fmt.Errorf("adding column %s: %w", name, err)
		}
		return nil
	}
	for _, f := range s.fields {
		if err := add(f, "TEXT"); err != nil {
			return err
		}
	}
	for _, f := range s.flags {
		if err := add(f, fmt.Sprintf("%s NOT NULL DEFAULT %t", s.dialect.boolean, f == ldapmgr.ActiveFlag)); err != nil {
			return err
		}
	}
	return nil
}
