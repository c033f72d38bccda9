// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// filter is the text of a search filter. Values of people and entries come into one only through the functions below,
// which escape them (RFC 4515 section 3), and texts of the configuration only after checkFilter has read them.
type filter string

func equal(attribute, value string) filter {
	return filter("(" + attribute + "=" + ldap.EscapeFilter(value) + ")")
}

// equalBytes compares with a binary value: every byte is escaped.
func equalBytes(attribute string, value []byte) filter {
	var b strings.Builder
	for _, c := range value {
		fmt.Fprintf(&b, `\%02x`, c)
	}
	return filter("(" + attribute + "=" + b.String() + ")")
}

func allFilters(filters ...filter) filter { return joinFilters("&", filters) }

func anyFilter(filters ...filter) filter { return joinFilters("|", filters) }

func joinFilters(op string, filters []filter) filter {
	var b strings.Builder
	n := 0
	last := filter("")
	for _, f := range filters {
		if f != "" {
			b.WriteString(string(f))
			last = f
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return last
	}
	return filter("(" + op + b.String() + ")")
}

// configured returns a filter of the configuration, with parentheses around it.
func configured(text string) filter {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasPrefix(text, "(") {
		return filter(text)
	}
	return filter("(" + text + ")")
}

// placeholder stands for the name of who logs in, in a filter as it was typed but for DOMAIN\ before it, and accountHolder for
// the name without any domain.
const (
	placeholder   = "{name}"
	accountHolder = "{account}"
)

// expandFilter puts a login name into a filter of the configuration.
func expandFilter(text string, name LoginName) filter {
	whole := name.Text
	if name.Form == FormDown {
		whole = name.Account
	}
	escaped := strings.NewReplacer(placeholder, ldap.EscapeFilter(whole), accountHolder, ldap.EscapeFilter(name.Account))
	return configured(escaped.Replace(text))
}

// checkFilter reads a filter of the configuration, with or without a place for the login name.
func checkFilter(text string) error {
	_, err := wire.ParseFilterText(string(expandFilter(text, LoginName{Account: "x", Text: "x"})))
	return err
}

// expandName puts a login name into the template of a bind name. In a DN it is escaped (RFC 4514 section 2.4); in the
// other forms it must not hold what separates their parts. ada@example.org goes in whole where the DN's attribute holds
// such names, and where it says another domain, whose ada is not ours.
func (d *Domain) expandName(template string, name LoginName) (string, error) {
	before, after, _ := strings.Cut(template, placeholder)
	inDN := strings.Contains(before, "=") || strings.Contains(after, "=")
	account := name.Account
	if name.Form == FormUPN && (inDN && holdsDomain(lastAttribute(before)) || !d.answersTo(name.Domain)) {
		account = name.Text
	}
	if inDN {
		return before + ldap.EscapeDN(account) + after, nil
	}
	if strings.ContainsAny(account, `\@/:"[]=`) {
		return "", ErrLoginName
	}
	return before + account + after, nil
}

// lastAttribute returns the attribute that the end of a text gives a value to: uid of ou=x,uid=.
func lastAttribute(text string) string {
	text = strings.TrimRight(text, "= ")
	return strings.TrimSpace(text[strings.LastIndexAny(text, ",+=")+1:])
}
