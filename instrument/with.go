// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// ContextClient is a Client under one context, with the methods of go-ldap's Conn: for code that takes an ldap.Client, or
// an interface of its own with more of those methods. Its errors are those of Client; where no server answered, an
// *ldap.Error with code ErrorNetwork is in the chain too, as callers of go-ldap expect.
type ContextClient struct {
	client *Client
	ctx    context.Context //nolint:containedctx // this is what the type is for
	limit  atomic.Int64    // of SetTimeout, in nanoseconds
}

// With returns the connection as an ldap.Client whose operations belong to ctx: its HTTP request, step, trace and deadline.
func (c *Client) With(ctx context.Context) *ContextClient { return &ContextClient{client: c, ctx: ctx} }

// driverMethods are the methods of *ldap.Conn, so that a new one upstream is noticed here.
type driverMethods interface {
	ldap.Client
	WhoAmI(controls []ldap.Control) (*ldap.WhoAmIResult, error)
	MD5Bind(host, username, password string) error
	DigestMD5Bind(request *ldap.DigestMD5BindRequest) (*ldap.DigestMD5BindResult, error)
	NTLMBind(domain, username, password string) error
	NTLMBindWithHash(domain, username, hash string) error
	NTLMChallengeBind(request *ldap.NTLMBindRequest) (*ldap.NTLMBindResult, error)
	GSSAPIBind(client ldap.GSSAPIClient, servicePrincipal, authzid string) error
	GSSAPIBindRequest(client ldap.GSSAPIClient, request *ldap.GSSAPIBindRequest) error
	GSSAPIBindRequestWithAPOptions(client ldap.GSSAPIClient, request *ldap.GSSAPIBindRequest, options []int) error
}

var (
	_ driverMethods = (*ContextClient)(nil)
	_ driverMethods = (*ldap.Conn)(nil)
)

// within returns the context of one operation.
func (w *ContextClient) within() (context.Context, context.CancelFunc) {
	if limit := w.limit.Load(); limit > 0 {
		return context.WithTimeout(w.ctx, time.Duration(limit))
	}
	return w.ctx, func() {}
}

// adapted gives a failure without an answer the error that go-ldap gives.
func adapted(err error) error {
	var known *ldap.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return ldap.NewError(ldap.ErrorNetwork, err)
}

// run is one operation of the driver, about a DN or OID; "" for any.
func (w *ContextClient) run(kind Kind, target string, operation func() error) error {
	ctx, cancel := w.within()
	defer cancel()
	_, err := w.client.do(ctx, kind, about(target), operation)
	return adapted(err)
}

// steps is one bind of the driver in several messages.
func (w *ContextClient) steps(name string, operation func() error) error {
	ctx, cancel := w.within()
	defer cancel()
	return adapted(w.client.bindInSteps(ctx, name, operation))
}

// Start does nothing: the connection runs.
func (w *ContextClient) Start() {}

// StartTLS is Client.StartTLS: the connection stays observed.
func (w *ContextClient) StartTLS(config *tls.Config) error {
	ctx, cancel := w.within()
	defer cancel()
	return adapted(w.client.StartTLS(ctx, config))
}

// Close says goodbye and closes the connection.
func (w *ContextClient) Close() error { return w.client.Close(w.ctx) }

// Unbind is Close.
func (w *ContextClient) Unbind() error { return w.client.Close(w.ctx) }

// GetLastError returns why the connection ended, or nil while it is usable.
func (w *ContextClient) GetLastError() error { return w.client.Err() }

// IsClosing reports whether the connection has ended.
func (w *ContextClient) IsClosing() bool { return w.client.Err() != nil }

// SetTimeout bounds each later operation of this ContextClient as a whole, a stream too; zero leaves it to the context.
func (w *ContextClient) SetTimeout(limit time.Duration) { w.limit.Store(int64(limit)) }

// TLSConnectionState returns the state of the encryption.
func (w *ContextClient) TLSConnectionState() (tls.ConnectionState, bool) { return w.client.TLS() }
