// SPDX-License-Identifier: MIT

package instrument

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Middleware makes every HTTP request under next a Request of the recorder. Put it inside otelhttp, so that the trace is
// known. The route is read from http.Request.Pattern when the answer is done: put it directly around an http.ServeMux, or
// into a chi router with Use. Other routers, and middleware in between that copies the http.Request, call WithRoute.
func (s *Scope) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := Request{
			ID: newRequestID(), Kind: "http", Method: bounded(r.Method, 32), Path: bounded(r.URL.Path, 512), Start: time.Now(), Running: true,
			TraceID: traceID(r.Context()),
		}
		ctx, open := s.begin(r.Context(), q)
		inner := r.WithContext(ctx)
		answer := &answer{ResponseWriter: w, hijacked: func() { s.recorder.detach(open) }}
		returned := false
		defer func() {
			r.Pattern = inner.Pattern // for middleware further out, such as otelhttp
			s.recorder.close(open, func(q *Request) {
				switch {
				case !returned: // a panic, which goes on to the server
					q.Status = http.StatusInternalServerError
				case answer.status == 0:
					q.Status = http.StatusOK
				default:
					q.Status = answer.status
				}
				if q.Route == "" {
					q.Route = patternPath(inner.Pattern)
				}
			})
		}()
		next.ServeHTTP(answer, inner)
		returned = true
	})
}

// patternPath cuts the method off a pattern of http.ServeMux.
func patternPath(pattern string) string {
	if _, path, found := strings.Cut(pattern, " "); found {
		return path
	}
	return pattern
}

// answer remembers the status of a response and passes the rest through, see Unwrap too.
type answer struct {
	http.ResponseWriter
	status   int
	hijacked func()
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// ReadFrom keeps the server's own way to send files.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return io.Copy(a.ResponseWriter, r)
}

// Hijack serves websocket libraries that do not use http.ResponseController.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.status = http.StatusSwitchingProtocols
		a.hijacked()
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush serves streaming handlers that do not use http.ResponseController.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

func newRequestID() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails, see crypto/rand
	return hex.EncodeToString(id)
}

func traceID(ctx context.Context) trace.TraceID { return trace.SpanContextFromContext(ctx).TraceID() }

// String describes a request in one line.
func (q Request) String() string {
	switch q.Kind {
	case "http":
		return fmt.Sprintf("%s %s", q.Method, q.Path)
	case "job":
		return "job " + q.Name
	}
	return q.ID
}
