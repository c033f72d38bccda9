// SPDX-License-Identifier: MIT

package kerberos

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/go-ldap/ldap/v3/gssapi"
	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/keytab"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// New makes a client for one bind, for ldapmgr.DomainConfig.GSSAPI. Tickets are asked for when the bind begins, within ctx.
// The bind itself ends the client. It may be called from any goroutine.
func New(ctx context.Context, account ldapmgr.KerberosAccount) (ldap.GSSAPIClient, error) {
	inner, err := open(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("setting up Kerberos: %w", err)
	}
	return &bind{Client: inner, ctx: ctx}, nil
}

func open(ctx context.Context, a ldapmgr.KerberosAccount) (*gssapi.Client, error) {
	path := cmp.Or(a.Krb5Conf, os.Getenv("KRB5_CONFIG"), "/etc/krb5.conf")
	text, err := os.ReadFile(path) //nolint:gosec // the path is the configuration's; read here, because the library takes a folder for an empty file
	if err != nil {
		return nil, fmt.Errorf("reading the Kerberos configuration: %w", err)
	}
	conf, err := config.NewFromString(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	realm := cmp.Or(a.Realm, conf.LibDefaults.DefaultRealm)
	noFAST := client.DisablePAFXFAST(true) // domain controllers do not know it
	switch {
	case realm == "" && a.CCache == "":
		return nil, fmt.Errorf("no realm for %q: name it in the account or as default_realm in %s", a.Name, path)
	case a.CCache != "":
		tickets, err := credentials.LoadCCache(a.CCache)
		if err != nil {
			return nil, fmt.Errorf("reading tickets in %s: %w", a.CCache, err)
		}
		inner, err := client.NewFromCCache(tickets, conf, noFAST)
		return &gssapi.Client{Client: inner}, err
	case a.Keytab != "":
		keys, err := keytab.Load(a.Keytab)
		if err != nil {
			return nil, fmt.Errorf("reading keys in %s: %w", a.Keytab, err)
		}
		return &gssapi.Client{Client: client.NewWithKeytab(a.Name, realm, keys, conf, noFAST)}, nil
	}
	password, err := a.Password.Read(ctx, "")
	return &gssapi.Client{Client: client.NewWithPassword(a.Name, realm, password, conf, noFAST)}, err
}

// bind is a client for one bind. The library below asks the KDC without a context, so that is done beside.
type bind struct {
	*gssapi.Client
	ctx     context.Context //nolint:containedctx // of the one bind that this is for
	pending chan error      // the answer of a KDC that was not waited for; nil when there is none
}

// InitSecContext is one step of the bind.
func (b *bind) InitSecContext(target string, token []byte) ([]byte, bool, error) {
	return b.InitSecContextWithOptions(target, token, nil)
}

// InitSecContextWithOptions is one step of the bind. The first one fetches the ticket for target.
func (b *bind) InitSecContextWithOptions(target string, token []byte, options []int) ([]byte, bool, error) {
	if token == nil {
		if err := b.fetch(target); err != nil {
			return nil, false, err
		}
	}
	return b.Client.InitSecContextWithOptions(target, token, options)
}

// fetch puts the ticket for target into the client's cache. A KDC that is silent for longer than the context allows is left
// to a goroutine that ends with the library's own limits.
func (b *bind) fetch(target string) error {
	answer := make(chan error, 1)
	go func() {
		_, _, err := b.GetServiceTicket(target)
		answer <- err
	}()
	select {
	case err := <-answer:
		return explained(target, err)
	case <-b.ctx.Done():
		b.pending = answer
		return fmt.Errorf("asking for a Kerberos ticket for %s: %w", target, context.Cause(b.ctx))
	}
}

// DeleteSecContext ends the client with the bind, and with it what would renew its tickets.
func (b *bind) DeleteSecContext() error {
	err := b.Client.DeleteSecContext()
	if b.pending == nil {
		b.Destroy()
		return err
	}
	go func() { // ends when the KDC answers or the library gives up
		<-b.pending //nolint:errcheck // what came of it is known
		b.Destroy()
	}()
	return err
}

// refusals are the answers of a KDC that another attempt with the same account would not change (RFC 4120 section 7.5.9).
var refusals = []int32{
	errorcode.KDC_ERR_NAME_EXP, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, errorcode.KDC_ERR_NULL_KEY, errorcode.KDC_ERR_POLICY,
	errorcode.KDC_ERR_CLIENT_REVOKED, errorcode.KDC_ERR_KEY_EXPIRED, errorcode.KDC_ERR_PREAUTH_FAILED,
}

// explained marks what the KDC refuses because of the account. The library gives its answers as text alone.
func explained(target string, err error) error {
	if err == nil {
		return nil
	}
	for _, code := range refusals {
		if strings.Contains(err.Error(), errorcode.Lookup(code)) {
			return fmt.Errorf("%w for %s: %w", ldapmgr.ErrNoTicket, target, err)
		}
	}
	if strings.Contains(err.Error(), "password/keytab incorrect") { // found out here, not by the KDC
		return fmt.Errorf("%w for %s: %w", ldapmgr.ErrNoTicket, target, err)
	}
	return fmt.Errorf("asking for a Kerberos ticket for %s: %w", target, err)
}
