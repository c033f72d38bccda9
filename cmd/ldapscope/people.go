// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
	"github.com/ldapscope/ldapscope/panel"
)

// people lets the panel show the local accounts that belong to somebody in a directory, and sync them one by one.
type people struct {
	accounts *accounts
	syncer   *ldapmgr.Syncer
	domains  *ldapmgr.Manager
}

func (p people) Users(ctx context.Context, text string, limit int) ([]panel.LocalUser, error) {
	var users []panel.LocalUser
	text = strings.ToLower(text)
	for account, err := range p.accounts.All(ctx) {
		if err != nil {
			return nil, err
		}
		if account.Domain == "" || !strings.Contains(strings.ToLower(account.Name+" "+account.Domain), text) {
			continue
		}
		if len(users) == limit {
			break
		}
		users = append(users, panel.LocalUser{
			ID: account.ID, Name: account.Name, Domain: p.named(account.Domain), LastSync: account.LastSync, LastError: account.LastError,
		})
	}
	return users, nil
}

// named is a stored domain as the configuration writes it; one that is no longer configured stays as it is.
func (p people) named(domain string) string {
	if d, err := p.domains.Domain(domain); err == nil {
		return d.Name()
	}
	return domain
}

func (p people) Plan(ctx context.Context, id string) (ldapmgr.Plan, error) {
	account, err := p.account(ctx, id)
	if err != nil {
		return ldapmgr.Plan{}, err
	}
	return p.syncer.PlanByKey(ctx, account.Domain, account.Key)
}

func (p people) Sync(ctx context.Context, id string) (ldapmgr.Plan, error) {
	account, err := p.account(ctx, id)
	if err != nil {
		return ldapmgr.Plan{}, err
	}
	done, err := p.syncer.Resync(ctx, account.Domain, account.Key)
	if err != nil {
		return ldapmgr.Plan{}, err
	}
	return done.Plan, nil
}

// account returns an account of somebody in a directory.
func (p people) account(ctx context.Context, id string) (ldapmgr.Stored, error) {
	account, err := p.accounts.ByID(ctx, id)
	if errors.Is(err, usersql.ErrNotFound) || err == nil && account.Domain == "" {
		return account, panel.ErrNoUser
	}
	return account, err
}
