// SPDX-License-Identifier: MIT

package instrument

import (
	"bufio"
	"context"
	"errors"
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
			ID: randomID(), Kind: "http", Method: bounded(r.Method, 32), Path: bounded(r.URL.Path, 512), Start: time.Now(), Running: true,
			TraceID: traceID(r.Context()),
		}
		ctx, open := s.begin(r.Context(), q)
		inner := r.WithContext(ctx)
		answer := &answer{ResponseWriter: w, detach: func() { s.recorder.detach(open) }}
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

// Detach says that the HTTP request or job of a context asks no directory by itself, such as a stream of events: operations
// that carry no context are not guessed to be its. Those under ctx stay its own. Without a request ctx is left alone.
// Websockets and answers of the type text/event-stream are detached anyway.
func Detach(ctx context.Context) {
	if o := originOf(ctx); o != nil && o.request != nil {
		o.recorder.detach(o.request)
	}
}

// detach keeps a request from being guessed: it goes on for long, and says nothing of who asks.
func (r *Recorder) detach(q *request) {
	r.mu.Lock()
	delete(r.running, q)
	r.mu.Unlock()
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
	status int
	detach func()
}

// begins notes the status of an answer that is about to begin. Informational ones come before it.
func (a *answer) begins(status int) {
	if a.status != 0 || status < 200 {
		return
	}
	a.status = status
	if strings.HasPrefix(a.Header().Get("Content-Type"), "text/event-stream") {
		a.detach()
	}
}

func (a *answer) WriteHeader(status int) {
	a.begins(status)
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.begins(http.StatusOK)
	return a.ResponseWriter.Write(b)
}

// ReadFrom keeps the server's own way to send files.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.begins(http.StatusOK)
	return io.Copy(a.ResponseWriter, r)
}

// Hijack serves websocket libraries that do not use http.ResponseController.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.status = http.StatusSwitchingProtocols
		a.detach()
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush serves streaming handlers that do not use http.ResponseController.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError is asked by http.ResponseController before Flush, and tells of a writer that cannot. Then nothing has begun.
func (a *answer) FlushError() error {
	before := a.status
	a.begins(http.StatusOK) // first: whoever reads the answer may act on it at once
	err := http.NewResponseController(a.ResponseWriter).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		a.status = before
	}
	return err
}

func traceID(ctx context.Context) trace.TraceID { return trace.SpanContextFromContext(ctx).TraceID() }
