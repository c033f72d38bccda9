// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/trace"
)

// Search is Client.Search.
func (w *ContextClient) Search(request *ldap.SearchRequest) (*ldap.SearchResult, error) {
	ctx, cancel := w.within()
	defer cancel()
	result, err := w.client.Search(ctx, request)
	return result, adapted(err)
}

// SearchWithPaging is Client.SearchPaged; a SetTimeout bounds it as a whole.
func (w *ContextClient) SearchWithPaging(request *ldap.SearchRequest, size uint32) (*ldap.SearchResult, error) {
	ctx, cancel := w.within()
	defer cancel()
	result, err := w.client.SearchPaged(ctx, request, size)
	return result, adapted(err)
}

// DirSync asks Active Directory for changes since a cookie.
func (w *ContextClient) DirSync(request *ldap.SearchRequest, flags, most int64, cookie []byte) (*ldap.SearchResult, error) {
	return w.Search(withControl(request, ldap.NewRequestControlDirSync(flags, most, cookie)))
}

// withControl returns a copy of a request with one control more, in place of one of its type.
func withControl(request *ldap.SearchRequest, control ldap.Control) *ldap.SearchRequest {
	r := *request
	r.Controls = slices.DeleteFunc(slices.Clone(request.Controls), func(c ldap.Control) bool {
		return c.GetControlType() == control.GetControlType()
	})
	r.Controls = append(r.Controls, control)
	return &r
}

// SearchAsync streams the answers of a search: at most size of them wait for the reader, and then the server does. Next
// returns false at the end, and Err then tells whether it was the end of the search; a context that ended is an error. A
// reader that stops early must cancel ctx. It has the connection to itself meanwhile.
func (w *ContextClient) SearchAsync(ctx context.Context, request *ldap.SearchRequest, size int) ldap.Response {
	r := *request
	r.Controls = slices.Clone(request.Controls)
	return w.stream(ctx, &r, size, false)
}

// DirSyncAsync is DirSync as a stream, see SearchAsync.
func (w *ContextClient) DirSyncAsync(ctx context.Context, request *ldap.SearchRequest, size int, flags, most int64, cookie []byte) ldap.Response {
	return w.stream(ctx, withControl(request, ldap.NewRequestControlDirSync(flags, most, cookie)), size, false)
}

// Syncrepl follows the changes of an OpenLDAP server (RFC 4533) as a stream, see SearchAsync. Silence does not end it.
func (w *ContextClient) Syncrepl(ctx context.Context, request *ldap.SearchRequest, size int,
	mode ldap.ControlSyncRequestMode, cookie []byte, reloadHint bool,
) ldap.Response {
	return w.stream(ctx, withControl(request, ldap.NewControlSyncRequest(mode, cookie, reloadHint)), size, true)
}

// stream starts a search that runs until its end or that of ctx, of With's context or of the time that SetTimeout gives.
func (w *ContextClient) stream(ctx context.Context, r *ldap.SearchRequest, size int, patient bool) ldap.Response {
	ctx, cancel := context.WithCancelCause(w.join(ctx))
	outer, done := w.within()
	stop := context.AfterFunc(outer, func() { cancel(&endedBy{outer}) })
	s := &stream{results: make(chan *ldap.SearchSingleResult, max(size, 0)), over: make(chan struct{})}
	go func() { // asynchronous by the contract of ldap.Client; ends with the search, ctx or the connection
		defer close(s.over)
		defer cancel(nil)
		defer done()
		defer stop()
		var lost atomic.Bool // another goroutine may read the connection, and be late
		err := w.client.stream(ctx, r, patient, func(result *ldap.SearchSingleResult) {
			select {
			case s.results <- result:
				return
			case <-ctx.Done(): // the watch over the context gives the call up
			case <-w.client.conn.gone: // a reader that takes its time keeps nobody else from learning it
			}
			lost.Store(true)
		})
		if lost.Load() && err == nil { // the answer was whole, what is handed on is not
			err = w.client.failed(KindSearch, cmp.Or(contextError(ctx), ErrIncomplete))
		}
		s.failure = adapted(err)
	}()
	return s
}

// join returns ctx with what is known of the HTTP request and the trace from With, where ctx has nothing of its own.
func (w *ContextClient) join(ctx context.Context) context.Context {
	if o := originOf(w.ctx); o != nil && originOf(ctx) == nil {
		ctx = context.WithValue(ctx, contextKey{}, o)
	}
	if span := trace.SpanFromContext(w.ctx); span.SpanContext().IsValid() && !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = trace.ContextWithSpan(ctx, span)
	}
	return ctx
}
