// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

type txKey struct{}

// Tx returns the transaction that a BeforeCommit hook runs in, so that the application may write in it too. It is neither
// committed nor rolled back by the hook, which must not write through the Store: that would wait for this transaction.
func Tx(ctx context.Context) (*sql.Tx, bool) {
	tx, ok := ctx.Value(txKey{}).(*sql.Tx)
	return tx, ok
}

// Apply carries plans out in one transaction. It calls commit once at most.
func (s *Store) Apply(ctx context.Context, plans []ldapmgr.Plan, commit func(context.Context) error) (ids []string, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (bool, error) {
		groups := map[string]int64{}
		ids = make([]string, len(plans))
		for i, p := range plans {
			id, err := s.apply(ctx, tx, p, groups)
			if err != nil {
				return true, fmt.Errorf("saving an account of %s: %w", p.Domain, err)
			}
			ids[i] = strconv.FormatInt(id, 10)
		}
		return false, commit(context.WithValue(ctx, txKey{}, tx))
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, p ldapmgr.Plan, groups map[string]int64) (int64, error) {
	id, err := s.account(ctx, tx, p)
	if err != nil {
		return 0, err
	}
	if err := s.columns(ctx, tx, p, id); err != nil {
		return 0, err
	}
	if err := s.linked(ctx, tx, p, id); err != nil {
		return 0, err
	}
	return id, s.memberships(ctx, tx, p, id, groups)
}

// account returns the id of a plan's account, which it creates where the plan says so and nobody else has meanwhile.
func (s *Store) account(ctx context.Context, tx *sql.Tx, p ldapmgr.Plan) (id int64, err error) {
	if p.ID != "" && !p.Link {
		return strconv.ParseInt(p.ID, 10, 64)
	}
	err = s.say("SELECT user_id FROM {ldap_user} WHERE domain = ").with(fold(p.Domain)).add(" AND guid = ").with(p.Key).value(ctx, tx, &id)
	switch {
	case err == nil && p.ID != "" && p.ID != strconv.FormatInt(id, 10):
		return 0, ldapmgr.ErrNameTaken // its person has got another account since the plan was made
	case err == nil || !errors.Is(err, sql.ErrNoRows):
		return id, err
	case p.ID != "":
		return strconv.ParseInt(p.ID, 10, 64)
	}
	return s.newAccount(ctx, tx, p.Name, nil)
}

// newAccount creates an account. It is ldapmgr.ErrNameTaken where somebody else has the name.
func (s *Store) newAccount(ctx context.Context, on executor, name string, hash *string) (id int64, err error) {
	err = s.say("INSERT INTO {user} (name, name_fold, password) VALUES (").with(name, fold(name), hash).
		add(") ON CONFLICT (name_fold) DO NOTHING RETURNING id").value(ctx, on, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ldapmgr.ErrNameTaken
	}
	return id, err
}

// columns writes fields and flags. Those that the store has no column for are left out.
func (s *Store) columns(ctx context.Context, tx *sql.Tx, p ldapmgr.Plan, id int64) error {
	values := map[string]any{}
	for _, c := range p.Fields {
		if slices.Contains(s.fields, c.Name) {
			values[c.Name] = c.To
		}
	}
	for _, c := range p.Flags {
		if slices.Contains(s.flags, c.Name) {
			values[c.Name] = c.To
		}
	}
	if len(values) == 0 {
		return nil
	}
	q := s.say("UPDATE {user} SET ")
	for i, name := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			q.add(", ")
		}
		q.add(quoted(name) + " = ").with(values[name])
	}
	return q.add(" WHERE id = ").with(id).exec(ctx, tx)
}

// linked notes whose account it is, and when it was synced.
func (s *Store) linked(ctx context.Context, tx *sql.Tx, p ldapmgr.Plan, id int64) error {
	synced := micros(p.LastSync)
	if p.Create || p.Link {
		var owner int64
		err := s.say("INSERT INTO {ldap_user} (user_id, domain, guid, dn, last_sync) VALUES (").
			with(id, fold(p.Domain), p.Key, p.DN, synced).
			add(") ON CONFLICT (user_id) DO UPDATE SET dn = excluded.dn, last_sync = excluded.last_sync, last_error = ''").
			add(" WHERE {ldap_user}.domain = excluded.domain AND {ldap_user}.guid = excluded.guid RETURNING user_id").value(ctx, tx, &owner)
		if errors.Is(err, sql.ErrNoRows) { // somebody else's since the plan was made
			return ldapmgr.ErrNameTaken
		}
		return err
	}
	q := s.say("UPDATE {ldap_user} SET dn = ").with(p.DN)
	if synced > 0 {
		q.add(", last_error = '', last_sync = ").with(synced)
	}
	switch {
	case p.Leave:
		q.add(", left_at = ").with(synced)
	case p.Return:
		q.add(", left_at = 0")
	}
	return q.add(" WHERE user_id = ").with(id).exec(ctx, tx)
}

func (s *Store) memberships(ctx context.Context, tx *sql.Tx, p ldapmgr.Plan, id int64, groups map[string]int64) error {
	for _, name := range p.Join {
		group, err := s.group(ctx, tx, name, groups)
		if err != nil {
			return err
		}
		err = s.say("INSERT INTO {membership} (user_id, group_id) VALUES (").with(id, group).add(") ON CONFLICT DO NOTHING").exec(ctx, tx)
		if err != nil {
			return err
		}
	}
	if len(p.Quit) == 0 {
		return nil
	}
	names := make([]any, len(p.Quit))
	for i, name := range p.Quit {
		names[i] = fold(name)
	}
	return s.say("DELETE FROM {membership} WHERE user_id = ").with(id).
		add(" AND group_id IN (SELECT id FROM {group} WHERE name_fold IN (").with(names...).add("))").exec(ctx, tx)
}

// group returns the id of a group, which it creates where it is missing.
func (s *Store) group(ctx context.Context, on executor, name string, known map[string]int64) (id int64, err error) {
	if id, ok := known[fold(name)]; ok {
		return id, nil
	}
	if strings.TrimSpace(name) == "" {
		return 0, errors.New("a group needs a name")
	}
	if err := s.say("INSERT INTO {group} (name, name_fold) VALUES (").with(name, fold(name)).add(") ON CONFLICT (name_fold) DO NOTHING").exec(ctx, on); err != nil {
		return 0, err
	}
	if err := s.say("SELECT id FROM {group} WHERE name_fold = ").with(fold(name)).value(ctx, on, &id); err != nil {
		return 0, err
	}
	known[fold(name)] = id
	return id, nil
}

// Failed notes why a sync did not succeed, where that is news.
func (s *Store) Failed(ctx context.Context, domain, key, reason string) error {
	_, err := s.write(ctx, s.say("UPDATE {ldap_user} SET last_error = ").with(reason).add(" WHERE domain = ").with(fold(domain)).
		add(" AND guid = ").with(key).add(" AND last_error <> ").with(reason))
	return err
}
