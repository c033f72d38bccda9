// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Stored returns accounts by their keys, with groups, in one query.
func (s *Store) Stored(ctx context.Context, domain string, keys []string) (map[string]ldapmgr.Stored, error) {
	found := map[string]ldapmgr.Stored{}
	if len(keys) == 0 {
		return found, nil
	}
	values := make([]any, len(keys))
	for i, key := range keys {
		values[i] = key
	}
	q := s.accounts("JOIN").add(" WHERE l.domain = ").with(fold(domain)).add(" AND l.guid IN (").with(values...).add(") ORDER BY u.id")
	for account, err := range s.scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		found[account.Key] = account
	}
	return found, nil
}

// Named returns the account with a name, or with a value in one of Config.Fields. Of several with the same value none is
// returned, because nobody could say which is meant.
func (s *Store) Named(ctx context.Context, field, value string) (ldapmgr.Stored, bool, error) {
	q := s.accounts("LEFT JOIN")
	switch {
	case field == "":
		q.add(" WHERE u.name_fold = ").with(fold(value))
	case slices.Contains(s.fields, field):
		before, after, _ := strings.Cut(s.dialect.lower, "%s")
		q.add(" WHERE " + fmt.Sprintf(s.dialect.lower, "u."+quoted(field)) + " LIKE " + before).with(likePattern(value)).add(after + ` ESCAPE '!'`)
	default:
		return ldapmgr.Stored{}, false, fmt.Errorf("finding an account: %q is none of the store's fields", field)
	}
	var all []ldapmgr.Stored
	for account, err := range s.scan(ctx, q.add(" ORDER BY u.id")) {
		if err != nil {
			return ldapmgr.Stored{}, false, err
		}
		if field == "" || fold(account.Fields[field]) == fold(s.dialect.text(value)) {
			all = append(all, account)
		}
	}
	if len(all) != 1 {
		return ldapmgr.Stored{}, false, nil
	}
	return all[0], true, nil
}

// likePattern matches what differs from a value in case, and a little more: databases may know the case of ASCII alone.
func likePattern(value string) string {
	var b strings.Builder
	for _, r := range value {
		switch {
		case r >= utf8.RuneSelf:
			b.WriteByte('%')
		case strings.ContainsRune("%_!", r):
			b.WriteByte('!')
			fallthrough
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Each yields the accounts that are linked to a domain.
func (s *Store) Each(ctx context.Context, domain string) iter.Seq2[ldapmgr.Stored, error] {
	return s.scan(ctx, s.accounts("JOIN").add(" WHERE l.domain = ").with(fold(domain)).add(" ORDER BY u.id"))
}

// All yields every account, those that are linked to no directory too.
func (s *Store) All(ctx context.Context) iter.Seq2[ldapmgr.Stored, error] {
	return s.scan(ctx, s.accounts("LEFT JOIN").add(" ORDER BY u.id"))
}

// ByID returns one account. It is ErrNotFound when there is none.
func (s *Store) ByID(ctx context.Context, id string) (ldapmgr.Stored, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return ldapmgr.Stored{}, ErrNotFound
	}
	for account, err := range s.scan(ctx, s.accounts("LEFT JOIN").add(" WHERE u.id = ").with(n)) {
		return account, err
	}
	return ldapmgr.Stored{}, ErrNotFound
}

// accounts begins a query that gives one row for each membership of an account, or one for who has none.
func (s *Store) accounts(join string) *statement {
	var columns strings.Builder
	for _, name := range slices.Concat(s.fields, s.flags) {
		columns.WriteString(", u." + quoted(name))
	}
	return s.say("SELECT u.id, u.name, l.domain, l.guid, l.dn, l.last_sync, l.last_error, l.left_at, g.name" + columns.String() +
		" FROM {user} u " + join + " {ldap_user} l ON l.user_id = u.id" +
		" LEFT JOIN {membership} m ON m.user_id = u.id LEFT JOIN {group} g ON g.id = m.group_id")
}

// scan runs a query of accounts, ordered by id, and yields each account once.
func (s *Store) scan(ctx context.Context, q *statement) iter.Seq2[ldapmgr.Stored, error] {
	return func(yield func(ldapmgr.Stored, error) bool) {
		rows, err := q.rows(ctx, s.db)
		if err != nil {
			yield(ldapmgr.Stored{}, fmt.Errorf("reading accounts: %w", err))
			return
		}
		defer rows.Close()
		var last ldapmgr.Stored
		for rows.Next() {
			next, group, err := s.row(rows)
			if err != nil {
				yield(ldapmgr.Stored{}, fmt.Errorf("reading accounts: %w", err))
				return
			}
			if last.ID != next.ID {
				if last.ID != "" && !yield(last, nil) {
					return
				}
				last = next
			}
			if group != "" {
				last.Groups = append(last.Groups, group)
			}
		}
		if err := rows.Err(); err != nil {
			yield(ldapmgr.Stored{}, fmt.Errorf("reading accounts: %w", err))
			return
		}
		if last.ID != "" {
			yield(last, nil)
		}
	}
}

// row reads one row of a query of accounts.
func (s *Store) row(rows *sql.Rows) (account ldapmgr.Stored, group string, err error) {
	var id int64
	var domain, key, dn, failure, groupName sql.NullString
	var synced, left sql.NullInt64
	fields, flags := make([]sql.NullString, len(s.fields)), make([]bool, len(s.flags))
	into := []any{&id, &account.Name, &domain, &key, &dn, &synced, &failure, &left, &groupName}
	for i := range fields {
		into = append(into, &fields[i])
	}
	for i := range flags {
		into = append(into, &flags[i])
	}
	if err := rows.Scan(into...); err != nil {
		return account, "", err
	}
	account.ID = strconv.FormatInt(id, 10)
	account.Domain, account.Key, account.DN, account.LastError = domain.String, key.String, dn.String, failure.String
	account.LastSync, account.Left = instant(synced.Int64), instant(left.Int64)
	account.Fields, account.Flags = map[string]string{}, map[string]bool{}
	for i, f := range s.fields {
		if fields[i].Valid {
			account.Fields[f] = fields[i].String
		}
	}
	for i, f := range s.flags {
		account.Flags[f] = flags[i]
	}
	return account, groupName.String, nil
}

// Times are kept in microseconds since 1970, in UTC; 0 is never.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fold is how names are compared.
func fold(name string) string { return strings.ToLower(name) }
