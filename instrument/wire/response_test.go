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

// answerAll answers every request with the given messages.
func answerAll(replies ...func(*wire.Encoder)) func(wire.Message, *wire.Encoder) {
	return func(m wire.Message, e *wire.Encoder) {
		for _, reply := range replies {
			e.Message(m.ID, reply, nil)
		}
	}
}

// A result that the encoder writes is read back by go-ldap as what was meant.
func TestResultsReadByGoLDAP(t *testing.T) {
	t.Parallel()
	const dn = "cn=Ada,dc=example,dc=org"
	tests := []struct {
		name  string
		op    wire.Op
		reply wire.Reply
		call  func(*ldap.Conn) error
	}{
		{"bind", wire.BindResponse, wire.Reply{}, func(c *ldap.Conn) error { return c.Bind(dn, "x") }},
		{"bind refused", wire.BindResponse, wire.Reply{Code: 49, Diagnostic: "80090308: data 52e"}, func(c *ldap.Conn) error { return c.Bind(dn, "x") }},
		{"no such object", wire.SearchResultDone, wire.Reply{Code: 32, MatchedDN: "dc=org", Diagnostic: "gone"}, search(dn, 0, 0, 0, 0, false, "(cn=*)")},
		{"modify", wire.ModifyResponse, wire.Reply{Code: 50, Diagnostic: "no write access"}, func(c *ldap.Conn) error { return c.Modify(ldap.NewModifyRequest(dn, nil)) }},
		{"add", wire.AddResponse, wire.Reply{Code: 68}, func(c *ldap.Conn) error { return c.Add(ldap.NewAddRequest(dn, nil)) }},
		{"delete", wire.DelResponse, wire.Reply{Code: 66}, func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) }},
		{"modify DN", wire.ModifyDNResponse, wire.Reply{Code: 71}, func(c *ldap.Conn) error { return c.ModifyDN(ldap.NewModifyDNRequest(dn, "cn=x", true, "")) }},
		{"compare", wire.CompareResponse, wire.Reply{Code: 16}, func(c *ldap.Conn) error { _, err := c.Compare(dn, "cn", "x"); return err }},
		{"who am I", wire.ExtendedResponse, wire.Reply{Code: 2, OID: "1.2.3"}, func(c *ldap.Conn) error { _, err := c.WhoAmI(nil); return err }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var err error
			withGoLDAP(t, func(c *ldap.Conn) { err = test.call(c) }, answerAll(func(e *wire.Encoder) { e.Result(test.op, test.reply) }))
			if test.reply.Code == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var failure *ldap.Error
			if !errors.As(err, &failure) {
				t.Fatalf("error %v is no *ldap.Error", err)
			}
			if int64(failure.ResultCode) != test.reply.Code || failure.MatchedDN != test.reply.MatchedDN || failure.Err.Error() != test.reply.Diagnostic {
				t.Errorf("code %d, matched %q, text %q; want %+v", failure.ResultCode, failure.MatchedDN, failure.Err, test.reply)
			}
		})
	}
}

