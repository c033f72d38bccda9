// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// goodFilters parse here and in go-ldap alike; where text is empty, String gives the filter as it stands.
var goodFilters = []struct{ filter, text string }{
	{"(cn=Ada)", ""}, {"(cn=)", ""}, {"(cn=*)", ""}, {"(cn=a=b)", ""}, {"(cn==)", ""}, {"(cn=a b)", ""}, {"(cn= a )", ""},
	{"(cn>=5)", ""}, {"(cn<=5)", ""}, {"(cn~=5)", ""}, {"(cn>=)", ""}, {"(cn>=*)", `(cn>=\2a)`}, {"(cn~=a*b)", `(cn~=a\2ab)`},
	{"(cn=a*)", ""}, {"(cn=*a)", ""}, {"(cn=*a*)", ""}, {"(cn=a*b)", ""}, {"(cn=a*b*c)", ""}, {"(cn=*a*b*c*)", ""},
	{"(cn=a**b)", "(cn=a*b)"}, {"(cn=**a)", "(cn=*a)"}, {"(cn=a**)", "(cn=a*)"}, {"(cn=a***b*)", "(cn=a*b*)"},
	{`(cn=a\2a*)`, ""}, {`(cn=*\28\29)`, ""}, {`(cn=\2a)`, ""}, {`(cn=\5c)`, ""}, {`(cn=\00)`, ""}, {`(cn=\28x\29)`, ""},
	{`(cn=\41\64\61)`, "(cn=Ada)"}, {`(cn=\2A)`, `(cn=\2a)`}, {`(cn=\c3\84)`, "(cn=Ä)"}, {`(cn=\ff)`, ""}, {`(cn=\c3x)`, ""},
	{"(cn=Ädä)", ""}, {"(cn=함수목록)", ""}, {"(cn=😀*)", ""}, {`(cn=Mi*\ed\95\a8*r)`, "(cn=Mi*함*r)"},
	{`(objectGUID='\fc\fe\a3\ab\f9\90N\aaGm\d5I~\d12)`, `(objectGUID='\fc\fe\a3\ab\f9\90N\aaGm\d5I~\d12)`},
	{"(cn=\x7f\x01)", `(cn=\7f\01)`}, {"(cn=a\tb\nc)", `(cn=a\09b\0ac)`}, {"(cn=<script>)", ""}, {`(cn="')`, ""},
	{"(2.5.4.3=x)", ""}, {"(cn;lang-de=x)", ""}, {"(userCertificate;binary=*)", ""}, {"(my_attr=1)", ""}, {"(CN=x)", ""}, {"(a-b=c)", ""},
	{"(&)", ""}, {"(|)", ""}, {"(&(a=b))", ""}, {"(|(a=b)(c=d)(e=f))", ""}, {"(!(a=b))", ""}, {"(!(!(a=b)))", ""}, {"(!(&))", ""},
	{"(&(objectClass=person)(|(sn=Jensen)(cn=Babs J*)))", ""}, {"(&(a=1)(b=2)(!(c=3)))", ""}, {"(!(cn=Tim Howes))", ""},
	{"(o=univ*of*mich*)", ""}, {"(seeAlso=)", ""},
	{"(cn:=x)", ""}, {"(cn:caseExactMatch:=Fred Flintstone)", ""}, {"(sn:dn:2.4.6.8.10:=Barney Rubble)", ""}, {"(o:dn:=Ace Industry)", ""},
	{"(:1.2.3:=Wilma)", ""}, {"(:dn:2.4.6.8.10:=Dino)", ""}, {"(cn:dn:dn:=x)", ""}, {"(cn:=)", ""}, {"(cn:1.2.3:=a*b)", `(cn:1.2.3:=a\2ab)`},
	{"(memberOf:1.2.840.113556.1.4.1941:=CN=U,OU=b,DC=x)", ""}, {"(userAccountControl:1.2.840.113556.1.4.803:=2)", ""},
	{"(cn:1.2.3:=a:=b)", ""}, {"(cn=a:b)", ""}, {"(cn=a:=b)", ""}, {"(cn>=a>=b)", ""}, {"(cn=a>=b)", ""},
	{`(o=Parens R Us \28for all your parenthetical needs\29)`, ""}, {`(cn=*\2a*)`, ""}, {`(filename=C:\5cMyFile)`, ""},
	{`(bin=\00\00\00\04)`, ""}, {`(sn=Lu\c4\8di\c4\87)`, "(sn=Lučić)"}, {`(1.3.6.1.4.1.1466.0=\04\02\48\69)`, `(1.3.6.1.4.1.1466.0=\04\02Hi)`},
	{"(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))", ""},
	{"(&(uid=ada)(|(memberOf=cn=a,dc=x)(memberOf=cn=b,dc=x)))", ""}, {"(cn=" + strings.Repeat("x", 300) + ")", ""},
	{strings.Repeat("(!", 59) + "(a=b)" + strings.Repeat(")", 59), ""},
}

