// SPDX-License-Identifier: MIT

package panel

import (
	"bufio"
	"bytes"
	"fmt"
	"html"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// widgetBytes bounds the pages into which the handle is put.
const widgetBytes = 2 << 20

// Widget puts the handle of the panel into the HTML pages of next, before the end of the body, and a Server-Timing header
// on every answer. Put it inside Scope.Middleware. Pages that are compressed, streamed or larger than 2 MiB stay as they
// are, and so do those of browsers that may not see the panel: without Config.Access, browsers that have not opened its start
// link. A nonce in the page's policy is taken over. at is where the panel is mounted, such as /debug/ldap/.
func (p *Panel) Widget(at string, next http.Handler) http.Handler {
	at = strings.TrimSuffix(at, "/") + "/"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, at) {
			next.ServeHTTP(w, r)
			return
		}
		page := &pageWriter{ResponseWriter: w, request: r, id: instrument.RequestID(r.Context())}
		next.ServeHTTP(page, r)
		page.finish(func(body []byte) []byte {
			end := bytes.LastIndex(body, []byte("</body>"))
			if end < 0 || page.id == "" || !p.guard.seesHandle(r) {
				return body
			}
			script := p.handle(at, r, w.Header())
			return append(append(append(make([]byte, 0, len(body)+len(script)), body[:end]...), script...), body[end:]...)
		})
	})
}

// nonces finds what lets a script of ours run in a page with a strict policy.
var nonces = regexp.MustCompile(`'nonce-([A-Za-z0-9+/=_-]+)'`)

// handle is the element that loads the handle, with the numbers of its page.
func (p *Panel) handle(at string, r *http.Request, h http.Header) string {
	nonce := ""
	if found := nonces.FindStringSubmatch(h.Get("Content-Security-Policy")); found != nil {
		nonce = fmt.Sprintf(` nonce="%s"`, html.EscapeString(found[1]))
	}
	q, _ := instrument.Summary(r.Context())
	advised := p.verdictSoFar(&q)
	at = html.EscapeString(at)
	return fmt.Sprintf(`<script type="module"%s src="%sassets/widget.js" data-base="%s" data-request="%s" data-operations="%d" data-us="%d" data-duplicates="%d" data-similar="%d" data-errors="%d" data-findings="%d" data-severity="%s"></script>`,
		nonce, at, at, html.EscapeString(q.ID), q.Operations, q.LDAPTime.Microseconds(), q.Duplicates, q.Similar, q.Errors, advised.count, advised.worst)
}

// pageWriter holds an HTML page back until it is whole; anything else passes through.
type pageWriter struct {
	http.ResponseWriter
	request *http.Request
	id      string
	status  int
	body    bytes.Buffer
	passing bool
	decided bool
}

// WriteHeader decides by the answer's header whether the page is held back.
func (w *pageWriter) WriteHeader(status int) {
	if w.decided || status < 200 {
		if status < 200 {
			w.ResponseWriter.WriteHeader(status)
		}
		return
	}
	w.decided, w.status = true, status
	h := w.Header()
	w.passing = !strings.HasPrefix(h.Get("Content-Type"), "text/html") || h.Get("Content-Encoding") != "" || w.request.Method == http.MethodHead
	if w.passing {
		w.timing()
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *pageWriter) timing() {
	q, ok := instrument.Summary(w.request.Context())
	if !ok {
		return
	}
	w.Header().Set("Ldapscope-Request", w.id)
	w.Header().Add("Server-Timing", fmt.Sprintf(`ldap;dur=%.1f;desc="%d ops, %d dup, %d alike, %s"`, float64(q.LDAPTime.Microseconds())/1000, q.Operations, q.Duplicates, q.Similar, w.id))
}

func (w *pageWriter) Write(b []byte) (int, error) {
	if !w.decided {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", http.DetectContentType(b))
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.passing {
		return w.ResponseWriter.Write(b)
	}
	if w.body.Len()+len(b) > widgetBytes {
		w.release(w.body.Bytes())
		return w.ResponseWriter.Write(b)
	}
	return w.body.Write(b)
}

// release sends what was held back and lets the rest pass.
func (w *pageWriter) release(body []byte) {
	w.passing = true
	w.timing()
	w.ResponseWriter.WriteHeader(w.status)
	_, _ = w.ResponseWriter.Write(body) // the peer has gone if this fails
}

func (w *pageWriter) finish(put func([]byte) []byte) {
	if !w.decided || w.passing {
		return
	}
	body := put(w.body.Bytes())
	if w.Header().Get("Content-Length") != "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.release(body)
}

// Flush streams the page from now on: it can no longer be held back.
func (w *pageWriter) Flush() {
	if w.decided && !w.passing {
		w.release(w.body.Bytes())
		w.body.Reset()
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands the connection over, as websockets ask for: from then on there is no page.
func (w *pageWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.decided, w.passing = true, true
	}
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (w *pageWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
