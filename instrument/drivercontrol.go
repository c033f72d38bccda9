// SPDX-License-Identifier: MIT

package instrument

import (
	"cmp"
	"fmt"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// driverControls turns the controls of a message into those of the driver.
func driverControls(m *wire.Message) (controls []ldap.Control, err error) {
	if !m.HasControls() {
		return nil, nil
	}
	var failure error
	err = m.Controls(func(c wire.Control) bool {
		var e wire.Encoder
		e.Control(c)
		var control ldap.Control
		if control, failure = driverControl(e.Bytes); failure == nil {
			controls = append(controls, control)
		}
		return failure == nil
	})
	return controls, cmp.Or(err, failure)
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
