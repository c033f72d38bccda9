// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/webauth"
)

// webRows are what a web application meets of django-windowsauth: settings, backend, middleware, decorators, and its tests.
var webRows = []row{
	{name: "A1/WAUTH_USE_SPN", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Aliases = []string{"example.org"}; ungrouped(c) })
		w := s.web(webauth.Config{})
		remote := w.guard.RemoteUser(webauth.Remote{})(whoIsIt)
		for _, name := range []string{`EXAMPLE\alice`, "ALICE@example.org", `example.org\alice`} {
			w.wants(remote, from(name), 200, "alice")
		}
		for _, name := range []string{`EXAMPLE\X\alice`, `\alice`, `EXAMPLE\`, "MOON\\alice"} {
			w.wants(remote, from(name), 403, "not known")
		}
		s.wantAccounts("alice")
	}},
	{name: "A1/WAUTH_RESYNC_DELTA", key: "Sync.ResyncAfter", run: func(t *testing.T, p site) {
		for _, after := range []time.Duration{0, time.Hour} {
			s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Sync.ResyncAfter = &after })
			w := s.web(webauth.Config{})
			w.enter("alice")
			for range 2 {
				w.wants(w.guard.Sync(whoIsIt), nil, 200, "alice")
			}
		}
	}},
	{name: "A1/WAUTH_USE_CACHE", run: func(t *testing.T, p site) {
		s := p.stage(t, mapping)
		w := s.web(webauth.Config{})
		w.enter("alice")
		s.wantSpent(0, 0, func() { w.wants(w.guard.Sync(whoIsIt), nil, 200, "alice") })
		if s.account("alice").LastSync.IsZero() {
			t.Error("when alice was synced is not kept")
		}
	}},
	{name: "A1/WAUTH_REQUIRE_RESYNC", key: "Sync.OnError", alone: func(t *testing.T, p site) {
		p = p.start(t, inMemory())
		for _, test := range []struct {
			onError  string
			maxStale time.Duration
			status   int
		}{{ldapmgr.OnErrorDeny, time.Hour, 503}, {ldapmgr.OnErrorStale, time.Nanosecond, 200}, {ldapmgr.OnErrorDenyAfter, time.Hour, 200}, {ldapmgr.OnErrorDenyAfter, time.Nanosecond, 503}} {
			s := p.stage(t, func(c *ldapmgr.DomainConfig) {
				c.Sync.ResyncAfter, c.Sync.OnError, c.Sync.MaxStale = new(time.Duration(0)), test.onError, test.maxStale
			})
			w := s.web(webauth.Config{})
			w.enter("alice")
			p.memory.Dir.SetFault(brokenSearches)
			w.wants(w.guard.Sync(whoIsIt), nil, test.status, "")
			if s.account("alice").LastError == "" {
				t.Errorf("%s: the failed sync leaves no trace", test.onError)
			}
			p.memory.Dir.SetFault(nil)
			w.wants(w.guard.Sync(whoIsIt), nil, 200, "alice")
		}
	}},
	{name: "A1/WAUTH_ERROR_RESPONSE", alone: func(t *testing.T, p site) {
		p = p.start(t, inMemory())
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Sync.ResyncAfter, c.Sync.OnError = new(time.Duration(0)), ldapmgr.OnErrorDeny
		})
		usual := s.web(webauth.Config{})
		usual.enter("alice")
		p.memory.Dir.SetFault(brokenSearches)
		usual.wants(s.scope.Middleware(usual.guard.Sync(whoIsIt)), nil, 503, "try again later. (") // and the id of the request
		var seen error
		own := s.web(webauth.Config{Error: func(w http.ResponseWriter, _ *http.Request, err error) { seen = err; w.WriteHeader(http.StatusTeapot) }})
		own.session = usual.session
		own.wants(own.guard.Sync(whoIsIt), nil, http.StatusTeapot, "")
		if seen == nil {
			t.Error("the application is not told why")
		}
	}},
	{name: "A1/WAUTH_SIMULATE_USER", as: "A14/test_auth_simulation"},

	{name: "A10/WindowsAuthBackend", run: func(t *testing.T, p site) {
		a, b := p.config(), p.config()
		ungrouped(&a)
		ungrouped(&b)
		s := p.stage(t, ungrouped)
		m := p.manager(t, ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"A": a, "B": b}})
		s.syncer = ldapmgr.NewSyncer(m, s.store, ldapmgr.Hooks{})
		w := s.web(webauth.Config{})
		remote := w.guard.RemoteUser(webauth.Remote{})(whoIsIt)
		w.wants(remote, from(`A\alice`), 200, "alice") // the first request is hers already
		w.wants(remote, from(`B\alice`), 200, "alice@b")
		w.wants(remote, from(`A\ida`), 403, "not known")
		s.wantAccounts("alice", "alice@b")
	}},
	{name: "A10/UserSyncMiddleware", key: "Sync.MaxStale", as: "A1/WAUTH_REQUIRE_RESYNC", elsewhere: []string{"ldapmgr/webauth.TestOnError"}},
	{name: "A10/SimulateWindowsAuthMiddleware", as: "A14/test_bypass_auth", elsewhere: []string{"ldapmgr/webauth.TestSimulate"}},

	{name: "A11/domain_required", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Aliases = []string{"example.org"}; ungrouped(c) })
		w := s.web(webauth.Config{LoginURL: "/login"})
		anyone := w.rule(w.guard.RequireDomain(webauth.Rule{}))
		named := w.rule(w.guard.RequireDomain(webauth.Rule{}, "EXAMPLE.org"))
		w.wants(anyone, nil, 303, "/login?next=%2Fpage") // nobody is there
		w.session = &webauth.Identity{Name: "guest"}
		w.wants(anyone, nil, 403, "Only accounts of the directory")
		w.wants(w.rule(w.guard.RequireDomain(webauth.Rule{Local: true})), nil, 200, "")
		w.enter("alice")
		w.wants(anyone, nil, 200, "alice")
		w.wants(named, nil, 200, "alice")
		if _, err := w.guard.RequireDomain(webauth.Rule{}, "MOON"); !errors.Is(err, ldapmgr.ErrUnknownDomain) {
			t.Errorf("a domain that is not there: %v", err)
		}
	}, elsewhere: []string{"ldapmgr/webauth.TestRequirements"}},
	{name: "A11/ldap_sync_required", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		w := s.web(webauth.Config{})
		young, now := w.guard.RequireFresh(webauth.Rule{}, time.Hour)(whoIsIt), w.guard.RequireFresh(webauth.Rule{}, 0)(whoIsIt)
		w.wants(now, nil, 401, "log in") // nobody does not pass
		w.session = &webauth.Identity{Name: "guest"}
		w.wants(now, nil, 403, "Only accounts of the directory")
		w.enter("alice")
		s.wantSpent(0, 0, func() { w.wants(young, nil, 200, "alice") })
		s.wantSpent(2, 1, func() { w.wants(now, nil, 200, "alice") })
	}, elsewhere: []string{"ldapmgr/webauth.TestRequirementFails"}},

	{name: "A14/test_create_user", alone: func(t *testing.T, p site) {
		p = p.start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(5))})
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { onCompany(c); c.Groups.Strategy = ldapmgr.GroupsInChain })
		if done := s.sync("ada"); done.Account.Domain != "EXAMPLE" || !done.Plan.Create {
			t.Errorf("got %+v", done.Account)
		}
		s.wantAccounts("ada")
	}, elsewhere: []string{"ldapmgr/ldaptest/samba.TestAcceptance"}},
	{name: "A14/test_flag_propagation", key: "Sync.Implies", run: func(t *testing.T, p site) {
		for _, implies := range []map[string][]string{nil, {"superuser": {"staff"}, "staff": {"active"}}} {
			s := p.stage(t, func(c *ldapmgr.DomainConfig) {
				c.Sync.Flags = map[string]string{"superuser": "superuser_gon", "staff": "empty_gon", "active": "other_gon or empty_gon"}
				c.Sync.Implies = implies
			})
			s.login("alice")
			wantFlags(t, s.account("alice"), implies != nil, implies != nil, true)
			s.login("bob")
			wantFlags(t, s.account("bob"), false, false, false)
		}
	}},
	{name: "A14/test_auth_simulation", run: func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		w := s.web(webauth.Config{})
		w.wants(w.simulated("127.0.0.1:8080"), nil, 200, "alice")
		s.wantAccounts("alice")
	}},
	{name: "A14/test_skip_simulation", run: func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		w := s.web(webauth.Config{})
		h := w.guard.RemoteUser(webauth.Remote{})(w.simulated("127.0.0.1:8080"))
		w.wants(h, from("bob"), 200, "bob")
		s.wantAccounts("bob")
	}},
	{name: "A14/test_bypass_auth", why: "there is no switch for development; the nearest is where the program listens and who asks", run: func(t *testing.T, p site) {
		s := p.stage(t, ungrouped)
		w := s.web(webauth.Config{})
		for _, listen := range []string{":8080", "0.0.0.0:8080", "192.0.2.1:80"} {
			if _, err := w.guard.Simulate(listen, "alice"); err == nil {
				t.Errorf("somebody is simulated on %s", listen)
			}
		}
		w.wants(w.simulated("127.0.0.1:8080"), func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }, 200, "nobody")
		s.wantAccounts()
	}},
}

// brokenSearches makes the directory fail.
var brokenSearches = ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 80}}))

// web is a web application of a stage, with a session that says who is logged in.
type web struct {
	s       *stage
	guard   *webauth.Guard
	session *webauth.Identity
}

func (s *stage) web(c webauth.Config) *web {
	s.t.Helper()
	w := &web{s: s}
	c.Syncer, c.Logger = s.syncer, slog.New(slog.DiscardHandler)
	c.User = func(*http.Request) (webauth.Identity, bool) {
		if w.session == nil {
			return webauth.Identity{}, false
		}
		return *w.session, true
	}
	var err error
	if w.guard, err = webauth.New(c); err != nil {
		s.t.Fatal(err)
	}
	return w
}

// enter logs somebody in.
func (w *web) enter(name string) {
	w.s.t.Helper()
	account := w.s.login(name).Account
	w.session = &webauth.Identity{Domain: account.Domain, Key: account.Key, Name: account.Name}
}

// rule is a page behind a rule.
func (w *web) rule(h func(http.Handler) http.Handler, err error) http.Handler {
	w.s.t.Helper()
	if err != nil {
		w.s.t.Fatal(err)
	}
	return h(whoIsIt)
}

// simulated is a page that alice looks at without a login.
func (w *web) simulated(listen string) http.Handler {
	w.s.t.Helper()
	return w.rule(w.guard.Simulate(listen, "alice"))
}

// whoIsIt is a page that says who looks at it.
var whoIsIt = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	who, ok := webauth.IdentityFrom(r.Context())
	if user, synced := webauth.UserFrom(r.Context()); synced {
		who.Name, ok = user.Account.Name, true
	}
	if !ok {
		who.Name = "nobody"
	}
	_, _ = io.WriteString(w, who.Name)
})

// from is a request with a name that a proxy on this machine vouches for.
func from(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-Remote-User", name) }
}

// wants sends a request and checks the answer: its status, and the page or where it leads.
func (w *web) wants(h http.Handler, change func(*http.Request), status int, contains string) {
	w.s.t.Helper()
	r := httptest.NewRequestWithContext(w.s.t.Context(), http.MethodGet, "/page", nil)
	r.RemoteAddr = "127.0.0.1:4711"
	if change != nil {
		change(r)
	}
	got := httptest.NewRecorder()
	h.ServeHTTP(got, r)
	text := got.Body.String() + got.Header().Get("Location")
	if got.Code != status || !strings.Contains(text, contains) || status == 200 && slices.Contains([]string{"alice", "bob", "nobody"}, contains) && text != contains {
		w.s.t.Errorf("got %d %q, want %d with %q", got.Code, text, status, contains)
	}
}
