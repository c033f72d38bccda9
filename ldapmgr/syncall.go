// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// AllOptions says how everybody is synced.
type AllOptions struct {
	Apply   bool // carry the plans out; default they are only made
	Confirm int  // removals that an operator agrees to, having seen just this number; default none
	// AcceptOlder takes over what a server has although an earlier sync read newer changes, as after a restore from a backup;
	// default ErrStale.
	AcceptOlder bool
	Progress    func(done int) // called with the people done so far, now and then; default none
}

// Report is what a sync of everybody did or would do.
type Report struct {
	Domain   string        `json:"domain"`
	People   int           `json:"people"` // found in the directory
	Plans    []Plan        `json:"plans"`  // with something in them, ordered by name
	Failures []UserFailure `json:"failures,omitempty"`
	Removals int           `json:"removals"` // wanted, those that are held included
	Held     int           `json:"held"`     // of Removals
	Applied  bool          `json:"applied"`
	Took     time.Duration `json:"took_ns"`
}

// UserFailure is a person who could not be synced; the others were.
type UserFailure struct {
	DN     string `json:"dn"`
	Reason string `json:"reason"`
	Err    error  `json:"-"`
	key    string
}

// pageOfPeople is how many people are read, and looked up in the sink, at once.
const pageOfPeople = DefaultPageSize

// All syncs everybody of a domain: it reads all groups and all people through one connection, compares page by page, so
// that memory holds the differences and not the people, and then saves everything in one transaction or nothing. The sink
// must be a Roster. Whatever fails on the way, nothing was changed.
func (s *Syncer) All(ctx context.Context, domain string, o AllOptions) (*Report, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return nil, err
	}
	roster, ok := s.sink.(Roster)
	if !ok {
		return nil, fmt.Errorf("sync of everybody in %s: the sink is no Roster", d.name)
	}
	if err := d.learn(ctx); err != nil {
		return nil, err
	}
	start := time.Now()
	a := &allSync{
		syncer: s, domain: d, roster: roster, options: o, report: &Report{Domain: d.name}, now: start,
		seen: map[string]bool{}, names: map[string]bool{}, totals: map[removalKind]int{},
	}
	if err := a.run(ctx); err != nil {
		d.event(ctx, Event{Stage: StagePopulate, Err: err})
		return nil, err
	}
	a.report.Took = time.Since(start)
	return a.report, nil
}

// LastRun returns what the last sync of everybody of a domain left, and the zero Run before the first, or where the sink is
// no Roster.
func (s *Syncer) LastRun(ctx context.Context, domain string) (Run, error) {
	d, err := s.manager.Domain(domain)
	if err != nil {
		return Run{}, err
	}
	roster, ok := s.sink.(Roster)
	if !ok {
		return Run{}, nil
	}
	return roster.LastRun(ctx, d.name)
}

// allSync is one sync of everybody.
type allSync struct {
	syncer  *Syncer
	domain  *Domain
	roster  Roster
	options AllOptions
	report  *Report
	index   *groupIndex
	now     time.Time

	seen     map[string]bool // keys of the people found
	names    map[string]bool // local names that this run gives away, in lower case
	plans    []Plan
	totals   map[removalKind]int
	accounts int // that are linked and did not leave
	facts    findings
	marker   marker // how far the server has come
}

func (a *allSync) run(ctx context.Context) error {
	d := a.domain
	previous, err := a.roster.LastRun(ctx, d.name)
	if err != nil {
		return fmt.Errorf("reading the last sync of %s: %w", d.name, err)
	}
	err = d.call(ctx, call{op: "sync", pool: d.service, stream: true}, func(ctx context.Context, client *instrument.Client) error {
		if a.marker, err = a.recent(ctx, client, previous); err != nil {
			return err
		}
		before, err := a.identity(ctx, client)
		if err != nil {
			return err
		}
		if err := a.people(ctx, client); err != nil {
			return err
		}
		if err := a.leavers(ctx); err != nil {
			return err
		}
		return a.judge(ctx, client, before, previous)
	})
	if err != nil {
		return fmt.Errorf("sync of everybody in %s: %w", d.name, err)
	}
	slices.SortFunc(a.plans, func(x, y Plan) int { return strings.Compare(x.Name, y.Name) })
	if a.options.Apply {
		if err := a.apply(ctx); err != nil {
			return err
		}
	} else {
		recordForeseen(ctx, a.plans...)
	}
	for _, p := range a.plans {
		if p.Changed() || len(p.Held) > 0 {
			a.report.Plans = append(a.report.Plans, p)
		}
	}
	return nil
}

