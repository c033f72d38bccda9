// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/ldif"
)

func entryOf(dn string, attributes ...*ldap.EntryAttribute) ldapmgr.Entry {
	return ldapmgr.Entry{Entry: &ldap.Entry{DN: dn, Attributes: attributes}}
}

func attribute(name string, values ...string) *ldap.EntryAttribute {
	a := &ldap.EntryAttribute{Name: name, Values: values}
	for _, v := range values {
		a.ByteValues = append(a.ByteValues, []byte(v))
	}
	return a
}

// TestWriteLDIF holds lines to RFC 2849: what may stand as it is, what must be base64, and where lines are folded.
func TestWriteLDIF(t *testing.T) {
	t.Parallel()
	guid := string([]byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff})
	tests := []struct {
		name string
		e    ldapmgr.Entry
		want string
	}{
		{"plain", entryOf("cn=a,dc=x", attribute("cn", "a", "b:c<d ")), "dn: cn=a,dc=x\ncn: a\ncn:: YjpjPGQg\n"},
		{"first characters", entryOf("", attribute("x", " a", ":a", "<a", "a :<a")), "dn:\nx:: IGE=\nx:: OmE=\nx:: PGE=\nx: a :<a\n"},
		{"not ASCII", entryOf("cn=dreßler", attribute("sn", "ß", "a\nb", "a\x1b[31m", "\x00", "\x7f")), "dn:: Y249ZHJlw59sZXI=\nsn:: w58=\nsn:: YQpi\nsn:: YRtbMzFt\nsn:: AA==\nsn:: fw==\n"},
		{"empty, and names alone", entryOf("cn=a", attribute("x", ""), attribute("y")), "dn: cn=a\nx:\ny:\n"},
		{"secrets", entryOf("cn=a", attribute("userPassword", "hunter22"), attribute("unicodePwd", "x")), "dn: cn=a\n# userPassword: not shown\n# unicodePwd: not shown\n"},
		{"told in plain", entryOf("cn=a", attribute("objectGUID", guid)), "dn: cn=a\n# objectGUID: 00112233-4455-6677-8899-aabbccddeeff\nobjectGUID:: MyIRAFVEd2aImaq7zN3u/w==\n"},
		{"folded", entryOf("cn=a", attribute("x", strings.Repeat("1", 73), strings.Repeat("2", 74), strings.Repeat("3", 150))),
			"dn: cn=a\nx: " + strings.Repeat("1", 73) + "\nx: " + strings.Repeat("2", 73) + "\n 2\nx: " + strings.Repeat("3", 73) + "\n " + strings.Repeat("3", 75) + "\n 33\n"},
		{"a name that is none", entryOf("cn=a", attribute("x\nuid: root\x1b", "1")), "dn: cn=a\nx?uid: root?: 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := writeLDIF(&got, test.e); err != nil || got.String() != test.want+"\n" {
				t.Errorf("got %v\n%s\nwant\n%s", err, &got, test.want)
			}
		})
	}
}

// FuzzWriteLDIF: whatever a value is, a reader of LDIF gets it back, and a terminal gets text.
func FuzzWriteLDIF(f *testing.F) {
	for _, seed := range []string{"", " ", "a", "#a", ": x", "< file:///etc/passwd", "a ", strings.Repeat("x", 200), "\xff\x00", "a\r\nb", "dreßler"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var text bytes.Buffer
		if err := writeLDIF(&text, entryOf("cn="+value, attribute("description", value, value+"x"))); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(text.String(), func(r rune) bool { return r != '\n' && (r < 0x20 || r >= 0x7f) }); i >= 0 {
			t.Errorf("byte %d of %q is no text", i, &text)
		}
		for line := range strings.Lines(text.String()) {
			if len(line) > ldifWidth+1 {
				t.Errorf("%q is longer than %d", line, ldifWidth)
			}
		}
		records := 0
		err := ldif.Read(&text, func(r ldif.Record) error {
			records++
			if r.DN != "cn="+value || len(r.Attributes) != 1 || len(r.Attributes[0].Values) != 2 || string(r.Attributes[0].Values[0]) != value {
				t.Errorf("got %+v back of %q", r, value)
			}
			return nil
		})
		if err != nil || records != 1 {
			t.Errorf("%d records, %v", records, err)
		}
	})
}
