// SPDX-License-Identifier: MIT

package webauth_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
	"github.com/ldapscope/ldapscope/ldapmgr/webauth"
)

// app is an application on the demo company, with a session that says who is logged in.
type app struct {
	t         *testing.T
	directory *ldaptest.Server
	scope     *instrument.Scope
	syncer    *ldapmgr.Syncer
	store     *usersql.Store
	guard     *webauth.Guard
	session   *webauth.Identity
}

func newApp(t *testing.T, change func(*ldapmgr.DomainConfig), configure func(*webauth.Config)) *app {
	t.Helper()
	a := &app{t: t, scope: instrument.New()}
	a.directory = ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(12))})
	c := ldapmgr.DomainConfig{
		Servers: []string{a.directory.URL()}, Base: ldaptest.DefaultSuffix, Aliases: []string{"example.org"},
		Bind:     ldapmgr.Bind{Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
		Timeouts: ldapmgr.Timeouts{Call: time.Second},
		Sync: ldapmgr.Sync{
			Flags:            map[string]string{"superuser": "Administrators"},
			GroupPermissions: new(true),
		},
	}
	if change != nil {
		change(&c)
	}
	m, err := ldapmgr.New(ldapmgr.Config{Scope: a.scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = m.Close(ctx)
	})
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "users.db")+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(0)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if a.store, err = usersql.New(usersql.Config{DB: db, Flags: []string{"superuser"}}); err != nil {
		t.Fatal(err)
	}
	if err := a.store.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.syncer = ldapmgr.NewSyncer(m, a.store, ldapmgr.Hooks{})
	cfg := webauth.Config{Syncer: a.syncer, Logger: slog.New(slog.DiscardHandler), User: func(*http.Request) (webauth.Identity, bool) {
		if a.session == nil {
			return webauth.Identity{}, false
		}
		return *a.session, true
	}}
	if configure != nil {
		configure(&cfg)
	}
	if a.guard, err = webauth.New(cfg); err != nil {
		t.Fatal(err)
	}
	return a
}

// login puts a person into the session.
func (a *app) login(name string) ldapmgr.Stored {
	a.t.Helper()
	done, err := a.syncer.Login(a.t.Context(), ldapmgr.Credentials{Name: name, Password: ldaptest.CompanyPassword})
	if err != nil {
		a.t.Fatal(err)
	}
	a.session = &webauth.Identity{Domain: done.Account.Domain, Key: done.Account.Key, Name: done.Account.Name}
	return done.Account
}

// page says who it is for.
var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	who, _ := webauth.IdentityFrom(r.Context())
	user, ok := webauth.UserFrom(r.Context())
	text := "hello " + who.Name
	if ok {
		text += ", " + user.Account.Name
	}
	_, _ = io.WriteString(w, text)
})

// ask sends a request through a handler.
func (a *app) ask(h http.Handler, change func(*http.Request)) (status int, body string) {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), http.MethodGet, "/page?x=1", nil)
	r.RemoteAddr = "127.0.0.1:4711"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusSeeOther {
		return w.Code, w.Header().Get("Location")
	}
	return w.Code, strings.TrimSpace(w.Body.String())
}

func (a *app) want(h http.Handler, status int, contains string) {
	a.t.Helper()
	got, body := a.ask(h, nil)
	if got != status || !strings.Contains(body, contains) {
		a.t.Errorf("got %d %q, want %d with %q", got, body, status, contains)
	}
}

func (a *app) operations() uint64 { return a.scope.Snapshots()[0].Usage.Operations }

// outage makes the directory fail.
func (a *app) outage() {
	a.directory.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 80}})))
}

func must(t *testing.T) func(func(http.Handler) http.Handler, error) func(http.Handler) http.Handler {
	return func(h func(http.Handler) http.Handler, err error) func(http.Handler) http.Handler {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
}

func TestFreshUserCostsNothing(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil, nil)
	a.login("ada")
	before := a.operations()
	for range 3 {
		a.want(a.guard.Sync(page), 200, "hello ada, ada")
	}
	if n := a.operations() - before; n != 0 {
		t.Errorf("%d LDAP operations", n)
	}
}

func TestEveryRequest(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(c *ldapmgr.DomainConfig) { c.Sync.ResyncAfter = new(time.Duration(0)) }, nil)
	a.login("ada")
	before := a.operations()
	a.want(a.guard.Sync(page), 200, "ada")
	a.want(a.guard.Sync(page), 200, "ada")
	if n := a.operations() - before; n != 4 {
		t.Errorf("%d LDAP operations for two requests, want 4", n)
	}
}

func TestResyncOff(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(c *ldapmgr.DomainConfig) { c.Sync.Resync, c.Sync.ResyncAfter = new(false), new(time.Duration(0)) }, nil)
	a.login("ada")
	a.outage()
	a.want(a.guard.Sync(page), 200, "ada")
}

