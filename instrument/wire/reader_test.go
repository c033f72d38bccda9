// SPDX-License-Identifier: MIT

package wire_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// readAll reads the body of any operation to its end and returns the first error.
func readAll(op wire.Op, body []byte) error {
	every := func([]byte) bool { return true }
	var err error
	each := func(a wire.Attribute) bool { err = a.Values(every); return err == nil }
	first := func(errs ...error) error {
		for _, e := range errs {
			if e != nil {
				return e
			}
		}
		return err
	}
	switch op {
	case wire.BindRequest:
		_, err := wire.ParseBind(body)
		return err
	case wire.SearchRequest:
		s, failed := wire.ParseSearch(body)
		if failed != nil {
			return failed
		}
		_, failed = wire.ParseFilter(s.Filter)
		return first(failed, s.Attributes(every))
	case wire.ModifyRequest:
		r, failed := wire.ParseModify(body)
		if failed != nil {
			return failed
		}
		return first(r.Changes(func(c wire.Change) bool { return each(c.Attribute) }))
	case wire.AddRequest, wire.SearchResultEntry:
		r, failed := wire.ParseEntry(body)
		if failed != nil {
			return failed
		}
		return first(r.Attributes(each))
	case wire.ModifyDNRequest:
		_, err := wire.ParseModifyDN(body)
		return err
	case wire.CompareRequest:
		_, err := wire.ParseCompare(body)
		return err
	case wire.ExtendedRequest:
		r, failed := wire.ParseExtended(body)
		if failed != nil || string(r.OID) != wire.OIDPasswd {
			return failed
		}
		_, _, _, failed = wire.ParsePasswd(r.Value)
		return failed
	case wire.AbandonRequest:
		_, err := wire.ParseAbandon(body)
		return err
	case wire.SearchResultReference:
		return wire.References(body, every)
	case wire.DelRequest, wire.UnbindRequest:
		return nil
	default:
		r, failed := wire.ParseResult(op, body)
		return first(failed, r.Referrals(every))
	}
}

// requestSeeds returns one message of every request that go-ldap or the house writes.
func requestSeeds(t testing.TB) [][]byte {
	t.Helper()
	const dn = "cn=Ada,dc=example,dc=org"
	sent := withGoLDAP(t, func(c *ldap.Conn) {
		_ = c.Bind(dn, "secret")
		_ = c.ExternalBind()
		filter := `(&(|(cn=a*b*c)(!(sn~=x))(uid>=1)(uid<=9))(memberOf:dn:1.2.3:=y)(mail=*)(cn=\2a))`
		_ = search(dn, 2, 3, 10, 20, true, filter, "cn", "*")(c)
		modify := ldap.NewModifyRequest(dn, []ldap.Control{ldap.NewControlManageDsaIT(true), ldap.NewControlPaging(10)})
		modify.Add("mail", []string{"a", "b"})
		modify.Delete("sn", nil)
		_ = c.Modify(modify)
		add := ldap.NewAddRequest(dn, nil)
		add.Attribute("objectClass", []string{"top", "person"})
		_ = c.Add(add)
		_ = c.Del(ldap.NewDelRequest(dn, nil))
		_ = c.ModifyDN(ldap.NewModifyDNRequest(dn, "cn=Ada", true, "dc=org"))
		_, _ = c.Compare(dn, "sn", "x")
		_, _ = c.WhoAmI(nil)
		_ = passwd(dn, "old", "new")(c)
		_ = c.Unbind()
	}, succeed)
	if len(sent) != 11 {
		t.Fatalf("%d requests sent", len(sent))
	}
	var abandon wire.Encoder
	abandon.Message(12, func(e *wire.Encoder) { e.Abandon(3) }, nil)
	return append(sent, abandon.Bytes)
}

// responseSeeds returns one message of every response that the encoder writes.
func responseSeeds() [][]byte {
	replies := []func(*wire.Encoder){
		func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{Code: 14, Value: []byte("challenge")}) },
		func(e *wire.Encoder) {
			e.Result(wire.SearchResultDone, wire.Reply{Code: 10, MatchedDN: "dc=org", Diagnostic: "elsewhere", Referrals: []string{"ldap://a/", "ldap://b/"}})
		},
		func(e *wire.Encoder) { e.Result(wire.ModifyResponse, wire.Reply{Code: 65536}) },
		func(e *wire.Encoder) {
			e.Result(wire.ExtendedResponse, wire.Reply{Code: 52, OID: wire.OIDDisconnection, Value: []byte{}})
		},
		func(e *wire.Encoder) { e.Reference("ldap://a/", "ldap://b/") },
	}
	seeds := [][]byte{entryMessage(500)}
	for _, reply := range replies {
		var e wire.Encoder
		e.Message(3, reply, []wire.Control{{OID: wire.OIDPaging, Value: wire.Paging(9, []byte("c"))}})
		seeds = append(seeds, e.Bytes)
	}
	return seeds
}