// people reads everybody, page by page, and compares.
func (a *allSync) people(ctx context.Context, client *instrument.Client) (err error) {
	d := a.domain
	if d.cfg.Groups.Own == nil {
		if a.index, err = d.indexGroups(ctx, client); err != nil {
			return err
		}
		if d.strategy() != GroupsNone {
			missing := d.rules.missing(NewGroupSet(a.index.groups...))
			d.identity.missing.Store(&missing)
		}
	}
	ctx, end := instrument.Step(ctx, "sync.user")
	defer end()
	return d.eachPage(ctx, client, func(entries []*ldap.Entry) error { return a.page(ctx, client, entries) })
}

// eachPage reads everybody of a domain, page by page.
func (d *Domain) eachPage(ctx context.Context, client *instrument.Client, f func(entries []*ldap.Entry) error) error {
	for _, place := range orEverywhere(d.cfg.Users.Places) {
		request := place.request(d, d.peopleFilter(), d.userAttributes(d.indexNeeds()...), 0)
		for page, err := range client.Pages(ctx, request, pageOfPeople) {
			if err != nil {
				return err
			}
			if err := f(page.Entries); err != nil {
				return err
			}
		}
	}
	return nil
}

// page compares the people of one page with their accounts, which are read at once.
func (a *allSync) page(ctx context.Context, client *instrument.Client, entries []*ldap.Entry) error {
	var users []*User
	var keys []string
	for _, e := range entries {
		if e.DN == "" {
			continue
		}
		u := a.domain.user(Entry{e})
		if a.seen[u.Key] {
			continue // in two places
		}
		if err := followRanges(ctx, client, u.Entry); err != nil {
			return err
		}
		a.seen[u.Key] = true
		users, keys = append(users, u), append(keys, u.Key)
	}
	accounts, err := a.roster.Stored(ctx, a.domain.name, keys)
	if err != nil {
		return fmt.Errorf("reading local accounts: %w", err)
	}
	for _, u := range users {
		if err := a.compare(ctx, client, u, accounts); err != nil {
			return err
		}
	}
	a.report.People += len(users)
	if a.options.Progress != nil {
		a.options.Progress(a.report.People)
	}
	return nil
}

func (a *allSync) compare(ctx context.Context, client *instrument.Client, u *User, accounts map[string]Stored) (err error) {
	d := a.domain
	if a.index != nil {
		u.Groups = a.index.of(u.Entry)
	} else if u.Groups, err = d.groupsOf(ctx, client, u.Entry); err != nil {
		return err
	}
	plan := Plan{Domain: d.name, Key: u.Key, DN: u.DN, Account: u.Account}
	stored, known := accounts[u.Key]
	if known {
		plan.ID, plan.Name = stored.ID, stored.Name
		a.count(stored)
	} else if stored, plan, err = a.newcomer(ctx, u, plan); err != nil {
		a.fail(u, err)
		return nil
	}
	if plan, err = d.diff(u, stored, plan, false, a.now); err != nil {
		a.fail(u, err)
		return nil
	}
	if !plan.IsZero() {
		a.plans = append(a.plans, plan)
	}
	return nil
}

// newcomer is Syncer.newcomer with an eye on the names that this run has given away already.
func (a *allSync) newcomer(ctx context.Context, u *User, plan Plan) (Stored, Plan, error) {
	stored, plan, err := a.syncer.newcomer(ctx, a.domain, u, plan)
	if err != nil {
		return stored, plan, err
	}
	name := strings.ToLower(plan.Name)
	if a.names[name] {
		return stored, plan, ErrNameTaken
	}
	a.names[name] = true
	return stored, plan, nil
}

func (a *allSync) fail(u *User, err error) {
	a.report.Failures = append(a.report.Failures, UserFailure{u.DN, err.Error(), err, u.Key})
}

// leavers plans the deactivation of accounts whose people were not found.
func (a *allSync) leavers(ctx context.Context) error {
	for stored, err := range a.roster.Each(ctx, a.domain.name) {
		if err != nil {
			return fmt.Errorf("reading local accounts: %w", err)
		}
		if a.seen[stored.Key] {
			continue
		}
		a.count(stored)
		if a.domain.cfg.Sync.Leavers != LeaversDeactivate || !stored.Left.IsZero() {
			continue
		}
		a.plans = append(a.plans, Plan{
			Domain: a.domain.name, Key: stored.Key, DN: stored.DN, Account: stored.Name, ID: stored.ID, Name: stored.Name,
			Leave: true, LastSync: a.now, Flags: []FlagChange{{ActiveFlag, false}},
		})
	}
	return nil
}
