// SPDX-License-Identifier: MIT

package wire_test

import (
	"errors"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// The views of requests with everything in them read, to compare them as one value.
type (
	bindView struct {
		Version                                int64
		Name                                   string
		Method                                 wire.BindMethod
		Mechanism, Password, Credentials       string
		HasMechanism, HasPassword, HasCredents bool
	}
	searchView struct {
		Base                               string
		Scope, Deref, SizeLimit, TimeLimit int64
		TypesOnly                          bool
		Filter                             string
		Attributes                         []string
	}
	changeView struct {
		Operation int64
		Attribute attribute
	}
	modifyView struct {
		DN      string
		Changes []changeView
	}
	addView struct {
		DN         string
		Attributes []attribute
	}
	modifyDNView struct {
		DN, NewRDN     string
		DeleteOldRDN   bool
		NewSuperior    string
		HasNewSuperior bool
	}
	compareView  struct{ DN, Attribute, Value string }
	extendedView struct {
		OID, Value string
		HasValue   bool
	}
	passwdView struct{ Identity, Old, New string }
)

// read parses the body of a request with the view of its operation.
func read(t *testing.T, m wire.Message) any {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	switch m.Op {
	case wire.BindRequest:
		b, err := wire.ParseBind(m.Body)
		must(err)
		return bindView{b.Version, string(b.Name), b.Method, string(b.Mechanism), string(b.Password), string(b.Credentials), b.Mechanism != nil, b.Password != nil, b.Credentials != nil}
	case wire.SearchRequest:
		s, err := wire.ParseSearch(m.Body)
		must(err)
		f, err := wire.ParseFilter(s.Filter)
		must(err)
		return searchView{string(s.Base), s.Scope, s.Deref, s.SizeLimit, s.TimeLimit, s.TypesOnly, f.String(), collect(t, s.Attributes)}
	case wire.ModifyRequest:
		r, err := wire.ParseModify(m.Body)
		must(err)
		view := modifyView{DN: string(r.DN)}
		must(r.Changes(func(c wire.Change) bool {
			view.Changes = append(view.Changes, changeView{c.Operation, attributeOf(t, c.Attribute)})
			return true
		}))
		return view
	case wire.AddRequest:
		r, err := wire.ParseAdd(m.Body)
		must(err)
		return addView{string(r.DN), attributesOf(t, r)}
	case wire.ModifyDNRequest:
		r, err := wire.ParseModifyDN(m.Body)
		must(err)
		return modifyDNView{string(r.DN), string(r.NewRDN), r.DeleteOldRDN, string(r.NewSuperior), r.NewSuperior != nil}
	case wire.CompareRequest:
		r, err := wire.ParseCompare(m.Body)
		must(err)
		return compareView{string(r.DN), string(r.Attribute), string(r.Value)}
	case wire.ExtendedRequest:
		r, err := wire.ParseExtended(m.Body)
		must(err)
		return readExtended(t, r)
	case wire.AbandonRequest:
		id, err := wire.ParseAbandon(m.Body)
		must(err)
		return id
	}
	return string(m.Body)
}

func readExtended(t *testing.T, r wire.Extended) any {
	t.Helper()
	if string(r.OID) != wire.OIDPasswd {
		return extendedView{string(r.OID), string(r.Value), r.Value != nil}
	}
	identity, old, fresh, err := wire.ParsePasswd(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	return passwdView{string(identity), string(old), string(fresh)}
}

// fixedNTLM stands in for the tokens of NTLM, which hold random bytes.
type fixedNTLM struct{}

func (fixedNTLM) Negotiate(string, string) ([]byte, error) { return []byte("negotiate"), nil }
func (fixedNTLM) ChallengeResponse([]byte, string, string) ([]byte, error) {
	return []byte("authenticate"), nil
}

// What go-ldap sends is read back as what it was asked to send.
func TestRequestsOfGoLDAP(t *testing.T) {
	t.Parallel()
	const dn = "cn=Ada Lovelace,dc=example,dc=org"
	modify := ldap.NewModifyRequest(dn, nil)
	modify.Add("mail", []string{"a@example.org", "b@example.org"})
	modify.Delete("telephoneNumber", nil)
	modify.Replace("sn", []string{"Lövelace"})
	modify.Increment("uidNumber", "1")
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"top", "person"})
	add.Attribute("jpegPhoto", []string{"\xff\xd8\x00"})
	tests := []struct {
		name string
		send func(*ldap.Conn) error
		op   wire.Op
		want any
	}{
		{"simple bind", func(c *ldap.Conn) error { return c.Bind(dn, "lovelace") }, wire.BindRequest, bindView{Version: 3, Name: dn, Method: wire.BindSimple, Password: "lovelace", HasPassword: true}},
		{"unauthenticated bind", func(c *ldap.Conn) error { return c.UnauthenticatedBind(dn) }, wire.BindRequest, bindView{Version: 3, Name: dn, Method: wire.BindSimple, HasPassword: true}},
		{"SASL EXTERNAL", func(c *ldap.Conn) error { return c.ExternalBind() }, wire.BindRequest, bindView{Version: 3, Method: wire.BindSASL, Mechanism: "EXTERNAL", HasMechanism: true, HasCredents: true}},
		{"SASL without credentials", func(c *ldap.Conn) error { return c.MD5Bind("host", "ada", "lovelace") }, wire.BindRequest, bindView{Version: 3, Method: wire.BindSASL, Mechanism: "DIGEST-MD5", HasMechanism: true}},
		{"NTLM", func(c *ldap.Conn) error {
			_, err := c.NTLMChallengeBind(&ldap.NTLMBindRequest{Domain: "EX", Username: "ada", Password: "x", Negotiator: fixedNTLM{}})
			return err
		}, wire.BindRequest, bindView{Version: 3, Method: wire.BindNTLM2, Credentials: "negotiate", HasCredents: true}},
		{"search", search("dc=example,dc=org", 2, 0, 0, 0, false, "(&(objectClass=person)(cn=A*))", "cn", "mail"), wire.SearchRequest, searchView{Base: "dc=example,dc=org", Scope: 2, Filter: "(&(objectClass=person)(cn=A*))", Attributes: []string{"cn", "mail"}}},
		{"search with everything", search("", 3, 3, 500, 30, true, `(cn=\2a\00)`), wire.SearchRequest, searchView{Scope: 3, Deref: 3, SizeLimit: 500, TimeLimit: 30, TypesOnly: true, Filter: `(cn=\2a\00)`, Attributes: []string{}}},
		{"search with large limits", search(dn, 0, 1, 2147483647, 65536, false, "(cn=*)", "1.1"), wire.SearchRequest, searchView{Base: dn, Deref: 1, SizeLimit: 2147483647, TimeLimit: 65536, Filter: "(cn=*)", Attributes: []string{"1.1"}}},
		{"modify", func(c *ldap.Conn) error { return c.Modify(modify) }, wire.ModifyRequest, modifyView{dn, []changeView{
			{0, attribute{"mail", []string{"a@example.org", "b@example.org"}}},
			{1, attribute{"telephoneNumber", []string{}}},
			{2, attribute{"sn", []string{"Lövelace"}}},
			{3, attribute{"uidNumber", []string{"1"}}},
		}}},
		{"add", func(c *ldap.Conn) error { return c.Add(add) }, wire.AddRequest, addView{dn, []attribute{{"objectClass", []string{"top", "person"}}, {"jpegPhoto", []string{"\xff\xd8\x00"}}}}},
		{"delete", func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) }, wire.DelRequest, dn},
		{"rename", func(c *ldap.Conn) error { return c.ModifyDN(ldap.NewModifyDNRequest(dn, "cn=Ada", true, "")) }, wire.ModifyDNRequest, modifyDNView{DN: dn, NewRDN: "cn=Ada", DeleteOldRDN: true}},
		{"move", func(c *ldap.Conn) error { return c.ModifyDN(ldap.NewModifyDNRequest(dn, "cn=Ada", false, "dc=org")) }, wire.ModifyDNRequest, modifyDNView{DN: dn, NewRDN: "cn=Ada", NewSuperior: "dc=org", HasNewSuperior: true}},
		{"compare", func(c *ldap.Conn) error { _, err := c.Compare(dn, "sn", "Lovelace"); return err }, wire.CompareRequest, compareView{dn, "sn", "Lovelace"}},
		{"StartTLS", func(c *ldap.Conn) error {
			_, err := c.Extended(ldap.NewExtendedRequest(wire.OIDStartTLS, nil))
			return err
		}, wire.ExtendedRequest, extendedView{OID: wire.OIDStartTLS}},
		{"extended with a value", func(c *ldap.Conn) error {
			_, err := c.Extended(ldap.NewExtendedRequest("1.2.3", ber.NewString(ber.ClassContext, ber.TypePrimitive, 1, "value", "")))
			return err
		}, wire.ExtendedRequest, extendedView{"1.2.3", "value", true}},
		{"who am I", func(c *ldap.Conn) error { _, err := c.WhoAmI(nil); return err }, wire.ExtendedRequest, extendedView{OID: wire.OIDWhoAmI}},
		{"password modify", passwd(dn, "old", "new"), wire.ExtendedRequest, passwdView{dn, "old", "new"}},
		{"password modify of one's own", passwd("", "", "new"), wire.ExtendedRequest, passwdView{New: "new"}},
		{"password modify with a generated one", passwd(dn, "", ""), wire.ExtendedRequest, passwdView{Identity: dn}},
		{"unbind", func(c *ldap.Conn) error { return c.Unbind() }, wire.UnbindRequest, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sent := withGoLDAP(t, func(c *ldap.Conn) { _ = test.send(c) }, succeed)
			if len(sent) == 0 {
				t.Fatal("go-ldap sent nothing")
			}
			if err := wire.Scan(sent[0], wire.Limits{}); err != nil {
				t.Error(err)
			}
			m, err := wire.ParseMessage(sent[0])
			if err != nil {
				t.Fatal(err)
			}
			if m.ID != 1 || m.Op != test.op || m.HasControls() {
				t.Errorf("id %d, operation 0x%02x, controls %v", m.ID, m.Op, m.HasControls())
			}
			if diff := cmp.Diff(test.want, read(t, m)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func search(base string, scope, deref, size, seconds int, types bool, filter string, attributes ...string) func(*ldap.Conn) error {
	return func(c *ldap.Conn) error {
		_, err := c.Search(ldap.NewSearchRequest(base, scope, deref, size, seconds, types, filter, attributes, nil))
		return err
	}
}

func passwd(identity, old, fresh string) func(*ldap.Conn) error {
	return func(c *ldap.Conn) error {
		_, err := c.PasswordModify(ldap.NewPasswordModifyRequest(identity, old, fresh))
		return err
	}
}

// Requests that the house itself writes.
func TestRequestsOfEncoder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		write func(*wire.Encoder)
		want  any
	}{
		{"abandon", func(e *wire.Encoder) { e.Abandon(300) }, int64(300)},
		{"extended", func(e *wire.Encoder) { e.Extended(wire.OIDStartTLS, nil) }, extendedView{OID: wire.OIDStartTLS}},
		{"extended with an empty value", func(e *wire.Encoder) { e.Extended("1.2.3", []byte{}) }, extendedView{OID: "1.2.3", HasValue: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var e wire.Encoder
			e.Message(9, test.write, []wire.Control{{OID: "1.2", Critical: true, Value: []byte{}}})
			m, err := wire.ParseMessage(e.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]wire.Control{{OID: "1.2", Critical: true, Value: []byte{}}}, controlsOf(t, m)); diff != "" || m.ID != 9 {
				t.Errorf("id %d, controls %s", m.ID, diff)
			}
			if diff := cmp.Diff(test.want, read(t, m)); diff != "" {
				t.Error(diff)
			}
			if packet, err := ber.DecodePacketErr(e.Bytes); err != nil || len(packet.Children) != 3 {
				t.Errorf("asn1-ber: %v", err)
			}
		})
	}
}

// A request that is cut, however its envelope lies about it, is malformed or a shorter one, and never a panic.
func TestCutRequests(t *testing.T) {
	t.Parallel()
	for _, raw := range requestSeeds(t) {
		m, err := wire.ParseMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		for cut := range raw {
			if _, err := wire.ParseMessage(raw[:cut]); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("message 0x%02x cut at %d: error %v", m.Op, cut, err)
			}
		}
		for cut := range len(m.Body) {
			if err := readAll(m.Op, m.Body[:cut:cut]); err != nil && !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("body of 0x%02x cut at %d: error %v", m.Op, cut, err)
			}
		}
	}
}
