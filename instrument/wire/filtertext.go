// SPDX-License-Identifier: MIT

package wire

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// FilterError says where a filter text stops making sense. It does not repeat the text, which may hold private values.
type FilterError struct {
	Offset int // bytes from the start
	Reason string
}

func (e *FilterError) Error() string {
	return fmt.Sprintf("filter does not parse at character %d: %s", e.Offset+1, e.Reason)
}

// ParseFilterText reads the text form of a filter (RFC 4515). Blanks around components and a missing outermost pair of
// parentheses are forgiven, as libldap and Active Directory forgive them. Errors are *FilterError.
func ParseFilterText(text string) (Filter, error) {
	p := &textParser{text: text}
	p.blanks()
	if p.at < len(text) && text[p.at] != '(' {
		f, err := p.item(len(text))
		if err == nil && p.at < len(text) {
			err = p.fail("unexpected text behind the filter")
		}
		return f, err
	}
	f, err := p.filter(filterDepth)
	if err != nil {
		return Filter{}, err
	}
	if p.blanks(); p.at < len(text) {
		return Filter{}, p.fail("unexpected text behind the filter")
	}
	return f, nil
}

// textParser reads the text form, as FilterReader reads the encoded one.
type textParser struct {
	text string
	at   int
}

func (p *textParser) fail(reason string) error { return &FilterError{p.at, reason} }

func (p *textParser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' || p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}

func (p *textParser) take(c byte, reason string) error {
	p.blanks()
	if p.at >= len(p.text) || p.text[p.at] != c {
		return p.fail(reason)
	}
	p.at++
	return nil
}

func (p *textParser) filter(depth int) (f Filter, err error) {
	if depth == 0 {
		return f, p.fail("nested too deep")
	}
	if err = p.take('(', "an opening parenthesis is missing"); err != nil {
		return f, err
	}
	if p.blanks(); p.at >= len(p.text) {
		return f, p.fail("the filter ends too early")
	}
	switch p.text[p.at] {
	case '&', '|':
		f.Op = And
		if p.text[p.at] == '|' {
			f.Op = Or
		}
		p.at++
		for p.blanks(); p.at < len(p.text) && p.text[p.at] == '('; p.blanks() {
			child, err := p.filter(depth - 1)
			if err != nil {
				return f, err
			}
			f.Children = append(f.Children, child)
		}
	case '!':
		p.at++
		child, err := p.filter(depth - 1)
		if err != nil {
			return f, err
		}
		f.Op, f.Children = Not, []Filter{child}
	default:
		end := strings.IndexByte(p.text[p.at:], ')')
		if end < 0 {
			return f, p.fail("a closing parenthesis is missing")
		}
		if f, err = p.item(p.at + end); err != nil {
			return f, err
		}
	}
	return f, p.take(')', "a closing parenthesis is missing")
}

// item reads attribute, operator and value up to end.
func (p *textParser) item(end int) (f Filter, err error) {
	item := p.text[p.at:end]
	equals := strings.IndexByte(item, '=')
	if equals < 0 {
		return f, p.fail("an operator such as = is missing")
	}
	left, right := strings.TrimSpace(item[:equals]), item[equals+1:]
	f.Op = Equal
	if n := len(left); n > 0 {
		switch left[n-1] {
		case '>':
			f.Op, left = GreaterOrEqual, left[:n-1]
		case '<':
			f.Op, left = LessOrEqual, left[:n-1]
		case '~':
			f.Op, left = Approx, left[:n-1]
		case ':':
			f.Op, left = Extensible, left[:n-1]
		}
	}
	if f.Op == Extensible {
		if err = p.extensible(&f, left); err != nil {
			return f, err
		}
	} else {
		f.Attr = []byte(left)
		if !validAttribute(left) {
			return f, p.fail("an attribute name is missing or has characters that it must not have")
		}
	}
	p.at += equals + 1
	if f.Op == Equal && strings.IndexByte(right, '*') >= 0 {
		err = p.substrings(&f, right)
	} else {
		f.Value, err = p.unescape(right)
	}
	if err == nil {
		p.at = end
	}
	return f, err
}

func (p *textParser) extensible(f *Filter, left string) error {
	parts := strings.Split(left, ":")
	f.Attr = []byte(parts[0])
	for i, part := range parts[1:] {
		switch {
		case strings.EqualFold(part, "dn") && i == 0:
			f.DNAttributes = true
		case f.Rule == nil && validAttribute(part):
			f.Rule = []byte(part)
		default:
			return p.fail("an extensible match reads attribute:dn:rule:=value")
		}
	}
	if len(f.Attr) == 0 && len(f.Rule) == 0 || len(f.Attr) > 0 && !validAttribute(parts[0]) {
		return p.fail("an extensible match needs an attribute or a matching rule")
	}
	return nil
}

func (p *textParser) substrings(f *Filter, right string) error {
	if right == "*" {
		f.Op = Present
		return nil
	}
	f.Op = Substrings
	start, parts := p.at, strings.Split(right, "*")
	for i, part := range parts {
		value, err := p.unescape(part)
		if err != nil {
			return err
		}
		p.at += len(part) + 1
		switch {
		case part == "":
		case i == 0:
			f.Initial = value
		case i == len(parts)-1:
			f.Final = value
		default:
			f.Any = append(f.Any, value)
		}
	}
	if f.Initial == nil && f.Final == nil && f.Any == nil {
		p.at = start
		return p.fail("only asterisks")
	}
	return nil
}

// unescape resolves the backslash pairs of RFC 4515 section 3.
func (p *textParser) unescape(s string) ([]byte, error) {
	value := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				p.at += i
				return nil, p.fail(`a backslash needs two hexadecimal digits behind it, as in \2a`)
			}
			value = append(value, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		case '(', ')', 0:
			p.at += i
			return nil, p.fail(`a parenthesis or a zero byte in a value is written as \28, \29 or \00`)
		default:
			value = append(value, c)
		}
	}
	return value, nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// validAttribute accepts names, OIDs and options, with the underscore that real directories use.
