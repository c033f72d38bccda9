// SPDX-License-Identifier: MIT

package panel

import (
	"fmt"
	"net"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// powerShell writes the search for the module ActiveDirectory. Get-ADObject asks with the identity of the shell.
func powerShell(op *instrument.Operation) string {
	s := op.Search
	scope := map[instrument.SearchScope]string{instrument.ScopeBase: "Base", instrument.ScopeOne: "OneLevel"}[s.Scope]
	parts := []string{"Get-ADObject", "-LDAPFilter", powerQuote(s.Filter), "-SearchBase", powerQuote(s.Base), "-SearchScope", or(scope, "Subtree")}
	if host, _, err := net.SplitHostPort(op.Server); err == nil {
		parts = append(parts, "-Server", powerQuote(host))
	}
	if s.SizeLimit > 0 {
		parts = append(parts, "-ResultSetSize", fmt.Sprint(s.SizeLimit))
	}
	names := make([]string, len(s.Attributes))
	for i, a := range s.Attributes {
		names[i] = powerQuote(a)
	}
	if len(names) == 0 {
		names = []string{"'*'"}
	}
	return strings.Join(append(parts, "-Properties", strings.Join(names, ",")), " ")
}

// powerQuote makes one literal of PowerShell, which takes typographic quotes for the plain one.
func powerQuote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range text(s) {
		switch {
		case r < 0x20 || r == 0x7f:
			r = '?'
		case strings.ContainsRune("'\u2018\u2019\u201a\u201b", r):
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}

// markdown is a summary for an issue or a chat.
func markdown(op *instrument.Operation) string {
	result := op.State.String()
	if op.Result.Received {
		result = fmt.Sprintf("%d %s", op.Result.Code, op.Result.Name)
	}
	lines := []string{
		fmt.Sprintf("**%s** of %s at %s: %s in %v", op.Kind, or(op.Domain, "no domain"), op.Server, result, op.Duration.Round(10_000)), "", fence(subject(op)), "",
	}
	if at := about(op); at != "" {
		lines = append(lines, "- about: "+tick(at))
	}
	if s := op.Search; s != nil {
		lines = append(lines, fmt.Sprintf("- scope %s, %d entries, %d bytes", s.Scope, op.Entries, op.BytesReceived))
	}
	if op.Result.Diagnostic != "" {
		lines = append(lines, "- message: "+tick(line(op.Result.Diagnostic)))
	}
	if op.Result.Hint != "" {
		lines = append(lines, "- "+op.Result.Hint)
	}
	return strings.Join(lines, "\n") + "\n"
}

// fence keeps a text from being read as markup.
func fence(s string) string { return "    " + line(s) }

// tick is code within a line; a longer row of backticks around than within keeps it whole.
func tick(s string) string {
	around := "`"
	for strings.Contains(s, around) {
		around += "`"
	}
	return around + " " + s + " " + around
}
