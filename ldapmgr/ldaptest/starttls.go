// SPDX-License-Identifier: MIT

package ldaptest

import (
	"crypto/tls"
	"log/slog"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

func isStartTLS(m wire.Message) bool {
	if m.Op != wire.ExtendedRequest {
		return false
	}
	e, err := wire.ParseExtended(m.Body)
	return err == nil && string(e.OID) == wire.OIDStartTLS
}

// startTLS runs in the reading goroutine, since nothing may be read in between, and reports whether to go on reading.
func (o *operation) startTLS() bool {
	defer o.end()
	if !o.turn() {
		return false
	}
	o.out = new(wire.Encoder)
	o.action = o.dir.decide(o)
	if !o.pause(o.action.Delay) || o.misbehave() {
		o.finish()
		return o.conn.ctx.Err() == nil
	}
	c, cfg := o.conn, o.dir.cfg.TLS
	var r wire.Reply
	switch {
	case o.half:
		r = saslInProgress
	case c.encrypted.Load():
		r = wire.Reply{Code: codeOperationsError, Diagnostic: "TLS already started"}
	case cfg == nil && o.dir.cfg.Profile == ActiveDirectory:
		r = wire.Reply{Code: codeUnavailable, Diagnostic: "00000000: LdapErr: DSID-0C091158, comment: Error initializing SSL/TLS, data 0, v4563\x00"}
	case cfg == nil:
		r = wire.Reply{Code: codeProtocolError, Diagnostic: "unsupported extended operation"}
	case c.framer.Buffered() > 0:
		// What came in clear behind the request must not count as if it had come encrypted.
		r = wire.Reply{Code: codeProtocolError, Diagnostic: "messages must not follow StartTLS before its answer"}
	}
	o.reply(r, nil)
	o.finish()
	if r.Code != codeSuccess {
		return c.framer.Buffered() == 0 || cfg == nil || c.encrypted.Load()
	}
	return c.secure(cfg)
}

func (c *conn) secure(cfg *tls.Config) bool {
	encrypted := tls.Server(c.link(), cfg)
	if err := encrypted.HandshakeContext(c.ctx); err != nil {
		c.dir.cfg.Logger.Debug("ldaptest: TLS handshake failed", slog.Int64("conn", c.id), slog.Any("error", err))
		return false
	}
	c.mu.Lock()
	c.net, c.who = encrypted, identity{} // slapd forgets who was bound in clear
	c.mu.Unlock()
	c.encrypted.Store(true)
	c.framer.Reset(encrypted)
	return true
}
