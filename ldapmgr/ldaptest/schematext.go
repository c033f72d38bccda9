// SPDX-License-Identifier: MIT

package ldaptest

import (
	"fmt"
	"slices"
	"strings"
)

// definition is one description of RFC 4512 section 4.1, still as words.
type definition struct {
	line    int
	keyword string // attributetype or objectclass
	text    string // the parenthesised part, as published
	oid     string
	words   map[string][]string // keyword in the description to its words
}

func (d definition) list(keyword string) []string { return d.words[keyword] }

func (d definition) has(keyword string) bool { _, ok := d.words[keyword]; return ok }

func (d definition) first(keyword string) string {
	if words := d.words[keyword]; len(words) > 0 {
		return words[0]
	}
	return ""
}

// splitDefinitions reads the notation of slapd's schema files: a definition starts in the first column and goes on in
// lines that start with a blank; # starts a comment.
func splitDefinitions(text string) ([]definition, error) {
	var definitions []definition
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if len(definitions) == 0 {
				return nil, fmt.Errorf("schema line %d: continues a definition that never started", i+1)
			}
			d := &definitions[len(definitions)-1]
			d.text += " " + strings.TrimSpace(line)
		default:
			keyword, rest, _ := strings.Cut(line, " ")
			definitions = append(definitions, definition{line: i + 1, keyword: strings.ToLower(keyword), text: strings.TrimSpace(rest)})
		}
	}
	for i := range definitions {
		if err := definitions[i].parse(); err != nil {
			return nil, fmt.Errorf("schema line %d: %w", definitions[i].line, err)
		}
	}
	return definitions, nil
}

var flagWords = []string{"SINGLE-VALUE", "NO-USER-MODIFICATION", "COLLECTIVE", "OBSOLETE", "ABSTRACT", "STRUCTURAL", "AUXILIARY"}

func (d *definition) parse() error {
	tokens := schemaTokens(d.text)
	if len(tokens) < 3 || tokens[0] != "(" || tokens[len(tokens)-1] != ")" {
		return fmt.Errorf("a definition reads ( oid NAME 'name' ... )")
	}
	d.oid, d.words = tokens[1], map[string][]string{}
	for tokens = tokens[2 : len(tokens)-1]; len(tokens) > 0; {
		keyword := tokens[0]
		tokens = tokens[1:]
		if slices.Contains(flagWords, keyword) {
			d.words[keyword] = nil
			continue
		}
		if len(tokens) == 0 {
			return fmt.Errorf("%s has no value", keyword)
		}
		if tokens[0] != "(" {
			d.words[keyword] = []string{tokens[0]}
			tokens = tokens[1:]
			continue
		}
		end := slices.Index(tokens, ")")
		if end < 0 {
			return fmt.Errorf("the list behind %s is not closed", keyword)
		}
		for _, word := range tokens[1:end] {
			if word != "$" {
				d.words[keyword] = append(d.words[keyword], word)
			}
		}
		tokens = tokens[end+1:]
	}
	return nil
}

// schemaTokens cuts at blanks, parentheses and dollars, and takes quotes off.
func schemaTokens(text string) []string {
	var tokens []string
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t':
			i++
		case '(', ')', '$':
			tokens = append(tokens, string(c))
			i++
		case '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return append(tokens, text[i+1:])
			}
			tokens = append(tokens, text[i+1:i+1+end])
			i += end + 2
		default:
			end := strings.IndexAny(text[i:], " \t()$'")
			if end < 0 {
				end = len(text) - i
			}
			tokens = append(tokens, text[i:i+end])
			i += end
		}
	}
	return tokens
}
