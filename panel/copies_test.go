// SPDX-License-Identifier: MIT

package panel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// TestShellQuote asks a real shell what it makes of a word.
func TestShellQuote(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"plain", "it's", "a b", "$(touch x)", "`id`", `\`, `"`, "-rf", "", "*?[x]", "ünï", "'; echo no; '", "!!", "#", "~"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellQuote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("the shell reads %q as %q (%v)", word, out, err)
		}
	}
	if quoted := shellQuote("a\nrm -rf /"); strings.ContainsAny(quoted, "\n\r") {
		t.Errorf("%q runs over a line end", quoted)
	}
}

func TestLDIFIsSafe(t *testing.T) {
	t.Parallel()
	op := &instrument.Operation{Kind: instrument.KindModify, DN: "cn=x\ndn: cn=y", Changes: []instrument.Change{
		{Operation: "replace", Attribute: "mail\nx", Values: []instrument.Value{{Text: "a\nb"}, {Text: " lead"}, {Text: "plain"}}},
		{Operation: "replace", Attribute: "userPassword", Values: []instrument.Value{{Text: "<hidden>", Hidden: true}}},
	}}
	want := "dn:: Y249eApkbjogY249eQ==\nchangetype: modify\nreplace:: bWFpbAp4\nmail?x:: YQpi\nmail?x:: IGxlYWQ=\nmail?x: plain\n-\n" +
		"replace: userPassword\n# userPassword: a value that is not recorded\n-\n"
	if got := changeLDIF(op); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestCopiesOfHostileNames pastes the copies of an operation whose attribute names are no names: they stay inside of the
// text that they stand in.
func TestCopiesOfHostileNames(t *testing.T) {
	t.Parallel()
	hidden := []instrument.Value{{Text: "<hidden>", Hidden: true}}
	flag := filepath.Join(t.TempDir(), "ran")
	op := &instrument.Operation{Kind: instrument.KindModify, DN: "cn=x", Server: "h:389", Changes: []instrument.Change{
		{Operation: "replace", Attribute: "userPassword;\nEOF\ntouch " + flag + "\n: <<'EOF'\n", Values: hidden},
	}}
	command := copies(op, nil)["ldapmodify"]
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "ldapmodify", "true", 1)).CombinedOutput(); err != nil {
		t.Errorf("the shell says %v: %s", err, out)
	}
	if _, err := os.Stat(flag); err == nil {
		t.Errorf("the pasted command runs a program:\n%s", command)
	}
	entry := instrument.Entry{DN: "cn=x", Attributes: []instrument.Attribute{{Name: "userPassword;\n\ndn: cn=evil\nchangetype: delete\n#", Values: hidden}}}
	if ldif := entriesLDIF([]instrument.Entry{entry}); strings.Count(ldif, "\n") != 2 {
		t.Errorf("a name of the server's is more than its one line:\n%s", ldif)
	}
}

// TestCopiesKeepEncryption holds commands and links to ask over a connection that is as safe as the one they are copied from.
func TestCopiesKeepEncryption(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, server string
		security     instrument.Security
		flags, url   string
	}{
		{"clear", "h:389", instrument.SecurityNone, "-H 'ldap://h:389'", "ldap://h:389/"},
		{"TLS at another port", "h:1636", instrument.SecurityTLS, "-H 'ldaps://h:1636'", "ldaps://h:1636/"},
		{"TLS of the application's own", "h:636", instrument.SecurityNone, "-H 'ldaps://h:636'", "ldaps://h:636/"},
		{"StartTLS", "h:389", instrument.SecurityStartTLS, "-H 'ldap://h:389' -ZZ", "ldap://h:389/"},
		{"socket", "/run/ldapi", instrument.SecurityNone, "-H 'ldapi://%2Frun%2Fldapi'", "ldapi://%2Frun%2Fldapi/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := copies(&instrument.Operation{Kind: instrument.KindSearch, Server: tt.server, Security: tt.security, Search: &instrument.Search{Filter: "(cn=x)"}}, nil)
			if !strings.Contains(c["ldapsearch"], tt.flags+" -b ") || !strings.HasPrefix(c["url"], tt.url+"?") {
				t.Errorf("got %s and %s, want %s and %s", c["ldapsearch"], c["url"], tt.flags, tt.url)
			}
		})
	}
}

func TestEnglish(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, filter, want string }{
		{"equality", "(sAMAccountName=ada)", "login name equals “ada”"},
		{"and, or, not", "(&(objectClass=user)(|(mail=a*)(cn=*b*c))(!(cn=x)))",
			"object class equals “user” and (mail address starts with “a” or common name contains “b” and ends with “c”) and not common name equals “x”"},
		{"presence", "(mail=*)", "mail address is set"},
		{"bits", "(userAccountControl:1.2.840.113556.1.4.803:=2)", "account flags has all bits of “2”"},
		{"chain", "(memberOf:1.2.840.113556.1.4.1941:=cn=g)", "member of is, directly or through nesting, “cn=g”"},
		{"empty and", "(&)", "everything"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := wire.ParseFilterText(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := english(f); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, attribute, value, want string }{
		{"GUID", "objectguid", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", "04030201-0605-0807-090a-0b0c0d0e0f10"},
		{"short GUID", "objectguid", "abc", ""},
		{"SID", "objectsid", "\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00", "S-1-5-32-544"},
		{"SID that lies about its length", "objectsid", "\x01\x05\x00\x00\x00\x00\x00\x05", ""},
		{"file time", "pwdlastset", "133500000000000000", "2024-01-17 21:20:00 UTC"},
		{"file time of never", "accountexpires", "9223372036854775807", "never"},
		{"account control", "useraccountcontrol", "514", "disabled, normal account"},
		{"generalized time", "whencreated", "20240115080000.0Z", "2024-01-15 08:00:00 UTC"},
		{"anything else", "cn", "133500000000000000", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := decode(tt.attribute, tt.value); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
