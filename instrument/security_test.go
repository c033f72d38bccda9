// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// secret is planted wherever the protocol carries one.
const secret = "Tr0ub4dor-marker"

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// forms are the ways in which a secret may show.
func forms() map[string][]byte {
	quoted := utf16le(`"` + secret + `"`)
	all := map[string][]byte{
		"raw": []byte(secret), "UTF-16": utf16le(secret), "hex": []byte(hex.EncodeToString([]byte(secret))),
		"hex of UTF-16": []byte(hex.EncodeToString(utf16le(secret))),
	}
	for shift := range 3 { // base64 of text in any place
		for name, raw := range map[string][]byte{"base64": []byte(secret), "base64 of UTF-16": quoted} {
			encoded := base64.StdEncoding.EncodeToString(append(bytes.Repeat([]byte("x"), shift), raw...))
			all[fmt.Sprint(name, shift)] = []byte(encoded[4 : len(encoded)-4])
		}
	}
	return all
}

// provoke sends the secret in every way there is, to a server that repeats it wherever a server may.
func provoke(ctx context.Context, t *testing.T, c *instrument.Client) (errs []error) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	modify := ldap.NewModifyRequest("cn=a,dc=org", nil)
	modify.Replace("userPassword", []string{secret})
	modify.Add("unicodePwd;x-option", []string{string(utf16le(`"` + secret + `"`))})
	modify.Delete("2.5.4.35", []string{secret})
	add := ldap.NewAddRequest("cn=a,dc=org", nil)
	add.Attribute("USERPASSWORD", []string{"{CLEAR}" + secret})
	add.Attribute("ms-Mcs-AdmPwd", []string{secret})
	add.Attribute("msLAPS-Password", []string{secret})
	fail(c.Bind(ctx, "cn=a", secret))
	fail(c.BindUser(ctx, "cn=a", secret))
	_, err := c.SimpleBind(ctx, ldap.NewSimpleBindRequest("cn=a", secret, nil))
	fail(err)
	fail(c.Conn().Bind("cn=a", secret))
	fail(c.Add(ctx, add))
	_, err = c.Modify(ctx, modify)
	fail(err)
	_, err = c.Compare(ctx, "cn=a", "userPassword", secret)
	fail(err)
	for _, filter := range []string{
		"(userPassword=" + secret + ")", "(|(cn=a)(!(userPassword=" + secret + "*)))", "(unicodePwd:2.5.13.18:=" + secret + ")",
		"(userPassword>=" + secret + ")", "(2.5.4.35=x*" + secret + "*y)",
	} {
		_, err = c.Search(ctx, search(filter, "cn", "userPassword"))
		fail(err)
	}
	fail(c.ModifyDN(ctx, ldap.NewModifyDNRequest("userPassword="+secret+",dc=org", "userPassword="+secret, true, "")))
	result, err := c.PasswordModify(ctx, ldap.NewPasswordModifyRequest("cn=a", secret, secret+"new"))
	fail(err)
	if result == nil || result.GeneratedPassword != secret {
		t.Errorf("the caller got %+v", result)
	}
	fail(c.With(ctx).GSSAPIBind(&kerberos{}, "x", ""))
	return errs
}

func repeats(s *session) {
	for m, ok := s.next(); ok; m, ok = s.next() {
		switch m.Op {
		case wire.SearchRequest:
			s.entry(m, "cn=a,dc=org", "cn", "Ada", "userPassword", secret, "UnicodePwd;binary", secret, "supplementalCredentials", secret)
			s.entry(m, "cn=a+userPassword="+secret+",dc=org", "cn", "Ada") // no attribute tells that its name holds one
			s.answer(m, 0)
		case wire.ExtendedRequest:
			var value wire.Encoder
			mark := value.Begin(0x30)
			value.Text(0x80, secret)
			value.End(mark)
			s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.ExtendedResponse, wire.Reply{Value: value.Bytes}) })
		case wire.BindRequest:
			s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{Value: []byte(secret)}) })
		default:
			s.answer(m, 0)
		}
	}
}

