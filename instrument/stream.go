// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// stream runs one search and gives its answers to send as they come, on the goroutine that reads the connection. It
// changes r. patient lifts the limit on silence.
func (c *Client) stream(ctx context.Context, r *ldap.SearchRequest, patient bool, send func(*ldap.SearchSingleResult)) error {
	deliver := func(result *ldap.SearchSingleResult, err error) error {
		if err == nil {
			send(result)
			c.conn.rearm() // the reader may have taken its time
		}
		return err
	}
	result, _, err := c.search(ctx, r, func(k *call) {
		k.patient, k.target, k.reply = patient, r.BaseDN, newReply(c.conn.asked.next(), r)
		k.divert = func(e *ldap.Entry, m wire.Message) error {
			controls, err := driverControls(&m)
			return deliver(&ldap.SearchSingleResult{Entry: e, Controls: controls}, err)
		}
		k.refer = func(uri string) { _ = deliver(&ldap.SearchSingleResult{Referral: uri}, nil) }
		k.inform = func(raw []byte) error {
			control, err := intermediateControl(raw)
			return deliver(&ldap.SearchSingleResult{Controls: []ldap.Control{control}}, err)
		}
	})
	if result != nil && len(result.Controls) > 0 {
		send(&ldap.SearchSingleResult{Controls: result.Controls})
	}
	return err
}

// rearm sets the read deadline anew after the goroutine that reads was kept from reading.
func (c *Conn) rearm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.limits.Idle > 0 && now.Sub(c.armed) > c.limits.Idle/8 {
		c.arm(now)
	}
}

// stream is the ldap.Response of a search on its way.
type stream struct {
	results chan *ldap.SearchSingleResult // never closed: who reads the connection may be about to send
	over    chan struct{}                 // closed when all that belongs to the search is in results
	failure error                         // set before that
	current *ldap.SearchSingleResult
	ended   bool
}

// Next waits for the next answer.
func (s *stream) Next() bool {
	if s.ended {
		return false
	}
	select {
	case s.current = <-s.results:
		return true
	case <-s.over:
	}
	select {
	case s.current = <-s.results:
		return true
	default:
		s.current, s.ended = nil, true
		return false
	}
}

// Entry returns the entry of the answer, nil when it is none.
func (s *stream) Entry() *ldap.Entry {
	if s.current == nil {
		return nil
	}
	return s.current.Entry
}

// Referral returns the referral of the answer, "" when it is none.
func (s *stream) Referral() string {
	if s.current == nil {
		return ""
	}
	return s.current.Referral
}

// Controls returns the controls of the answer.
func (s *stream) Controls() []ldap.Control {
	if s.current == nil {
		return nil
	}
	return s.current.Controls
}

// Err returns why the search ended, nil when it was complete or goes on.
func (s *stream) Err() error {
	if !s.ended {
		return nil
	}
	return s.failure
}
