// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

func TestParseDefinition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		oid        string // "" for a definition that cannot be read
		words      map[string][]string
	}{
		{
			"all kinds of words", "( 2.5.6.6\n NAME ( 'person' 'human' ) DESC 'a (strange) $ text' SUP top\tSTRUCTURAL MUST (sn$cn) MAY description X-ORIGIN '' )", "2.5.6.6",
			map[string][]string{
				"NAME": {"person", "human"}, "DESC": {"a (strange) $ text"}, "SUP": {"top"}, "STRUCTURAL": nil, "MUST": {"sn", "cn"}, "MAY": {"description"}, "X-ORIGIN": {""},
			},
		},
		{"OID alone", "( 1.2.3 )", "1.2.3", map[string][]string{}},
		{"empty", "", "", nil},
		{"no brackets", "1.2.3 NAME 'x'", "", nil},
		{"not closed", "( 1.2.3 NAME 'x'", "", nil},
		{"text not closed", "( 1.2.3 NAME 'x )", "", nil},
		{"list not closed", "( 1.2.3 MUST ( a $ b )", "", nil},
		{"keyword at the end", "( 1.2.3 SUP )", "", nil},
	}
	for _, test := range tests {
		d, err := parseDefinition(test.text)
		if (err != nil) != (test.oid == "") {
			t.Errorf("%s: %v", test.name, err)
		}
		if err == nil {
			if diff := cmp.Diff(test.words, d.words); d.oid != test.oid || diff != "" {
				t.Errorf("%s: %s: %s", test.name, d.oid, diff)
			}
		}
	}
}

// Whatever a server says, reading it ends, and one strange definition hides no other.
func TestStrangeSchema(t *testing.T) {
	t.Parallel()
	s, skipped := parseSchema(Entry{ldap.NewEntry("cn=schema", map[string][]string{
		"attributeTypes": {"( 1.1 NAME 'a' SUP b )", "( 1.2 NAME 'b' SUP a )", "( 1.3 NAME 'c' SUP nowhere )", "( 1.4 SYNTAX 9.9{40} USAGE dSAOperation )", "( broken"},
		"objectClasses":  {"( 2.1 NAME 'x' SUP y MUST a )", "( 2.2 NAME 'y' SUP x MAY ( a $ b $ unknown ) )", "( 2.3 NAME 'aux' AUXILIARY MUST c MAY 1.4 )"},
		"dITContentRules": {
			"( 2.1 NAME 'x' AUX aux NOT b )",
		},
	})})
	if skipped != 1 {
		t.Errorf("%d definitions skipped, want 1", skipped)
	}
	x, ok := s.Class("x")
	if diff := cmp.Diff(ObjectClass{Name: "x", OID: "2.1", Must: []string{"a", "c"}, May: []string{"unknown", "1.4"}}, x); !ok || diff != "" {
		t.Error(diff)
	}
	if a, ok := s.Attribute("1.4"); !ok || a.Name != "1.4" || a.Syntax != "9.9" || !a.Operational {
		t.Errorf("attribute without a name: %+v", a)
	}
}

func FuzzParseDefinition(f *testing.F) {
	f.Add("( 2.5.6.6 NAME ( 'person' 'human' ) SUP top STRUCTURAL MUST ( sn $ cn ) MAY description X-ORIGIN '' )")
	f.Add("( 1.2.3 MUST ( a $ b )")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDefinition(text)
		if err == nil && (d.oid == "" || d.words == nil) {
			t.Errorf("%q is read and says nothing", text)
		}
	})
}
