// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"fmt"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// stream runs one search and gives its answers to send as they come, on the goroutine that reads the connection. It
// changes r. patient lifts the limit on silence.
func (c *Client) stream(ctx context.Context, r *ldap.SearchRequest, patient bool, send func(*ldap.SearchSingleResult)) error {
	deliver := func(e *ldap.Entry, m wire.Message) error {
		controls, err := driverControls(m)
		if err == nil {
			send(&ldap.SearchSingleResult{Entry: e, Controls: controls})
			c.conn.rearm() // the reader may have taken its time
		}
		return err
	}
	result, _, err := c.search(ctx, r, func(k *call) {
		k.divert, k.patient = deliver, patient
		k.inform = func(raw []byte) error {
			control, err := intermediateControl(raw)
			if err == nil {
				send(&ldap.SearchSingleResult{Controls: []ldap.Control{control}})
				c.conn.rearm()
			}
			return err
		}
	})
	if result == nil {
		return err
	}
	for _, uri := range result.Referrals {
		send(&ldap.SearchSingleResult{Referral: uri})
	}
	if len(result.Controls) > 0 {
		send(&ldap.SearchSingleResult{Controls: result.Controls})
	}
	return err
}

// rearm sets the read deadline anew after the goroutine that reads was kept from reading.
func (c *Conn) rearm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.armed) > c.limits.Idle/8 {
		c.arm(now)
	}
}

// driverControls turns the controls of a message into those of the driver.
func driverControls(m wire.Message) (controls []ldap.Control, err error) {
	if !m.HasControls() {
		return nil, nil
	}
	var failure error
	err = m.Controls(func(c wire.Control) bool {
		var e wire.Encoder
		mark := e.Begin(sequence)
		e.OctetString(c.OID)
		if c.Critical {
			e.Bool(0x01, true)
		}
		if c.Value != nil {
			e.String(0x04, c.Value)
		}
		e.End(mark)
		var control ldap.Control
		if control, failure = driverControl(e.Bytes); failure == nil {
			controls = append(controls, control)
		}
		return failure == nil
	})
	if err == nil {
		err = failure
	}
	return controls, err
}

func driverControl(raw []byte) (ldap.Control, error) {
	packet, err := ber.DecodePacketErr(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: control: %w", ErrMalformed, err)
	}
	control, err := ldap.DecodeControl(packet)
	if err != nil {
		return nil, fmt.Errorf("%w: control: %w", ErrMalformed, err)
	}
	return control, nil
}

// intermediateControl reads an intermediate response in the way of the driver, which treats it as a control.
func intermediateControl(raw []byte) (ldap.Control, error) {
	packet, err := ber.DecodePacketErr(raw)
	if err != nil || len(packet.Children) < 2 {
		return nil, fmt.Errorf("%w: intermediate response", ErrMalformed)
	}
	control, err := ldap.DecodeControl(packet.Children[1])
	if err != nil {
		return nil, fmt.Errorf("%w: intermediate response: %w", ErrMalformed, err)
	}
	return control, nil
}
