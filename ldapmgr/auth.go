// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Credentials are what a person types, and where from.
type Credentials struct {
	Name     string // user, user@domain or DOMAIN\user
	Password string
	Address  string // of the person's computer, for Limit.PerAddress; "" is not counted
	Domain   string // asks this domain alone; default the one that the name says, see Manager.Authenticate
}

// Authenticate checks a name and a password and returns who that is, with attributes and groups. The error is a *LoginError
// whose Outcome tells why not; show its Public text. With a search before the bind it takes three operations, a search, a
// bind and a search for groups, and no new connection once the domain is warm. A password is sent once to one server.
func (d *Domain) Authenticate(ctx context.Context, c Credentials) (*User, error) {
	return d.authenticate(ctx, c, nil)
}

// authenticate is Authenticate with a last look at the person before the password is sent.
func (d *Domain) authenticate(ctx context.Context, c Credentials, vet func(context.Context, *User) error) (*User, error) {
	ctx, cancel := d.timed(ctx)
	defer cancel()
	a := &login{domain: d, password: c.Password, vet: vet}
	defer func() { d.identity.failures.leave(a.entered) }() // once its failure counts
	u, err := a.try(ctx, c)
	outcome := OutcomeOf(err)
	now := time.Now()
	switch outcome {
	case OutcomeOK:
		d.identity.failures.forgive(a.keys)
	case OutcomeUnavailable, OutcomeLimited, OutcomeEmptyPassword, OutcomeBadName, OutcomeNotAllowed:
	default:
		d.identity.failures.failed(d.cfg.Login.Limit, a.keys, now)
	}
	d.event(ctx, Event{Stage: StageAuthenticate, Account: a.name.Account, Outcome: outcome, Err: err})
	return u, err
}

// login is one attempt to log in.
type login struct {
	domain   *Domain
	name     LoginName
	password string
	vet      func(context.Context, *User) error
	keys     []string // what its failure counts for
	entered  []string // of keys, those it is under way for
	policy   *Policy  // what the server said about the password
}

func (a *login) fail(outcome Outcome, err error) error {
	failure := &LoginError{Outcome: outcome, Domain: a.domain.name, Err: err}
	var ambiguous *AmbiguousError
	if errors.As(err, &ambiguous) {
		failure.DNs = ambiguous.DNs
	}
	return failure
}

// unavailable ends a login that the directory gave no answer to.
func (a *login) unavailable(ctx context.Context, stage Stage, err error) error {
	a.domain.event(ctx, Event{Stage: stage, Account: a.name.Account, Err: err})
	return a.fail(OutcomeUnavailable, err)
}

func (a *login) try(ctx context.Context, c Credentials) (*User, error) {
	d := a.domain
	var err error
	if a.name, err = ParseLoginName(c.Name); err != nil {
		return nil, a.fail(OutcomeBadName, err)
	}
	if c.Password == "" && !isOn(d.cfg.Login.EmptyPassword) {
		return nil, a.fail(OutcomeEmptyPassword, errEmptyPassword)
	}
	a.keys = []string{nameKey(a.name)}
	if c.Address != "" {
		a.keys = append(a.keys, addressKey(c.Address))
	}
	if err := a.enter(ctx, a.keys...); err != nil {
		return nil, err
	}
	if err := d.learn(ctx); err != nil {
		return nil, a.unavailable(ctx, StageFind, err)
	}
	if len(d.cfg.Login.Names) > 0 {
		return a.direct(ctx)
	}
	return a.searched(ctx)
}

// searched looks the person up, then binds.
func (a *login) searched(ctx context.Context) (*User, error) {
	d := a.domain
	u, err := a.find(ctx)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, a.refuse(ctx, OutcomeNoSuchUser, err)
	case errors.Is(err, ErrAmbiguous):
		return nil, a.refuse(ctx, OutcomeAmbiguous, err)
	case err != nil:
		return nil, a.unavailable(ctx, StageFind, err)
	}
	a.keys = append(a.keys, userKey(u.Key))
	if err := a.admitted(ctx, u); err != nil {
		return nil, err
	}
	if a.vet != nil {
		if err := a.vet(ctx, u); err != nil {
			return nil, a.refuse(ctx, OutcomeNoAccount, err)
		}
	}
	if a.asUser() {
		return a.inSession(ctx, u.DN, false)
	}
	if err := a.bind(ctx, u.DN); err != nil {
		d.identity.users.drop(a.name.key()) // what is remembered may be a DN of before
		return nil, err
	}
	return a.allowed(ctx, d, u)
}

func (a *login) find(ctx context.Context) (*User, error) {
	ctx, end := instrument.Step(ctx, "login.find")
	defer end()
	return a.domain.findUser(ctx, a.domain, a.name)
}

// refuse makes the answer to a login of nobody as slow as any other.
func (a *login) refuse(ctx context.Context, outcome Outcome, err error) error {
	ctx, end := instrument.Step(ctx, "login.bind")
	defer end()
	if failed := a.domain.decoy(ctx, a.asUser()); failed != nil {
		return a.fail(OutcomeUnavailable, failed)
	}
	return a.fail(outcome, err)
}

