// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"time"
)

// Severity is how much a finding matters.
type Severity uint8

// The severities, from least to most. Critical puts credentials or identity at risk; high gives wrong results or heavy load.
const (
	Info Severity = iota + 1
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"", "info", "low", "medium", "high", "critical"}

// String returns the name used in JSON and queries.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// Confidence is how sure a rule is.
type Confidence uint8

// The confidences: a hint is a pattern only, likely rests on numbers, certain on the protocol.
const (
	Hint Confidence = iota + 1
	Likely
	Certain
)

var confidenceNames = [...]string{"", "hint", "likely", "certain"}

// String returns the name used in JSON.
func (c Confidence) String() string {
	if int(c) < len(confidenceNames) {
		return confidenceNames[c]
	}
	return fmt.Sprintf("confidence(%d)", uint8(c))
}

// Finding is one piece of advice on one request.
type Finding struct {
	Rule       Rule
	Severity   Severity // may be above or below the rule's own, as the evidence goes
	Evidence   string   // what was seen, with numbers; never a value
	Operations []uint64 // Seq of the operations concerned, the first 20
	Count      int      // of operations concerned
	Shape      uint64   // that they have in common; 0 for several or none
	ShapeText  string
	Wasted     time.Duration // that the fix would save at most; 0 when unknown
}

// String says the finding in a line, as in: critical E01 Password in clear text: ...
func (f Finding) String() string {
	return fmt.Sprintf("%s %s %s: %s. %s", f.Severity, f.Rule.ID, f.Rule.Title, f.Evidence, f.Rule.Fix)
}

// Rule is one thing that can be found.
type Rule struct {
	ID         string // a letter and two digits, stable
	Title      string
	Severity   Severity
	Confidence Confidence
	Why        string // what it costs or endangers
	Fix        string // what to do
	check      func(*review, Rule)
}

// Rules returns every rule, by id.
func Rules() []Rule {
	rules := make([]Rule, len(catalogue))
	copy(rules, catalogue)
	return rules
}
