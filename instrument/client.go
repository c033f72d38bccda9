// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Client is one LDAP connection whose operations take a context, and are seen under its HTTP request, step and trace. It
// may be used by several goroutines; a bind should have the connection to itself (RFC 4511 section 4.2.1). After an error
// for which Broken is true it is of no more use: close it.
type Client struct {
	conn   *Conn
	driver *ldap.Conn
	turn   turn
	total  time.Duration
	stages Stages
	plain  bool // no diversion of entries

	wait atomic.Pointer[Timing] // what was waited for before the next operation; nil for nothing
}

func newClient(conn *Conn, o dialOptions) *Client {
	c := &Client{
		conn: conn, driver: ldap.NewConn(conn, conn.secured.Load() != nil),
		total: o.timeouts.Total, stages: o.stages, plain: o.plain,
	}
	c.driver.Start()
	return c
}

// Conn returns the connection for code that takes go-ldap's concrete type. Its operations carry no context: they are
// shown under the only HTTP request in flight and marked as inferred, or under background when there are several.
func (c *Client) Conn() *ldap.Conn { return c.driver }

// Server returns the address of the server, host:port or a socket path.
func (c *Client) Server() string { return c.conn.server }

// ID returns the number of the connection, as shown in operations.
func (c *Client) ID() uint64 { return c.conn.id }