// badFilters are refused here and by go-ldap alike.
var badFilters = []string{
	"", "(", ")", "()", "(cn)", "(=", "(cn=x", "(cn=x))", "(cn=x)x", "(cn=x)(sn=y)", "(&(a=b)", "(|(a=b)", "(!(a=b)", "(&(a=b)x", "(!(a=b)x",
	"(|(a=b)]", "(&(a=b)(c=d)x", "(&(a=b)(c=d)", "(!)", "(&a=b)", "(&(a=b)c=d)", `(cn=\)`, `(cn=\a)`, `(cn=\zz)`, `(cn=\2)`, `(cn=a\2*)`,
	`(cn=*\g0)`, `(cn:=\x)`, `(cn>=\4)`, "((a=b)", "(!", "(&", "(~)",
}

// ourWay lists the texts on which go-ldap does not decide; want is "" where we refuse.
var ourWay = []struct{ name, filter, want string }{
	{"no parentheses, as ldapsearch takes it", "cn=Ada", "(cn=Ada)"},
	{"no parentheses, substrings", "cn=A*a", "(cn=A*a)"},
	{"blanks around components, as libldap takes them", " ( & (a=b)\n\t( | (c=d) ) ) ", "(&(a=b)(|(c=d)))"},
	{"blanks around an attribute, but not in a value", "( cn = x )", "(cn= x )"},
	{"dn in capitals, RFC 4515 by RFC 5234", "(cn:DN:=x)", "(cn:dn:=x)"},
	{"parenthesis behind a filter without them", "cn=Ada)", ""},
	{"injected filter without parentheses", "cn=x)(uid=*", ""},
	{"opening parenthesis in a value", "(cn=a(b)", ""},
	{"zero byte in a value", "(cn=a\x00b)", ""},
	{"doubled parentheses", "((a=b))", ""},
	{"not without parentheses", "(!a=b)", ""},
	{"only asterisks", "(cn=**)", ""},
	{"no attribute", "(=x)", ""},
	{"no attribute of a presence", "(=*)", ""},
	{"asterisk as attribute", "(*=x)", ""},
	{"blank inside an attribute", "(c n=x)", ""},
	{"unfinished operator", "(cn>x=5)", ""},
	{"only a colon", "(:)", ""},
	{"neither rule nor attribute", "(:=x)", ""},
	{"dn alone", "(:dn:=x)", ""},
	{"two rules", "(cn:1.2:3.4:=x)", ""},
	{"dn behind the rule", "(cn:1.2:dn:=x)", ""},
	{"empty rule", "(cn::=x)", ""},
	{"nested too deep", strings.Repeat("(!", 60) + "(a=b)" + strings.Repeat(")", 60), ""},
	{"nesting that would end a stack", strings.Repeat("(!", 1<<20), ""},
	{"letters beyond ASCII in an attribute", "(ä=x)", ""},
}

func TestFilterTextAgainstGoLDAP(t *testing.T) {
	t.Parallel()
	for _, test := range goodFilters {
		f, err := wire.ParseFilterText(test.filter)
		if err != nil {
			t.Errorf("%s: %v", test.filter, err)
			continue
		}
		packet, err := ldap.CompileFilter(test.filter)
		if err != nil {
			t.Errorf("go-ldap refuses %s: %v", test.filter, err)
			continue
		}
		// go-ldap writes TRUE as 0x01, RFC 4511 section 5.1 wants 0xff.
		want := bytes.ReplaceAll(packet.Bytes(), []byte{0x84, 1, 1}, []byte{0x84, 1, 0xff})
		got := wire.AppendFilter(nil, f)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: encoded %x, go-ldap %x", test.filter, got, want)
		}
		text := test.text
		if text == "" {
			text = test.filter
		}
		if f.String() != text {
			t.Errorf("%s prints as %s, want %s", test.filter, f, text)
		}
		back, err := wire.ParseFilter(packet.Bytes())
		if err != nil {
			t.Errorf("%s from go-ldap's bytes: %v", test.filter, err)
		} else if again := wire.AppendFilter(nil, back); !bytes.Equal(again, want) {
			t.Errorf("%s decoded and encoded: %x, want %x", test.filter, again, want)
		}
	}
}

