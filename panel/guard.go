// SPDX-License-Identifier: MIT

package panel

import (
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// guard decides who may see the panel: Host first, then Origin, then the token.
type guard struct {
	token  string
	cookie string
	handle string // tells that a browser has opened the panel; opens nothing
	access func(*http.Request) bool
	hosts  []string
	logger *slog.Logger
	tell   sync.Once // the link

	mu     sync.Mutex // guards failed
	failed map[string]attempts
}

// attempts are the wrong tokens of one peer within the current second.
type attempts struct {
	second int64
	count  int
}

const (
	attemptsPerSecond = 5
	peersRemembered   = 1000
)

func newGuard(c Config) *guard {
	hosts := []string{"127.0.0.1", "localhost", "::1"}
	for _, h := range c.Hosts {
		hosts = append(hosts, strings.ToLower(h))
	}
	return &guard{token: c.Token, cookie: derived(c.Token, "cookie"), handle: derived(c.Token, "handle"), access: c.Access, hosts: hosts, logger: c.Logger, failed: map[string]attempts{}}
}

func (g *guard) check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, port := splitHost(r.Host)
		if !slices.Contains(g.hosts, host) {
			fail(w, http.StatusMisdirectedRequest, "host",
				"the panel does not answer to this host name; use 127.0.0.1 or add the name to panel.hosts (Config.Hosts)")
			return
		}
		if !sameOrigin(r) {
			fail(w, http.StatusForbidden, "origin", "this request comes from a page of another origin; open the panel itself (Config.Hosts names further hosts)")
			return
		}
		if g.access != nil {
			if !g.access(r) {
				fail(w, http.StatusUnauthorized, "access", "the application does not let you see the panel (Config.Access)")
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		if !loopbackPeer(r) {
			fail(w, http.StatusForbidden, "peer", "the panel answers to this machine only; a host application opens it with Config.Access")
			return
		}
		g.checkToken(w, r, next, "ldapscope_"+port)
	})
}

// checkToken takes the token from the header, the cookie or the start link, which it exchanges for the cookie.
func (g *guard) checkToken(w http.ResponseWriter, r *http.Request, next http.Handler, name string) {
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && equal(given, g.token) {
		next.ServeHTTP(w, r)
		return
	}
	if c, err := r.Cookie(name); err == nil && equal(c.Value, g.cookie) && !r.URL.Query().Has("t") {
		next.ServeHTTP(w, r)
		return
	}
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	if g.tooMany(peer) {
		fail(w, http.StatusTooManyRequests, "attempts", "too many wrong tokens; wait a second")
		return
	}
	if given := r.URL.Query().Get("t"); r.Method == http.MethodGet && equal(given, g.token) {
		http.SetCookie(w, &http.Cookie{Name: name, Value: g.cookie, Path: mount(r), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
		if mount(r) != "/" { // pages around the panel may then show its handle
			http.SetCookie(w, &http.Cookie{Name: name + handleCookie, Value: g.handle, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
		}
		query := r.URL.Query()
		query.Del("t")
		target := url.URL{Path: requestPath(r), RawQuery: query.Encode()}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, target.String(), http.StatusSeeOther)
		return
	}
	if r.Header.Get("Authorization") != "" || r.URL.Query().Has("t") {
		g.remember(peer)
	}
	if wantsPage(r) {
		g.tell.Do(func() { // only now is it known where the application has mounted the panel
			g.logger.Info("ldapscope: the panel opens with this link", slog.String("link", origin(r)+mount(r)+"?t="+g.token))
		})
		unauthorized(w)
		return
	}
	fail(w, http.StatusUnauthorized, "token",
		"a token is needed: open the link that the program printed at its start or wrote to its log; programs send Authorization: Bearer")
}

// origin is what a browser on this machine has before the path.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// handleCookie ends the name of the cookie by which an application's pages know a browser that has opened the panel. The
// cookie of the panel itself is sent to the panel's own path alone.
const handleCookie = "_handle"

// seesHandle reports whether the browser of an application's page may see the panel.
func (g *guard) seesHandle(r *http.Request) bool {
	if g.access != nil {
		return g.access(r)
	}
	_, port := splitHost(r.Host)
	c, err := r.Cookie("ldapscope_" + port + handleCookie)
	return err == nil && equal(c.Value, g.handle)
}

func equal(a, b string) bool { return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (g *guard) tooMany(peer string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.failed[peer]
	return a.second == time.Now().Unix() && a.count >= attemptsPerSecond
}

func (g *guard) remember(peer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.failed) >= peersRemembered {
		clear(g.failed)
	}
	a := g.failed[peer]
	if now := time.Now().Unix(); a.second != now {
		a = attempts{second: now}
	}
	a.count++
	g.failed[peer] = a
}

// splitHost returns the host in lower case without brackets, and the port with the scheme's default.
func splitHost(hostport string) (host, port string) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = hostport, "80"
	}
	return strings.ToLower(strings.Trim(host, "[]")), port
}

// sameOrigin refuses what a browser says comes from elsewhere. Programs send neither header.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		scheme := "http://"
		if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
			scheme = "https://"
		}
		if !strings.EqualFold(origin, scheme+r.Host) {
			return false
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// loopbackPeer reports whether the request comes from this machine. Behind a proxy it may not, whatever the socket says.
func loopbackPeer(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "X-Forwarded-Host"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr == "@" || r.RemoteAddr == "" // a unix socket
	}
	return addr.Addr().Unmap().IsLoopback()
}

func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && !strings.Contains(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}
