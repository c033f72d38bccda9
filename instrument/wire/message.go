// SPDX-License-Identifier: MIT

package wire

// Op is the tag of a protocol operation (RFC 4511 section 4.2 on).
type Op byte

// The protocol operations.
const (
	BindRequest           Op = 0x60
	BindResponse          Op = 0x61
	UnbindRequest         Op = 0x42
	SearchRequest         Op = 0x63
	SearchResultEntry     Op = 0x64
	SearchResultDone      Op = 0x65
	ModifyRequest         Op = 0x66
	ModifyResponse        Op = 0x67
	AddRequest            Op = 0x68
	AddResponse           Op = 0x69
	DelRequest            Op = 0x4a
	DelResponse           Op = 0x6b
	ModifyDNRequest       Op = 0x6c
	ModifyDNResponse      Op = 0x6d
	CompareRequest        Op = 0x6e
	CompareResponse       Op = 0x6f
	AbandonRequest        Op = 0x50
	SearchResultReference Op = 0x73
	ExtendedRequest       Op = 0x77
	ExtendedResponse      Op = 0x78
	IntermediateResponse  Op = 0x79
)

// ResponseTo returns the operation that ends a request, or 0 when a request has no answer.
func ResponseTo(request Op) Op {
	switch request {
	case BindRequest:
		return BindResponse
	case SearchRequest:
		return SearchResultDone
	case ModifyRequest:
		return ModifyResponse
	case AddRequest:
		return AddResponse
	case DelRequest:
		return DelResponse
	case ModifyDNRequest:
		return ModifyDNResponse
	case CompareRequest:
		return CompareResponse
	case ExtendedRequest:
		return ExtendedResponse
	}
	return 0
}

// Message is one LDAPMessage. Body is the content of the operation, controls the still encoded list.
type Message struct {
	ID       int64
	Op       Op
	Body     []byte
	controls []byte
}

// ParseMessage reads the envelope of one message: its id, which operation it holds, and its controls.
func ParseMessage(raw []byte) (m Message, err error) {
	if err = m.Parse(raw); err != nil {
		return Message{}, err
	}
	return m, nil
}

// Parse is ParseMessage into an empty Message.
func (m *Message) Parse(raw []byte) error {
	body, rest, err := expect(raw, TagSequence, "message is no sequence")
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return malformed("bytes behind the message")
	}
	if m.ID, body, err = expectInteger(body, TagInteger, "message without an id"); err != nil {
		return err
	}
	if m.ID < 0 || m.ID > 1<<31-1 {
		return malformed("message id out of range")
	}
	op, rest, err := next(body)
	if err != nil {
		return err
	}
	m.Op, m.Body = Op(op.tag), op.body
	if len(rest) == 0 {
		return nil
	}
	m.controls, rest, err = expect(rest, TagControls, "message with an unknown trailer")
	if err == nil && len(rest) != 0 {
		err = malformed("bytes behind the controls")
	}
	return err
}

// Control is one control of a message (RFC 4511 section 4.1.11). Value is nil when it has none.
type Control struct {
	OID      string
	Critical bool
	Value    []byte
}

// OIDs of controls that the house reads or writes itself.
const (
	OIDPaging        = "1.2.840.113556.1.4.319"   // RFC 2696
	OIDSortRequest   = "1.2.840.113556.1.4.473"   // RFC 2891
	OIDSortResponse  = "1.2.840.113556.1.4.474"   // RFC 2891
	OIDSyncRequest   = "1.3.6.1.4.1.4203.1.9.1.1" // RFC 4533
	OIDPersistent    = "2.16.840.1.113730.3.4.3"  // persistent search, draft-ietf-ldapext-psearch
	OIDNotification  = "1.2.840.113556.1.4.528"   // of changes, Active Directory
	OIDStartTLS      = "1.3.6.1.4.1.1466.20037"   // RFC 4511 section 4.14
	OIDDisconnection = "1.3.6.1.4.1.1466.20036"   // RFC 4511 section 4.4.1
	OIDWhoAmI        = "1.3.6.1.4.1.4203.1.11.3"  // RFC 4532
	OIDPasswd        = "1.3.6.1.4.1.4203.1.11.1"  // RFC 3062
)

// Controls calls yield for each control of the message; Value aliases the message. It stops at the first malformed one.
func (m Message) Controls(yield func(Control) bool) error {
	for rest := m.controls; len(rest) > 0; {
		var body []byte
		var err error
		if body, rest, err = expect(rest, TagSequence, "control is no sequence"); err != nil {
			return err
		}
		c, err := parseControl(body)
		if err != nil {
			return err
		}
		if !yield(c) {
			return nil
		}
	}
	return nil
}

// HasControls reports whether the message carries any control.
func (m Message) HasControls() bool { return len(m.controls) > 0 }

// Lasts reports whether a search with this control goes on when the answer is whole, to tell of changes.
func (c Control) Lasts() bool {
	switch c.OID {
	case OIDPersistent, OIDNotification:
		return true
	case OIDSyncRequest:
		const refreshAndPersist = 3
		body, _, err := expect(c.Value, TagSequence, "")
		if err != nil {
			return false
		}
		mode, _, err := expectInteger(body, TagEnumerated, "")
		return err == nil && mode == refreshAndPersist
	}
	return false
}

func parseControl(body []byte) (Control, error) {
	oid, body, err := expect(body, TagOctetString, "control without an OID")
	if err != nil {
		return Control{}, err
	}
	c := Control{OID: knownOID(oid)}
	for len(body) > 0 {
		var e element
		if e, body, err = next(body); err != nil {
			return Control{}, err
		}
		switch {
		case e.tag == TagBoolean && len(e.body) == 1:
			c.Critical = e.body[0] != 0
		case e.tag == TagOctetString:
			c.Value = e.body
		default:
			return Control{}, malformed("control with an unknown part")
		}
	}
	return c, nil
}

// knownOID avoids an allocation for the OIDs that are met all the time.
func knownOID(b []byte) string {
	switch string(b) {
	case OIDPaging:
		return OIDPaging
	case OIDSortRequest:
		return OIDSortRequest
	case OIDWhoAmI:
		return OIDWhoAmI
	}
	return string(b)
}

// ParsePaging reads the value of a paging control (RFC 2696): page size or estimate, and the cookie, which aliases value.
// Bytes behind the cookie are refused: they could be the cookie, whose length was damaged.
func ParsePaging(value []byte) (size int64, cookie []byte, err error) {
	body, rest, err := expect(value, TagSequence, "paging value is no sequence")
	if err != nil {
		return 0, nil, err
	}
	size, body, err = expectInteger(body, TagInteger, "paging value without a size")
	if err != nil {
		return 0, nil, err
	}
	cookie, body, err = expect(body, TagOctetString, "paging value without a cookie")
	if err == nil && len(rest)+len(body) > 0 {
		err = malformed("paging value with bytes behind its cookie")
	}
	return size, cookie, err
}
