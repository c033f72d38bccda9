// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"slices"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// openAccounts opens the local accounts where something keeps them: the web app at each login, or a domain by sync.every.
func (p *program) openAccounts(ctx context.Context) error {
	domains := p.domains.Domains()
	if p.appOn == nil && !slices.ContainsFunc(domains, func(d *ldapmgr.Domain) bool { return d.Config().Sync.Every > 0 }) {
		return nil
	}
	store, err := openAccounts(ctx, usersDatabase("", p.usersDatabase, p.s.env), domains)
	if err != nil {
		return err
	}
	p.accounts, p.syncer = store, ldapmgr.NewSyncer(p.domains, store, ldapmgr.Hooks{})
	return nil
}

// syncPeople keeps local accounts like the directory's where a domain says sync.every, until ctx ends.
func (p *program) syncPeople(ctx context.Context) error {
	if p.syncer == nil {
		return nil
	}
	return p.syncer.Run(ctx, nil)
}
