// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"slices"
	"strings"
)

// GroupQuery is a condition on the groups of a person, read from text by ParseGroupQuery or built with InGroup, AnyGroup,
// AllOf, AnyOf and Not. It is immutable. The zero value is no condition; it matches nobody.
type GroupQuery struct {
	op       queryOp
	group    string // of a leaf, as written
	key      string // of a leaf, canonical
	operands []GroupQuery
}

type queryOp byte

const (
	queryNone queryOp = iota
	queryGroup
	queryAnd
	queryOr
	queryNot
)

// InGroup matches the members of a group: see GroupSet.Has for what a reference may be.
func InGroup(reference string) GroupQuery {
	key, _ := referenceKey(reference) // what is none matches nobody
	return GroupQuery{op: queryGroup, group: reference, key: key}
}

// AnyGroup matches the members of at least one of the groups.
func AnyGroup(references ...string) GroupQuery {
	queries := make([]GroupQuery, len(references))
	for i, r := range references {
		queries[i] = InGroup(r)
	}
	return AnyOf(queries...)
}

// AllOf matches who matches every one of the queries; of none, it is no condition.
func AllOf(queries ...GroupQuery) GroupQuery { return join(queryAnd, queries) }

// AnyOf matches who matches at least one of the queries; of none, it is no condition.
func AnyOf(queries ...GroupQuery) GroupQuery { return join(queryOr, queries) }

// Not matches who does not match the query. The opposite of no condition is no condition.
func Not(query GroupQuery) GroupQuery {
	if query.IsZero() {
		return query
	}
	return GroupQuery{op: queryNot, operands: []GroupQuery{query}}
}

// join flattens nested queries of the same kind and leaves out those that are no condition.
func join(op queryOp, queries []GroupQuery) GroupQuery {
	var operands []GroupQuery
	for _, q := range queries {
		switch q.op {
		case queryNone:
		case op:
			operands = append(operands, q.operands...)
		default:
			operands = append(operands, q)
		}
	}
	switch len(operands) {
	case 0:
		return GroupQuery{}
	case 1:
		return operands[0]
	}
	return GroupQuery{op: op, operands: operands}
}

// IsZero reports whether the query is no condition.
func (q GroupQuery) IsZero() bool { return q.op == queryNone }

// Match reports whether a person with these groups matches. No server is asked.
func (q GroupQuery) Match(groups GroupSet) bool {
	switch q.op {
	case queryGroup:
		return groups.index[q.key]
	case queryNot:
		return !q.operands[0].Match(groups)
	case queryAnd, queryOr:
		for _, operand := range q.operands {
			if operand.Match(groups) == (q.op == queryOr) {
				return q.op == queryOr
			}
		}
		return q.op == queryAnd
	}
	return false
}

// negates reports whether more groups can make the query match less.
func (q GroupQuery) negates() bool {
	return q.op == queryNot || slices.ContainsFunc(q.operands, GroupQuery.negates)
}

// References returns the groups that the query names, as written, each once.
func (q GroupQuery) References() []string {
	if q.op == queryGroup {
		return []string{q.group}
	}
	var all []string
	seen := map[string]bool{}
	for _, operand := range q.operands {
		for _, r := range operand.References() {
			if !seen[r] {
				seen[r] = true
				all = append(all, r)
			}
		}
	}
	return all
}

// String returns the query as text that ParseGroupQuery reads back.
func (q GroupQuery) String() string { return q.text(queryNone) }

func (q GroupQuery) text(outer queryOp) string {
	switch q.op {
	case queryGroup:
		return quoteGroup(q.group)
	case queryNot:
		return "not " + q.operands[0].text(queryNot)
	case queryAnd, queryOr:
		words := make([]string, len(q.operands))
		for i, operand := range q.operands {
			words[i] = operand.text(q.op)
		}
		text := strings.Join(words, map[queryOp]string{queryAnd: " and ", queryOr: " or "}[q.op])
		if outer != queryNone {
			text = "(" + text + ")"
		}
		return text
	}
	return ""
}

// quoteGroup puts a reference in quotation marks where it would not be read as one word.
func quoteGroup(reference string) string {
	bare := reference != "" && !strings.ContainsAny(reference, " \t\r\n()\"\\")
	if bare && !isQueryWord(reference) {
		return reference
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(reference) + `"`
}

func isQueryWord(word string) bool {
	return strings.EqualFold(word, "and") || strings.EqualFold(word, "or") || strings.EqualFold(word, "not")
}

// Explanation is why a query matched or not: the same tree, with the truth of each part.
type Explanation struct {
	Text  string        `json:"text"`
	Match bool          `json:"match"`
	Parts []Explanation `json:"parts,omitempty"`
}

// Explain evaluates every part of the query.
func (q GroupQuery) Explain(groups GroupSet) Explanation {
	e := Explanation{Text: q.String(), Match: q.Match(groups)}
	for _, operand := range q.operands {
		e.Parts = append(e.Parts, operand.Explain(groups))
	}
	return e
}

// String returns the explanation, one part a line: yes or no, then the part.
func (e Explanation) String() string {
	var b strings.Builder
	e.write(&b, 0)
	return strings.TrimSuffix(b.String(), "\n")
}

func (e Explanation) write(b *strings.Builder, depth int) {
	answer := "no   "
	if e.Match {
		answer = "yes  "
	}
	b.WriteString(answer + strings.Repeat("  ", depth) + e.Text + "\n")
	for _, part := range e.Parts {
		part.write(b, depth+1)
	}
}
