// SPDX-License-Identifier: MIT

package ldif_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/ldif"
)

func TestRead(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a version alone", "version: 1\n", ""},
		{"one record", "dn: cn=a\ncn: a\nsn: b\nCN: c\n", "1 cn=a cn=[a c] sn=[b]\n"},
		{"two records and blank lines", "\n\ndn: cn=a\ncn: a\n\n\ndn: cn=b\ncn: b", "3 cn=a cn=[a]\n7 cn=b cn=[b]\n"},
		{"folded", "dn: cn=a,\n dc=x\ncn: a\n  b\n", "1 cn=a,dc=x cn=[a b]\n"},
		{"a folded comment", "# one\n two\ndn: cn=a\n# three\ncn: a\n", "3 cn=a cn=[a]\n"},
		{"base64", "dn:: Y249w6Q=\ncn:: w6Q=\n", "1 cn=ä cn=[ä]\n"},
		{"a folded base64", "dn: cn=a\ncn:: w6\n Q=\n", "1 cn=a cn=[ä]\n"},
		{"no value", "dn: cn=a\ncn:\n", "1 cn=a cn=[]\n"},
		{"a value with a colon", "dn: cn=a\nurl: http://x\n", "1 cn=a url=[http://x]\n"},
		{"carriage returns", "dn: cn=a\r\ncn: a\r\n\r\n", "1 cn=a cn=[a]\n"},
		{"a byte order mark", "\ufeffversion: 1\ndn: cn=a\n", "2 cn=a\n"},
		{"a change that adds", "dn: cn=a\nchangetype: add\ncn: a\n", "1 cn=a cn=[a]\n"},
		{"a change that deletes", "dn: cn=a\nchangetype: delete\n", "error: ldif line 2: only records that add entries are read"},
		{"no dn", "cn: a\n", "error: ldif line 1: a record starts with dn"},
		{"no colon", "dn: cn=a\n\ndn: cn=b\nnonsense\n", "1 cn=a\nerror: ldif line 4: a line reads name: value"},
		{"no base64", "dn: cn=a\ncn:: secret!\n", "error: ldif line 2: the value of cn is no base64"},
		{"a URL", "dn: cn=a\nphoto:< file:///etc/passwd\n", "error: ldif line 2: values by URL are not read"},
		{"a fold of nothing", " x\n", "error: ldif line 1: continues a line that is not there"},
		{"a fold behind a blank line", "dn: cn=a\n\n x\n", "1 cn=a\nerror: ldif line 3: continues a line that is not there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			err := ldif.Read(strings.NewReader(test.text), func(r ldif.Record) error {
				fmt.Fprintf(&got, "%d %s", r.Line, r.DN)
				for _, a := range r.Attributes {
					fmt.Fprintf(&got, " %s=%s", a.Name, a.Values)
				}
				got.WriteByte('\n')
				return nil
			})
			if err != nil {
				fmt.Fprintf(&got, "error: %v", err)
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}
