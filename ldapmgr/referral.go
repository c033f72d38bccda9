// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

const (
	opReferral = "referral" // of an error that happened on the way of a reference

	maxHops     = 3  // domains that a call is led through behind the first
	maxFollowed = 32 // references that are followed for one call, however many come
)

// trail is where a call has been led already. What was asked is known for the whole call, so that servers that refer to
// each other end it; the hops are those to here. It belongs to the goroutine of the call.
type trail struct {
	by    string // the domain whose reference led here; "" for none
	hops  int
	asked map[string]bool
}

func question(d *Domain, op, dn string) string {
	return d.name + "\x00" + op + "\x00" + strings.ToLower(dn)
}

// at returns the trail that knows that d was asked that.
func (t trail) at(d *Domain, op, dn string) trail {
	if t.asked == nil {
		t.asked = map[string]bool{}
	}
	t.asked[question(d, op, dn)] = true
	return t
}

// onward returns the trail behind one hop more. ok is false where that was asked before, whose answer came or comes already.
// What may not be asked because it would be too much is an error: the answer would not be whole.
func (t trail) onward(by, to *Domain, op, dn string) (next trail, ok bool, err error) {
	switch {
	case t.asked[question(to, op, dn)]:
		return t, false, nil
	case t.hops == maxHops || len(t.asked) > maxFollowed: // the first question is no hop
		return t, false, ErrReferralLimit
	}
	t.hops++
	t.by = by.name
	return t.at(to, op, dn), true, nil
}

// gathered are the continuation references of one try of a search, each with all of its addresses.
type gathered struct{ references [][]string }

// gather returns what gathers references, nil where none are followed.
func (d *Domain) gather() *gathered {
	if len(d.cfg.Referrals) == 0 {
		return nil
	}
	return &gathered{}
}

// in returns the context of the search whose references are gathered.
func (g *gathered) in(ctx context.Context) context.Context {
	if g == nil {
		return ctx
	}
	return instrument.WithReferences(ctx, func(addresses []string) { g.references = append(g.references, addresses) })
}

// of returns the references of a result, which holds the first address of each.
func (g *gathered) of(firsts []string) (all [][]string) {
	if g != nil && len(g.references) == len(firsts) {
		return g.references
	}
	for _, first := range firsts {
		all = append(all, []string{first})
	}
	return all
}

// page is of, for the references since the page before.
func (g *gathered) page(firsts []string) [][]string {
	all := g.of(firsts)
	if g != nil {
		g.references = nil
	}
	return all
}

// follow takes in the place of a referral what it leads to, and adds to a result what its continuation references lead to
// (RFC 4511 section 4.5.3). What cannot be reached is an error beside the entries that came, because the answer is not
// whole. References that are not followed stay in the result.
func (d *Domain) follow(ctx context.Context, from trail, request *ldap.SearchRequest, result *ldap.SearchResult, found *gathered, err error) (*ldap.SearchResult, error) {
	if len(d.cfg.Referrals) == 0 {
		return result, err
	}
	if d.redirects(err) && len(result.Entries) == 0 {
		err = d.redirect(ctx, from, "search", request.BaseDN, err, func(ctx context.Context, from trail, to reference) (err error) {
			result, err = to.domain.searchPaged(ctx, from, to.instead(request), 0)
			return err
		})
		return result, err // whose references were looked at there
	}
	if err != nil || len(result.Referrals) == 0 {
		return result, err
	}
	from = from.at(d, "search", request.BaseDN)
	firsts := result.Referrals
	result.Referrals = nil
	for i, addresses := range found.of(firsts) {
		followed, err := d.continued(from, request, addresses, func(here trail, to reference) error {
			more, err := to.domain.searchPaged(ctx, here, to.beside(request), 0)
			if err == nil {
				result.Entries = append(result.Entries, more.Entries...)
				result.Referrals = append(result.Referrals, more.Referrals...)
			}
			return err
		})
		switch {
		case err != nil && !followed:
			result.Referrals = append(result.Referrals, firsts[i:]...)
			return result, err
		case err != nil:
			return result, err
		case !followed:
			result.Referrals = append(result.Referrals, firsts[i])
		}
	}
	return result, nil
}

// continued asks what one continuation reference leads to. One of its addresses is enough; the next one is taken where a
// domain cannot be reached, or may not be asked. followed is false where none was asked.
func (d *Domain) continued(from trail, request *ldap.SearchRequest, addresses []string, ask func(here trail, to reference) error) (followed bool, err error) {
	for _, text := range addresses {
		to, leads := d.leads(text)
		if !leads {
			continue
		}
		here, may, problem := from.onward(d, to.domain, "search", to.dn(request.BaseDN))
		if problem != nil {
			return false, d.misled(to.domain, problem)
		}
		if !may { // asked before, so that what it holds is there already
			return followed, nil
		}
		d.scope.Followed(d.name)
		followed = true
		answer := ask(here, to)
		if err = d.misled(to.domain, answer); !unreached(answer) {
			break
		}
	}
	return followed, err
}

// redirect is elsewhere within the time of one call.
func (d *Domain) redirect(ctx context.Context, from trail, op, dn string, err error, ask func(context.Context, trail, reference) error) error {
	if !d.redirects(err) {
		return err
	}
	ctx, cancel := d.within(ctx)
	defer cancel()
	return d.elsewhere(ctx, from, op, dn, err, ask)
}

// redirects reports whether an error is a referral that may be followed: the answer to the request itself. A bind that is
// referred is never tried elsewhere.
func (d *Domain) redirects(err error) bool {
	return len(d.cfg.Referrals) > 0 && answeredWith(err, ldap.LDAPResultReferral) && !errors.As(err, new(*Error))
}

// elsewhere asks other domains what a server answered with a referral (RFC 4511 section 4.1.10), and returns how that ended.
// One of its addresses is enough; the next one is taken where a domain cannot be reached. The referral comes back where
// none may be followed.
func (d *Domain) elsewhere(ctx context.Context, from trail, op, dn string, err error, ask func(context.Context, trail, reference) error) error {
	from = from.at(d, op, dn)
	for _, text := range addresses(err) {
		to, ok := d.leads(text)
		if !ok {
			continue
		}
		here, may, problem := from.onward(d, to.domain, op, to.dn(dn))
		if problem != nil {
			return d.misled(to.domain, fmt.Errorf("%w: %w", problem, err))
		}
		if !may {
			continue
		}
		d.scope.Followed(d.name)
		answer := ask(ctx, here, to)
		if err = d.misled(to.domain, answer); !unreached(answer) {
			break
		}
	}
	return err
}

// unreached reports whether a domain itself could not be reached, so that nothing of its answer was handed on.
func unreached(err error) bool {
	var own *Error
	return errors.As(err, &own) && own.Op != opReferral && errors.Is(err, ErrUnavailable)
}

// within bounds a call without a deadline with all that it is led to: however many servers refer to each other, it stays
// one call.
func (d *Domain) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if len(d.cfg.Referrals) == 0 {
		return ctx, func() {}
	}
	return d.timed(ctx)
}

// misled says of an error that it happened on the way of a reference.
func (d *Domain) misled(to *Domain, err error) error {
	if err == nil || errors.Is(err, errStopped) {
		return err
	}
	return &Error{Op: opReferral, Domain: d.name, Err: fmt.Errorf("following a reference to %s: %w", to.name, err)}
}
