// SPDX-License-Identifier: MIT

package wire

// Bind is a BindRequest (RFC 4511 section 4.2). Password is set for simple binds and Credentials for SASL ones; both are
// secrets and never leave the packages that need them.
type Bind struct {
	Version     int64
	Name        []byte
	Method      BindMethod
	Mechanism   []byte
	Password    []byte
	Credentials []byte
}

// BindMethod is how a bind authenticates.
type BindMethod byte

// The ways to authenticate: the two of RFC 4511 and the three steps of Active Directory's NTLM ("Sicily").
const (
	BindSimple BindMethod = 0x80
	BindSASL   BindMethod = 0xa3
	BindNTLM1  BindMethod = 0x89
	BindNTLM2  BindMethod = 0x8a
	BindNTLM3  BindMethod = 0x8b
)

// ParseBind reads the body of a BindRequest.
func ParseBind(b []byte) (r Bind, err error) {
	if r.Version, b, err = expectInteger(b, TagInteger, "bind without a version"); err != nil {
		return r, err
	}
	if r.Name, b, err = expect(b, TagOctetString, "bind without a name"); err != nil {
		return r, err
	}
	auth, _, err := next(b)
	if err != nil {
		return r, err
	}
	switch r.Method = BindMethod(auth.tag); r.Method {
	case BindSimple:
		r.Password = auth.body
	case BindSASL:
		var rest []byte
		if r.Mechanism, rest, err = expect(auth.body, TagOctetString, "SASL bind without a mechanism"); err != nil {
			return r, err
		}
		if len(rest) > 0 {
			r.Credentials, _, err = expect(rest, TagOctetString, "SASL credentials are no string")
		}
	default:
		r.Credentials = auth.body
	}
	return r, err
}

// Search is a SearchRequest (RFC 4511 section 4.5.1).
type Search struct {
	Base      []byte
	Scope     int64 // 0 base, 1 one, 2 sub, 3 children
	Deref     int64
	SizeLimit int64
	TimeLimit int64 // seconds
	TypesOnly bool
	Filter    []byte // one encoded filter, see ParseFilter
	Requested []byte // the requested attributes, still encoded, see Attributes
}

// ParseSearch reads the body of a SearchRequest.
func ParseSearch(b []byte) (r Search, err error) {
	err = r.Parse(b)
	return r, err
}

// Parse is ParseSearch into an empty Search.
func (r *Search) Parse(b []byte) (err error) {
	if r.Base, b, err = expect(b, TagOctetString, "search without a base"); err != nil {
		return err
	}
	for _, field := range []*int64{&r.Scope, &r.Deref} {
		if *field, b, err = expectInteger(b, TagEnumerated, "search without scope or dereferencing"); err != nil {
			return err
		}
	}
	for _, field := range []*int64{&r.SizeLimit, &r.TimeLimit} {
		if *field, b, err = expectInteger(b, TagInteger, "search without limits"); err != nil {
			return err
		}
	}
	types, b, err := expect(b, TagBoolean, "search without typesOnly")
	if err != nil {
		return err
	}
	r.TypesOnly = len(types) == 1 && types[0] != 0
	_, rest, err := next(b)
	if err != nil {
		return err
	}
	r.Filter = b[:len(b)-len(rest)]
	r.Requested, _, err = expect(rest, TagSequence, "search without attributes")
	return err
}

// Attributes calls yield with each requested attribute.
func (r Search) Attributes(yield func([]byte) bool) error {
	return octetStrings(r.Requested, "requested attribute is no string", yield)
}

func octetStrings(list []byte, what string, yield func([]byte) bool) error {
	for len(list) > 0 {
		var body []byte
		var err error
		if body, list, err = expect(list, TagOctetString, what); err != nil {
			return err
		}
		if !yield(body) {
			return nil
		}
	}
	return nil
}

// Attribute is an attribute description with its values, still encoded.
type Attribute struct {
	Name   []byte
	values []byte
}

// Values calls yield with each value.
func (a Attribute) Values(yield func([]byte) bool) error {
	return octetStrings(a.values, "attribute value is no string", yield)
}

func parseAttribute(b []byte) (a Attribute, err error) {
	if a.Name, b, err = expect(b, TagOctetString, "attribute without a name"); err != nil {
		return a, err
	}
	a.values, b, err = expect(b, TagSet, "attribute without a set of values")
	if err == nil && len(b) > 0 {
		err = malformed("bytes behind the values of an attribute")
	}
	return a, err
}

// Add is an AddRequest (RFC 4511 section 4.7) or, in the same layout, a SearchResultEntry.
type Add struct {
	DN         []byte
	attributes []byte
}

// ParseAdd reads the body of an AddRequest.
func ParseAdd(b []byte) (r Add, err error) {
	if r.DN, b, err = expect(b, TagOctetString, "entry without a name"); err != nil {
		return r, err
	}
	r.attributes, b, err = expect(b, TagSequence, "entry without attributes")
	if err == nil && len(b) > 0 {
		err = malformed("bytes behind an entry")
	}
	return r, err
}

