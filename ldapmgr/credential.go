// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

const (
	bindHandover   = 800 * time.Millisecond // after which a bind without an answer lets the next one try
	bindCoolDown   = 15 * time.Minute       // after which a refused password is tried again
	secretInterval = time.Second            // least time between two looks at a secret that was refused
)

// credential is a service account with its circuit: a password that a server refused is not sent again until it changes
// or a cool-down has passed, because every attempt counts towards a lock-out. Binds go one at a time for the same reason.
type credential struct {
	domain   string
	as       Bind
	kerberos kerberos
	timeout  time.Duration
	turn     chan struct{}
	key      []byte // versions are keyed, so that no plain hash of a password stays in memory

	mu      sync.Mutex // guards what follows
	refused [sha256.Size]byte
	reason  error // nil while the circuit is closed
	since   time.Time
	looked  time.Time
}

func newCredential(domain string, as Bind, cfg DomainConfig) *credential {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return &credential{
		domain: domain, as: as, kerberos: kerberos{cfg.GSSAPI, cfg.TLS.ServerName}, timeout: cfg.Timeouts.Bind,
		turn: make(chan struct{}, 1), key: key,
	}
}

// bind binds a new connection. A refusal is an ErrServiceAccount.
func (c *credential) bind(ctx context.Context, client *instrument.Client) error {
	if c.as.Method == BindAnonymous {
		return nil // a new connection is anonymous
	}
	if err := c.check(time.Now()); err != nil {
		return err
	}
	release, err := c.await(ctx)
	if err != nil {
		return err
	}
	defer release()
	password, proof, err := c.secret(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	version := c.version(proof)
	if err := c.checkVersion(version, time.Now()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.note(version, c.authenticate(ctx, client, password), time.Now())
}

// await takes the turn to bind, or goes ahead when the one before gets no answer. release gives the turn on.
func (c *credential) await(ctx context.Context) (release func(), err error) {
	handover := time.NewTimer(bindHandover)
	defer handover.Stop()
	select {
	case c.turn <- struct{}{}:
		return func() { <-c.turn }, nil
	case <-handover.C:
		return func() {}, nil
	case <-ctx.Done():
		return nil, contextError(ctx)
	}
}

func (c *credential) version(password string) (v [sha256.Size]byte) {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte(password))
	h.Sum(v[:0])
	return v
}

// check refuses without a look at the secret, where the last look was a moment ago.
func (c *credential) check(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason == nil || now.Sub(c.since) >= bindCoolDown {
		return nil
	}
	if now.Sub(c.looked) < secretInterval {
		return c.reason
	}
	c.looked = now
	return nil
}

func (c *credential) checkVersion(version [sha256.Size]byte, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != nil && c.refused == version && now.Sub(c.since) < bindCoolDown {
		return c.reason
	}
	return nil
}

// refusals are the answers to a bind that another attempt with the same password would not change.
var refusals = []int64{
	ldap.LDAPResultAuthMethodNotSupported, ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired,
	ldap.LDAPResultSaslBindInProgress, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax,
	ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInsufficientAccessRights,
	ldap.LDAPResultUnwillingToPerform,
}

func (c *credential) note(version [sha256.Size]byte, err error, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.reason = nil
		return nil
	case !answeredWith(err, refusals...) && !errors.Is(err, ErrNoTicket):
		return err
	}
	c.refused, c.since, c.looked = version, now, now
	c.reason = &refusal{account: c.as.Name, until: now.Add(bindCoolDown), err: err}
	return c.reason
}

// state returns why the circuit is open, or nil.
func (c *credential) state() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// refusal says that a service account was refused, and when it will be tried again.
type refusal struct {
	account string
	until   time.Time
	err     error
}

func (r *refusal) Error() string {
	why := r.err.Error()
	if hint := Hint(r.err); hint != "" {
		why += " (" + hint + ")"
	}
	return fmt.Sprintf("%v: %s: not tried again before its password changes or %s: %s",
		ErrServiceAccount, r.account, r.until.Format(time.TimeOnly), why)
}

// Unwrap returns what errors.Is should find.
func (r *refusal) Unwrap() []error { return []error{ErrServiceAccount, r.err} }