// What String prints, go-ldap compiles to the same bytes, and what go-ldap prints of our bytes parses to them again.
func TestFilterTextReadByGoLDAP(t *testing.T) {
	t.Parallel()
	for _, test := range goodFilters {
		f, err := wire.ParseFilterText(test.filter)
		if err != nil {
			t.Fatal(err)
		}
		encoded := wire.AppendFilter(nil, f)
		packet, err := ldap.CompileFilter(f.String())
		if err != nil {
			t.Errorf("go-ldap refuses %s: %v", f, err)
		} else if got := bytes.ReplaceAll(packet.Bytes(), []byte{0x84, 1, 1}, []byte{0x84, 1, 0xff}); !bytes.Equal(got, encoded) {
			t.Errorf("go-ldap compiles %s to %x, want %x", f, got, encoded)
		}
		if strings.Contains(test.filter, "dn:") {
			continue // go-ldap does not print dnAttributes that came over the wire
		}
		packet, err = ber.DecodePacketErr(encoded)
		if err != nil {
			t.Errorf("asn1-ber refuses %s: %v", f, err)
			continue
		}
		text, err := ldap.DecompileFilter(packet)
		if err != nil {
			t.Errorf("go-ldap does not print %s: %v", f, err)
			continue
		}
		again, err := wire.ParseFilterText(text)
		if err != nil {
			t.Errorf("%s as go-ldap prints it, %s: %v", f, text, err)
		} else if got := wire.AppendFilter(nil, again); !bytes.Equal(got, encoded) {
			t.Errorf("%s as go-ldap prints it, %s: %x, want %x", f, text, got, encoded)
		}
	}
}

func TestBadFilterText(t *testing.T) {
	t.Parallel()
	for _, filter := range badFilters {
		f, err := wire.ParseFilterText(filter)
		var failure *wire.FilterError
		if !errors.As(err, &failure) {
			t.Errorf("%q gives %s, error %v", filter, f, err)
		} else if failure.Offset < 0 || failure.Offset > len(filter) || failure.Reason == "" {
			t.Errorf("%q: %+v", filter, failure)
		}
		if _, err := ldap.CompileFilter(filter); err == nil {
			t.Errorf("go-ldap takes %q", filter)
		}
	}
}

func TestFilterTextOurWay(t *testing.T) {
	t.Parallel()
	for _, test := range ourWay {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, err := wire.ParseFilterText(test.filter)
			var failure *wire.FilterError
			switch {
			case test.want == "" && !errors.As(err, &failure):
				t.Errorf("%.60q gives %s, error %v", test.filter, f, err)
			case test.want != "" && err != nil:
				t.Errorf("%q: %v", test.filter, err)
			case test.want != "" && f.String() != test.want:
				t.Errorf("%q gives %s, want %s", test.filter, f, test.want)
			}
		})
	}
}

func TestFilterErrorPointsAndKeepsSilent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter string
		offset int
	}{
		{`(&(cn=secret)(sn=se\xxcret))`, 19},
		{`(cn=secret*se\2)`, 13},
		{"(cn=secret", 1},
		{"(cn=secret)secret", 11},
		{"(&(secret))", 3},
		{"(se cret=x)", 1},
		{"cn=secret)", 9},
	}
	for _, test := range tests {
		_, err := wire.ParseFilterText(test.filter)
		var failure *wire.FilterError
		if !errors.As(err, &failure) {
			t.Errorf("%s: error %v", test.filter, err)
			continue
		}
		if failure.Offset != test.offset {
			t.Errorf("%s: offset %d, want %d (%s)", test.filter, failure.Offset, test.offset, failure.Reason)
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: the error repeats the text: %v", test.filter, err)
		}
	}
}

func TestParseFilterRefusesTooManyParts(t *testing.T) {
	t.Parallel()
	var e wire.Encoder
	mark := e.Begin(byte(wire.Or))
	for range 100_001 {
		e.Bytes = append(e.Bytes, byte(wire.Present), 1, 'a')
	}
	e.End(mark)
	if _, err := wire.ParseFilter(e.Bytes); !errors.Is(err, wire.ErrLimit) {
		t.Fatalf("an OR of 100,001 presences gives %v, want ErrLimit", err)
	}
}
