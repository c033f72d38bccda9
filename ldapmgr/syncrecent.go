// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Recent returns a user as of the last sync by this Syncer, if that is younger than maxAge. It asks neither the directory
// nor the sink.
func (s *Syncer) Recent(domain, key string, maxAge time.Duration) (*Synced, bool) {
	now := time.Now()
	known, ok := s.recent.get(recentKey(domain, key), now)
	return known, ok && now.Sub(known.Account.LastSync) < maxAge
}

// Current returns a user no older than maxAge: from memory, else as the sink keeps it, else after a sync. User is nil for
// one that comes from the sink.
func (s *Syncer) Current(ctx context.Context, domain, key string, maxAge time.Duration) (*Synced, error) {
	if known, ok := s.Recent(domain, key, maxAge); ok {
		return known, nil
	}
	if maxAge > 0 {
		known, err := s.Stale(ctx, domain, key)
		if err != nil {
			return nil, err
		}
		if time.Since(known.Account.LastSync) < maxAge {
			return known, nil
		}
	}
	return s.Resync(ctx, domain, key)
}

// Stale returns a user as last known, however long ago that was, without asking the directory. It is ErrNotFound for who
// was never synced.
func (s *Syncer) Stale(ctx context.Context, domain, key string) (*Synced, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return nil, err
	}
	if known, ok := s.recent.get(recentKey(d.name, key), time.Now()); ok {
		return known, nil
	}
	accounts, err := s.sink.Stored(ctx, d.name, []string{key})
	if err != nil {
		return nil, fmt.Errorf("reading the local account: %w", err)
	}
	stored, ok := accounts[key]
	if !ok {
		return nil, &Error{Op: "find account", Domain: d.name, Err: ErrNotFound}
	}
	known := &Synced{Account: stored}
	s.keep(d, known)
	return known, nil
}

// Forget drops what is kept in memory about a user, so that the next look is a new one.
func (s *Syncer) Forget(domain, key string) {
	if d, err := s.manager.Domain(domain); err == nil {
		s.recent.drop(recentKey(d.name, key))
	}
}

// keep remembers a user until the age at which nobody may be served from memory.
func (s *Syncer) keep(d *Domain, known *Synced) {
	s.recent.put(recentKey(d.name, known.Account.Key), known, time.Now().Add(d.cfg.Sync.MaxStale))
}

func recentKey(domain, key string) string { return strings.ToLower(domain) + "\x00" + key }