// ParseEntry reads the body of a SearchResultEntry (RFC 4511 section 4.5.2).
func ParseEntry(b []byte) (Add, error) { return ParseAdd(b) }

// Attributes calls yield with each attribute.
func (r Add) Attributes(yield func(Attribute) bool) error {
	for rest := r.attributes; len(rest) > 0; {
		var body []byte
		var err error
		if body, rest, err = expect(rest, TagSequence, "attribute is no sequence"); err != nil {
			return err
		}
		a, err := parseAttribute(body)
		if err != nil {
			return err
		}
		if !yield(a) {
			return nil
		}
	}
	return nil
}

// Modify is a ModifyRequest (RFC 4511 section 4.6).
type Modify struct {
	DN      []byte
	changes []byte
}

// Change is one change of a ModifyRequest. Operation is 0 add, 1 delete, 2 replace, 3 increment (RFC 4525).
type Change struct {
	Operation int64
	Attribute Attribute
}

// ParseModify reads the body of a ModifyRequest.
func ParseModify(b []byte) (r Modify, err error) {
	if r.DN, b, err = expect(b, TagOctetString, "modify without a name"); err != nil {
		return r, err
	}
	r.changes, _, err = expect(b, TagSequence, "modify without changes")
	return r, err
}

// Changes calls yield with each change.
func (r Modify) Changes(yield func(Change) bool) error {
	for rest := r.changes; len(rest) > 0; {
		var body []byte
		var err error
		if body, rest, err = expect(rest, TagSequence, "change is no sequence"); err != nil {
			return err
		}
		var c Change
		if c.Operation, body, err = expectInteger(body, TagEnumerated, "change without an operation"); err != nil {
			return err
		}
		if body, _, err = expect(body, TagSequence, "change without an attribute"); err != nil {
			return err
		}
		if c.Attribute, err = parseAttribute(body); err != nil {
			return err
		}
		if !yield(c) {
			return nil
		}
	}
	return nil
}

// ModifyDN is a ModifyDNRequest (RFC 4511 section 4.9). NewSuperior is nil when the entry stays where it is.
type ModifyDN struct {
	DN           []byte
	NewRDN       []byte
	DeleteOldRDN bool
	NewSuperior  []byte
}

// ParseModifyDN reads the body of a ModifyDNRequest.
func ParseModifyDN(b []byte) (r ModifyDN, err error) {
	if r.DN, b, err = expect(b, TagOctetString, "modify DN without a name"); err != nil {
		return r, err
	}
	if r.NewRDN, b, err = expect(b, TagOctetString, "modify DN without a new name"); err != nil {
		return r, err
	}
	old, b, err := expect(b, TagBoolean, "modify DN without deleteoldrdn")
	if err != nil {
		return r, err
	}
	r.DeleteOldRDN = len(old) == 1 && old[0] != 0
	if len(b) > 0 {
		r.NewSuperior, _, err = expect(b, 0x80, "modify DN with an unknown part")
	}
	return r, err
}

// Compare is a CompareRequest (RFC 4511 section 4.10).
type Compare struct {
	DN        []byte
	Attribute []byte
	Value     []byte
}

// ParseCompare reads the body of a CompareRequest.
func ParseCompare(b []byte) (r Compare, err error) {
	if r.DN, b, err = expect(b, TagOctetString, "compare without a name"); err != nil {
		return r, err
	}
	assertion, _, err := expect(b, TagSequence, "compare without an assertion")
	if err != nil {
		return r, err
	}
	if r.Attribute, assertion, err = expect(assertion, TagOctetString, "compare without an attribute"); err != nil {
		return r, err
	}
	r.Value, _, err = expect(assertion, TagOctetString, "compare without a value")
	return r, err
}

// Extended is an ExtendedRequest (RFC 4511 section 4.12).
type Extended struct {
	OID   []byte
	Value []byte
}

// ParseExtended reads the body of an ExtendedRequest.
func ParseExtended(b []byte) (r Extended, err error) {
	if r.OID, b, err = expect(b, 0x80, "extended request without an OID"); err != nil {
		return r, err
	}
	if len(b) > 0 {
		r.Value, _, err = expect(b, 0x81, "extended request with an unknown part")
	}
	return r, err
}

// ParsePasswd reads the value of a password modify request (RFC 3062). Old and new passwords are secrets.
func ParsePasswd(value []byte) (identity, oldPassword, newPassword []byte, err error) {
	if len(value) == 0 {
		return nil, nil, nil, nil
	}
	body, _, err := expect(value, TagSequence, "password modify value is no sequence")
	for err == nil && len(body) > 0 {
		var e element
		if e, body, err = next(body); err != nil {
			break
		}
		switch e.tag {
		case 0x80:
			identity = e.body
		case 0x81:
			oldPassword = e.body
		case 0x82:
			newPassword = e.body
		default:
			err = malformed("password modify value with an unknown part")
		}
	}
	return identity, oldPassword, newPassword, err
}

// ParseAbandon reads the body of an AbandonRequest: the id of the message to abandon.
func ParseAbandon(b []byte) (int64, error) { return integer(b) }