func TestOnError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		onError  string
		maxStale time.Duration
		status   int
	}{
		{"deny", ldapmgr.OnErrorDeny, time.Hour, 503},
		{"serve stale", ldapmgr.OnErrorStale, time.Hour, 200},
		{"deny after, young", ldapmgr.OnErrorDenyAfter, time.Hour, 200},
		{"deny after, old", ldapmgr.OnErrorDenyAfter, time.Nanosecond, 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(c *ldapmgr.DomainConfig) {
				c.Sync.ResyncAfter, c.Sync.OnError, c.Sync.MaxStale = new(time.Duration(0)), test.onError, test.maxStale
			}, nil)
			a.login("ada")
			a.outage()
			a.want(a.guard.Sync(page), test.status, "")
			a.directory.Dir.SetFault(nil)
			a.want(a.guard.Sync(page), 200, "ada") // at once, without a pause
		})
	}
}

func TestOwnErrorAnswer(t *testing.T) {
	t.Parallel()
	var seen error
	a := newApp(t, func(c *ldapmgr.DomainConfig) {
		c.Sync.ResyncAfter, c.Sync.OnError = new(time.Duration(0)), ldapmgr.OnErrorDeny
	},
		func(c *webauth.Config) {
			c.Error = func(w http.ResponseWriter, _ *http.Request, err error) { seen = err; w.WriteHeader(http.StatusTeapot) }
		})
	a.login("ada")
	a.outage()
	a.want(a.guard.Sync(page), http.StatusTeapot, "")
	if seen == nil {
		t.Error("the answer is not told why")
	}
}

func TestNobodyAndStrangers(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil, nil)
	a.want(a.guard.Sync(page), 200, "hello")
	a.session = &webauth.Identity{Name: "guest"}
	a.want(a.guard.Sync(page), 200, "hello")
	a.session = &webauth.Identity{Domain: "ELSEWHERE", Key: "x", Name: "x"}
	a.want(a.guard.Sync(page), 403, "no known domain")
	a.session = &webauth.Identity{Domain: "EXAMPLE", Key: "00000000-0000-0000-0000-000000000000", Name: "x"}
	a.want(a.guard.Sync(page), 403, "not in the directory")
}

func TestInactive(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(c *ldapmgr.DomainConfig) {
		c.Sync.Flags["active"] = "Sales"
		c.Sync.ResyncAfter = new(time.Duration(0))
	}, nil)
	a.login("ada")
	a.want(a.guard.Sync(page), 403, "not active")
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil, func(c *webauth.Config) { c.LoginURL = "/login?lang=en" })
	if err := a.store.Grant(t.Context(), "Engineering", "deploy"); err != nil {
		t.Fatal(err)
	}
	g := a.guard
	none := webauth.Rule{}
	super := webauth.Rule{Superuser: true}
	rules := map[string]struct {
		handler             func(http.Handler) http.Handler
		ada, erin, guest    int // ada is a superuser in Engineering, erin is in Sales, guest is local
		nobody              int
		whereNobodyIsSentTo string
	}{
		"domain":          {must(t)(g.RequireDomain(none)), 200, 200, 403, 303, "/login?lang=en&next=%2Fpage%3Fx%3D1"},
		"domain by alias": {must(t)(g.RequireDomain(none, "EXAMPLE.org")), 200, 200, 403, 303, "/login"},
		"domain or local": {must(t)(g.RequireDomain(webauth.Rule{Local: true})), 200, 200, 200, 303, "/login"},
		"another page":    {must(t)(g.RequireDomain(webauth.Rule{LoginURL: "/sso"})), 200, 200, 403, 303, "/sso?next="},
		"group":           {must(t)(g.RequireGroup(none, "Engineering and not Sales")), 200, 403, 403, 303, "/login"},
		"group or super":  {must(t)(g.RequireGroup(super, "Sales")), 200, 200, 403, 303, "/login"},
		"not super":       {must(t)(g.RequireGroup(none, "Sales")), 403, 200, 403, 303, "/login"},
		"permission":      {g.RequirePermission(none, "deploy"), 200, 403, 403, 303, "/login"},
		"fresh":           {g.RequireFresh(none, 0), 200, 200, 403, 303, "/login"},
	}
	people := map[string]func(){
		"ada": func() { a.login("ada") }, "erin": func() { a.login(a.member("Sales")) }, "guest": func() { a.session = &webauth.Identity{Name: "guest"} },
		"nobody": func() { a.session = nil },
	}
	for who, enter := range people {
		enter()
		for name, rule := range rules {
			want := map[string]int{"ada": rule.ada, "erin": rule.erin, "guest": rule.guest, "nobody": rule.nobody}[who]
			got, body := a.ask(rule.handler(page), nil)
			if got != want || who == "nobody" && !strings.HasPrefix(body, rule.whereNobodyIsSentTo) {
				t.Errorf("%s, %s: got %d %q, want %d", name, who, got, body, want)
			}
		}
	}
	if _, err := g.RequireDomain(none, "ELSEWHERE"); !errors.Is(err, ldapmgr.ErrUnknownDomain) {
		t.Errorf("an unknown domain: %v", err)
	}
	if _, err := g.RequireGroup(none, "a b"); err == nil {
		t.Error("a query that cannot be read is taken")
	}
}

