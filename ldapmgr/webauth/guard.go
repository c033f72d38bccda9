// SPDX-License-Identifier: MIT

package webauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Identity says who makes a request.
type Identity struct {
	Domain string // "" for a local account that belongs to no directory
	Key    string // ldapmgr.User.Key; "" with Domain
	Name   string // of the local account, for display
}

// Config says how a Guard works.
type Config struct {
	Syncer *ldapmgr.Syncer // required
	// User says who is logged in, by the application's session. Default: who RemoteUser or Simulate found.
	User     func(r *http.Request) (Identity, bool)
	LoginURL string // where people log in, next=… is added; default none: 401
	// Error answers when the directory cannot be asked and nothing older may serve. Default 503 with
	// the id of the HTTP request in the panel.
	Error func(w http.ResponseWriter, r *http.Request, err error)
	// Permissions says what an account may do by its local groups; default the Syncer's sink, where it is an
	// ldapmgr.PermissionSource.
	Permissions func(ctx context.Context, account ldapmgr.Stored) ([]string, error)
	Logger      *slog.Logger // default slog.Default()
}

// Guard is the middleware of one application.
type Guard struct {
	cfg Config
}

// New checks a configuration.
func New(c Config) (*Guard, error) {
	if c.Syncer == nil {
		return nil, errors.New("webauth: Syncer is missing: make one with ldapmgr.NewSyncer")
	}
	if c.LoginURL != "" {
		if _, err := url.Parse(c.LoginURL); err != nil {
			return nil, errors.New("webauth: LoginURL is no address")
		}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Guard{c}, nil
}

type identityKey struct{}

type userKey struct{}

// WithIdentity says who makes a request, for applications that find that out in a middleware of their own.
func WithIdentity(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// IdentityFrom returns who makes a request, and false for nobody.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	who, ok := ctx.Value(identityKey{}).(Identity)
	return who, ok
}

// UserFrom returns the user behind a request as Guard.Sync found it, and false for nobody and for local accounts.
func UserFrom(ctx context.Context) (*ldapmgr.Synced, bool) {
	user, ok := ctx.Value(userKey{}).(*ldapmgr.Synced)
	return user, ok
}

// who returns who makes a request. A User function of the application comes before what a header said.
func (g *Guard) who(r *http.Request) (Identity, bool) {
	if g.cfg.User != nil {
		if who, ok := g.cfg.User(r); ok {
			return who, true
		}
	}
	return IdentityFrom(r.Context())
}

// unknown answers who is not logged in.
func (g *Guard) unknown(w http.ResponseWriter, r *http.Request, login string) {
	if login == "" {
		login = g.cfg.LoginURL
	}
	if login == "" {
		http.Error(w, "Please log in.", http.StatusUnauthorized)
		return
	}
	separator := "?"
	if strings.Contains(login, "?") {
		separator = "&"
	}
	http.Redirect(w, r, login+separator+"next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
}

// unavailable answers when the directory does not.
func (g *Guard) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if g.cfg.Error != nil {
		g.cfg.Error(w, r, err)
		return
	}
	text := "Your rights cannot be checked at the moment. Please try again later."
	if id := instrument.RequestID(r.Context()); id != "" {
		text += " (" + id + ")"
	}
	http.Error(w, text, http.StatusServiceUnavailable)
}
