// SPDX-License-Identifier: MIT

// Package query is the language in which people choose operations: in the filter box of the page, in the API and on the
// command line.
//
//	op:search dur:>100ms -code:0 (mail=*) ada
//
// Words side by side must all match; OR, NOT, a leading minus and parentheses combine them. key:value asks about one
// property, (attribute=value) about a clause of the operation's own filter, /text/ is a regular expression over what the
// row shows, and any other word must occur in it. A Query is immutable and safe for concurrent use.
//
// Parse returns *Error for what it does not understand, with the place and what to write instead.
package query

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
)

// Subject is what a query is asked about: an operation and, where it is known, its HTTP request or job. Entries and Findings
// are asked only by keys that need them, ret: and advice:; without them these match nothing.
type Subject struct {
	Operation *instrument.Operation
	Request   *instrument.Request
	Entries   func(seq uint64) []instrument.Entry // that were kept of a search
	Findings  func(*instrument.Request) []advice.Finding
}

// Query is a parsed query. The zero value matches everything.
type Query struct{ match func(Subject) bool }

// Match reports whether the query chooses the operation.
func (q Query) Match(s Subject) bool { return q.match == nil || q.match(s) }

// Empty reports whether the query chooses everything.
func (q Query) Empty() bool { return q.match == nil }

// Error says where a query stops making sense and what to write instead.
type Error struct {
	Offset int // bytes from the start
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("at character %d: %s", e.Offset+1, e.Reason) }

// Parse reads a query; a blank one matches everything. now is what since: and at: are relative to.
func Parse(text string, now time.Time) (Query, error) {
	p := &parser{text: text, now: now}
	if p.blanks(); p.at == len(text) {
		return Query{}, nil
	}
	match, err := p.or(0)
	if err != nil {
		return Query{}, err
	}
	if p.at < len(text) {
		return Query{}, p.fail("a closing parenthesis without an opening one")
	}
	return Query{match}, nil
}

type matcher = func(Subject) bool

type parser struct {
	text string
	at   int
	now  time.Time
}

const deepest = 40

func (p *parser) fail(format string, args ...any) error {
	return &Error{p.at, fmt.Sprintf(format, args...)}
}

func (p *parser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n') {
		p.at++
	}
}

// keyword takes a word such as OR when it stands alone.
func (p *parser) keyword(word string) bool {
	rest := p.text[p.at:]
	if !strings.HasPrefix(rest, word) || len(rest) > len(word) && rest[len(word)] != ' ' && rest[len(word)] != '(' {
		return false
	}
	p.at += len(word)
	p.blanks()
	return true
}

func (p *parser) or(depth int) (matcher, error) {
	left, err := p.and(depth)
	if err != nil {
		return nil, err
	}
	for p.keyword("OR") {
		first := left
		second, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		left = func(s Subject) bool { return first(s) || second(s) }
	}
	return left, nil
}

func (p *parser) and(depth int) (matcher, error) {
	if depth > deepest {
		return nil, p.fail("nested too deep")
	}
	var all []matcher
	for p.blanks(); p.at < len(p.text) && p.text[p.at] != ')'; p.blanks() {
		if len(all) > 0 {
			before := p.at
			if p.keyword("OR") {
				p.at = before
				break
			}
			p.keyword("AND")
		}
		m, err := p.not(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	switch len(all) {
	case 0:
		return nil, p.fail("a condition is missing")
	case 1:
		return all[0], nil
	}
	return func(s Subject) bool {
		for _, m := range all {
			if !m(s) {
				return false
			}
		}
		return true
	}, nil
}

func (p *parser) not(depth int) (matcher, error) {
	negated := false
	for {
		if p.keyword("NOT") {
			negated = !negated
		} else if p.at+1 < len(p.text) && p.text[p.at] == '-' && p.text[p.at+1] != ' ' {
			p.at++
			negated = !negated
		} else {
			break
		}
	}
	m, err := p.atom(depth)
	if err != nil || !negated {
		return m, err
	}
	return func(s Subject) bool { return !m(s) }, nil
}

func (p *parser) atom(depth int) (matcher, error) {
	if p.at >= len(p.text) {
		return nil, p.fail("a condition is missing")
	}
	switch c := p.text[p.at]; c {
	case '(':
		if clause, end, ok := ldapClause(p.text[p.at:]); ok {
			p.at += end
			return clause, nil
		}
		p.at++
		m, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.at >= len(p.text) || p.text[p.at] != ')' {
			return nil, p.fail("a closing parenthesis is missing")
		}
		p.at++
		return m, nil
	case '/':
		return p.regexp()
	}
	return p.word()
}

func (p *parser) regexp() (matcher, error) {
	end := strings.IndexByte(p.text[p.at+1:], '/')
	if end < 0 {
		return nil, p.fail("a closing / is missing")
	}
	re, err := regexp.Compile("(?i)" + p.text[p.at+1:p.at+1+end])
	if err != nil {
		return nil, p.fail("the regular expression does not parse")
	}
	p.at += end + 2
	return func(s Subject) bool { return anyText(s, re.MatchString) }, nil
}

// word reads key:value or plain text.
func (p *parser) word() (matcher, error) {
	start := p.at
	for p.at < len(p.text) && isKey(p.text[p.at]) {
		p.at++
	}
	if p.at > start && p.at < len(p.text) && p.text[p.at] == ':' {
		name := p.text[start:p.at]
		k, ok := keys[name]
		if !ok {
			p.at = start
			return nil, p.fail("unknown key %q%s", name, suggestion(name))
		}
		p.at++
		at := p.at
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		if value == "" {
			return nil, p.fail("%s: needs a value, such as %s", name, k.example)
		}
		m, err := k.build(value, p.now)
		if err != nil {
			p.at = at
			return nil, p.fail("%s: %v, such as %s", name, err, k.example)
		}
		return m, nil
	}
	p.at = start
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	needle := strings.ToLower(value)
	return func(s Subject) bool {
		return anyText(s, func(text string) bool { return strings.Contains(strings.ToLower(text), needle) })
	}, nil
}

func isKey(c byte) bool { return c >= 'a' && c <= 'z' || c == '_' }

// value reads a word, with quotes where it holds blanks or parentheses.
func (p *parser) value() (string, error) {
	var out strings.Builder
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\n', ')':
			return out.String(), nil
		case '"':
			end := strings.IndexByte(p.text[p.at+1:], '"')
			if end < 0 {
				return "", p.fail("a closing quote is missing")
			}
			out.WriteString(p.text[p.at+1 : p.at+1+end])
			p.at += end + 2
		default:
			out.WriteByte(c)
			p.at++
		}
	}
	return out.String(), nil
}
