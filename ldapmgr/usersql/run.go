// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// LastRun returns what the last sync of everybody left, and the zero Run before the first.
func (s *Store) LastRun(ctx context.Context, domain string) (run ldapmgr.Run, err error) {
	var text string
	err = s.say("SELECT run FROM {sync_run} WHERE domain = ").with(fold(domain)).value(ctx, s.db, &text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ldapmgr.Run{}, nil
	case err != nil:
		return run, fmt.Errorf("reading the last sync: %w", err)
	}
	if err := json.Unmarshal([]byte(text), &run); err != nil {
		return run, fmt.Errorf("reading the last sync: %w", err)
	}
	return run, nil
}

// SaveRun keeps what a sync of everybody leaves for the next.
func (s *Store) SaveRun(ctx context.Context, domain string, run ldapmgr.Run) error {
	text, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("keeping the sync: %w", err)
	}
	return s.say("INSERT INTO {sync_run} (domain, run) VALUES (").with(fold(domain), string(text)).
		add(") ON CONFLICT (domain) DO UPDATE SET run = excluded.run").exec(ctx, s.db)
}
