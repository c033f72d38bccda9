// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// loginRefusals are the answers to a user's bind that are about the user. Directories lock accounts with 19 and 53 as
// well as 49.
var loginRefusals = []int64{19, 32, 34, 48, 49, 50, 53}

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

func (d *Domain) loginError(server string, err error) error {
	if answeredWith(err, loginRefusals...) {
		return d.refusedLogin(server, err)
	}
	return err
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
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.cfg.Timeouts.Call)
		defer cancel()
	}
	m, err := d.connect(ctx, purpose{"user", nil, d.shared(d.readOnly())})
	if err != nil {
		return &Error{Op: "bind", Domain: d.name, Err: err}
	}
	defer d.retire(m)
	m.gate.sealed.Store(false)
	start := time.Now()
	if err := m.client.BindUser(ctx, name, password); err != nil {
		return d.loginError(m.client.Server(), err)
	}
	m.gate.sealed.Store(true)
	m.client.Waited(instrument.Timing{SetupBind: time.Since(start)})
	return f(ctx, m.client)
}
