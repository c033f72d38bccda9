// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// changing sends one change of the entry dn.
type changing func(ctx context.Context, client *instrument.Client, dn string) error

// Add creates an entry. Changes are never sent twice: without an answer the error is an OutcomeError. One that a server
// refers to a domain in DomainConfig.Referrals, as a read-only copy does, was not carried out and is sent there, with that
// domain's own account and where it is not read-only.
func (d *Domain) Add(ctx context.Context, request *ldap.AddRequest) error {
	return d.change(ctx, trail{}, "add", request.DN, func(ctx context.Context, client *instrument.Client, dn string) error {
		r := *request
		r.DN = dn
		return client.Add(ctx, &r)
	})
}

// Modify changes an entry, see Add.
func (d *Domain) Modify(ctx context.Context, request *ldap.ModifyRequest) (result *ldap.ModifyResult, err error) {
	err = d.change(ctx, trail{}, "modify", request.DN, func(ctx context.Context, client *instrument.Client, dn string) (err error) {
		r := *request
		r.DN = dn
		result, err = client.Modify(ctx, &r)
		return err
	})
	return result, err
}

// Delete removes an entry, see Add.
func (d *Domain) Delete(ctx context.Context, request *ldap.DelRequest) error {
	return d.change(ctx, trail{}, "delete", request.DN, func(ctx context.Context, client *instrument.Client, dn string) error {
		r := *request
		r.DN = dn
		return client.Delete(ctx, &r)
	})
}

// ModifyDN renames or moves an entry, see Add.
func (d *Domain) ModifyDN(ctx context.Context, request *ldap.ModifyDNRequest) error {
	return d.change(ctx, trail{}, "modify_dn", request.DN, func(ctx context.Context, client *instrument.Client, dn string) error {
		r := *request
		r.DN = dn
		return client.ModifyDN(ctx, &r)
	})
}

// PasswordModify changes a password (RFC 3062), see Add. A referral is an error: a password goes where it was meant to.
func (d *Domain) PasswordModify(ctx context.Context, request *ldap.PasswordModifyRequest) (result *ldap.PasswordModifyResult, err error) {
	err = d.changeHere(ctx, trail{}, "password_modify", request.UserIdentity, func(ctx context.Context, client *instrument.Client, _ string) (err error) {
		result, err = client.PasswordModify(ctx, request)
		return err
	})
	return result, err
}

func (d *Domain) change(ctx context.Context, from trail, op, dn string, send changing) error {
	err := d.changeHere(ctx, from, op, dn, send)
	return d.redirect(ctx, from, op, dn, err, func(ctx context.Context, from trail, to reference) error {
		return to.domain.change(ctx, from, op, to.dn(dn), send)
	})
}

func (d *Domain) changeHere(ctx context.Context, from trail, op, dn string, send changing) error {
	if d.ReadOnly() {
		return &Error{Op: op, Domain: d.name, Err: d.refuseChange()}
	}
	return d.call(ctx, call{op: op, pool: d.changer, writes: true, changes: dn, led: from.by}, func(ctx context.Context, client *instrument.Client) error {
		return send(ctx, client, dn)
	})
}
