// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// connect makes a connection, stage by stage; each has its bound, its time and its span.
func (s *Scope) connect(ctx context.Context, a Address, o dialOptions) (*Client, error) {
	var wait Timing
	start := time.Now()
	dialing, cancel := context.WithTimeout(ctx, o.stages.Connect)
	defer cancel()
	raw, err := o.dial(s.telemetry.traceDial(dialing), a.Network, a.Address)
	wait.Dial = time.Since(start)
	if err != nil {
		return nil, &DialError{"connect", a.Address, err}
	}
	start = time.Now()
	conn, err := s.secure(ctx, a, o, raw)
	if err != nil {
		return nil, err
	}
	if a.TLS || o.startTLS {
		wait.TLS = time.Since(start)
	}
	c := newClient(conn, o)
	if o.setup != nil {
		start = time.Now()
		if err := o.setup(ctx, c); err != nil {
			_ = c.Close(ctx)
			return nil, &DialError{"setup", a.Address, err}
		}
		wait.SetupBind = time.Since(start)
	}
	c.Waited(wait)
	return c, nil
}

// secure encrypts a new socket where that is asked for, and puts the observer above it.
func (s *Scope) secure(ctx context.Context, a Address, o dialOptions, raw net.Conn) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.stages.TLS)
	defer cancel()
	config := tlsConfig(o.tls, a.Host)
	switch {
	case a.TLS:
		secured := tls.Client(raw, config)
		if err := s.telemetry.handshake(ctx, secured); err != nil {
			_ = raw.Close()
			return nil, &DialError{"tls", a.Address, err}
		}
		return newConn(s, o, a.Address, SecurityTLS, secured, raw), nil
	case o.startTLS:
		c := newConn(s, o, a.Address, SecurityNone, raw, raw)
		if err := c.startTLS(ctx, config); err != nil {
			_ = c.Close()
			return nil, &DialError{"start_tls", a.Address, err}
		}
		return c, nil
	}
	return newConn(s, o, a.Address, SecurityNone, raw, raw), nil
}

func tlsConfig(config *tls.Config, host string) *tls.Config {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	return config
}

// startTLS asks for encryption before the driver starts, so that it is the only reader and writer.
func (c *Conn) startTLS(ctx context.Context, config *tls.Config) error {
	ctx, span := c.scope.telemetry.internal(ctx, "start_tls")
	defer span.End()
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() }) // deadlines are the observer's, which sets its own
	defer stop()
	k := own(ctx, KindExtended)
	k.secure = func() error { return c.encrypt(ctx, config) }
	var e wire.Encoder
	e.Message(1, func(e *wire.Encoder) { e.Extended(wire.OIDStartTLS, nil) }, nil)
	message := &wire.Message{}
	err := message.Parse(e.Bytes)
	if err == nil {
		_, err = c.send(k, message, e.Bytes, c.limits.Write)
	}
	for err == nil && !k.answered {
		err = c.receive()
	}
	c.pending = nil
	if err == nil && k.code != 0 {
		err = &ldap.Error{ResultCode: uint16(k.code), Err: errors.New("the server refuses StartTLS")}
	}
	if err != nil {
		c.fail(err)
		if ctx.Err() != nil {
			err = contextError(ctx)
		}
		spanFailed(span, dialFailure(err))
	}
	return err
}

var errTLS = errors.New("TLS handshake failed")

// encrypt puts TLS under the observer. It runs in the goroutine that reads; writers wait.
func (c *Conn) encrypt(ctx context.Context, config *tls.Config) error {
	if c.framer.Buffered() > 0 {
		return fmt.Errorf("%w: bytes in clear text behind the answer to StartTLS", ErrMalformed)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.raw.SetWriteDeadline(time.Time{}) // that of the request; ctx bounds the handshake
	secured := tls.Client(c.raw, config)
	if err := c.scope.telemetry.handshake(ctx, secured); err != nil {
		return fmt.Errorf("%w: %w", errTLS, err)
	}
	c.inner = secured
	c.secured.Store(secured)
	c.framer.Reset(secured)
	c.endpoint.Store(c.scope.endpoint(c.domain.name, c.server, SecurityStartTLS, c.raw.RemoteAddr()))
	c.domain.count(func(n *Counters) *uint64 { return &n.WrappedSockets })
	return nil
}
