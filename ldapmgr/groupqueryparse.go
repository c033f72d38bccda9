// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"strings"
)

// QueryError says where the text of a group query stops making sense.
type QueryError struct {
	Text    string
	At      int // byte in Text, from 0
	Problem string
}

func (e *QueryError) Error() string {
	return fmt.Sprintf("group query, character %d: %s", e.At+1, e.Problem)
}

// maxQueryDepth bounds parentheses and nots.
const maxQueryDepth = 64

// ParseGroupQuery reads a condition such as
//
//	staff and (admins or not "Read Only Users")
//
// Names that hold a space or a parenthesis are quoted, with a backslash before a quotation mark or a backslash within; before
// any other character a backslash is itself, so that DNs are written as they are.
// not binds closer than and, and closer than or. The error is a *QueryError; an empty text is one too.
func ParseGroupQuery(text string) (GroupQuery, error) {
	p := queryParser{text: text}
	p.next()
	q, err := p.alternatives(0)
	if err != nil {
		return GroupQuery{}, err
	}
	if p.kind != tokenEnd {
		return GroupQuery{}, p.unexpected()
	}
	return q, nil
}

type tokenKind byte

const (
	tokenEnd tokenKind = iota
	tokenGroup
	tokenAnd
	tokenOr
	tokenNot
	tokenOpen
	tokenClose
	tokenBad
)

type queryParser struct {
	text string
	at   int // behind the token
	kind tokenKind
	from int // where the token begins
	word string
}

// next reads one token.
func (p *queryParser) next() {
	for p.at < len(p.text) && strings.ContainsRune(" \t\r\n", rune(p.text[p.at])) {
		p.at++
	}
	p.from = p.at
	if p.at == len(p.text) {
		p.kind = tokenEnd
		return
	}
	switch p.text[p.at] {
	case '(':
		p.kind, p.at = tokenOpen, p.at+1
	case ')':
		p.kind, p.at = tokenClose, p.at+1
	case '"':
		p.quoted()
	default:
		p.bare()
	}
}

func (p *queryParser) quoted() {
	var word strings.Builder
	for at := p.at + 1; at < len(p.text); at++ {
		c := p.text[at]
		if c == '"' {
			p.kind, p.word, p.at = tokenGroup, word.String(), at+1
			return
		}
		if c == '\\' && at+1 < len(p.text) && strings.IndexByte(`"\`, p.text[at+1]) >= 0 {
			at++
			c = p.text[at]
		}
		word.WriteByte(c)
	}
	p.kind = tokenBad
}

func (p *queryParser) bare() {
	end := p.at
	for end < len(p.text) && !strings.ContainsRune(" \t\r\n()\"", rune(p.text[end])) {
		end++
	}
	p.word, p.at = p.text[p.at:end], end
	switch strings.ToLower(p.word) {
	case "and":
		p.kind = tokenAnd
	case "or":
		p.kind = tokenOr
	case "not":
		p.kind = tokenNot
	default:
		p.kind = tokenGroup
	}
}

func (p *queryParser) alternatives(depth int) (GroupQuery, error) {
	return p.list(tokenOr, AnyOf, func() (GroupQuery, error) {
		return p.list(tokenAnd, AllOf, func() (GroupQuery, error) { return p.operand(depth) })
	})
}

// list reads operands with one kind of word between.
func (p *queryParser) list(between tokenKind, join func(...GroupQuery) GroupQuery, operand func() (GroupQuery, error)) (GroupQuery, error) {
	var all []GroupQuery
	for {
		q, err := operand()
		if err != nil {
			return q, err
		}
		all = append(all, q)
		if p.kind != between {
			return join(all...), nil
		}
		p.next()
	}
}

func (p *queryParser) operand(depth int) (GroupQuery, error) {
	if depth > maxQueryDepth {
		return GroupQuery{}, p.fail("too many parentheses and nots within each other")
	}
	switch p.kind {
	case tokenNot:
		p.next()
		q, err := p.operand(depth + 1)
		return Not(q), err
	case tokenOpen:
		p.next()
		q, err := p.alternatives(depth + 1)
		if err == nil && p.kind != tokenClose {
			return q, p.unexpected()
		}
		p.next()
		return q, err
	case tokenGroup:
		if strings.TrimSpace(p.word) == "" {
			return GroupQuery{}, p.fail("the name of the group is empty")
		}
		if _, ok := referenceKey(p.word); !ok {
			return GroupQuery{}, p.fail("what this says it is, it is not; dn: begins a DN, sid: S-1-..., guid: a GUID, and name: any name")
		}
		q := InGroup(p.word)
		p.next()
		return q, nil
	}
	return GroupQuery{}, p.unexpected()
}

func (p *queryParser) fail(problem string) error {
	return &QueryError{Text: p.text, At: p.from, Problem: problem}
}

func (p *queryParser) unexpected() error {
	switch p.kind {
	case tokenEnd:
		return p.fail("a group is missing at the end")
	case tokenBad:
		return p.fail("the quotation mark is not closed")
	case tokenGroup:
		return p.fail("and, or or not is missing before this group; names with spaces are quoted")
	case tokenClose:
		return p.fail("this parenthesis closes nothing, or nothing is in it")
	}
	return p.fail("a group is missing before this word")
}
