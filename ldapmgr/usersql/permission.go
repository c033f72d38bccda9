// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
)

// Permissions returns what the members of groups may do, each once, sorted. Groups are meant by name; those that do not
// exist may do nothing.
func (s *Store) Permissions(ctx context.Context, groups []string) ([]string, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	names := make([]any, len(groups))
	for i, name := range groups {
		names[i] = fold(name)
	}
	return s.permissions(ctx, s.say("SELECT DISTINCT p.permission FROM {permission} p JOIN {group} g ON g.id = p.group_id WHERE g.name_fold IN (").
		with(names...).add(")"))
}

// PermissionsOf returns what an account may do by its local groups.
func (s *Store) PermissionsOf(ctx context.Context, id string) ([]string, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, ErrNotFound
	}
	return s.permissions(ctx, s.say("SELECT DISTINCT p.permission FROM {permission} p JOIN {membership} m ON m.group_id = p.group_id WHERE m.user_id = ").
		with(n))
}

func (s *Store) permissions(ctx context.Context, q *statement) ([]string, error) {
	all, err := texts(q.rows(ctx, s.db))
	if err != nil {
		return nil, fmt.Errorf("reading permissions: %w", err)
	}
	slices.Sort(all) // which databases do by the language they are set to
	return all, nil
}

// Grant lets the members of a group do something. The group is created where it is missing.
func (s *Store) Grant(ctx context.Context, group, permission string) error {
	return s.change(ctx, func(tx *sql.Tx) (bool, error) {
		id, err := s.group(ctx, tx, group, map[string]int64{})
		if err != nil {
			return true, err
		}
		return true, s.say("INSERT INTO {permission} (group_id, permission) VALUES (").with(id, permission).add(") ON CONFLICT DO NOTHING").exec(ctx, tx)
	})
}

// Revoke is the opposite of Grant.
func (s *Store) Revoke(ctx context.Context, group, permission string) error {
	_, err := s.write(ctx, s.say("DELETE FROM {permission} WHERE permission = ").with(permission).
		add(" AND group_id IN (SELECT id FROM {group} WHERE name_fold = ").with(fold(group)).add(")"))
	return err
}
