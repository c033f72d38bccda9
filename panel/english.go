// SPDX-License-Identifier: MIT

package panel

import (
	"fmt"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// prettyFilter writes a filter over several lines, indented by depth.
func prettyFilter(f wire.Filter, depth int) string {
	indent := strings.Repeat("  ", depth)
	if len(f.Children) == 0 || f.Op == wire.Not && len(f.Children[0].Children) == 0 {
		return indent + f.String()
	}
	var b strings.Builder
	b.WriteString(indent + "(" + map[wire.FilterOp]string{wire.And: "&", wire.Or: "|", wire.Not: "!"}[f.Op] + "\n")
	for _, child := range f.Children {
		b.WriteString(prettyFilter(child, depth+1) + "\n")
	}
	b.WriteString(indent + ")")
	return b.String()
}

// attributeWords are what people call common attributes.
var attributeWords = map[string]string{
	"samaccountname": "login name", "uid": "user id", "cn": "common name", "sn": "surname", "givenname": "given name", "mail": "mail address",
	"userprincipalname": "principal name", "objectclass": "object class", "objectcategory": "object category", "memberof": "member of",
	"member": "member", "uniquemember": "member", "displayname": "display name", "department": "department", "ou": "organizational unit",
	"useraccountcontrol": "account flags", "objectguid": "GUID", "objectsid": "SID", "telephonenumber": "telephone number",
}

// rules are the matching rules that Active Directory users meet (MS-ADTS 3.1.1.3.4.4).
var rules = map[string]string{
	"1.2.840.113556.1.4.803":  "has all bits of",
	"1.2.840.113556.1.4.804":  "has any bit of",
	"1.2.840.113556.1.4.1941": "is, directly or through nesting,",
}

// english says a filter in plain words.
func english(f wire.Filter) string { return inEnglish(f, true) }

func inEnglish(f wire.Filter, outermost bool) string {
	switch f.Op {
	case wire.And, wire.Or:
		word, none := " and ", "everything"
		if f.Op == wire.Or {
			word, none = " or ", "nothing"
		}
		parts := make([]string, len(f.Children))
		for i, child := range f.Children {
			parts[i] = inEnglish(child, len(f.Children) == 1)
		}
		switch {
		case len(parts) == 0:
			return none
		case len(parts) == 1 || outermost:
			return strings.Join(parts, word)
		}
		return "(" + strings.Join(parts, word) + ")"
	case wire.Not:
		return "not " + inEnglish(f.Children[0], false)
	}
	return assertion(f)
}

func assertion(f wire.Filter) string {
	name := string(f.Attr)
	if word, ok := attributeWords[strings.ToLower(name)]; ok {
		name = word
	}
	value := quoted(f.Value)
	switch f.Op {
	case wire.Present:
		return name + " is set"
	case wire.Equal:
		return name + " equals " + value
	case wire.GreaterOrEqual:
		return name + " is at least " + value
	case wire.LessOrEqual:
		return name + " is at most " + value
	case wire.Approx:
		return name + " sounds like " + value
	case wire.Substrings:
		return name + " " + substrings(f)
	}
	rule := string(f.Rule)
	words, known := rules[rule]
	switch {
	case known:
		return fmt.Sprintf("%s %s %s", name, words, value)
	case rule == "":
		return name + " equals " + value
	case name == "":
		return fmt.Sprintf("any attribute matches %s by rule %s", value, rule)
	}
	return fmt.Sprintf("%s matches %s by rule %s", name, value, rule)
}

func substrings(f wire.Filter) string {
	var parts []string
	if f.Initial != nil {
		parts = append(parts, "starts with "+quoted(f.Initial))
	}
	for _, part := range f.Any {
		parts = append(parts, "contains "+quoted(part))
	}
	if f.Final != nil {
		parts = append(parts, "ends with "+quoted(f.Final))
	}
	return strings.Join(parts, " and ")
}

func quoted(value []byte) string { return "“" + string(wire.AppendEscaped(nil, value)) + "”" }
