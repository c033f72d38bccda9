// SPDX-License-Identifier: MIT

package panel

import (
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/ldapscope/ldapscope/web"
)

// index is the page, with the address where it is mounted.
var index = template.Must(template.ParseFS(web.Files, "index.html"))

// page answers GET of the mount point.
func (p *Panel) page(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("plain") {
		p.plain(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	script := web.Page + "?v=" + web.Version()
	if r.URL.Query().Has("source") {
		script = "assets/js/app.js" // as it is written, for a debugger
	}
	_ = index.Execute(w, map[string]string{"Base": mount(r), "Version": p.config.Version, "Assets": web.Version(), "Script": script}) // the peer has gone if this fails
}

// asset answers GET assets/...; the page names the content's hash, so that a browser may keep what it got.
func (p *Panel) asset(w http.ResponseWriter, r *http.Request) {
	name := path.Clean("assets/" + chi.URLParam(r, "*"))
	content, err := web.Served(name)
	if err != nil {
		fail(w, http.StatusNotFound, "absent", "the page has no such file")
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if strings.HasSuffix(name, ".js") {
		kind = "text/javascript; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", `"`+web.Version()+`"`)
	w.Header().Set("Vary", "Accept-Encoding")
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == web.Version() {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == `"`+web.Version()+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(content.Gzip)
		return
	}
	_, _ = w.Write(content.Plain)
}

// unauthorized is the page of somebody without a token. It stands alone: the assets ask for the token too.
func unauthorized(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(tokenForm))
}

const tokenForm = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>ldapscope: token needed</title></head>
<body><main><h1>ldapscope</h1>
<p>This page needs the token of the running program. Open the link that it printed at its start or wrote to its log, or paste the token:</p>
<form method="get"><label>Token <input name="t" autocomplete="off" autofocus required></label> <button>Open</button></form>
<p>The command <code>ldapscope url</code> prints the link of <code>demo</code> and <code>serve</code> again.</p></main></body></html>
`
