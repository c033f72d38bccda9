// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// LastRun returns what the last sync of everybody left, and the zero Run before the first.
func (s *Store) LastRun(ctx context.Context, domain string) (run ldapmgr.Run, err error) {
	return s.lastRun(ctx, s.db, domain)
}

func (s *Store) lastRun(ctx context.Context, on executor, domain string) (run ldapmgr.Run, err error) {
	var text string
	err = s.say("SELECT run FROM {sync_run} WHERE domain = ").with(fold(domain)).value(ctx, on, &text)
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

// SaveRun keeps what a sync of everybody leaves for the next. A run that began before the one that is kept is left out: of two
// at once in two processes the one that saw the directory later counts, else the brake would forget what that one saw.
func (s *Store) SaveRun(ctx context.Context, domain string, run ldapmgr.Run) error {
	text, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("keeping the sync: %w", err)
	}
	err = s.change(ctx, func(tx *sql.Tx) (bool, error) {
		kept, err := s.lastRun(ctx, tx, domain)
		if err != nil {
			return true, err
		}
		if run.At.Before(kept.At) && !kept.At.After(time.Now()) { // a clock that was wrong does not hold later runs off
			return true, nil
		}
		return true, s.say("INSERT INTO {sync_run} (domain, run) VALUES (").with(fold(domain), string(text)).
			add(") ON CONFLICT (domain) DO UPDATE SET run = excluded.run").exec(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("keeping the sync: %w", err)
	}
	return nil
}