// A whole search answer that the encoder writes arrives in go-ldap.
func TestSearchAnswerReadByGoLDAP(t *testing.T) {
	t.Parallel()
	photo := []byte{0xff, 0xd8, 0x00}
	answer := func(m wire.Message, e *wire.Encoder) {
		answerAll(func(e *wire.Encoder) {
			e.Entry("cn=Ada,dc=org", func(add func(string, [][]byte)) {
				add("cn", [][]byte{[]byte("Ada"), []byte("Ädä")})
				add("jpegPhoto", [][]byte{photo})
				add("sn", nil)
			})
		}, func(e *wire.Encoder) {
			e.Entry("", func(func(string, [][]byte)) {})
		}, func(e *wire.Encoder) { e.Reference("ldap://a/dc=org", "ldap://b/dc=org") })(m, e)
		e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{}) }, []wire.Control{
			{OID: wire.OIDPaging, Value: wire.Paging(1200, []byte("cookie"))},
		})
	}
	var result *ldap.SearchResult
	var err error
	withGoLDAP(t, func(c *ldap.Conn) {
		result, err = c.Search(ldap.NewSearchRequest("", 2, 0, 0, 0, false, "(cn=*)", nil, []ldap.Control{ldap.NewControlPaging(2)}))
	}, answer)
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		DN         string
		Attributes []attribute
	}
	var got []entry
	for _, e := range result.Entries {
		attributes := []attribute{}
		for _, a := range e.Attributes {
			attributes = append(attributes, attribute{a.Name, a.Values})
		}
		got = append(got, entry{e.DN, attributes})
	}
	want := []entry{
		{"cn=Ada,dc=org", []attribute{{"cn", []string{"Ada", "Ädä"}}, {"jpegPhoto", []string{string(photo)}}, {"sn", []string{}}}},
		{"", []attribute{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// go-ldap keeps the first URI of a reference only.
	if len(result.Referrals) == 0 || result.Referrals[0] != "ldap://a/dc=org" {
		t.Errorf("referrals %q", result.Referrals)
	}
	paging, ok := ldap.FindControl(result.Controls, wire.OIDPaging).(*ldap.ControlPaging)
	if !ok || paging.PagingSize != 1200 || string(paging.Cookie) != "cookie" {
		t.Errorf("paging control %v", paging)
	}
}

func TestExtendedAnswersReadByGoLDAP(t *testing.T) {
	t.Parallel()
	var generated wire.Encoder
	mark := generated.Begin(0x30)
	generated.Text(0x80, "made up")
	generated.End(mark)
	answer := func(m wire.Message, e *wire.Encoder) {
		request, _ := wire.ParseExtended(m.Body)
		reply := wire.Reply{Value: []byte("dn:cn=Ada")}
		if string(request.OID) == wire.OIDPasswd {
			reply.Value = generated.Bytes
		}
		answerAll(func(e *wire.Encoder) { e.Result(wire.ExtendedResponse, reply) })(m, e)
	}
	withGoLDAP(t, func(c *ldap.Conn) {
		if who, err := c.WhoAmI(nil); err != nil || who.AuthzID != "dn:cn=Ada" {
			t.Errorf("who am I: %v, %v", who, err)
		}
		if result, err := c.PasswordModify(ldap.NewPasswordModifyRequest("", "", "")); err != nil || result.GeneratedPassword != "made up" {
			t.Errorf("password modify: %v, %v", result, err)
		}
	}, answer)
}

// resultPacket builds an LDAPResult with asn1-ber, so that reading is not tested against our own writing.
func resultPacket(op wire.Op, code int64, matched, text string, more ...*ber.Packet) []byte {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ber.Tag(op&0x1f), nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	p.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, matched, ""))
	p.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, ""))
	for _, child := range more {
		p.AppendChild(child)
	}
	whole := ber.NewSequence("")
	whole.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 4, ""))
	whole.AppendChild(p)
	return whole.Bytes()
}

func context(tag ber.Tag, value string) *ber.Packet {
	return ber.NewString(ber.ClassContext, ber.TypePrimitive, tag, value, "")
}

