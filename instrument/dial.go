// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// DialOption configures one connection.
type DialOption func(*dialOptions)

type dialOptions struct {
	domain   string
	tls      *tls.Config
	startTLS bool
	timeouts Timeouts
	stages   Stages
	plain    bool // no diversion of entries
	guard    Guard
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	setup    func(context.Context, *Client) error
	cause    context.Context //nolint:containedctx // the request that a connection is made for, kept for the time of the dial
}

// Stages bound the steps of making a connection.
type Stages struct {
	Connect time.Duration // name look-up and TCP, per server; default 1 s
	TLS     time.Duration // handshake, and StartTLS before it; default 1.5 s
}

func (s Stages) filled() Stages {
	if s.Connect <= 0 {
		s.Connect = time.Second
	}
	if s.TLS <= 0 {
		s.TLS = 1500 * time.Millisecond
	}
	return s
}

// WithDomain names the domain whose usage the connection counts to.
func WithDomain(name string) DialOption { return func(o *dialOptions) { o.domain = name } }

// WithTLS sets the TLS configuration of ldaps and StartTLS; default verifies the server's name against the system's roots.
func WithTLS(config *tls.Config) DialOption { return func(o *dialOptions) { o.tls = config } }

// WithStartTLS encrypts an ldap connection before anything else is sent (RFC 4511 section 4.14).
func WithStartTLS() DialOption { return func(o *dialOptions) { o.startTLS = true } }

// WithTimeouts bounds the waiting on the connection.
func WithTimeouts(t Timeouts) DialOption { return func(o *dialOptions) { o.timeouts = t } }

// WithStages bounds the steps of making the connection.
func WithStages(s Stages) DialOption { return func(o *dialOptions) { o.stages = s } }

// WithoutDiversion lets go-ldap decode the entries of searches, at its cost.
func WithoutDiversion() DialOption { return func(o *dialOptions) { o.plain = true } }

// WithSetup prepares a new connection, as a rule by a bind, before Dial returns it: under the span of the connecting, with
// its time in Timing.SetupBind of the first operation. When it fails, Dial closes the connection and fails too.
func WithSetup(setup func(ctx context.Context, c *Client) error) DialOption {
	return func(o *dialOptions) { o.setup = setup }
}

// WithDialer sets how the socket is opened, for proxies, own name look-up and tests; default is net.Dialer. network is
// tcp or unix.
func WithDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) DialOption {
	return func(o *dialOptions) { o.dial = dial }
}

// WithCause names the context of the request for which a connection is made in the background, while the request goes on:
// the span of the connecting is linked to that request's span and is no part of its trace.
func WithCause(request context.Context) DialOption { return func(o *dialOptions) { o.cause = request } }

// Address is a parsed server URL.
type Address struct {
	Network string // tcp or unix
	Address string // host:port or socket path
	Host    string // for the certificate's name
	TLS     bool   // ldaps
}

var errCredentials = errors.New("server address holds a name or a password: leave out what is before the @, a bind has settings of its own")

// ParseURL reads ldap://host[:389], ldaps://host[:636] and ldapi://%2Fpath.
func ParseURL(raw string) (Address, error) {
	if socket, found := strings.CutPrefix(raw, "ldapi://"); found {
		return parseSocket(socket)
	}
	u, err := url.Parse(raw)
	if err != nil { // its text may hold a password
		return Address{}, errors.New("server address is no URL: write ldap://host, ldaps://host or ldapi://%2Fpath")
	}
	ports := map[string]string{"ldap": "389", "ldaps": "636"}
	port, known := ports[u.Scheme]
	if u.User != nil || strings.Contains(raw, "@") && (!known || u.Hostname() == "") { // it would show wherever the address does
		return Address{}, errCredentials
	}
	if !known {
		return Address{}, fmt.Errorf("server address %q has no LDAP scheme: write ldap://, ldaps:// or ldapi://", u.Redacted())
	}
	if u.Hostname() == "" {
		return Address{}, fmt.Errorf("server address %q has no host: write %s://host", u.Redacted(), u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return Address{"tcp", net.JoinHostPort(u.Hostname(), port), u.Hostname(), u.Scheme == "ldaps"}, nil
}

// parseSocket reads what follows ldapi://: the path of a socket as the host, escaped, which net/url refuses, or as a plain
// path; nothing is the default of OpenLDAP.
func parseSocket(socket string) (Address, error) {
	host, _, _ := strings.Cut(socket, "/")
	path, err := url.PathUnescape(host)
	if err != nil {
		return Address{}, errors.New("server address is no ldapi URL: write the path as ldapi://%2Fvar%2Frun%2Fslapd%2Fldapi")
	}
	if path == "" {
		path = socket
	}
	if path != "" && path[0] != '/' && strings.Index(socket, "@") > 0 { // at the start it marks an abstract socket
		return Address{}, errCredentials
	}
	if path == "" || path == "/" {
		path = "/var/run/slapd/ldapi"
	}
	return Address{"unix", path, "localhost", false}, nil
}

// Dial connects to a server URL and returns a Client that shows all that it does. The connection is made, for ldaps and
// StartTLS encrypted, and set up by WithSetup when Dial returns. Errors are *DialError.
func (s *Scope) Dial(ctx context.Context, server string, opts ...DialOption) (*Client, error) {
	o := dialOptionsOf(opts)
	address, err := ParseURL(server)
	if err != nil {
		return nil, &DialError{Stage: "url", Server: "", Err: err}
	}
	start := time.Now()
	ctx, span := s.telemetry.connect(ctx, address, o)
	c, err := s.connect(ctx, address, o)
	if err == nil {
		s.telemetry.create.Record(ctx, time.Since(start).Seconds(), c.conn.endpoint.Load().pool)
	} else {
		s.domain(o.domain).count(func(n *Counters) *uint64 { return &n.DialFailures })
	}
	endConnect(span, c, err)
	return c, err
}

func dialOptionsOf(opts []DialOption) dialOptions {
	o := dialOptions{dial: (&net.Dialer{}).DialContext}
	for _, opt := range opts {
		opt(&o)
	}
	o.stages = o.stages.filled()
	return o
}

// Wrap observes a connection that the application made itself. Put it above TLS; see Conn. Of the options WithDomain,
// WithTimeouts (but for Total) and WithGuard count; the others are about making a connection or about a Client.
func (s *Scope) Wrap(conn net.Conn, opts ...DialOption) *Conn {
	security, server, raw := SecurityNone, "", conn
	if secured, ok := conn.(*tls.Conn); ok {
		security, raw = SecurityTLS, secured.NetConn() // which can be closed while a write is stuck
	}
	if peer := conn.RemoteAddr(); peer != nil {
		server = peer.String()
	}
	return newConn(s, dialOptionsOf(opts), server, security, conn, raw)
}

// DialError says at which stage a connection failed: url, connect, tls, start_tls or setup.
type DialError struct {
	Stage  string
	Server string // "" for the stage url
	Err    error
}

func (e *DialError) Error() string {
	if e.Server == "" {
		return fmt.Sprintf("connecting: %v", e.Err)
	}
	return fmt.Sprintf("connecting to %s: %s: %v", e.Server, e.Stage, e.Err)
}

// Unwrap returns the reason.
func (e *DialError) Unwrap() error { return e.Err }
