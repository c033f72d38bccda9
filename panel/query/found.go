// SPDX-License-Identifier: MIT

package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
)

// returned chooses searches by an attribute of the entries that were kept of them; * for any.
func returned(value string, _ time.Time) (matcher, error) {
	return func(s Subject) bool {
		if s.Entries == nil || s.Operation.Search == nil || s.Operation.Entries == 0 {
			return false
		}
		return slices.ContainsFunc(s.Entries(s.Operation.Seq), func(e instrument.Entry) bool {
			return slices.ContainsFunc(e.Attributes, func(a instrument.Attribute) bool {
				name, _, _ := strings.Cut(a.Name, ";")
				return value == "*" || strings.EqualFold(name, value) || strings.EqualFold(a.Name, value)
			})
		})
	}, nil
}

// pages is the number of a page, from 1: of the last page of a search it is how many there were.
func pages(s Subject) float64 {
	if s.Operation.Search == nil {
		return 0
	}
	return float64(s.Operation.Search.Page)
}

// securities are what tls: takes.
var securities = []string{"yes", "no", "tls", "start_tls"}

func security(value string, _ time.Time) (matcher, error) {
	value = strings.ToLower(value)
	if !slices.Contains(securities, value) {
		return nil, fmt.Errorf("unknown: use %s", strings.Join(securities, ", "))
	}
	return func(s Subject) bool {
		encrypted := s.Operation.Security != instrument.SecurityNone
		switch value {
		case "yes":
			return encrypted
		case "no":
			return !encrypted
		}
		return s.Operation.Security.String() == value
	}, nil
}

// severities are the words of advice:, from least to most.
var severities = []advice.Severity{advice.Info, advice.Low, advice.Medium, advice.High, advice.Critical}

// adviceValues lists what advice: takes beside several of them.
func adviceValues() (values []string) {
	for _, s := range severities {
		values = append(values, s.String(), s.String()+"+")
	}
	for _, rule := range advice.Rules() {
		values = append(values, rule.ID)
	}
	return values
}

// advised chooses the operations that a finding is about, by its rule or its severity.
func advised(value string, _ time.Time) (matcher, error) {
	var wanted []func(advice.Finding) bool
	for word := range strings.SplitSeq(value, ",") {
		one, err := finding(word)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, one)
	}
	return func(s Subject) bool {
		if s.Findings == nil || s.Request == nil {
			return false
		}
		return slices.ContainsFunc(s.Findings(s.Request), func(f advice.Finding) bool {
			return concerns(f, s.Operation) && slices.ContainsFunc(wanted, func(w func(advice.Finding) bool) bool { return w(f) })
		})
	}, nil
}

// finding reads the id of a rule, * for any, a severity, or a severity and those above it.
func finding(word string) (func(advice.Finding) bool, error) {
	name, above := strings.CutSuffix(word, "+")
	for _, s := range severities {
		if strings.EqualFold(s.String(), name) {
			return func(f advice.Finding) bool { return f.Severity == s || above && f.Severity > s }, nil
		}
	}
	if word == "*" {
		return func(advice.Finding) bool { return true }, nil
	}
	if !slices.ContainsFunc(advice.Rules(), func(r advice.Rule) bool { return strings.EqualFold(r.ID, word) }) {
		return nil, errors.New("neither a rule nor a severity")
	}
	return func(f advice.Finding) bool { return strings.EqualFold(f.Rule.ID, word) }, nil
}

// concerns reports whether a finding is about an operation. A finding names its first operations, and the shape that all of
// them have in common.
func concerns(f advice.Finding, op *instrument.Operation) bool {
	if slices.Contains(f.Operations, op.Seq) {
		return true
	}
	return f.Count > len(f.Operations) && f.Shape != 0 && op.Shape != nil && op.Shape.ID == f.Shape
}
