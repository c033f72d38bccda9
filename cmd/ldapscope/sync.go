// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// syncFlags say who is synced, and whether that is done or only told.
type syncFlags struct {
	plan, apply bool
	user        string
	all         bool
	confirm     int
	older       bool
	database    string
}

// heldBack ends a sync whose removals the brake kept back, in part or all.
type heldBack struct{ held, wanted int }

func (h heldBack) Error() string {
	return fmt.Sprintf("%d of %d removals were kept back; the reasons stand above", h.held, h.wanted)
}

func syncCommand(s *surroundings) *cobra.Command {
	var f syncFlags
	cmd := &cobra.Command{
		Use: "sync (--plan | --apply) (--user NAME | --all)", Short: "Make local accounts like the directory's",
		Long: `Compare local accounts with the people of a domain, as the keys users, groups
and sync of the configuration say, and print the differences. --plan changes
nothing; --apply carries them out in one transaction. Local accounts are in a
SQLite database, which is created if it is missing.

What a sync of everybody takes away passes a brake first: too many removals at
once, or an answer that may not be the whole, are kept back. Exit code 3 says
so; --confirm N agrees to just N removals once you have looked at them.

A server that lacks changes which an earlier sync has read is refused, too.
--accept-older takes over what it has, as after a restore from a backup.`,
		Example: `  ldapscope sync --config ldapscope.yaml --plan --all
  ldapscope sync --config ldapscope.yaml --apply --user ada
  ldapscope sync --config ldapscope.yaml --apply --all --confirm 120
  ldapscope sync --config ldapscope.yaml --plan --all --format json | jq .answer`,
		Args: noArguments,
	}
	q := newQuestion(cmd, s)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(); err != nil {
			return err
		}
		return q.ask(cmd, "sync", func(ctx context.Context) (answer, error) {
			return q.withSyncer(ctx, f.database, func(syncer *ldapmgr.Syncer) (answer, error) {
				if f.all {
					return q.syncAll(ctx, syncer, f)
				}
				return q.syncOne(ctx, syncer, f)
			})
		})
	}
	cmd.Flags().BoolVar(&f.plan, "plan", false, "only say what would change")
	cmd.Flags().BoolVar(&f.apply, "apply", false, "change it")
	cmd.Flags().StringVar(&f.user, "user", "", "login name of the one person to sync")
	cmd.Flags().BoolVar(&f.all, "all", false, "sync everybody")
	cmd.Flags().IntVar(&f.confirm, "confirm", 0, "agree to just so many removals")
	cmd.Flags().BoolVar(&f.older, "accept-older", false, "take over what a server has that is behind an earlier sync")
	usersFlag(cmd, &f.database)
	return cmd
}

func usersFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "users-db", "", "database of local accounts (default users_database of the configuration, or users.db beside the saved usage)")
}

func (f syncFlags) check() error {
	switch {
	case f.plan && f.apply:
		return usageError{errors.New("sync takes --plan or --apply, not both")}
	case f.all && f.user != "":
		return usageError{errors.New("sync takes --user NAME or --all, not both")}
	case !f.plan && !f.apply:
		return usageError{errors.New("sync needs --plan, to see what would change, or --apply, to change it")}
	case !f.all && f.user == "":
		return usageError{errors.New("sync needs --user NAME or --all")}
	case f.confirm < 0, f.confirm > 0 && !(f.all && f.apply):
		return usageError{errors.New("--confirm takes the number of removals that --plan --all told, and goes with --apply --all")}
	case f.older && !f.all:
		return usageError{errors.New("--accept-older goes with --all: nothing else looks at how recent a server is")}
	}
	return nil
}

// withSyncer lends a Syncer on the database of local accounts.
func (q *question) withSyncer(ctx context.Context, database string, f func(*ldapmgr.Syncer) (answer, error)) (answer, error) {
	store, err := openAccounts(ctx, usersDatabase(database, q.file.usersDatabase, q.s.env), q.manager.Domains())
	if err != nil {
		return nil, err
	}
	a, err := f(ldapmgr.NewSyncer(q.manager, store, ldapmgr.Hooks{}))
	return a, errors.Join(err, store.close())
}

func (q *question) syncOne(ctx context.Context, syncer *ldapmgr.Syncer, f syncFlags) (answer, error) {
	d, err := q.asked(f.user)
	if err != nil {
		return nil, err
	}
	var plan ldapmgr.Plan
	if f.apply {
		done, err := syncer.Sync(ctx, d.Name(), f.user)
		if err != nil {
			return nil, named(err, f.user)
		}
		plan = done.Plan
	} else {
		if plan, err = syncer.Plan(ctx, d.Name(), f.user); err != nil {
			return nil, named(err, f.user)
		}
	}
	a := &syncedOne{Applied: f.apply, Plan: plan, colour: q.s.colour()}
	if len(plan.Held) > 0 {
		return a, heldBack{len(plan.Held), len(plan.Held)}
	}
	return a, nil
}

// syncAll syncs everybody of the domain that is asked for, or of every domain.
func (q *question) syncAll(ctx context.Context, syncer *ldapmgr.Syncer, f syncFlags) (answer, error) {
	domains := q.manager.Domains()
	if q.domain != "" {
		d, err := q.asked("")
		if err != nil {
			return nil, err
		}
		domains = []*ldapmgr.Domain{d}
	}
	if f.confirm > 0 && len(domains) > 1 {
		return nil, usageError{errors.New("--confirm needs --domain: each domain has removals of its own")}
	}
	a := &syncedAll{Reports: []*ldapmgr.Report{}, colour: q.s.colour()}
	progress := newBar(q.s.stderr, "people")
	defer progress.end()
	var failures []error
	var held heldBack
	for _, d := range domains {
		progress.about = 0
		if last, err := syncer.LastRun(ctx, d.Name()); err == nil {
			progress.about = last.People
		}
		report, err := syncer.All(ctx, d.Name(), ldapmgr.AllOptions{Apply: f.apply, Confirm: f.confirm, AcceptOlder: f.older, Progress: progress.tell})
		if errors.Is(err, ldapmgr.ErrStale) {
			err = fmt.Errorf("%w (here: --accept-older)", err)
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		a.Reports = append(a.Reports, report)
		held.held, held.wanted = held.held+report.Held, held.wanted+report.Removals
		if n := len(report.Failures); n > 0 {
			failures = append(failures, fmt.Errorf("%d people of %s could not be synced; the others were", n, d.Name()))
		}
	}
	if len(failures) == 0 && held.held > 0 {
		return a, held
	}
	return a, errors.Join(failures...)
}
