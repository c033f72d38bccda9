// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/ldapscope/ldapscope/instrument"
)

// Syncer keeps local users like the directory's. All methods are safe for concurrent use; one user is synced once at a
// time, and who asks meanwhile gets the same result.
type Syncer struct {
	manager *Manager
	sink    Sink
	hooks   Hooks
	flight  singleflight.Group
	recent  remembered[*Synced]
}

// NewSyncer returns a Syncer of all domains of a manager into one sink.
func NewSyncer(m *Manager, sink Sink, hooks Hooks) *Syncer {
	return &Syncer{manager: m, sink: sink, hooks: hooks}
}

// Manager returns the manager whose domains are synced.
func (s *Syncer) Manager() *Manager { return s.manager }

// Synced is a user after a sync.
type Synced struct {
	Account Stored // the local account as it is now
	User    *User
	Plan    Plan // what was changed
}

// Login authenticates a person and syncs the local account. The error is a *LoginError when the login did not succeed, and
// any other when the sync did not; then nothing was changed locally.
func (s *Syncer) Login(ctx context.Context, c Credentials) (*Synced, error) {
	u, d, err := s.manager.authenticate(ctx, c, s.vet)
	if err != nil {
		return nil, err
	}
	return s.save(ctx, d, u, true)
}

// vet refuses people without a local account before their password is sent, where no account would be made for them.
func (s *Syncer) vet(ctx context.Context, u *User) error {
	d, err := s.manager.Domain(u.Domain)
	if err != nil || !isOff(d.cfg.Sync.NewUsers) {
		return err
	}
	_, _, err = s.match(ctx, d, u)
	return err
}

// Sync brings the account of a person up to date, without a password. name is a login name; domain is the name of a
// domain, or "" for the one that the login name or the configuration says.
func (s *Syncer) Sync(ctx context.Context, domain, name string) (*Synced, error) {
	d, u, err := s.find(ctx, domain, name)
	if err != nil {
		return nil, err
	}
	return s.save(ctx, d, u, false)
}

// Resync brings the account of a person up to date by User.Key. Requests for one person at the same time share one sync.
func (s *Syncer) Resync(ctx context.Context, domain, key string) (*Synced, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return nil, err
	}
	return s.together(ctx, d, "resync\x00"+d.name+"\x00"+key, func(ctx context.Context) (*Synced, error) {
		u, err := d.stepUser(ctx, func(ctx context.Context) (*User, error) { return d.userByKey(ctx, key) })
		if err != nil {
			s.note(ctx, d, key, err)
			return nil, err
		}
		return s.save(ctx, d, u, false)
	})
}

// Plan tells what Sync would change, and changes nothing.
func (s *Syncer) Plan(ctx context.Context, domain, name string) (Plan, error) {
	d, u, err := s.find(ctx, domain, name)
	if err != nil {
		return Plan{}, err
	}
	return s.foresee(ctx, d, u)
}

// PlanByKey tells what Resync would change, and changes nothing.
func (s *Syncer) PlanByKey(ctx context.Context, domain, key string) (Plan, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return Plan{}, err
	}
	u, err := d.stepUser(ctx, func(ctx context.Context) (*User, error) { return d.userByKey(ctx, key) })
	if err != nil {
		return Plan{}, err
	}
	return s.foresee(ctx, d, u)
}

// foresee plans and tells the recorder what would change.
func (s *Syncer) foresee(ctx context.Context, d *Domain, u *User) (Plan, error) {
	plan, _, err := s.plan(ctx, d, u, false)
	if err == nil {
		recordForeseen(ctx, plan)
	}
	return plan, err
}

// find looks a person up by login name.
func (s *Syncer) find(ctx context.Context, domain, name string) (*Domain, *User, error) {
	parsed, err := ParseLoginName(name)
	if err != nil {
		return nil, nil, fmt.Errorf("find user: %w", err)
	}
	var d *Domain
	if domain != "" {
		d, err = s.manager.Domain(domain)
	} else {
		d, err = s.manager.DomainOf(name)
	}
	if err != nil {
		return nil, nil, err
	}
	u, err := d.stepUser(ctx, func(ctx context.Context) (*User, error) { return d.findUser(ctx, d, parsed) })
	return d, u, err
}

