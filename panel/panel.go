// SPDX-License-Identifier: MIT

package panel

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Config is what a panel shows and to whom.
type Config struct {
	Scope   *instrument.Scope // required
	Domains Domains           // nil hides what only a manager knows
	History History           // nil hides saved usage
	Users   Users             // nil hides the application's users and their sync
	Replay  Asker             // lets people repeat recorded questions; nil, the default, lets nobody
	Export  func() Export     // state of the telemetry export; nil for off
	Metrics http.Handler      // served at metrics; nil for none

	Token     string                   // default: random, see Link
	Access    func(*http.Request) bool // decides instead of token and loopback; for panels inside an application
	Hosts     []string                 // Host names beside those of loopback, without port
	Prefix    string                   // where the panel is mounted, for routers that do not strip it; default ""
	JaegerURL string                   // base of a Jaeger UI for links; default none
	Version   string                   // shown on the page
	Logger    *slog.Logger             // default slog.Default
}

// Domains is what a panel asks of a manager; *ldapmgr.Manager satisfies it.
type Domains interface {
	Statuses() []ldapmgr.Status
	HasAttribute(domain, name string) (has, loaded bool) // by the schema, where it is known without asking
}

// Panel is the live page as an http.Handler.
type Panel struct {
	config Config
	router chi.Router
	guard  *guard

	segments segments
	reviews  reviews
	replays  replays
	bindings bindings

	mu      sync.Mutex // guards running
	running context.Context
	clients sync.WaitGroup
}

// New returns a panel. It panics without a Scope, which is a programming error.
func New(config Config) *Panel {
	if config.Scope == nil {
		panic("panel: Config.Scope is missing") //nolint:forbidigo // as documented: nothing could be shown
	}
	if config.Token == "" {
		config.Token = newToken()
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	config.Prefix = strings.TrimSuffix(config.Prefix, "/")
	config.JaegerURL = strings.TrimSuffix(config.JaegerURL, "/")
	p := &Panel{config: config, guard: newGuard(config)}
	p.router = p.routes()
	return p
}

func newToken() string {
	token := make([]byte, 16)
	_, _ = rand.Read(token) // never fails, see crypto/rand
	return hex.EncodeToString(token)
}

// derived is what the browser keeps for a purpose, so that the token itself is in no cookie jar.
func derived(token, purpose string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("ldapscope " + purpose))
	return hex.EncodeToString(mac.Sum(nil))
}

// Link returns the address that opens the panel, given where it is mounted, such as http://127.0.0.1:8389.
func (p *Panel) Link(base string) string {
	return strings.TrimSuffix(base, "/") + "/?t=" + p.config.Token
}

func (p *Panel) routes() chi.Router {
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	r.Group(func(r chi.Router) {
		r.Use(p.guard.check)
		r.Get("/", p.page)
		r.Get("/assets/*", p.asset)
		r.Route("/api/v1", func(r chi.Router) {
			r.Use(noStore)
			r.Get("/operations", p.operations)
			r.Get("/operations/{seq}", p.operation)
			r.Get("/requests", p.requests)
			r.Get("/requests/{id}", p.request)
			r.Get("/domains", p.domains)
			r.Get("/keys", p.keys)
			r.Get("/findings", p.findings)
			r.Get("/runs", p.runs)
			r.Get("/runs/{id}", p.run)
			r.Delete("/runs/{id}", p.deleteRun)
			r.Get("/shapes", p.shapes)
			r.Get("/compare", p.compare)
			r.Post("/import", p.importRuns)
			r.Get("/export", p.export)
			r.Get("/live", p.live)
			r.Get("/live.sse", p.liveSSE)
			r.Post("/replay", p.replay)
			r.Get("/users", p.users)
			r.Post("/users/{id}/sync", p.syncUser)
			r.Get("/pins", p.pins)
			r.Post("/pins", p.pin)
			r.Delete("/pins/{seq}", p.unpin)
			r.Post("/recording", p.recording)
			r.Post("/clear", p.clear)
		})
		if p.config.Metrics != nil {
			r.Method(http.MethodGet, "/metrics", p.config.Metrics)
		}
	})
	return r
}

// ServeHTTP serves the panel below wherever it is mounted.
func (p *Panel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if routed := chi.RouteContext(r.Context()); routed != nil && routed.RoutePath != "" {
		path = routed.RoutePath
	}
	path = strings.TrimPrefix(path, p.config.Prefix)
	if at := requestPath(r); path == "" || path == "/" && !strings.HasSuffix(at, "/") {
		slashed := url.URL{Path: at + "/", RawQuery: r.URL.RawQuery} // the page's addresses and its cookie need the slash
		http.Redirect(w, r, slashed.String(), http.StatusMovedPermanently)
		return
	}
	instrument.Detach(r.Context()) // where the application's middleware is around the panel too
	secure(w.Header())
	inner := chi.NewRouteContext()
	inner.RoutePath = path
	ctx := context.WithValue(r.Context(), chi.RouteCtxKey, inner)
	ctx = context.WithValue(ctx, mountKey{}, strings.TrimSuffix(requestPath(r), path)+"/")
	p.router.ServeHTTP(w, r.WithContext(ctx))
}

// mountKey holds the path at which the browser sees the panel.
type mountKey struct{}

func mount(r *http.Request) string {
	m, _ := r.Context().Value(mountKey{}).(string)
	return m
}

// requestPath is the path as the browser sent it, before any router cut a prefix off.
func requestPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if path == "" || !strings.HasSuffix(path, r.URL.Path) {
		return r.URL.Path
	}
	return path
}

// secure sets what every answer carries. The page holds no inline script or style, so that the policy can be strict.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"connect-src 'self'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// Run lets browsers follow live until ctx ends, then closes their connections and waits for them. It is called once.
func (p *Panel) Run(ctx context.Context) error {
	p.mu.Lock()
	if p.running != nil {
		p.mu.Unlock()
		return errors.New("panel: Run was called before")
	}
	p.running = ctx
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()   // whoever joins at this moment is counted before the wait begins
	p.mu.Unlock() //nolint:staticcheck // nothing to do meanwhile
	p.clients.Wait()
	return nil
}

// join counts a live connection; ok is false when nobody runs the panel.
func (p *Panel) join() (ctx context.Context, leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil || p.running.Err() != nil {
		return nil, nil, false
	}
	p.clients.Add(1)
	return p.running, p.clients.Done, true
}
