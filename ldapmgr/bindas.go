// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// BindAs checks a user's name and password with a bind on a connection that is used for nothing else. name is a DN or
// what else the server takes. A refusal is ErrInvalidCredentials; SubCode and Hint tell operators more. It is sent once.
func (d *Domain) BindAs(ctx context.Context, name, password string) error {
	if err := nobodys(name, password); err != nil {
		return d.refusedLogin("", err)
	}
	server := ""
	err := d.call(ctx, call{op: "bind", pool: d.logins}, func(ctx context.Context, client *instrument.Client) error {
		server = client.Server()
		return client.BindUser(ctx, name, password)
	})
	return d.loginError(server, err)
}

// errEmptyName marks a bind that a server may take for an anonymous one too (RFC 4513 section 5.1).
var errEmptyName = errors.New("an empty name is never sent: a server could take it for an anonymous bind")

// nobodys returns why a name and a password are not sent.
func nobodys(name, password string) error {
	switch {
	case password == "":
		return errEmptyPassword
	case strings.TrimSpace(name) == "":
		return errEmptyName
	}
	return nil
}

// loginError marks an answer that is about the user.
func (d *Domain) loginError(server string, err error) error {
	switch outcomeOf(nil, err) {
	case OutcomeOK, OutcomeUnavailable:
		return err
	}
	return d.refusedLogin(server, err)
}

func (d *Domain) refusedLogin(server string, err error) error {
	return &Error{Op: "bind", Domain: d.name, Server: server, Err: fmt.Errorf("%w: %w", ErrInvalidCredentials, err)}
}

// DoAs lends f a connection of its own that is bound as a user, and closes it afterwards. Changes are refused where the
// domain is read-only.
func (d *Domain) DoAs(ctx context.Context, name, password string, f func(ctx context.Context, client *instrument.Client) error) error {
	if err := nobodys(name, password); err != nil {
		return d.refusedLogin("", err)
	}
	ctx, cancel := d.timed(ctx)
	defer cancel()
	var err error
	failed := d.asPerson(ctx, func(client *instrument.Client) bool {
		err = d.loginError(client.Server(), client.BindUser(ctx, name, password))
		return err == nil
	}, func(client *instrument.Client) { err = f(ctx, client) })
	return cmp.Or(failed, err)
}