// stepUser finds a person and the groups, as two steps.
func (d *Domain) stepUser(ctx context.Context, find func(context.Context) (*User, error)) (*User, error) {
	inner, end := instrument.Step(ctx, "sync.user")
	var u *User
	err := d.learn(inner)
	if err == nil {
		u, err = find(inner)
	}
	end()
	if err != nil {
		d.eventUnlessMissing(ctx, StagePopulate, err)
		return nil, err
	}
	inner, end = instrument.Step(ctx, "sync.groups")
	defer end()
	u, err = d.withGroups(inner, d, u)
	if err != nil {
		d.event(ctx, Event{Stage: StageGroups, Err: err})
	}
	return u, err
}

func (d *Domain) eventUnlessMissing(ctx context.Context, stage Stage, err error) {
	if !errors.Is(err, ErrNotFound) {
		d.event(ctx, Event{Stage: stage, Err: err})
	}
}

// save plans and applies, once at a time for each person.
func (s *Syncer) save(ctx context.Context, d *Domain, u *User, login bool) (*Synced, error) {
	return s.together(ctx, d, "save\x00"+d.name+"\x00"+u.Key, func(ctx context.Context) (*Synced, error) {
		plan, stored, err := s.plan(ctx, d, u, login)
		var done *Synced
		if err == nil {
			done, err = s.apply(ctx, d, plan, stored)
		}
		if err != nil {
			d.event(ctx, Event{Stage: StageSave, Account: u.Account, Err: err})
			s.note(ctx, d, u.Key, err)
		}
		return done, err
	})
}

// plan compares a person with the account. It reads the sink once, more often only for people who are new.
func (s *Syncer) plan(ctx context.Context, d *Domain, u *User, login bool) (Plan, Stored, error) {
	ctx, end := instrument.Step(ctx, "sync.flags")
	defer end()
	stored, plan, err := s.match(ctx, d, u)
	if err != nil {
		return plan, stored, err
	}
	if plan, err = d.diff(u, stored, plan, login, time.Now()); err != nil {
		return plan, stored, err
	}
	plan, err = d.brakeOne(ctx, plan, stored)
	if len(plan.Held) > 0 {
		d.event(ctx, Event{Stage: StageGroups, Account: u.Account, Err: fmt.Errorf("%w: %s", ErrHeld, plan.Held[0].Reason)})
	}
	return plan, stored, err
}

// apply carries out one plan.
func (s *Syncer) apply(ctx context.Context, d *Domain, plan Plan, stored Stored) (*Synced, error) {
	ctx, end := instrument.Step(ctx, "sync.save")
	defer end()
	after := plan.After(stored)
	if !plan.IsZero() {
		ids, err := s.sink.Apply(ctx, []Plan{plan}, func(ctx context.Context) error { return s.before(ctx, []Plan{plan}) })
		if err != nil {
			return nil, fmt.Errorf("saving a user of %s: %w", d.name, err)
		}
		if len(ids) != 1 {
			return nil, errLostCount
		}
		plan.ID, after.ID = ids[0], ids[0]
		s.after(ctx, d, []Plan{plan})
	}
	recordPlans(ctx, plan)
	after.LastSync = plan.User.At
	s.keep(d, &Synced{Account: after, User: plan.User})
	return &Synced{Account: after, User: plan.User, Plan: plan}, nil
}

// errLostCount marks a sink that does not return one id for each plan.
var errLostCount = errors.New("the sink lost count of the users it saved")

func (s *Syncer) before(ctx context.Context, plans []Plan) error {
	if s.hooks.BeforeCommit == nil {
		return nil
	}
	for _, p := range plans {
		if !p.Changed() {
			continue
		}
		if err := s.hooks.BeforeCommit(ctx, p); err != nil {
			return fmt.Errorf("%w: %w", ErrVetoed, err)
		}
	}
	return nil
}

// after tells the application. What it does then cannot undo the sync.
func (s *Syncer) after(ctx context.Context, d *Domain, plans []Plan) {
	if s.hooks.AfterCommit == nil {
		return
	}
	for _, p := range plans {
		func() {
			defer func() {
				if failure := recover(); failure != nil {
					d.log.LogAttrs(ctx, slog.LevelError, "a hook after a sync panicked", slog.Any("panic", failure))
				}
			}()
			s.hooks.AfterCommit(ctx, p)
		}()
	}
}

// note keeps the reason of a failure with the account, as far as there is one.
func (s *Syncer) note(ctx context.Context, d *Domain, key string, err error) {
	if errors.Is(err, ErrNoAccount) || errors.Is(err, ErrNameTaken) {
		return // there is none
	}
	if failed := s.sink.Failed(context.WithoutCancel(ctx), d.name, key, Reason(err)); failed != nil {
		d.log.LogAttrs(ctx, slog.LevelWarn, "a failed sync could not be noted", slog.String("reason", failed.Error()))
	}
}