// A secret that passes is kept nowhere, at any level, in any form.
func TestSecretsAreKeptNowhere(t *testing.T) {
	t.Parallel()
	for level := instrument.LevelNames; level <= instrument.LevelValues; level++ {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			w := newWatch(instrument.WithPolicy(instrument.Policy{Level: level}), instrument.WithSpanLevel(level), instrument.WithDBAttributes())
			c := dial(t, w.Scope, serve(t, repeats))
			ctx, end := w.Job(t.Context(), "login")
			errs := provoke(ctx, t, c)
			end()
			_ = c.Close(t.Context())
			var all bytes.Buffer
			for _, op := range operations(w.Scope) {
				whole, _, _, _ := w.Recorder().Operation(op.Seq)
				fmt.Fprintf(&all, "%+v %+v %+v %+v %+v\n", whole, whole.Search, whole.Bind, whole.Extended, whole.Shape)
				for _, entry := range whole.EntryList {
					for _, a := range entry.Attributes {
						for _, v := range a.Values {
							all.WriteString(v.Text + "\n")
						}
					}
				}
				_ = json.NewEncoder(&all).Encode(whole)
			}
			if level == instrument.LevelValues && !strings.Contains(all.String(), "Ada") {
				t.Error("the values that may be seen are not there, the test is pointless")
			}
			for _, span := range w.spans.Ended() {
				fmt.Fprintf(&all, "%s %+v %+v %+v\n", span.Name(), attributes(span.Attributes()), span.Status(), span.Events())
			}
			for _, metric := range []string{"ldap.client.operation.duration", "ldap.client.connection.io", "ldap.client.active_requests"} {
				fmt.Fprintf(&all, "%+v\n", w.points(t, metric))
			}
			_ = json.NewEncoder(&all).Encode(w.Snapshots())
			for _, err := range errs {
				fmt.Fprintf(&all, "%v %#v\n", err, errors.Unwrap(err))
			}
			for name, form := range forms() {
				if at := bytes.Index(all.Bytes(), form); at >= 0 {
					t.Errorf("%s: ...%s", name, all.Bytes()[max(0, at-200):at+len(form)])
				}
			}
		})
	}
}

