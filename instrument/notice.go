// SPDX-License-Identifier: MIT

package instrument

import (
	"fmt"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// unsolicited records a notification (RFC 4511 section 4.4). A notice of disconnection is the reason why the connection
// is about to end.
func (c *Conn) unsolicited(m *wire.Message, raw []byte, now time.Time) error {
	if m.Op != wire.ExtendedResponse {
		return fmt.Errorf("%w: message id 0 without a notification", wire.ErrMalformed)
	}
	result, err := wire.ParseResult(m.Op, m.Body)
	if err != nil {
		return err
	}
	end := &ending{state: StateDone, bytes: int64(len(raw)), result: &Result{}}
	c.scope.redact.result(end.result, KindNotice, &result)
	c.notice(Extended{OID: boundedOID(result.OID), Name: oidNames[string(result.OID)]}, newRecord(), now, end)
	c.domain.count(func(n *Counters) *uint64 { return &n.Notices })
	if string(result.OID) == wire.OIDDisconnection {
		return &DisconnectError{Code: result.Code, Server: c.server}
	}
	return nil
}

// notice records what happened on the connection without a request.
func (c *Conn) notice(what Extended, rec *record, now time.Time, e *ending) {
	rec.kind, rec.from, rec.start, rec.security = KindNotice, c.source, now, c.endpoint.Load().security
	rec.more().extended = &what
	if c.scope.recorder.start(rec, nil, false, now) != 0 {
		c.scope.recorder.finish(rec, now, e)
	}
}