func TestParseResult(t *testing.T) {
	t.Parallel()
	referral := ber.Encode(ber.ClassContext, ber.TypeConstructed, 3, nil, "")
	for _, uri := range []string{"ldap://a/", "ldap://b/"} {
		referral.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, uri, ""))
	}
	type view struct {
		Code                            int64
		Matched, Diagnostic, OID, Value string
		Referrals                       []string
	}
	tests := []struct {
		name string
		op   wire.Op
		raw  []byte
		want view
	}{
		{"success", wire.ModifyResponse, resultPacket(wire.ModifyResponse, 0, "", ""), view{}},
		{"failure", wire.SearchResultDone, resultPacket(wire.SearchResultDone, 32, "dc=org", "gone"), view{Code: 32, Matched: "dc=org", Diagnostic: "gone"}},
		{"code beyond 16 bits", wire.BindResponse, resultPacket(wire.BindResponse, 65536, "", ""), view{Code: 65536}},
		{"referral", wire.AddResponse, resultPacket(wire.AddResponse, 10, "", "", referral), view{Code: 10, Referrals: []string{"ldap://a/", "ldap://b/"}}},
		{"SASL challenge", wire.BindResponse, resultPacket(wire.BindResponse, 14, "", "", context(7, "token")), view{Code: 14, Value: "token"}},
		{"extended", wire.ExtendedResponse, resultPacket(wire.ExtendedResponse, 0, "", "", context(10, "1.2.3"), context(11, "v")), view{OID: "1.2.3", Value: "v"}},
		{"parts of other responses do not count", wire.DelResponse, resultPacket(wire.DelResponse, 0, "", "", context(7, "a"), context(10, "b"), context(11, "c")), view{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := wire.ParseMessage(test.raw)
			if err != nil || m.ID != 4 || m.Op != test.op {
				t.Fatalf("id %d, operation 0x%02x, %v", m.ID, m.Op, err)
			}
			r, err := wire.ParseResult(m.Op, m.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := view{r.Code, string(r.MatchedDN), string(r.Diagnostic), string(r.OID), string(r.Value), nil}
			if list := collect(t, r.Referrals); len(list) > 0 {
				got.Referrals = list
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseResultRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body []byte
	}{
		{"nothing", nil},
		{"negative code", []byte{0x0a, 1, 0xff, 4, 0, 4, 0}},
		{"code of another type", []byte{2, 1, 0, 4, 0, 4, 0}},
		{"code without bytes", []byte{0x0a, 0, 4, 0, 4, 0}},
		{"no diagnostic", []byte{0x0a, 1, 0, 4, 0}},
		{"cut behind", []byte{0x0a, 1, 0, 4, 0, 4, 0, 0xa3, 5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := wire.ParseResult(wire.BindResponse, test.body); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("error %v", err)
			}
		})
	}
	r, err := wire.ParseResult(wire.BindResponse, []byte{0x0a, 1, 10, 4, 0, 4, 0, 0xa3, 3, 2, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Referrals(func([]byte) bool { return true }); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a referral that is a number: error %v", err)
	}
}

func TestParseEntryRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body []byte
	}{
		{"nothing", nil},
		{"no attributes", []byte{4, 1, 'a'}},
		{"name of another type", []byte{2, 1, 1, 0x30, 0}},
		{"bytes behind", []byte{4, 0, 0x30, 0, 4, 0}},
		{"attribute is no sequence", []byte{4, 0, 0x30, 2, 4, 0}},
		{"attribute without a name", []byte{4, 0, 0x30, 2, 0x30, 0}},
		{"attribute without values", []byte{4, 0, 0x30, 5, 0x30, 3, 4, 1, 'b'}},
		{"sequence of values", []byte{4, 0, 0x30, 7, 0x30, 5, 4, 1, 'b', 0x30, 0}},
		{"bytes behind the values", []byte{4, 0, 0x30, 9, 0x30, 7, 4, 1, 'b', 0x31, 0, 4, 0}},
		{"value is a number", []byte{4, 0, 0x30, 10, 0x30, 8, 4, 1, 'b', 0x31, 3, 2, 1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := readAll(wire.SearchResultEntry, test.body); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCutResponses(t *testing.T) {
	t.Parallel()
	for _, raw := range responseSeeds() {
		m, err := wire.ParseMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := readAll(m.Op, m.Body); err != nil {
			t.Errorf("whole body of 0x%02x: %v", m.Op, err)
		}
		for cut := range len(m.Body) {
			if err := readAll(m.Op, m.Body[:cut:cut]); err != nil && !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("body of 0x%02x cut at %d: error %v", m.Op, cut, err)
			}
		}
	}
}