// TLS returns the state of the encryption; ok is false for a connection in clear text.
func (c *Client) TLS() (state tls.ConnectionState, ok bool) {
	if secured := c.conn.secured.Load(); secured != nil {
		return secured.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}

// Err returns why the connection ended, or nil while it is usable.
func (c *Client) Err() error { return c.conn.ended() }

// Busy reports whether an operation is still under way, such as a stream that nobody has read to its end.
func (c *Client) Busy() bool { return c.conn.busy() }

// Waited adds what the next operation had to wait for before it could be sent, such as a free connection of a pool.
func (c *Client) Waited(t Timing) {
	for {
		before, sum := c.wait.Load(), t
		if before != nil {
			sum.WaitPool += before.WaitPool
			sum.Dial += before.Dial
			sum.TLS += before.TLS
			sum.SetupBind += before.SetupBind
		}
		if c.wait.CompareAndSwap(before, &sum) {
			return
		}
	}
}

// Lent counts a loan of a pooled connection that has ended: how long one borrower held it.
func (c *Client) Lent(held time.Duration) {
	c.conn.scope.telemetry.use.Record(context.Background(), held.Seconds(), c.conn.endpoint.Load().lent...)
}

// ForgetWait takes back what Waited said and what making the connection took, for an operation that did not wait for that.
func (c *Client) ForgetWait() { c.wait.Store(nil) }

func (c *Client) takeWait(to *Timing) {
	if c.wait.Load() == nil { // to look costs nothing, to swap does
		return
	}
	if wait := c.wait.Swap(nil); wait != nil {
		*to = *wait
	}
}

// Close says goodbye to the server where that is still possible and closes the connection. It does not wait for open
// operations; they end with an error.
func (c *Client) Close(ctx context.Context) error {
	c.conn.unbind(ctx)
	return c.conn.Close() // the driver learns it by reading; to wait for it could last for ever, see ldap.Conn.SearchAsync
}

// Bind authenticates with a name and a password (RFC 4511 section 4.2). An empty password is refused with ErrNotSent,
// because a server would take it for an anonymous bind (RFC 4513 section 5.1.2).
func (c *Client) Bind(ctx context.Context, name, password string) error {
	_, err := c.SimpleBind(ctx, ldap.NewSimpleBindRequest(name, password, nil))
	return err
}

// BindUser is Bind for a person's password that an application checks: a refusal is an outcome and leaves the span's
// status unset.
func (c *Client) BindUser(ctx context.Context, name, password string) error {
	_, err := c.SimpleBindUser(ctx, ldap.NewSimpleBindRequest(name, password, nil))
	return err
}

// SimpleBind is Bind with controls in both directions. The result is set also beside an error, when the server answered:
// it carries the password-policy control.
func (c *Client) SimpleBind(ctx context.Context, request *ldap.SimpleBindRequest) (*ldap.SimpleBindResult, error) {
	return c.simpleBind(ctx, request, about(request.Username))
}

// SimpleBindUser is SimpleBind for a person's password, as BindUser is Bind.
func (c *Client) SimpleBindUser(ctx context.Context, request *ldap.SimpleBindRequest) (*ldap.SimpleBindResult, error) {
	return c.simpleBind(ctx, request, func(k *call) { k.target, k.userBind = request.Username, true })
}

func (c *Client) simpleBind(ctx context.Context, request *ldap.SimpleBindRequest, prepare func(*call)) (result *ldap.SimpleBindResult, err error) {
	r := *request
	r.Controls = slices.Clone(request.Controls)
	_, err = c.do(ctx, KindBind, prepare, func() (err error) { result, err = c.driver.SimpleBind(&r); return err })
	return result, err
}

// BindAnonymous forgets who was bound (RFC 4513 section 5.1.1).
func (c *Client) BindAnonymous(ctx context.Context) error {
	_, err := c.do(ctx, KindBind, nil, func() error { return c.driver.UnauthenticatedBind("") })
	return err
}

// BindExternal authenticates by what the connection itself proves, such as a client certificate or a local socket.
func (c *Client) BindExternal(ctx context.Context) error {
	_, err := c.do(ctx, KindBind, nil, c.driver.ExternalBind)
	return err
}

// bindInSteps runs a bind of the driver that takes several messages, under one span and linked as one call.
func (c *Client) bindInSteps(ctx context.Context, name string, run func() error) error {
	ctx, span := c.conn.scope.telemetry.internal(ctx, "bind "+name)
	_, err := c.do(ctx, KindBind, func(k *call) { k.steps = &steps{} }, run)
	endCompound(span, err)
	return err
}

// StartTLS encrypts the connection and stays able to see it (RFC 4511 section 4.14). No other operation may be open.
// Dial with WithStartTLS does the same before anything else is sent, which is safer.
func (c *Client) StartTLS(ctx context.Context, config *tls.Config) error {
	if _, already := c.TLS(); already {
		return c.failed(KindExtended, fmt.Errorf("%w: the connection is encrypted already", ErrNotSent))
	}
	ctx, cancel := context.WithTimeout(ctx, c.stages.TLS)
	defer cancel()
	host, _, _ := net.SplitHostPort(c.conn.server)
	config = tlsConfig(config, host)
	_, err := c.do(ctx, KindExtended, func(k *call) {
		k.target, k.secure = wire.OIDStartTLS, func() error { return c.conn.encrypt(ctx, config) }
	}, func() error {
		if c.conn.busy() { // nothing can join them: the turn is ours until the end
			return errors.New("StartTLS needs the connection to itself, other operations are open")
		}
		_, err := c.driver.Extended(ldap.NewExtendedRequest(wire.OIDStartTLS, nil))
		return err
	})
	return err
}

// Add creates an entry (RFC 4511 section 4.7).
func (c *Client) Add(ctx context.Context, request *ldap.AddRequest) error {
	_, err := c.do(ctx, KindAdd, about(request.DN), func() error { return c.driver.Add(request) })
	return err
}

// Delete removes an entry (RFC 4511 section 4.8).
func (c *Client) Delete(ctx context.Context, request *ldap.DelRequest) error {
	_, err := c.do(ctx, KindDelete, about(request.DN), func() error { return c.driver.Del(request) })
	return err
}

// Modify changes an entry (RFC 4511 section 4.6).
func (c *Client) Modify(ctx context.Context, request *ldap.ModifyRequest) (result *ldap.ModifyResult, err error) {
	_, err = c.do(ctx, KindModify, about(request.DN), func() (err error) { result, err = c.driver.ModifyWithResult(request); return err })
	return result, err
}

// ModifyDN renames or moves an entry (RFC 4511 section 4.9).
func (c *Client) ModifyDN(ctx context.Context, request *ldap.ModifyDNRequest) error {
	_, err := c.do(ctx, KindModifyDN, about(request.DN), func() error { return c.driver.ModifyDN(request) })
	return err
}

// Compare asks whether an entry has a value (RFC 4511 section 4.10).
func (c *Client) Compare(ctx context.Context, dn, attribute, value string) (matches bool, err error) {
	_, err = c.do(ctx, KindCompare, about(dn), func() (err error) { matches, err = c.driver.Compare(dn, attribute, value); return err })
	return matches, err
}

// Extended sends an extended operation (RFC 4511 section 4.12).
func (c *Client) Extended(ctx context.Context, request *ldap.ExtendedRequest) (response *ldap.ExtendedResponse, err error) {
	_, err = c.do(ctx, KindExtended, about(request.Name), func() (err error) { response, err = c.driver.Extended(request); return err })
	return response, err
}

// PasswordModify changes a password (RFC 3062). Neither the old nor the new one is recorded.
func (c *Client) PasswordModify(ctx context.Context, request *ldap.PasswordModifyRequest) (result *ldap.PasswordModifyResult, err error) {
	_, err = c.do(ctx, KindExtended, about(wire.OIDPasswd), func() (err error) { result, err = c.driver.PasswordModify(request); return err })
	return result, err
}

// WhoAmI asks the server who is bound (RFC 4532); the answer begins with dn: or u:, or is empty for an anonymous bind.
func (c *Client) WhoAmI(ctx context.Context) (authzID string, err error) {
	_, err = c.do(ctx, KindExtended, about(wire.OIDWhoAmI), func() error {
		r, err := c.driver.WhoAmI(nil)
		if r != nil {
			authzID = r.AuthzID
		}
		return err
	})
	return authzID, err
}

// filterError says where a filter stops making sense, when the driver refused to compile it. The driver's own text may
// repeat parts of the filter.
func filterError(filter string, err error) error {
	if !ldap.IsErrorWithCode(err, ldap.ErrorFilterCompile) {
		return err
	}
	if _, parse := wire.ParseFilterText(filter); parse != nil {
		return parse
	}
	return ldap.NewError(ldap.ErrorFilterCompile, errors.New("the filter does not compile"))
}