// enter waits until so few logins are under way that the limit holds, and fails where it is reached.
func (a *login) enter(ctx context.Context, keys ...string) error {
	limited, err := a.domain.identity.failures.enter(ctx, a.domain.cfg.Login.Limit, keys)
	switch {
	case err != nil:
		return a.fail(OutcomeUnavailable, err)
	case limited:
		return a.fail(OutcomeLimited, nil)
	}
	a.entered = append(a.entered, keys...)
	return nil
}

// admitted checks that the person may try again, whatever spelling of the name was used.
func (a *login) admitted(ctx context.Context, u *User) error {
	most := int64(a.domain.cfg.Login.Limit.BadPasswords)
	if bad, _ := u.Entry.Int(badCounter); most > 0 && bad >= most {
		return a.fail(OutcomeLimited, nil)
	}
	return a.enter(ctx, userKey(u.Key))
}

// asUser reports whether the login needs a connection of its own.
func (a *login) asUser() bool { return isOn(a.domain.cfg.Login.AsUser) || a.password == "" }

// bind checks the password.
func (a *login) bind(ctx context.Context, name string) error {
	ctx, end := instrument.Step(ctx, "login.bind")
	defer end()
	result, err := a.domain.checkPassword(ctx, name, a.password)
	if outcome := outcomeOf(result, err); outcome != OutcomeOK {
		return a.fail(outcome, err)
	}
	a.policy = policyAt(result)
	return nil
}

// direct binds with names made of the login name, one after the other as long as they are refused.
func (a *login) direct(ctx context.Context) (u *User, err error) {
	for _, template := range a.domain.cfg.Login.Names {
		name, bad := a.domain.expandName(template, a.name)
		if bad != nil {
			err = a.fail(OutcomeBadName, bad)
			continue
		}
		u, err = a.directAs(ctx, name)
		if o := OutcomeOf(err); o != OutcomeWrongPassword && o != OutcomeNoSuchUser {
			return u, err
		}
	}
	return nil, err
}

func (a *login) directAs(ctx context.Context, name string) (*User, error) {
	refresh := isOn(a.domain.cfg.Login.RefreshDN) || !strings.Contains(name, "=")
	if a.asUser() {
		return a.inSession(ctx, name, refresh)
	}
	if err := a.bind(ctx, name); err != nil {
		return nil, err
	}
	u, err := a.read(ctx, a.domain, name, refresh)
	if err != nil {
		return nil, err
	}
	return a.allowed(ctx, a.domain, u)
}

// inSession does a whole login as the person.
func (a *login) inSession(ctx context.Context, name string, refresh bool) (u *User, err error) {
	ctx, end := instrument.Step(ctx, "login.bind")
	defer end()
	result, refused, err := a.domain.session(ctx, name, a.password, func(ctx context.Context, client *instrument.Client) error {
		u, err = a.read(ctx, client, name, refresh)
		if err == nil {
			u, err = a.allowed(ctx, client, u)
		}
		return err
	})
	if errors.Is(refused, errNobody) {
		return nil, a.fail(OutcomeWrongPassword, refused)
	}
	if outcome := outcomeOf(result, refused); outcome != OutcomeOK {
		return nil, a.fail(outcome, refused)
	}
	if u != nil {
		u.Policy = policyAt(result)
	}
	return u, err
}

// read reads the person who is bound: the entry itself, or by the login name where the bind name is no DN.
func (a *login) read(ctx context.Context, ask Searcher, dn string, refresh bool) (u *User, err error) {
	ctx, end := instrument.Step(ctx, "login.find")
	defer end()
	if refresh {
		u, err = a.domain.oneUser(ctx, ask, a.domain.nameFilter(a.name), "")
	} else {
		u, err = a.domain.oneUser(ctx, ask, "", dn)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, a.fail(OutcomeNoSuchUser, err)
	case errors.Is(err, ErrAmbiguous):
		return nil, a.fail(OutcomeAmbiguous, err)
	case err != nil:
		return nil, a.unavailable(ctx, StageFind, err)
	}
	if a.vet != nil {
		if err := a.vet(ctx, u); err != nil {
			return nil, a.fail(OutcomeNoAccount, err)
		}
	}
	return u, nil
}

// allowed loads the groups and checks what they allow. Without an answer nobody is let in.
func (a *login) allowed(ctx context.Context, ask Searcher, u *User) (*User, error) {
	d := a.domain
	ctx, end := instrument.Step(ctx, "login.groups")
	defer end()
	u, err := d.withGroups(ctx, ask, u)
	if err != nil {
		return nil, a.unavailable(ctx, StageGroups, err)
	}
	u.Policy = a.policy
	if err := d.rules.admit(u.Groups); err != nil {
		return nil, a.fail(OutcomeNotAllowed, err)
	}
	return u, nil
}
