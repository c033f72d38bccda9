// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"cmp"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/attribute"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// controls reads the controls of a last answer that the observer understands. A paging control that cannot be read is an
// error: taken for an empty one, it would make a part look like the whole.
func (k *call) controls(m *wire.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var malformed error
	var known []string // for the span, where one is recorded
	err := m.Controls(func(ctl wire.Control) bool {
		if k.said != nil && len(known) < spanControls {
			known = append(known, boundedOID([]byte(ctl.OID)))
		}
		if malformed = checkControl(ctl); malformed != nil {
			return false
		}
		switch ctl.OID {
		case wire.OIDPaging:
			var cookie []byte
			_, cookie, malformed = wire.ParsePaging(ctl.Value)
			k.paged, k.cookie = true, bytes.Clone(cookie) // read by the caller after the driver has delivered this answer
		case ldap.ControlTypeBeheraPasswordPolicy:
			k.policy = readPolicy(ctl.Value)
		default:
			k.unknown = true
		}
		return malformed == nil
	})
	if known != nil {
		k.said = append(k.said, attribute.StringSlice(attrAnswered, known))
	}
	return cmp.Or(malformed, err)
}

// checkControls refuses a message with a control that would be hard on the driver.
func checkControls(m *wire.Message) error {
	var refused error
	err := m.Controls(func(ctl wire.Control) bool {
		refused = checkControl(ctl)
		return refused == nil
	})
	return cmp.Or(refused, err)
}

func checkControl(ctl wire.Control) error {
	if decoded(ctl.OID) {
		return checkValue(ctl.Value)
	}
	return nil
}

// checkIntermediate refuses an intermediate response (RFC 4511 section 4.13) that would be hard on the driver, which reads
// it as a control.
func checkIntermediate(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	name, rest, err := wire.Element(body)
	if err != nil || !decoded(string(name)) {
		return err
	}
	for len(rest) > 0 && err == nil {
		tag := rest[0]
		var value []byte
		if value, rest, err = wire.Element(rest); err == nil && tag != wire.TagBoolean {
			err = checkValue(value)
		}
	}
	return err
}

// checkGenerated refuses the answer to a change of a password (RFC 3062) whose value would be hard on the driver, which
// knows it by the number of its tag alone.
func checkGenerated(body []byte) (err error) {
	const number, value = 0x1f, 11
	for len(body) > 0 && err == nil {
		tag := body[0]
		var content []byte
		if content, body, err = wire.Element(body); err == nil && tag&number == value {
			err = checkValue(content)
		}
	}
	return err
}

// decoded tells the controls whose values the driver decodes, see ldap.DecodeControl. Those of all others may be anything.
func decoded(oid string) bool {
	switch oid {
	case wire.OIDPaging, wire.OIDSortRequest, ldap.ControlTypeBeheraPasswordPolicy, ldap.ControlTypeDirSync,
		ldap.ControlTypeSyncState, ldap.ControlTypeSyncDone, ldap.ControlTypeSyncInfo:
		return true
	}
	return false
}

// Bounds of a value that the driver decodes: the deepest, of a sync info (RFC 4533 section 2.5), nests two deep, and the
// most crowded has an element for each 18 bytes.
const (
	valueDepth    = 4
	valueElements = 64
	elementBytes  = 16
)

// checkValue refuses a value that would cost many times its size: the driver copies what is in an element once for each
// element around it, and takes hundreds of bytes for each. Behind the first element it reads nothing.
func checkValue(value []byte) error {
	if len(value) == 0 {
		return nil
	}
	_, rest, err := wire.Element(value)
	if err != nil {
		return err
	}
	value = value[:len(value)-len(rest)]
	return wire.Scan(value, wire.Limits{Depth: valueDepth, Elements: valueElements + len(value)/elementBytes})
}
