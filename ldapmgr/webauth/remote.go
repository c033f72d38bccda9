// SPDX-License-Identifier: MIT

package webauth

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Remote says which header carries the name of the user, and who may set it.
type Remote struct {
	Header  string         // default X-Remote-User
	Trusted []netip.Prefix // addresses of the proxies that set it; default the loopback addresses
	Domain  string         // domain of names that name none; default the manager's default domain
}

// remembered is how long the account behind a name is kept, so that a request needs no look-up. Behind that it serves only
// while the directory does not answer.
var remembered = 10 * time.Minute

// maxNames bounds how many names are kept.
const maxNames = 10_000

// RemoteUser takes the name that a trusted proxy or IIS passes on, DOMAIN\user or user@domain alike, and makes it the
// identity of the request; a person who comes for the first time gets an account before that. From anybody else the header is
// removed. A request that has an identity already keeps it.
func (g *Guard) RemoteUser(c Remote) func(http.Handler) http.Handler {
	if c.Header == "" {
		c.Header = "X-Remote-User"
	}
	if len(c.Trusted) == 0 {
		c.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	remote := &remoteUser{guard: g, cfg: c, names: map[string]namedIdentity{}}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { remote.serve(w, r, next) })
	}
}

type remoteUser struct {
	guard *Guard
	cfg   Remote

	mu    sync.Mutex // guards names
	names map[string]namedIdentity
}

type namedIdentity struct {
	Identity
	until time.Time
}

func (u *remoteUser) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	name := strings.TrimSpace(r.Header.Get(u.cfg.Header))
	if !u.trusts(r.RemoteAddr) || len(r.Header.Values(u.cfg.Header)) > 1 {
		r.Header.Del(u.cfg.Header)
		name = ""
	}
	if _, has := u.guard.who(r); name == "" || has {
		next.ServeHTTP(w, r)
		return
	}
	who, err := u.identify(r, name)
	if err != nil {
		u.guard.refuseName(w, r, err)
		return
	}
	u.guard.pass(w, r, next, who)
}

func (u *remoteUser) trusts(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	for _, prefix := range u.cfg.Trusted {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// identify finds the account behind a name, and makes one for who is new.
func (u *remoteUser) identify(r *http.Request, name string) (Identity, error) {
	key := strings.ToLower(name)
	now := time.Now()
	u.mu.Lock()
	known, ok := u.names[key]
	u.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.Identity, nil
	}
	parsed, err := ldapmgr.ParseLoginName(name)
	if err != nil {
		return Identity{}, err
	}
	domain := u.cfg.Domain
	switch parsed.Form {
	case ldapmgr.FormDown:
		domain = parsed.Domain
	case ldapmgr.FormUPN:
		domain = ""
	}
	synced, err := u.guard.cfg.Syncer.Sync(r.Context(), domain, name)
	switch {
	case err != nil && ok && !nobody(err):
		return known.Identity, nil // whose account is older then: Guard.Sync decides how old it may be
	case err != nil:
		return Identity{}, fmt.Errorf("the remote user: %w", err)
	}
	who := Identity{Domain: synced.Account.Domain, Key: synced.Account.Key, Name: synced.Account.Name}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.names) >= maxNames {
		clear(u.names)
	}
	u.names[key] = namedIdentity{who, now.Add(remembered)}
	return who, nil
}

// nobody reports whether a name leads to nobody, and that for certain.
func nobody(err error) bool {
	return slices.ContainsFunc([]error{
		ldapmgr.ErrNotFound, ldapmgr.ErrAmbiguous, ldapmgr.ErrUnknownDomain, ldapmgr.ErrLoginName, ldapmgr.ErrNoAccount, ldapmgr.ErrNameTaken,
	}, func(known error) bool { return errors.Is(err, known) })
}

// pass calls next for who was found, unless the account is known not to be active: whatever stands behind may not ask.
func (g *Guard) pass(w http.ResponseWriter, r *http.Request, next http.Handler, who Identity) {
	if g.inactive(who.Domain, who.Key) {
		http.Error(w, "This account is not active.", http.StatusForbidden)
		return
	}
	next.ServeHTTP(w, r.WithContext(WithIdentity(r.Context(), who)))
}

// inactive reports whether an account is known not to be active, by the last sync.
func (g *Guard) inactive(domain, key string) bool {
	last, ok := g.cfg.Syncer.Recent(domain, key, math.MaxInt64)
	return ok && !last.Account.Flags[ldapmgr.ActiveFlag]
}

// refuseName answers a request whose user's name leads to nobody.
func (g *Guard) refuseName(w http.ResponseWriter, r *http.Request, err error) {
	g.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "request refused, since its user is not known", slog.String("reason", ldapmgr.Reason(err)))
	if nobody(err) {
		http.Error(w, "This account is not known here.", http.StatusForbidden)
		return
	}
	g.unavailable(w, r, err)
}

// Simulate makes user the identity of requests that have none, for development. listen is the address that the application
// listens on: anything but loopback is an error. Requests from elsewhere, or through a proxy, are left alone.
func (g *Guard) Simulate(listen, user string) (func(http.Handler) http.Handler, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || !loopback(host) {
		return nil, errors.New("webauth: a user is simulated only by an application that listens on 127.0.0.1, ::1 or localhost")
	}
	if _, err := ldapmgr.ParseLoginName(user); err != nil {
		return nil, fmt.Errorf("webauth: simulated user: %w", err)
	}
	g.cfg.Logger.Warn("every request without a user is taken for one of the simulated user; never do this in production", slog.String("user", user))
	remote := &remoteUser{guard: g, names: map[string]namedIdentity{}}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, has := g.who(r)
			from, _, _ := net.SplitHostPort(r.RemoteAddr)
			if has || !loopback(from) || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
				next.ServeHTTP(w, r)
				return
			}
			who, err := remote.identify(r, user)
			if err != nil {
				g.refuseName(w, r, err)
				return
			}
			g.pass(w, r, next, who)
		})
	}, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
