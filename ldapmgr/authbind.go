// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

var errEmptyPassword = errors.New("an empty password is never sent: a server would take it for an anonymous bind")

// errNobody marks a bind that succeeded without anybody being bound: the server took an empty password for none at all.
var errNobody = errors.New("the server took the login for an anonymous bind")

// bindRequest is one person's bind, with the question for the password policy's reasons.
func (d *Domain) bindRequest(name, password string) *ldap.SimpleBindRequest {
	request := ldap.NewSimpleBindRequest(name, password, nil)
	request.AllowEmptyPassword = isOn(d.cfg.Login.EmptyPassword)
	if !isOff(d.cfg.Login.PasswordPolicy) {
		request.Controls = []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}
	}
	return request
}

// checkPassword binds on a connection that is used for nothing else. It is sent once.
func (d *Domain) checkPassword(ctx context.Context, name, password string) (result *ldap.SimpleBindResult, err error) {
	err = d.call(ctx, call{op: "bind", pool: d.logins}, func(ctx context.Context, client *instrument.Client) (err error) {
		result, err = client.SimpleBindUser(ctx, d.bindRequest(name, password))
		return err
	})
	return result, err
}

// decoy makes a login of nobody cost what any other does: a bind that is refused, on a connection of its own where others
// have one too. The password is not the person's.
func (d *Domain) decoy(ctx context.Context, own bool) (err error) {
	name, password := "cn="+rand.Text()+","+d.Base(), rand.Text()
	if own {
		var refused error
		_, refused, err = d.session(ctx, name, password, func(context.Context, *instrument.Client) error { return nil })
		err = cmp.Or(refused, err)
	} else {
		_, err = d.checkPassword(ctx, name, password)
	}
	if _, answered := instrument.ResultCode(err); answered {
		return nil
	}
	return err
}

// session binds as a person on a connection of its own, which is closed behind f. f is not called when the bind is refused.
func (d *Domain) session(ctx context.Context, name, password string, f func(context.Context, *instrument.Client) error) (result *ldap.SimpleBindResult, refused, err error) {
	failed := d.asPerson(ctx, func(client *instrument.Client) bool {
		result, refused = client.SimpleBindUser(ctx, d.bindRequest(name, password))
		if refused == nil && password == "" {
			refused = somebody(ctx, client, name)
		}
		return outcomeOf(result, refused) == OutcomeOK
	}, func(client *instrument.Client) { err = f(ctx, client) })
	return result, cmp.Or(failed, refused), err
}

// asPerson lends f a connection of its own that bind has bound as a person, and closes it behind f. f is not called where
// bind returns false. The error is why there was no connection.
func (d *Domain) asPerson(ctx context.Context, bind func(*instrument.Client) bool, f func(*instrument.Client)) error {
	m, err := d.connect(ctx, purpose{nil, d.shared(d.ReadOnly())})
	if err != nil {
		return &Error{Op: "bind", Domain: d.name, Err: err}
	}
	defer d.retire(m)
	m.gate.sealed.Store(false)
	start := time.Now()
	bound := bind(m.client)
	m.gate.sealed.Store(true)
	if bound {
		m.client.Waited(instrument.Timing{SetupBind: time.Since(start)})
		f(m.client)
	}
	return nil
}

// somebody asks the server who is bound, and fails when that is nobody or another.
func somebody(ctx context.Context, client *instrument.Client, name string) error {
	who, err := client.WhoAmI(ctx)
	if err != nil {
		return err
	}
	if dn, ok := strings.CutPrefix(who, "dn:"); ok {
		bound, _ := canonicalDN(dn)
		if asked, isDN := canonicalDN(name); bound != "" && (!isDN || asked == bound) {
			return nil
		}
		return errNobody
	}
	if account, ok := strings.CutPrefix(who, "u:"); ok && account != "" {
		return nil
	}
	return errNobody
}
