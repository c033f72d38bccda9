// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// copies are the forms of an operation that people paste elsewhere, with commands that ask as whoever asked. None holds a
// password: commands ask for it.
func copies(op *instrument.Operation, as *instrument.Bind) map[string]string {
	how := bindFlags(as) + " " + serverFlags(op)
	c := map[string]string{"markdown": markdown(op)}
	if s := op.Search; s != nil {
		c["ldapsearch"] = ldapsearch(op.Search, how)
		c["url"] = ldapURL(op)
		c["go"] = goSearch(s)
		c["powershell"] = powerShell(op)
		if tree, err := wire.ParseFilterText(s.Filter); err == nil {
			c["filter_pretty"] = prettyFilter(tree, 0)
			c["filter_english"] = english(tree)
		}
	}
	switch op.Kind {
	case instrument.KindModify, instrument.KindAdd, instrument.KindDelete, instrument.KindModifyDN:
		c["ldif"] = changeLDIF(op)
		c["ldapmodify"] = "ldapmodify " + how + " <<'EOF'\n" + c["ldif"] + "EOF\n"
	case instrument.KindCompare:
		if len(op.Changes) == 1 && len(op.Changes[0].Values) == 1 {
			c["ldapcompare"] = "ldapcompare " + how + " " + shellQuote(op.DN) + " " +
				shellQuote(op.Changes[0].Attribute+":"+op.Changes[0].Values[0].Text)
		}
	}
	if op.Extended != nil && op.Extended.OID == whoAmI {
		c["ldapwhoami"] = "ldapwhoami " + how
	}
	if len(op.EntryList) > 0 {
		c["entries_ldif"] = entriesLDIF(op.EntryList)
	}
	return c
}

// whoAmI is the operation of RFC 4532.
const whoAmI = "1.3.6.1.4.1.4203.1.11.3"

// shellQuote makes one word of a shell command. Line ends cannot be pasted safely and are replaced.
func shellQuote(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return '?'
		}
		return r
	}, text(s))
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// serverURL is the address of the server, encrypted as the connection was.
func serverURL(op *instrument.Operation) string {
	host, port, err := net.SplitHostPort(op.Server)
	if err != nil {
		return "ldapi://" + url.PathEscape(op.Server)
	}
	scheme := "ldap"
	if op.Security == instrument.SecurityTLS || op.Security == instrument.SecurityNone && (port == "636" || port == "3269") {
		scheme = "ldaps" // on these ports the application may encrypt by itself
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

func serverFlags(op *instrument.Operation) string {
	flags := "-H " + shellQuote(serverURL(op))
	if op.Security == instrument.SecurityStartTLS {
		flags += " -ZZ"
	}
	return flags
}

func ldapsearch(s *instrument.Search, how string) string {
	parts := []string{"ldapsearch", how, "-b", shellQuote(s.Base), "-s", s.Scope.String(), "-LLL"}
	if s.Deref > 0 && s.Deref < 4 {
		parts = append(parts, "-a", [...]string{"never", "search", "find", "always"}[s.Deref])
	}
	if s.SizeLimit > 0 {
		parts = append(parts, "-z", strconv.Itoa(s.SizeLimit))
	}
	if s.TimeLimit > 0 {
		parts = append(parts, "-l", strconv.Itoa(int(s.TimeLimit.Seconds())))
	}
	if s.TypesOnly {
		parts = append(parts, "-A")
	}
	if s.PageSize > 0 {
		parts = append(parts, "-E", fmt.Sprintf("pr=%d/noprompt", s.PageSize))
	}
	parts = append(parts, "--", shellQuote(s.Filter))
	for _, a := range s.Attributes {
		parts = append(parts, shellQuote(a))
	}
	return strings.Join(parts, " ")
}

// ldapURL writes RFC 4516.
func ldapURL(op *instrument.Operation) string {
	s := op.Search
	attributes := make([]string, len(s.Attributes))
	for i, a := range s.Attributes {
		attributes[i] = url.PathEscape(a)
	}
	return serverURL(op) + "/" + url.PathEscape(s.Base) + "?" + strings.Join(attributes, ",") + "?" + s.Scope.String() + "?" + url.PathEscape(s.Filter)
}

func goSearch(s *instrument.Search) string {
	scope := map[instrument.SearchScope]string{
		instrument.ScopeBase: "ldap.ScopeBaseObject", instrument.ScopeOne: "ldap.ScopeSingleLevel", instrument.ScopeSub: "ldap.ScopeWholeSubtree", instrument.ScopeChildren: "ldap.ScopeChildren",
	}[s.Scope]
	attributes := "nil"
	if len(s.Attributes) > 0 {
		attributes = fmt.Sprintf("%#v", s.Attributes)
	}
	return fmt.Sprintf("ldap.NewSearchRequest(\n\t%q,\n\t%s, %d, %d, %d, %t,\n\t%q,\n\t%s, nil,\n)",
		s.Base, scope, s.Deref, s.SizeLimit, int(s.TimeLimit.Seconds()), s.TypesOnly, s.Filter, attributes)
}

// changeLDIF writes a change record (RFC 2849).
func changeLDIF(op *instrument.Operation) string {
	var b strings.Builder
	ldifLine(&b, "dn", op.DN)
	switch op.Kind {
	case instrument.KindDelete:
		b.WriteString("changetype: delete\n")
	case instrument.KindAdd:
		b.WriteString("changetype: add\n")
		for _, c := range op.Changes {
			ldifValues(&b, c)
		}
	case instrument.KindModify:
		b.WriteString("changetype: modify\n")
		for _, c := range op.Changes {
			ldifLine(&b, c.Operation, c.Attribute)
			ldifValues(&b, c)
			b.WriteString("-\n")
		}
	case instrument.KindModifyDN:
		b.WriteString("changetype: moddn\n")
		for _, c := range op.Changes {
			name := map[string]string{"rename": "newrdn", "move": "newsuperior"}[c.Operation]
			for _, v := range c.Values {
				ldifLine(&b, name, v.Text)
			}
		}
	}
	return b.String()
}

func ldifValues(b *strings.Builder, c instrument.Change) {
	for _, v := range c.Values {
		if v.Hidden {
			fmt.Fprintf(b, "# %s: a value that is not recorded\n", description(c.Attribute))
			continue
		}
		ldifLine(b, c.Attribute, v.Text)
	}
}

func entriesLDIF(entries []instrument.Entry) string {
	var b strings.Builder
	for i, e := range entries {
		if i > 0 {
			b.WriteByte('\n')
		}
		ldifLine(&b, "dn", e.DN)
		for _, a := range e.Attributes {
			ldifValues(&b, instrument.Change{Attribute: a.Name, Values: a.Values})
		}
	}
	return b.String()
}

// description makes names that are no attribute descriptions (RFC 4512 section 2.5) harmless: a server may send any bytes,
// and a line end among them would begin a line of its own.
func description(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ';' || r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '?'
	}, name)
}

// ldifLine writes one line, in base64 where RFC 2849 section 2 asks for it.
func ldifLine(b *strings.Builder, name, value string) {
	name = description(name)
	if safeLDIF(value) {
		fmt.Fprintf(b, "%s: %s\n", name, value)
		return
	}
	fmt.Fprintf(b, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
}

func safeLDIF(v string) bool {
	if v != "" && (v[0] == ' ' || v[0] == ':' || v[0] == '<' || v[len(v)-1] == ' ') {
		return false
	}
	for i := range len(v) {
		if v[i] < 0x20 || v[i] > 0x7e {
			return false
		}
	}
	return true
}
