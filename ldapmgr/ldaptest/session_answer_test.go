// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// reading turns the messages of one answer into lines: entries in order of name unless the search was sorted, attributes
// and values in order, and values that differ from run to run as <some>.
type reading struct {
	session *session
	entries []string
	final   string
	sorted  bool
}

// volatile are attributes whose values two servers cannot share.
var volatile = []string{"entryUUID", "entryCSN", "createTimestamp", "modifyTimestamp", "pwdChangedTime", "contextCSN",
	"objectGUID", "objectSid", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged", "pwdLastSet", "currentTime", "highestCommittedUSN",
	"supportedControl", "supportedExtension", "supportedFeatures", "attributeTypes", "objectClasses", "matchingRules", "tokenGroups"}

func (r *reading) take(m wire.Message) (done bool) {
	switch m.Op {
	case wire.SearchResultEntry:
		r.entries = append(r.entries, entryText(m.Body))
		return false
	case wire.SearchResultReference:
		text := "  reference"
		_ = wire.References(m.Body, func(uri []byte) bool { text += " " + string(uri); return true })
		r.entries = append(r.entries, text+"\n")
		return false
	}
	result, err := wire.ParseResult(m.Op, m.Body)
	if err != nil {
		r.final = fmt.Sprintf("  unreadable: %v\n", err)
		return true
	}
	r.final = resultText(m, result)
	_ = m.Controls(func(c wire.Control) bool { r.final += r.controlText(c); return true })
	if m.ID == 0 {
		r.final = "  notice " + strings.TrimLeft(r.final, " ")
		r.entries = append(r.entries, r.final)
		r.final = ""
		return false
	}
	return true
}

func (r *reading) text() string {
	if !r.sorted {
		slices.Sort(r.entries)
	}
	if n := len(r.entries); n > 50 {
		return fmt.Sprintf("  %d entries\n%s%s%s", n, r.entries[0], r.entries[n-1], r.final)
	}
	return strings.Join(r.entries, "") + r.final
}

func resultText(m wire.Message, result wire.Result) string {
	text := fmt.Sprintf("  = %d", result.Code)
	if len(result.MatchedDN) > 0 {
		text += fmt.Sprintf(" matched %q", result.MatchedDN)
	}
	_ = result.Referrals(func(uri []byte) bool { text += " referral " + string(uri); return true })
	if code, found := subCode(string(result.Diagnostic)); found {
		text += " " + code
	}
	if m.Op == wire.ExtendedResponse {
		if len(result.OID) > 0 {
			text += " oid " + string(result.OID)
		}
		if len(result.Value) > 0 {
			value := strconv.Quote(string(result.Value))
			if result.Value[0] == 0x30 {
				value = "<some>" // a generated password
			}
			text += " value " + value
		}
	}
	return text + "\n"
}

// subCode takes from a diagnostic of Active Directory what programs read from it: the leading number and what follows "data".
func subCode(diagnostic string) (text string, found bool) {
	number, rest, found := strings.Cut(diagnostic, ":")
	if !found || len(number) != 8 || strings.Trim(number, "0123456789ABCDEF") != "" {
		return "", false
	}
	if _, after, ok := strings.Cut(rest, ", data "); ok {
		data, _, _ := strings.Cut(strings.TrimRight(after, "\x00\n"), ",")
		return number + " data " + data, true
	}
	return number, true
}

func (r *reading) controlText(c wire.Control) string {
	switch c.OID {
	case wire.OIDPaging:
		size, cookie, err := wire.ParsePaging(c.Value)
		if err != nil {
			return fmt.Sprintf("  control paging unreadable: %v\n", err)
		}
		r.session.cookie = slices.Clone(cookie)
		more := "last"
		if len(cookie) > 0 {
			more = "more"
		}
		return fmt.Sprintf("  control paging size %d %s\n", size, more)
	case wire.OIDSortResponse:
		r.sorted = true
		return fmt.Sprintf("  control sort %x\n", c.Value)
	case "1.3.6.1.1.13.1", "1.3.6.1.1.13.2":
		return fmt.Sprintf("  control %s\n%s", c.OID, indent(entryText(readEntryBody(c.Value))))
	}
	return fmt.Sprintf("  control %s %x\n", c.OID, c.Value)
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// readEntryBody takes tag and length off an entry inside a control value.
func readEntryBody(b []byte) []byte {
	if len(b) < 2 {
		return nil
	}
	if b[1] < 0x80 {
		return b[2:]
	}
	return b[2+int(b[1]&0x7f):]
}

func entryText(body []byte) string {
	entry, err := wire.ParseEntry(body)
	if err != nil {
		return fmt.Sprintf("  unreadable entry: %v\n", err)
	}
	var lines []string
	err = entry.Attributes(func(a wire.Attribute) bool {
		var values []string
		_ = a.Values(func(v []byte) bool { values = append(values, valueText(string(v))); return true })
		slices.Sort(values)
		if len(values) > 0 && slices.ContainsFunc(volatile, func(v string) bool { return strings.EqualFold(v, string(a.Name)) }) {
			values = []string{"<some>"}
		}
		lines = append(lines, fmt.Sprintf("    %s: %s\n", a.Name, strings.Join(values, " | ")))
		return true
	})
	if err != nil {
		return fmt.Sprintf("  unreadable entry: %v\n", err)
	}
	slices.Sort(lines)
	return fmt.Sprintf("  %s\n%s", nameText(string(entry.DN)), strings.Join(lines, ""))
}

func nameText(name string) string {
	if name == "" {
		return `""`
	}
	return valueText(name)
}

// valueText quotes what would not read well as it is.
func valueText(v string) string {
	if quoted := strconv.Quote(v); quoted != `"`+v+`"` || strings.TrimSpace(v) != v || strings.Contains(v, "|") {
		return quoted
	}
	return v
}