// What each level shows of one search, one write and one entry.
func TestLevels(t *testing.T) {
	t.Parallel()
	type shown struct{ Base, Filter, DN, Change, Entry, Diagnostic, Shape string }
	tests := []struct {
		level instrument.Level
		want  shown
	}{
		{instrument.LevelNames, shown{Change: "?", Shape: shapeOfSearch}},
		{instrument.LevelShapes, shown{"ou=?,dc=?", "(&(cn=?)(uid=?))", "uid=?,dc=?", "?", "uid=?,dc=?: cn=? ", "", shapeOfSearch}},
		{instrument.LevelValues, shown{
			"ou=people,dc=org", "(&(uid=ada)(cn=Ada \\2a))", "uid=ada,dc=org", "ada@example.org", "uid=ada,dc=org: cn=Ada ", "no ada here", shapeOfSearch,
		}},
	}
	for _, test := range tests {
		t.Run(test.level.String(), func(t *testing.T) {
			t.Parallel()
			scope := instrument.New(instrument.WithPolicy(instrument.Policy{Level: test.level}))
			if diff := cmp.Diff(test.want, levelShows(t, scope, shown{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("hashes", func(t *testing.T) {
		t.Parallel()
		scope := instrument.New(instrument.WithPolicy(instrument.Policy{Level: instrument.LevelHashes}))
		got := levelShows(t, scope, shown{})
		hash, _, _ := strings.Cut(strings.TrimPrefix(got.DN, "uid="), ",")
		if len(hash) != 9 || hash[0] != '#' || !strings.Contains(got.Filter, "(uid="+hash+")") || !strings.HasPrefix(got.Entry, "uid="+hash) {
			t.Errorf("the same value does not have the same hash: %+v", got)
		}
		all := regexp.MustCompile("#[0-9a-f]{8}").ReplaceAllString(fmt.Sprint(got), "#") // one hash in 700 holds "ada" by chance
		if strings.Contains(strings.ToLower(all), "ada") || strings.Contains(all, "people") {
			t.Errorf("values survive: %s", all)
		}
		if other := levelShows(t, instrument.New(instrument.WithPolicy(instrument.Policy{Level: instrument.LevelHashes})), shown{}); other.DN == got.DN {
			t.Error("the key of the hashes is the same in two scopes")
		}
	})
}

const shapeOfSearch = "search sub ou=?,dc=? (&(cn=?)(uid=?)) cn,mail"

func levelShows[T ~struct{ Base, Filter, DN, Change, Entry, Diagnostic, Shape string }](t *testing.T, scope *instrument.Scope, _ T) T {
	t.Helper()
	c := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			if m.Op == wire.SearchRequest {
				s.entry(m, "uid=ada,dc=org", "cn", "Ada")
				s.answer(m, 0)
				continue
			}
			s.message(m.ID, func(e *wire.Encoder) { e.Result(wire.ModifyResponse, wire.Reply{Code: 32, Diagnostic: "no ada here"}) })
		}
	}))
	r := search("(&(uid=ada)(cn=Ada \\2a))", "cn", "mail")
	r.BaseDN = "ou=people,dc=org"
	if _, err := c.Search(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	modify := ldap.NewModifyRequest("uid=ada,dc=org", nil)
	modify.Replace("mail", []string{"ada@example.org"})
	_, _ = c.Modify(t.Context(), modify)
	found, write := only(t, scope, instrument.KindSearch), only(t, scope, instrument.KindModify)
	got := struct{ Base, Filter, DN, Change, Entry, Diagnostic, Shape string }{
		Base: found.Search.Base, Filter: found.Search.Filter, Shape: found.Shape.Text,
		DN: write.DN, Change: write.Changes[0].Values[0].Text, Diagnostic: write.Result.Diagnostic,
	}
	whole, _, _, _ := scope.Recorder().Operation(found.Seq)
	for _, e := range whole.EntryList {
		got.Entry += e.DN + ": "
		for _, a := range e.Attributes {
			got.Entry += a.Name + "=" + a.Values[0].Text + " "
		}
	}
	return T(got)
}

func TestFilterShape(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, filter, want string }{
		{"equality", "(uid=ada)", "(uid=?)"},
		{"order does not count", "(&(uid=ada)(objectClass=person))", "(&(objectClass=?)(uid=?))"},
		{"lists collapse", "(|(uid=a)(uid=b)(uid=c))", "(|(uid=?))"},
		{"substrings", "(cn=a*b*c*d)", "(cn=?*?*?)"},
		{"presence", "(mail=*)", "(mail=*)"},
		{"not", "(!(cn=a))", "(!(cn=?))"},
		{"extensible", "(memberOf:1.2.840.113556.1.4.1941:=cn=g)", "(memberOf:1.2.840.113556.1.4.1941:=?)"},
		{"no filter", "ada lovelace", "(?)"},
		{"a value in place of a name", "(ada lovelace=x)", "(?)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := instrument.FilterShape(test.filter); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestDNShape(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, dn, want string }{
		{"plain", "uid=ada,ou=people,dc=org", "uid=?,ou=?,dc=?"},
		{"escaped comma", `cn=Lovelace\, Ada,dc=org`, "cn=?,dc=?"},
		{"quoted comma", `cn="Lovelace, Ada",dc=org`, "cn=?,dc=?"},
		{"several values", "cn=a+uid=b,dc=org", "cn=?+uid=?,dc=?"},
		{"blanks", "CN = Ada , DC=org", "CN=?,DC=?"},
		{"principal name", "ada@example.org", "?"},
		{"down-level name", `EXAMPLE\ada`, "?"},
		{"empty", "", ""},
		{"only separators", ",,", "?,?,"},
		{"a value in place of a name", "ada lovelace=x", "?=?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := instrument.DNShape(test.dn); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// literal is what the fuzz tests plant: text that is no part of any name or of the syntax.
func literal(value string) string { return "Zq" + hex.EncodeToString([]byte(value)) + "qZ" }

// No literal survives a shape, whatever stands around it.
func FuzzFilterShape(f *testing.F) {
	f.Add("(&(uid=", "ada", ")(cn=*))")
	f.Add("(|(cn=a*", "b", "*c)(!(sn>=x)))")
	f.Add("(memberOf:1.2.3:=", "x", ")")
	f.Add("", "x", "")
	f.Add("((", "x", "(=)")
	f.Fuzz(func(t *testing.T, before, value, after string) {
		planted := literal(value)
		for _, filter := range []string{
			"(cn=" + planted + ")", "(cn=*" + planted + "*)", "(cn:dn:2.5.13.2:=" + planted + ")", "(&(cn~=" + planted + ")" + before + after + ")",
			before + "(sn<=" + planted + ")" + after, before + "=" + planted + after,
		} {
			shape := instrument.FilterShape(filter)
			if strings.Contains(shape, planted) && !strings.Contains(before+"="+planted+after, planted+"=") && !nameOf(filter, planted) {
				t.Errorf("%q has the shape %q", filter, shape)
			}
		}
	})
}

// nameOf reports whether a filter, read by the one parser, uses text within a name; names are not hidden.
func nameOf(filter, text string) bool {
	f, err := wire.ParseFilterText(filter)
	if err != nil {
		return false
	}
	var walk func(wire.Filter) bool
	walk = func(f wire.Filter) bool {
		if bytes.Contains(f.Attr, []byte(text)) || bytes.Contains(f.Rule, []byte(text)) {
			return true
		}
		for _, child := range f.Children {
			if walk(child) {
				return true
			}
		}
		return false
	}
	return walk(f)
}

func FuzzDNShape(f *testing.F) {
	f.Add("uid=", "ada", ",dc=org")
	f.Add(`cn="a`, `\`, `",dc=org`)
	f.Add(`cn=a\`, ",", `\,+=`)
	f.Fuzz(func(t *testing.T, before, value, after string) {
		planted := literal(value)
		for _, dn := range []string{"cn=" + planted, "cn=" + planted + ",dc=org", planted, before + planted + after} {
			shape := instrument.DNShape(dn)
			if strings.Contains(shape, planted+"=") || !strings.Contains(shape, planted) {
				continue // a name, which is not hidden
			}
			t.Errorf("%q has the shape %q", dn, shape)
		}
	})
}
