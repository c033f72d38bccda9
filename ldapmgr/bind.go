// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// KerberosAccount is the account for which DomainConfig.GSSAPI makes a client. One of Password, Keytab and CCache is set.
type KerberosAccount struct {
	Name     string // principal without its realm; "" with CCache
	Realm    string // "" for the default realm of Krb5Conf
	Password Secret // as a Value, read for this bind
	Keytab   string // path
	CCache   string // path
	Krb5Conf string // path; "" for the usual place
}

// ErrNoTicket marks an account that Kerberos refuses: wrong password or key, unknown, locked or expired. A function in
// DomainConfig.GSSAPI, and the clients that it makes, wrap it, so that the account is not tried again and again.
var ErrNoTicket = errors.New("no Kerberos ticket")

// kerberos is what the binds of method gssapi need besides the account.
type kerberos struct {
	client     func(ctx context.Context, account KerberosAccount) (ldap.GSSAPIClient, error)
	serverName string // of the certificate, which is the server's name in Kerberos too
}

// secret reads what the account proves itself with. proof changes when that changes.
func (c *credential) secret(ctx context.Context) (password, proof string, err error) {
	path := c.as.Keytab + c.as.CCache // one of them at most
	if c.as.Method == BindGSSAPI && path != "" {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", "", fmt.Errorf("reading the Kerberos credentials: %w", err)
		}
		return "", string(content), nil
	}
	password, err = c.as.Password.Read(ctx, c.domain)
	return password, password, err
}

// authenticate sends one bind.
func (c *credential) authenticate(ctx context.Context, client *instrument.Client, password string) error {
	switch c.as.Method {
	case BindExternal:
		return client.BindExternal(ctx)
	case BindNTLM:
		domain, _, _ := strings.Cut(c.as.Name, `\`)
		return unsigned("NTLM", client, client.With(ctx).NTLMBind(domain, c.as.Name, password))
	case BindGSSAPI:
		return unsigned("GSSAPI", client, c.bindKerberos(ctx, client, password))
	}
	return client.Bind(ctx, c.as.Name, password)
}

// unsignedError is a bind that was refused for what the driver's binds do not have: signed messages and channel binding.
type unsignedError struct {
	error
	hint string
}

func (e *unsignedError) Unwrap() error { return e.error }

// unsigned says of a refused bind what to do about it. A server that wants signing says the same to clients without TLS, where
// TLS helps, and to those with it, where it does not.
func unsigned(method string, client *instrument.Client, err error) error {
	hint := "the server wants signing, which " + method + " binds do not offer here"
	switch _, encrypted := client.TLS(); {
	case answeredWith(err, ldap.LDAPResultInvalidCredentials) && SubCode(err) == badBindings:
		hint = "the server asks for channel binding, which " + method + " binds do not carry here; use a simple bind over TLS"
	case !answeredWith(err, ldap.LDAPResultStrongAuthRequired):
		return err
	case encrypted:
		hint += ", even over TLS; use a simple bind, or let the server take this one over TLS (Samba: ldap server require strong auth = allow_sasl_over_tls)"
	default:
		hint += "; use ldaps or StartTLS"
	}
	return &unsignedError{err, hint}
}

// badBindings is Active Directory's sub-code for a bind without channel binding, or with another one.
const badBindings = "80090346"

func (c *credential) bindKerberos(ctx context.Context, client *instrument.Client, password string) error {
	name, realm, _ := strings.Cut(c.as.Name, "@")
	if c.as.Realm != "" {
		realm = c.as.Realm
	}
	ticket, err := c.kerberos.client(ctx, KerberosAccount{
		Name: name, Realm: strings.ToUpper(realm), Password: Secret{Value: password},
		Keytab: c.as.Keytab, CCache: c.as.CCache, Krb5Conf: c.as.Krb5Conf,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	return client.With(ctx).GSSAPIBind(ticket, c.principal(client.Server()), "")
}

// principal is the server's name in Kerberos.
func (c *credential) principal(server string) string {
	if c.as.Service != "" {
		return c.as.Service
	}
	if c.kerberos.serverName != "" {
		return "ldap/" + c.kerberos.serverName
	}
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		host = server
	}
	return "ldap/" + host
}
