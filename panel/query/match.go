// SPDX-License-Identifier: MIT

package query

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// anyText asks about every text that the row of an operation shows, until one matches.
func anyText(s Subject, match func(string) bool) bool {
	op := s.Operation
	for _, text := range []string{target(s), filter(s), op.Domain, op.Step, op.Kind.String(), op.Result.Name, op.Result.Error, op.Result.Diagnostic} {
		if text != "" && match(text) {
			return true
		}
	}
	if op.Extended != nil && match(op.Extended.Name+" "+op.Extended.OID) {
		return true
	}
	return s.Request != nil && (match(s.Request.Path) || match(s.Request.Route) || match(s.Request.User) || match(s.Request.Name))
}

// ldapClause reads an LDAP filter at the start of text. It matches operations whose own filter tree holds the same
// clause; a value of * stands for any value.
func ldapClause(text string) (matcher, int, bool) {
	end := closing(text)
	if end < 0 {
		return nil, 0, false
	}
	wanted, err := wire.ParseFilterText(text[:end])
	if err != nil || !strings.ContainsRune(text[:end], '=') {
		return nil, 0, false
	}
	return func(s Subject) bool {
		own := filter(s)
		if own == "" {
			return false
		}
		tree, err := wire.ParseFilterText(own)
		return err == nil && holds(tree, wanted)
	}, end, true
}

// closing returns the length of the text up to the parenthesis that closes its first one.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func holds(tree, wanted wire.Filter) bool {
	if sameClause(tree, wanted) {
		return true
	}
	for _, child := range tree.Children {
		if holds(child, wanted) {
			return true
		}
	}
	return false
}

func sameClause(f, wanted wire.Filter) bool {
	if wanted.Op == wire.Present && len(f.Attr) > 0 && f.Op != wire.Extensible {
		return bytes.EqualFold(f.Attr, wanted.Attr)
	}
	if f.Op != wanted.Op || !bytes.EqualFold(f.Attr, wanted.Attr) || !bytes.EqualFold(f.Value, wanted.Value) ||
		!bytes.EqualFold(f.Rule, wanted.Rule) || len(f.Children) != len(wanted.Children) || len(f.Any) != len(wanted.Any) ||
		!bytes.EqualFold(f.Initial, wanted.Initial) || !bytes.EqualFold(f.Final, wanted.Final) {
		return false
	}
	for i := range f.Any {
		if !bytes.EqualFold(f.Any[i], wanted.Any[i]) {
			return false
		}
	}
	for _, child := range wanted.Children { // in any order
		found := false
		for _, own := range f.Children {
			found = found || sameClause(own, child)
		}
		if !found {
			return false
		}
	}
	return true
}

// durations compares times written with a unit.
func durations(of func(Subject) time.Duration) func(string, time.Time) (matcher, error) {
	return func(value string, _ time.Time) (matcher, error) {
		return compare(value, func(s string) (float64, error) {
			d, err := time.ParseDuration(s)
			if err != nil {
				return 0, errors.New("a duration is written with its unit: us, ms or s")
			}
			return float64(d), nil
		}, func(s Subject) float64 { return float64(of(s)) })
	}
}

// numbers compares counts, with kB (also written KB), MB, GB and TB as powers of 1000.
func numbers(of func(Subject) float64) func(string, time.Time) (matcher, error) {
	return func(value string, _ time.Time) (matcher, error) {
		return compare(value, func(s string) (float64, error) {
			factor := 1.0
			for suffix, f := range map[string]float64{"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12} {
				if trimmed, ok := strings.CutSuffix(s, suffix); ok {
					s, factor = trimmed, f
				}
			}
			n, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return 0, errors.New("that is no number")
			}
			return n * factor, nil
		}, of)
	}
}

// compare reads >x, >=x, <x, <=x, x..y or x.
func compare(value string, parse func(string) (float64, error), of func(Subject) float64) (matcher, error) {
	if low, high, ok := strings.Cut(value, ".."); ok {
		from, err := parse(low)
		if err != nil {
			return nil, err
		}
		to, err := parse(high)
		if err != nil {
			return nil, err
		}
		return func(s Subject) bool { v := of(s); return v >= from && v <= to }, nil
	}
	operator := value[:len(value)-len(strings.TrimLeft(value, "<>="))]
	limit, err := parse(strings.TrimPrefix(value, operator))
	if err != nil {
		return nil, err
	}
	switch operator {
	case ">":
		return func(s Subject) bool { return of(s) > limit }, nil
	case ">=":
		return func(s Subject) bool { return of(s) >= limit }, nil
	case "<":
		return func(s Subject) bool { return of(s) < limit }, nil
	case "<=":
		return func(s Subject) bool { return of(s) <= limit }, nil
	case "":
		return func(s Subject) bool { return of(s) == limit }, nil
	}
	return nil, errors.New("compare with >, >=, <, <= or a range such as 1..5")
}
