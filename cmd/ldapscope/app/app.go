// SPDX-License-Identifier: MIT

package app

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/panel"
)

//go:embed pages/*.html app.css
var files embed.FS

// PanelPath is where the application mounts the panel.
const PanelPath = "/debug/ldap/"

// Config is what an App works with. All fields but Syncer are required.
type Config struct {
	Scope   *instrument.Scope
	Domains *ldapmgr.Manager
	Domain  string          // name of the domain whose people use the app
	Syncer  *ldapmgr.Syncer // keeps local accounts like the directory's, at each login; nil for none
	Panel   *panel.Panel
	Tracers *sdktrace.TracerProvider
	Meters  *metric.MeterProvider
}

// App is the application.
type App struct {
	config  Config
	domain  *ldapmgr.Domain
	pages   map[string]*template.Template
	handler http.Handler

	mu       sync.Mutex // guards sessions
	sessions map[string]session
}

// session is a person who is logged in.
type session struct{ name, dn, key string }

const mostSessions = 1000

// New returns the application. It makes no connection.
func New(c Config) (*App, error) {
	domain, err := c.Domains.Domain(c.Domain)
	if err != nil {
		return nil, fmt.Errorf("web app: %w", err)
	}
	a := &App{config: c, domain: domain, sessions: map[string]session{}, pages: map[string]*template.Template{}}
	for _, name := range []string{"home", "login", "profile", "people", "computers", "groups", "failing", "slow"} {
		t, err := template.ParseFS(files, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("web app: %w", err)
		}
		a.pages[name] = t
	}
	a.handler = a.routes()
	return a, nil
}

// ServeHTTP serves the application and, below PanelPath, the panel.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// routes puts tracing outside, then the request of the recorder, then the widget. The panel itself is not recorded.
func (a *App) routes() http.Handler {
	pages := chi.NewRouter()
	pages.Get("/", a.home)
	pages.Get("/login", a.login)
	pages.Post("/login", a.login)
	pages.Post("/logout", a.logout)
	pages.Get("/profile", a.profile)
	pages.Get("/people", a.people)
	pages.Get("/computers", a.computers)
	pages.Post("/computers", a.editComputer)
	pages.Get("/groups", a.groups)
	pages.Get("/failing", a.failing)
	pages.Get("/slow", a.slow)
	watched := otelhttp.NewHandler(route(a.config.Scope.Middleware(a.config.Panel.Widget(PanelPath, http.NewCrossOriginProtection().Handler(pages)))), "http",
		otelhttp.WithTracerProvider(a.config.Tracers), otelhttp.WithMeterProvider(a.config.Meters))
	root := chi.NewRouter()
	root.Mount(PanelPath, a.config.Panel)
	root.Get(strings.TrimSuffix(PanelPath, "/"), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, (&url.URL{Path: PanelPath, RawQuery: r.URL.RawQuery}).String(), http.StatusMovedPermanently)
	})
	root.Get("/app.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "app.css") })
	root.Get("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	root.Mount("/", watched)
	return root
}

// route tells otelhttp chi's pattern, which is known once the request was routed: spans are named after it. What otelhttp
// finds by itself is where the pages are mounted.
func route(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		r.Pattern = chi.RouteContext(r.Context()).RoutePattern()
		trace.SpanFromContext(r.Context()).SetAttributes(semconv.HTTPRoute(r.Pattern))
	})
}

// page is what every template gets.
type page struct {
	Title   string
	User    string
	Domain  string
	Problem string // in plain words; "" when all went well
	Data    any
}

func (a *App) show(w http.ResponseWriter, r *http.Request, name, title string, data any, err error) {
	p := page{Title: title, Domain: a.domain.Name(), Data: data}
	if s, ok := a.session(r); ok {
		p.User = s.name
	}
	status := http.StatusOK
	if err != nil {
		p.Problem, status = plain(err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = a.pages[name].ExecuteTemplate(w, "layout", p) // the peer has gone if this fails
}

// plain says a failure in words for the person in front of the page.
func plain(err error) (string, int) {
	switch {
	case errors.Is(err, ldapmgr.ErrReadOnly):
		return "This domain is configured as read-only.", http.StatusForbidden
	case errors.Is(err, ldapmgr.ErrUnavailable), errors.Is(err, instrument.ErrConnection), errors.Is(err, instrument.ErrTimeout):
		return "The directory cannot be reached just now.", http.StatusServiceUnavailable
	}
	if hint := ldapmgr.Hint(err); hint != "" {
		return "The directory answers: " + hint + ".", http.StatusBadGateway
	}
	return "The directory could not do this.", http.StatusBadGateway
}

const sessionCookie = "demo_session"

// sessionWith is the cookie of a session; a negative age takes it back.
func sessionWith(id string, age int) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: id, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func (a *App) session(r *http.Request) (session, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.sessions[c.Value]
	return s, ok
}

func (a *App) logIn(ctx context.Context, w http.ResponseWriter, s session) {
	id := rand.Text()
	a.mu.Lock()
	if len(a.sessions) >= mostSessions {
		clear(a.sessions)
	}
	a.sessions[id] = s
	a.mu.Unlock()
	instrument.WithUser(ctx, s.name)
	http.SetCookie(w, sessionWith(id, 0))
}

func (a *App) logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		a.mu.Lock()
		delete(a.sessions, c.Value)
		a.mu.Unlock()
	}
	http.SetCookie(w, sessionWith("", -1))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
