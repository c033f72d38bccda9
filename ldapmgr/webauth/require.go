// SPDX-License-Identifier: MIT

package webauth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// SuperuserFlag is the flag that Rule.Superuser looks at.
const SuperuserFlag = "superuser"

// notAllowed is the same for a refusal and for a requirement that could not be checked.
const notAllowed = "You are not allowed to do this."

// Rule says how a requirement treats special cases. The zero value lets nobody in by a side door.
type Rule struct {
	LoginURL  string // where people without a login are sent; default Config.LoginURL
	Superuser bool   // users with the flag superuser pass
	Local     bool   // accounts that belong to no directory pass
	Raise     bool   // a failure of the directory goes to Config.Error; default 403, which does not tell it from a refusal
}

// RequireDomain lets in the users of one of the named domains, by name or alias and without regard to case, or with no
// names those of any domain.
func (g *Guard) RequireDomain(rule Rule, domains ...string) (func(http.Handler) http.Handler, error) {
	var names []string
	for _, name := range domains {
		d, err := g.cfg.Syncer.Manager().Domain(name)
		if err != nil {
			return nil, fmt.Errorf("webauth: required domain: %w", err)
		}
		names = append(names, d.Name())
	}
	return g.require(rule, func(_ *http.Request, user *ldapmgr.Synced) (bool, *ldapmgr.Synced, error) {
		return len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, user.Account.Domain) }), user, nil
	}), nil
}

// RequireFresh lets in users that were synced no longer than maxAge ago, and syncs the others first; 0 is a sync for every
// request.
func (g *Guard) RequireFresh(rule Rule, maxAge time.Duration) func(http.Handler) http.Handler {
	return g.require(rule, func(r *http.Request, user *ldapmgr.Synced) (bool, *ldapmgr.Synced, error) {
		if time.Since(user.Account.LastSync) < maxAge {
			return true, user, nil
		}
		fresh, err := g.cfg.Syncer.Resync(r.Context(), user.Account.Domain, user.Account.Key)
		return err == nil && fresh.Account.Flags[ldapmgr.ActiveFlag], fresh, err
	})
}

// RequireGroup lets in users whose groups in the directory match a query, see ldapmgr.ParseGroupQuery.
func (g *Guard) RequireGroup(rule Rule, query string) (func(http.Handler) http.Handler, error) {
	q, err := ldapmgr.ParseGroupQuery(query)
	if err != nil {
		return nil, fmt.Errorf("webauth: required group: %w", err)
	}
	return g.require(rule, func(r *http.Request, user *ldapmgr.Synced) (bool, *ldapmgr.Synced, error) {
		if user.User != nil {
			return q.Match(user.User.Groups), user, nil
		}
		fresh, err := g.cfg.Syncer.Resync(r.Context(), user.Account.Domain, user.Account.Key) // the sink keeps no groups of the directory
		if err != nil {
			return false, user, err
		}
		return fresh.Account.Flags[ldapmgr.ActiveFlag] && q.Match(fresh.User.Groups), fresh, nil
	}), nil
}

// RequirePermission lets in users who may do something, by their local groups or, where the domain says so, by the names of
// the directory's.
func (g *Guard) RequirePermission(rule Rule, permission string) func(http.Handler) http.Handler {
	return g.require(rule, func(r *http.Request, user *ldapmgr.Synced) (bool, *ldapmgr.Synced, error) {
		if g.cfg.Permissions != nil {
			local, err := g.cfg.Permissions(r.Context(), user.Account)
			if err != nil || slices.Contains(local, permission) {
				return err == nil, user, err
			}
		}
		all, err := g.cfg.Syncer.Permissions(r.Context(), user.Account.Domain, user.Account.Key)
		allowed := slices.Contains(all, permission) && !g.inactive(user.Account.Domain, user.Account.Key) // which may have synced
		return allowed, user, err
	})
}

// require calls next for users that check lets in. Without Guard.Sync before it, it looks the user up itself. What check learns
// of the user holds for next.
func (g *Guard) require(rule Rule, check func(*http.Request, *ldapmgr.Synced) (bool, *ldapmgr.Synced, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, ok := UserFrom(r.Context())
			if !ok {
				if _, known := g.who(r); !known {
					g.unknown(w, r, rule.LoginURL)
				} else if rule.Local {
					next.ServeHTTP(w, r)
				} else {
					http.Error(w, "Only accounts of the directory may do this.", http.StatusForbidden)
				}
				return
			}
			if rule.Superuser && user.Account.Flags[SuperuserFlag] {
				next.ServeHTTP(w, r)
				return
			}
			allowed, fresh, err := check(r, user)
			switch {
			case err != nil:
				g.failed(w, r, rule, err)
			case !allowed:
				http.Error(w, notAllowed, http.StatusForbidden)
			case fresh != user:
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, fresh)))
			default:
				next.ServeHTTP(w, r)
			}
		})
		synced := g.Sync(inner)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, done := UserFrom(r.Context()); done {
				inner.ServeHTTP(w, r)
				return
			}
			synced.ServeHTTP(w, r)
		})
	}
}

// failed answers when a requirement could not be checked. It is never let pass.
func (g *Guard) failed(w http.ResponseWriter, r *http.Request, rule Rule, err error) {
	g.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "a requirement could not be checked", slog.String("reason", ldapmgr.Reason(err)))
	if rule.Raise {
		g.unavailable(w, r, err)
		return
	}
	http.Error(w, notAllowed, http.StatusForbidden)
}
