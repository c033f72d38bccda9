// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// identity asks the server whom it takes the connection for; "" where it cannot be asked. The connection itself cannot
// be bound anew, see gate.
func (a *allSync) identity(ctx context.Context, client *instrument.Client) (string, error) {
	root := a.domain.root.Load()
	if root == nil || !root.SupportsExtension(wire.OIDWhoAmI) {
		return "", nil
	}
	return client.WhoAmI(ctx)
}

// count adds what an account has to what could be removed.
func (a *allSync) count(stored Stored) {
	if !stored.Left.IsZero() {
		return
	}
	a.accounts++
	a.totals[removeUser]++
	a.totals[removeGroup] += len(stored.Groups)
	a.totals[removeField] += len(stored.Fields)
	for _, on := range stored.Flags {
		if on {
			a.totals[removeFlag]++
		}
	}
}

// judge asks the brake about every removal, on the connection that everything was read with.
func (a *allSync) judge(ctx context.Context, client *instrument.Client, before string, previous Run) error {
	ctx, end := instrument.Step(ctx, "sync.brake")
	defer end()
	var removals []removal
	for _, p := range a.plans {
		removals = append(removals, p.removals()...)
	}
	a.report.Removals = len(removals)
	a.facts = findings{
		complete: true, oneServer: true, oneIdentity: true, // all came over one connection, and an error would have ended the run
		people: a.report.People, baseline: previous.People, totals: a.totals, previous: previous, now: a.now, confirmed: a.options.Confirm,
	}
	if previous.At.IsZero() {
		a.facts.baseline = a.accounts
	}
	if len(removals) > 0 {
		after, err := a.identity(ctx, client)
		if err != nil {
			return err
		}
		a.facts.oneIdentity = after == before
		if a.facts.sentinel, err = a.sentinels(ctx, client); err != nil {
			return err
		}
	}
	held, wanted := a.domain.cfg.Sync.Brake.decide(a.facts, removals)
	a.facts.previous.Wanted = wanted
	if err := a.confirm(ctx, client, held); err != nil {
		return err
	}
	a.report.Held = len(held)
	for i, p := range a.plans {
		a.plans[i] = p.without(held)
	}
	return nil
}

// sentinels makes sure that entries which must be there can be seen. It returns why not.
func (a *allSync) sentinels(ctx context.Context, client *instrument.Client) (string, error) {
	names := a.domain.cfg.Sync.Brake.Sentinels
	if len(names) == 0 {
		account := a.domain.cfg.Bind.Name
		if _, ok := canonicalDN(account); !ok {
			return a.account(ctx, client, account)
		}
		names = []string{account}
	}
	for _, dn := range names {
		there, err := exists(ctx, client, dn)
		if err != nil {
			return "", err
		}
		if !there {
			return "an entry that must be there cannot be seen: " + dn + "; see sync.brake.sentinels", nil
		}
	}
	return "", nil
}

// account looks for a service account that is configured as user@domain or DOMAIN\user.
func (a *allSync) account(ctx context.Context, client *instrument.Client, name string) (string, error) {
	parsed, err := ParseLoginName(name)
	if err != nil {
		return "nothing is known that must be visible; set sync.brake.sentinels", nil //nolint:nilerr // the reason is what the caller reports
	}
	f := anyFilter(equal("sAMAccountName", parsed.Account), equal("userPrincipalName", parsed.Text))
	result, err := client.Search(ctx, ldap.NewSearchRequest(a.domain.Base(), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 0, false,
		string(f), []string{"1.1"}, nil))
	if err != nil && !answeredWith(err, ldap.LDAPResultSizeLimitExceeded) {
		return "", err
	}
	if len(result.Entries) == 0 {
		return "the service account cannot see itself; see sync.brake.sentinels", nil
	}
	return "", nil
}

// exists reports whether an entry can be seen. Only noSuchObject and an empty answer say no.
func exists(ctx context.Context, client *instrument.Client, dn string) (bool, error) {
	result, err := client.Search(ctx, entryRequest(dn, "1.1"))
	if answeredWith(err, ldap.LDAPResultNoSuchObject) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return len(result.Entries) > 0, nil
}

// confirm looks up one by one the people who are gone and would be deactivated. Who is still there, or comes beyond the
// budget, is held.
func (a *allSync) confirm(ctx context.Context, client *instrument.Client, held map[string]string) error {
	asked := 0
	for _, p := range a.plans {
		id := removal{removeUser, p.Key, ""}.id()
		if _, is := held[id]; !p.Leave || is {
			continue
		}
		if asked++; asked > a.domain.cfg.Sync.Brake.Confirms {
			held[id] = "more people left than are looked up in one sync"
			continue
		}
		result, err := client.Search(ctx, entryRequest(p.DN, "1.1"))
		switch {
		case answeredWith(err, ldap.LDAPResultNoSuchObject):
		case err != nil:
			return fmt.Errorf("making sure that people left: %w", err)
		case len(result.Entries) > 0:
			held[id] = "the entry is still there, where users.places or users.filter do not look"
		default:
			held[id] = "the server neither shows the entry nor says that there is none"
		}
	}
	return nil
}

// apply saves everything at once and leaves word for the next run.
func (a *allSync) apply(ctx context.Context) error {
	ctx, end := instrument.Step(ctx, "sync.save")
	defer end()
	s, d := a.syncer, a.domain
	var plans []Plan
	for _, p := range a.plans {
		if !p.IsZero() {
			plans = append(plans, p)
		}
	}
	if len(plans) > 0 {
		ids, err := s.sink.Apply(ctx, plans, func(ctx context.Context) error { return s.before(ctx, plans) })
		if err != nil {
			return fmt.Errorf("saving the users of %s: %w", d.name, err)
		}
		if len(ids) != len(plans) {
			return errLostCount
		}
		for i := range plans {
			plans[i].ID = ids[i]
			s.Forget(d.name, plans[i].Key)
		}
		s.after(ctx, d, plans)
	}
	recordPlans(ctx, a.plans...)
	a.report.Applied = true
	people := a.report.People
	if b := d.cfg.Sync.Brake; !b.enough(a.facts) && !a.facts.agreed(a.report.Removals) {
		people = a.facts.baseline // not accepted: the next run compares with the same number
	}
	run := Run{At: a.now, People: people, Wanted: a.facts.previous.Wanted, Markers: a.marker}
	if err := a.roster.SaveRun(ctx, d.name, run); err != nil { // the users are saved, and the brake compares with the run before
		d.event(ctx, Event{Stage: StageSave, Err: fmt.Errorf("noting the sync of %s: %w", d.name, err)})
	}
	for _, f := range a.report.Failures {
		s.note(ctx, d, f.key, f.Err)
	}
	return nil
}
