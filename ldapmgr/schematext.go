// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"fmt"
	"strings"
)

// definition is one definition of a schema taken apart (RFC 4512 section 4.1): its OID, and the words behind each keyword. A
// keyword without words is there with none.
type definition struct {
	oid   string
	words map[string][]string
}

func (d definition) first(keyword string) string {
	if words := d.words[keyword]; len(words) > 0 {
		return words[0]
	}
	return ""
}

func (d definition) has(keyword string) bool {
	_, ok := d.words[keyword]
	return ok
}

var errDefinition = errors.New("definition cannot be read")

// definitionFlags are the keywords without words; any other takes one word, or a list in brackets.
var definitionFlags = map[string]bool{
	"OBSOLETE": true, "SINGLE-VALUE": true, "COLLECTIVE": true, "NO-USER-MODIFICATION": true, "ABSTRACT": true, "STRUCTURAL": true, "AUXILIARY": true,
}

// parseDefinition reads ( OID KEYWORD word KEYWORD ( word $ word ) FLAG ).
func parseDefinition(text string) (definition, error) {
	tokens, err := definitionTokens(text)
	if err != nil {
		return definition{}, err
	}
	if len(tokens) < 3 || tokens[0] != "(" || tokens[len(tokens)-1] != ")" {
		return definition{}, fmt.Errorf("%w: it is not in brackets", errDefinition)
	}
	d := definition{oid: tokens[1], words: map[string][]string{}}
	for rest := tokens[2 : len(tokens)-1]; len(rest) > 0; {
		keyword := rest[0]
		rest = rest[1:]
		switch {
		case definitionFlags[keyword]:
			d.words[keyword] = nil
		case len(rest) == 0:
			return definition{}, fmt.Errorf("%w: nothing follows %s", errDefinition, keyword)
		case rest[0] == "(":
			end := 1
			for end < len(rest) && rest[end] != ")" {
				d.words[keyword] = append(d.words[keyword], rest[end])
				end++
			}
			if end == len(rest) {
				return definition{}, fmt.Errorf("%w: the list of %s does not end", errDefinition, keyword)
			}
			rest = rest[end+1:]
		default:
			d.words[keyword], rest = []string{rest[0]}, rest[1:]
		}
	}
	return d, nil
}

// definitionTokens are brackets, words and texts; texts lose their quotation marks, and $ goes.
func definitionTokens(text string) (tokens []string, err error) {
	for {
		text = strings.TrimLeft(text, " \t\r\n$")
		switch {
		case text == "":
			return tokens, nil
		case text[0] == '(' || text[0] == ')':
			tokens, text = append(tokens, text[:1]), text[1:]
		case text[0] == '\'':
			end := strings.IndexByte(text[1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("%w: a text does not end", errDefinition)
			}
			tokens, text = append(tokens, text[1:end+1]), text[end+2:]
		default:
			end := strings.IndexAny(text, " \t\r\n$()'")
			if end < 0 {
				end = len(text)
			}
			tokens, text = append(tokens, text[:end]), text[end:]
		}
	}
}