func validAttribute(s string) bool {
	for i := range len(s) {
		if !nameBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

// nameBytes may stand in the name of an attribute or a rule, plainBytes in the text of a value as they are.
var nameBytes, plainBytes = func() (name, plain [256]bool) {
	for i := range 256 {
		c := byte(i)
		name[i] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == ';' || c == '_'
		plain[i] = c >= 0x20 && c < 0x7f && c != '*' && c != '(' && c != ')' && c != '\\'
	}
	return name, plain
}()

// consists reports whether text is made of these bytes alone.
func consists(text []byte, of *[256]bool) bool {
	for _, c := range text {
		if !of[c] {
			return false
		}
	}
	return true
}

// String returns the text form with every value readable; use AppendText to control what is shown.
func (f Filter) String() string {
	return string(f.AppendText(nil, func(dst, _, value []byte) []byte { return AppendEscaped(dst, value) }))
}

// AppendText appends the text form. show appends what is to be seen of one value of the attribute attr; it must escape
// what RFC 4515 wants escaped, see AppendEscaped.
func (f *Filter) AppendText(dst []byte, show func(dst, attr, value []byte) []byte) []byte {
	dst = append(dst, '(')
	switch f.Op {
	case And, Or, Not:
		dst = append(dst, "&|!"[f.Op-And])
		for i := range f.Children {
			dst = f.Children[i].AppendText(dst, show)
		}
	case Present:
		dst = append(appendName(dst, f.Attr), "=*"...)
	case Substrings:
		dst = append(appendName(dst, f.Attr), '=')
		if f.Initial != nil {
			dst = show(dst, f.Attr, f.Initial)
		}
		for _, part := range f.Any {
			dst = show(append(dst, '*'), f.Attr, part)
		}
		dst = append(dst, '*')
		if f.Final != nil {
			dst = show(dst, f.Attr, f.Final)
		}
	case Extensible:
		dst = appendName(dst, f.Attr)
		if f.DNAttributes {
			dst = append(dst, ":dn"...)
		}
		if len(f.Rule) > 0 {
			dst = f.appendRule(append(dst, ':'))
		}
		dst = show(append(dst, ":="...), f.Attr, f.Value)
	default:
		dst = appendName(dst, f.Attr)
		switch f.Op {
		case GreaterOrEqual:
			dst = append(dst, '>')
		case LessOrEqual:
			dst = append(dst, '<')
		case Approx:
			dst = append(dst, '~')
		}
		dst = show(append(dst, '='), f.Attr, f.Value)
	}
	return append(dst, ')')
}

// appendName appends an attribute or rule. What no name may have is escaped, so that a hostile name does not read as another
// filter; such a text does not parse.
func appendName(dst, name []byte) []byte {
	if consists(name, &nameBytes) {
		return append(dst, name...)
	}
	for _, c := range name {
		if nameBytes[c] {
			dst = append(dst, c)
		} else {
			dst = appendHex(dst, c)
		}
	}
	return dst
}

// appendRule appends the matching rule. One that is named dn would read as the mark of the DN's attributes.
func (f *Filter) appendRule(dst []byte) []byte {
	if !f.DNAttributes && strings.EqualFold(string(f.Rule), "dn") {
		return appendHex(appendHex(dst, f.Rule[0]), f.Rule[1])
	}
	return appendName(dst, f.Rule)
}

func appendHex(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', digits[c>>4], digits[c&15])
}

// AppendEscaped appends a filter value with the escapes of RFC 4515: the five special characters and whatever is no
// printable text. UTF-8 stays readable in a value that is text; in one that is not, such as a SID, what looks like it is chance.
func AppendEscaped(dst, value []byte) []byte {
	if consists(value, &plainBytes) { // as nearly always
		return append(dst, value...)
	}
	text := isText(value)
	for _, c := range value {
		if plainBytes[c] || c >= 0x80 && text {
			dst = append(dst, c)
		} else {
			dst = appendHex(dst, c)
		}
	}
	return dst
}

// isText reports whether a value is UTF-8 without control characters but those of lines.
func isText(value []byte) bool {
	for _, c := range value {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(value)
}
