// SPDX-License-Identifier: MIT

package ldapmgr

import "context"

// Authenticate checks a name and a password in Credentials.Domain, else in the domain that the name says, DOMAIN\user or
// user@domain, else in the default domain, else in every domain by name until one knows the person. See Domain.Authenticate.
func (m *Manager) Authenticate(ctx context.Context, c Credentials) (*User, error) {
	u, _, err := m.authenticate(ctx, c, nil)
	return u, err
}

func (m *Manager) authenticate(ctx context.Context, c Credentials, vet func(context.Context, *User) error) (u *User, d *Domain, err error) {
	name, bad := ParseLoginName(c.Name)
	if bad != nil {
		return nil, nil, &LoginError{Outcome: OutcomeBadName, Err: bad}
	}
	domains := m.route(name)
	if c.Domain != "" {
		domains = nil
		if d, err := m.Domain(c.Domain); err == nil {
			domains = []*Domain{d}
		}
	}
	if len(domains) == 0 {
		return nil, nil, &LoginError{Outcome: OutcomeBadName, Domain: name.Domain, Err: ErrUnknownDomain}
	}
	for _, d := range domains {
		next, failed := d.authenticate(ctx, c, vet)
		if failed == nil {
			return next, d, nil
		}
		if o := OutcomeOf(failed); o != OutcomeNoSuchUser && o != OutcomeUnavailable {
			return nil, d, failed // known here; the password goes no further
		}
		if err == nil || OutcomeOf(failed) == OutcomeUnavailable {
			err = failed
		}
	}
	return nil, nil, err
}

// DomainOf returns the domain that a login name means: that of DOMAIN\user or user@domain, else the default. It is
// ErrUnknownDomain for a name of no configured domain, and where several could be meant.
func (m *Manager) DomainOf(name string) (*Domain, error) {
	parsed, err := ParseLoginName(name)
	if err != nil {
		return nil, err
	}
	switch to := m.route(parsed); len(to) {
	case 1:
		return to[0], nil
	case 0:
		return m.Domain(parsed.Domain)
	}
	return m.Domain("")
}

// route returns the domains that a login name may belong to, in the order in which they are asked.
func (m *Manager) route(name LoginName) []*Domain {
	switch name.Form {
	case FormDown:
		if d := m.byName[fold(name.Domain)]; d != nil {
			return []*Domain{d}
		}
		if m.unlisted && m.fallback != nil {
			return []*Domain{m.fallback}
		}
		return nil
	case FormUPN:
		for _, d := range m.domains {
			if d.answersTo(name.Domain) {
				return []*Domain{d}
			}
		}
	}
	if m.fallback != nil {
		return []*Domain{m.fallback}
	}
	return m.domains
}
