// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"strings"
)

// match finds the account of a person, or says how one is made. Whose account it is goes by domain and key alone, so that
// the same name in two domains is two accounts and a new name is still the same one.
func (s *Syncer) match(ctx context.Context, d *Domain, u *User) (Stored, Plan, error) {
	plan := Plan{Domain: d.name, Key: u.Key, DN: u.DN, Account: u.Account}
	accounts, err := s.sink.Stored(ctx, d.name, []string{u.Key})
	if err != nil {
		return Stored{}, plan, fmt.Errorf("reading the local account: %w", err)
	}
	if stored, ok := accounts[u.Key]; ok {
		plan.ID, plan.Name = stored.ID, stored.Name
		return stored, plan, nil
	}
	return s.newcomer(ctx, d, u, plan)
}

// newcomer finds an account to link, or a free name.
func (s *Syncer) newcomer(ctx context.Context, d *Domain, u *User, plan Plan) (Stored, Plan, error) {
	plan.Name = s.localName(d, u)
	field, value, err := d.linkBy(u, plan.Name)
	if err != nil {
		return Stored{}, plan, err
	}
	existing, found, err := s.sink.Named(ctx, field, value)
	if err != nil {
		return Stored{}, plan, fmt.Errorf("looking for a local account: %w", err)
	}
	if found && existing.Domain == "" {
		if d.cfg.Sync.Existing != ExistingLink {
			return Stored{}, plan, fmt.Errorf("%w: set sync.existing to link, or link it by hand", ErrNameTaken)
		}
		plan.Link, plan.ID, plan.Name = true, existing.ID, existing.Name
		return existing, plan, nil
	}
	if isOff(d.cfg.Sync.NewUsers) {
		return Stored{}, plan, ErrNoAccount
	}
	if plan.Name, err = s.freeName(ctx, d, u, plan.Name); err != nil {
		return Stored{}, plan, err
	}
	plan.Create = true
	return Stored{}, plan, nil
}

// localName is the name that a new account should have.
func (s *Syncer) localName(d *Domain, u *User) string {
	if s.hooks.LocalName != nil {
		if name := s.hooks.LocalName(u); name != "" {
			return name
		}
	}
	return expandLocal(d.cfg.Sync.LocalName, d, u)
}

// domainHolder stands for the name of the domain in the name of a local account, beside accountHolder.
const (
	domainHolder    = "{domain}"
	accountInDomain = accountHolder + "@" + domainHolder
)

func expandLocal(template string, d *Domain, u *User) string {
	return strings.NewReplacer(accountHolder, strings.ToLower(u.Account), domainHolder, strings.ToLower(d.name)).Replace(template)
}

// linkBy says how an existing account of a new user is found.
func (d *Domain) linkBy(u *User, name string) (field, value string, err error) {
	field = d.cfg.Sync.QueryField
	if field == "" {
		return "", name, nil
	}
	value, ok := d.cfg.Users.Fields[field].value(u.Entry)
	if !ok {
		return "", "", &FieldError{Domain: d.name, Field: field, Attribute: strings.Join(d.cfg.Users.Fields[field].attributes(), ", ")}
	}
	return field, value, nil
}

// freeName adds the domain to a name that is taken.
func (s *Syncer) freeName(ctx context.Context, d *Domain, u *User, name string) (string, error) {
	for _, candidate := range []string{name, expandLocal(accountInDomain, d, u)} {
		_, taken, err := s.sink.Named(ctx, "", candidate)
		if err != nil {
			return "", fmt.Errorf("looking for a free local name: %w", err)
		}
		if !taken {
			return candidate, nil
		}
	}
	return "", ErrNameTaken
}
