// SPDX-License-Identifier: MIT

package wire

// Result is an LDAPResult (RFC 4511 section 4.1.9) with what particular responses add to it. Code is the whole number as
// sent, never cut to 16 bits.
type Result struct {
	Code       int64
	MatchedDN  []byte
	Diagnostic []byte
	OID        []byte // of an ExtendedResponse
	Value      []byte // of an ExtendedResponse; may hold a generated password
	referrals  []byte
	more       bool // there is more than code, name and message
}

// Plain reports whether a result is success without a word, as nearly every one.
func (r *Result) Plain() bool {
	return r.Code == 0 && len(r.MatchedDN) == 0 && len(r.Diagnostic) == 0 && len(r.referrals) == 0
}

// Bare reports whether a result is a code, a name and a message and nothing else, so that ParseResult has read each element.
func (r *Result) Bare() bool { return !r.more }

// ParseResult reads the body of any response that carries an LDAPResult.
func ParseResult(op Op, b []byte) (r Result, err error) {
	err = r.Parse(op, b)
	return r, err
}

// Parse is ParseResult into an empty Result.
func (r *Result) Parse(op Op, b []byte) (err error) {
	if r.Code, b, err = expectInteger(b, TagEnumerated, "result without a code"); err != nil {
		return err
	}
	if r.Code < 0 {
		return malformed("negative result code")
	}
	if r.MatchedDN, b, err = expect(b, TagOctetString, "result without a matched name"); err != nil {
		return err
	}
	if r.Diagnostic, b, err = expect(b, TagOctetString, "result without a message"); err != nil {
		return err
	}
	for len(b) > 0 {
		r.more = true
		var e element
		if e, b, err = next(b); err != nil {
			return err
		}
		switch {
		case e.tag == 0xa3:
			r.referrals = e.body
		case op == ExtendedResponse && e.tag == 0x8a:
			r.OID = e.body
		case op == ExtendedResponse && e.tag == 0x8b, op == BindResponse && e.tag == 0x87:
			r.Value = e.body
		}
	}
	return nil
}

// Referrals calls yield with each URI of the result.
func (r Result) Referrals(yield func([]byte) bool) error {
	return octetStrings(r.referrals, "referral is no string", yield)
}

// References calls yield with each URI of a SearchResultReference (RFC 4511 section 4.5.3).
func References(body []byte, yield func([]byte) bool) error {
	return octetStrings(body, "reference is no string", yield)
}
