// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
)

// Permissions returns what a user may do by the names of the directory's groups, where Sync.GroupPermissions is on: what
// the local groups of the same names may. No failure looks like "nothing": it is an error.
func (s *Syncer) Permissions(ctx context.Context, domain, key string) ([]string, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return nil, err
	}
	if !isOn(d.cfg.Sync.GroupPermissions) {
		return nil, nil
	}
	known, ok := s.Recent(d.name, key, d.resyncAfter())
	if !ok || known.User == nil {
		if known, err = s.Resync(ctx, d.name, key); err != nil {
			d.event(ctx, Event{Stage: StagePermissions, Err: err})
			return nil, err
		}
	}
	return s.permissions(ctx, known.User.Groups)
}

// PermissionsNamed is Permissions for somebody who did not log in through the directory, where Sync.AuthorizeAll is on. Who
// is not in the directory may do nothing.
func (s *Syncer) PermissionsNamed(ctx context.Context, domain, name string) ([]string, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return nil, err
	}
	if !isOn(d.cfg.Sync.GroupPermissions) || !isOn(d.cfg.Sync.AuthorizeAll) {
		return nil, nil
	}
	u, err := d.User(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		d.event(ctx, Event{Stage: StagePermissions, Err: err})
		return nil, err
	}
	return s.permissions(ctx, u.Groups)
}

func (s *Syncer) permissions(ctx context.Context, groups GroupSet) ([]string, error) {
	source, ok := s.sink.(PermissionSource)
	if !ok {
		return nil, errors.New("permissions by group: the sink is no PermissionSource")
	}
	all, err := source.Permissions(ctx, groups.Names())
	if err != nil {
		return nil, fmt.Errorf("permissions by group: %w", err)
	}
	return all, nil
}