// member returns the account of somebody in a department.
func (a *app) member(department string) string {
	a.t.Helper()
	d, _ := a.syncer.Manager().Domain("")
	result, err := d.Search(a.t.Context(), searchFor("(&(department="+department+")(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"))
	if err != nil || len(result.Entries) == 0 {
		a.t.Fatalf("nobody is in %s: %v", department, err)
	}
	return result.Entries[0].GetAttributeValue("sAMAccountName")
}

// TestRequirementFails: what cannot be checked lets nobody in.
func TestRequirementFails(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil, nil)
	a.login("ada")
	a.outage()
	a.want(a.guard.RequireFresh(webauth.Rule{}, 0)(page), 403, "not allowed")
	a.want(a.guard.RequireFresh(webauth.Rule{Raise: true}, 0)(page), 503, "later")
}

func TestRemoteUser(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		header []string
		from   string
		status int
		body   string
	}{
		{"down-level", []string{`EXAMPLE\ada`}, "127.0.0.1:1", 200, "hello ada"},
		{"user@domain", []string{"ADA@example.org"}, "127.0.0.1:1", 200, "hello ada"},
		{"account alone", []string{" ada "}, "[::1]:1", 200, "hello ada"},
		{"mapped address", []string{"ada"}, "[::ffff:127.0.0.1]:1", 200, "hello ada"},
		{"from elsewhere", []string{"ada"}, "192.0.2.1:1", 200, "hello"},
		{"twice", []string{"ada", "dora"}, "127.0.0.1:1", 200, "hello"},
		{"nobody", nil, "127.0.0.1:1", 200, "hello"},
		{"unknown person", []string{"ida"}, "127.0.0.1:1", 403, "not known"},
		{"unknown domain", []string{`X\ada`}, "127.0.0.1:1", 403, "not known"},
		{"two separators", []string{`EXAMPLE\X\ada`}, "127.0.0.1:1", 403, "not known"},
		{"filter", []string{"*"}, "127.0.0.1:1", 403, "not known"},
	}
	a := newApp(t, nil, func(c *webauth.Config) { c.User = nil })
	remote := a.guard.RemoteUser(webauth.Remote{})
	handler := remote(page)
	for _, test := range tests {
		status, body := a.ask(handler, func(r *http.Request) {
			r.RemoteAddr = test.from
			r.Header["X-Remote-User"] = test.header
		})
		if status != test.status || !strings.Contains(body, test.body) || test.body == "hello" && body != "hello" {
			t.Errorf("%s: got %d %q", test.name, status, body)
		}
	}
	synced := remote(a.guard.Sync(page))
	status, body := a.ask(synced, func(r *http.Request) { r.Header.Set("X-Remote-User", `example\ADA`) })
	if status != 200 || body != "hello ada, ada" {
		t.Errorf("the first request of a spelling: %d %q", status, body)
	}
	after := a.operations()
	a.ask(synced, func(r *http.Request) { r.Header.Set("X-Remote-User", `example\ADA`) })
	if a.operations() != after {
		t.Errorf("%d operations for a name that is known", a.operations()-after)
	}
	own := a.guard.RemoteUser(webauth.Remote{Header: "X-Forwarded-User", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})(page)
	if _, body := a.ask(own, func(r *http.Request) { r.RemoteAddr = "10.1.2.3:4"; r.Header.Set("X-Forwarded-User", "ada") }); body != "hello ada" {
		t.Errorf("a proxy of one's own: %q", body)
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil, nil)
	for _, listen := range []string{":8080", "0.0.0.0:8080", "192.0.2.1:80", "[::]:80", "example.org:80", "127.0.0.1"} {
		if _, err := a.guard.Simulate(listen, "ada"); err == nil {
			t.Errorf("a user is simulated on %s", listen)
		}
	}
	h := must(t)(a.guard.Simulate("127.0.0.1:8080", `EXAMPLE\ada`))(page)
	a.want(h, 200, "hello ada")
	for name, change := range map[string]func(*http.Request){
		"from elsewhere":  func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" },
		"through a proxy": func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") },
	} {
		if _, body := a.ask(h, change); body != "hello" {
			t.Errorf("%s: %q", name, body)
		}
	}
	a.session = &webauth.Identity{Name: "guest"}
	if _, body := a.ask(h, nil); body != "hello" {
		t.Errorf("the simulated user replaced one: %q", body)
	}
}
