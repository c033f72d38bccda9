// SPDX-License-Identifier: MIT

package webauth

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"net/http"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Sync keeps the account of who is logged in like the directory, by Sync.ResyncAfter and Sync.OnError of the domain, before
// it calls next. Requests of one user at the same time share one sync. Accounts of no directory, and nobody, pass.
func (g *Guard) Sync(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := g.who(r)
		if !ok || who.Domain == "" {
			next.ServeHTTP(w, r)
			return
		}
		instrument.WithUser(r.Context(), who.Name)
		user, err := g.current(r.Context(), who)
		if err != nil {
			g.refuse(w, r, who, err)
			return
		}
		if !user.Account.Flags[ldapmgr.ActiveFlag] {
			http.Error(w, "This account is not active.", http.StatusForbidden)
			return
		}
		ctx := context.WithValue(WithIdentity(r.Context(), who), userKey{}, user)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// refuse answers for a user whose sync failed.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, who Identity, err error) {
	if errors.Is(err, ldapmgr.ErrUnknownDomain) {
		http.Error(w, "This account belongs to no known domain.", http.StatusForbidden)
		return
	}
	g.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "request refused, since its user could not be synced",
		slog.String("domain", who.Domain), slog.String("reason", ldapmgr.Reason(err)))
	if errors.Is(err, ldapmgr.ErrNotFound) {
		http.Error(w, "This account is not in the directory any more.", http.StatusForbidden)
		return
	}
	g.unavailable(w, r, err)
}

// current returns a user that is recent enough, or the last known where the domain's rule lets that serve.
func (g *Guard) current(ctx context.Context, who Identity) (*ldapmgr.Synced, error) {
	d, err := g.cfg.Syncer.Manager().Domain(who.Domain)
	if err != nil {
		return nil, err
	}
	rule := d.Config().Sync
	if rule.Resync != nil && !*rule.Resync {
		return g.cfg.Syncer.Stale(ctx, d.Name(), who.Key)
	}
	user, err := g.cfg.Syncer.Current(ctx, d.Name(), who.Key, resyncAfter(rule, who.Key))
	if err == nil || rule.OnError == ldapmgr.OnErrorDeny || errors.Is(err, ldapmgr.ErrNotFound) {
		return user, err
	}
	stale, failed := g.cfg.Syncer.Stale(ctx, d.Name(), who.Key)
	if failed != nil {
		return nil, err
	}
	if rule.OnError == ldapmgr.OnErrorDenyAfter && time.Since(stale.Account.LastSync) > rule.MaxStale {
		return nil, err
	}
	g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "serving a user as last known", slog.String("domain", d.Name()),
		slog.Time("since", stale.Account.LastSync), slog.String("reason", ldapmgr.Reason(err)))
	return stale, nil
}

// resyncAfter spreads the syncs of many users by up to a tenth, the same for one user each time.
func resyncAfter(rule ldapmgr.Sync, key string) time.Duration {
	after := ldapmgr.DefaultResyncAfter
	if rule.ResyncAfter != nil {
		after = *rule.ResyncAfter
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return after - time.Duration(float64(after)/10*float64(h.Sum32()%1000)/1000)
}
