// SPDX-License-Identifier: MIT

package query

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Key describes one key of the language, for help and completion.
type Key struct {
	Name    string
	Meaning string
	Example string
	Words   []string // what people write instead
	Values  []string // all that it takes, for keys that take no others
}

// Keys lists the keys in alphabetical order.
func Keys() []Key {
	list := make([]Key, 0, len(keys))
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		list = append(list, Key{name, keys[name].meaning, keys[name].example, words[name], values[name]})
	}
	return list
}

type key struct {
	meaning string
	example string
	build   func(value string, now time.Time) (matcher, error)
}

var keys = map[string]key{
	"op":     {"kind of operation", "op:search,bind", oneOf(func(s Subject) string { return s.Operation.Kind.String() })},
	"dom":    {"domain", "dom:EXAMPLE", oneOf(func(s Subject) string { return s.Operation.Domain })},
	"srv":    {"server", "srv:dc1", containing(func(s Subject) string { return s.Operation.Server })},
	"conn":   {"connection", "conn:4", oneOf(func(s Subject) string { return strconv.FormatUint(s.Operation.Conn, 10) })},
	"base":   {"part of the search base", "base:ou=people", containing(base)},
	"under":  {"subtree of a name", `under:"ou=people,dc=example,dc=org"`, under},
	"scope":  {"scope of a search", "scope:sub", oneOf(scope)},
	"f":      {"part of the filter", "f:jdoe", containing(filter)},
	"attr":   {"requested attribute, * for all attributes", "attr:mail", attribute},
	"ret":    {"attribute of the entries that were kept of a search", "ret:mail", returned},
	"dn":     {"part of a target name, base or bind name", "dn:cn=ada", containing(target)},
	"code":   {"result code, its name or a sub-code", "code:32 or code:noSuchObject or code:49/52e or code:!0", code},
	"dur":    {"duration", "dur:>100ms", durations(func(s Subject) time.Duration { return s.Operation.Duration })},
	"ttfe":   {"time to the first answer", "ttfe:10ms..1s", durations(func(s Subject) time.Duration { return s.Operation.Timing.First })},
	"wait":   {"wait for a connection", "wait:>5ms", durations(func(s Subject) time.Duration { return s.Operation.Timing.WaitPool })},
	"n":      {"entries", "n:>100", numbers(func(s Subject) float64 { return float64(s.Operation.Entries) })},
	"bytes":  {"bytes received", "bytes:>1MB", numbers(func(s Subject) float64 { return float64(s.Operation.BytesReceived) })},
	"pages":  {"number of the page of a paged search", "pages:>3", numbers(pages)},
	"sim":    {"how often a question of this shape was asked in its HTTP request, with whatever literals", "sim:>4", numbers(func(s Subject) float64 { return float64(s.Operation.Similar + 1) })},
	"dup":    {"how often the same question was asked in its HTTP request", "dup:>1", numbers(func(s Subject) float64 { return float64(s.Operation.Repeat + 1) })},
	"shape":  {"beginning of a shape's id", "shape:3fa9", shape},
	"req":    {"HTTP request", "req:a81f03c2", containing(func(s Subject) string { return s.Operation.RequestID })},
	"route":  {"part of the route", "route:/people", containing(ofRequest(func(q *instrument.Request) string { return q.Route + " " + q.Path }))},
	"method": {"HTTP method", "method:POST", oneOf(ofRequest(func(q *instrument.Request) string { return q.Method }))},
	"status": {"HTTP status", "status:5xx", status},
	"user":   {"the application's user", "user:ada", containing(ofRequest(func(q *instrument.Request) string { return q.User }))},
	"step":   {"application step", "step:sync.groups", containing(func(s Subject) string { return s.Operation.Step })},
	"caller": {"first function outside of the library", "caller:handlers.People", caller(1)},
	"stack":  {"any function of the call stack", "stack:ServeHTTP", caller(50)},
	"trace":  {"trace id", "trace:4bf9", containing(func(s Subject) string { return s.Operation.TraceID.String() })},
	"span":   {"span id", "span:00f0", containing(func(s Subject) string { return s.Operation.SpanID.String() })},
	"auth":   {"bind method", "auth:simple", oneOf(authentication)},
	"tls":    {"encryption of the connection", "tls:no", security},
	"advice": {"advice on it, by its rule or severity, as far as there was any when it ended", "advice:high+ or advice:A02", advised},
	"ctl":    {"control, by OID or part of its name", "ctl:paged", control},
	"is":     {"state", "is:running, is:error, is:slow, is:paged, is:referral, is:duplicate, is:inferred, is:background", is},
	"since":  {"started within", "since:5m", since},
	"at":     {"started at a time, or between two", "at:14:02..14:05 or at:2026-01-31T14:02", at},
	"exact": {"operations that ask exactly the same", "exact:3fa9", func(v string, _ time.Time) (matcher, error) {
		return prefix(v, func(s Subject) string { return fmt.Sprintf("%016x", s.Operation.Exact) }), nil
	}},
}

// values are what some keys take and no others, for completion.
var values = map[string][]string{"is": slices.Sorted(maps.Keys(states)), "tls": securities, "advice": adviceValues()}

// Slow is the duration from which an operation counts as slow.
const Slow = 100 * time.Millisecond

func ofRequest(f func(*instrument.Request) string) func(Subject) string {
	return func(s Subject) string {
		if s.Request == nil {
			return ""
		}
		return f(s.Request)
	}
}

func oneOf(of func(Subject) string) func(string, time.Time) (matcher, error) {
	return func(value string, _ time.Time) (matcher, error) {
		wanted := strings.Split(value, ",")
		return func(s Subject) bool {
			return slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, of(s)) })
		}, nil
	}
}

func containing(of func(Subject) string) func(string, time.Time) (matcher, error) {
	return func(value string, _ time.Time) (matcher, error) {
		needle := strings.ToLower(value)
		return func(s Subject) bool { return strings.Contains(strings.ToLower(of(s)), needle) }, nil
	}
}

func prefix(value string, of func(Subject) string) matcher {
	value = strings.ToLower(value)
	return func(s Subject) bool { return strings.HasPrefix(of(s), value) }
}

func base(s Subject) string {
	if s.Operation.Search != nil {
		return s.Operation.Search.Base
	}
	return ""
}

func filter(s Subject) string {
	if s.Operation.Search != nil {
		return s.Operation.Search.Filter
	}
	return ""
}

func scope(s Subject) string {
	if s.Operation.Search != nil {
		return s.Operation.Search.Scope.String()
	}
	return ""
}

func target(s Subject) string {
	op := s.Operation
	switch {
	case op.Search != nil:
		return op.Search.Base
	case op.Bind != nil:
		return op.Bind.Name
	}
	return op.DN
}

func authentication(s Subject) string {
	if s.Operation.Bind != nil {
		return s.Operation.Bind.Method
	}
	return ""
}

// under compares names without regard to case and to blanks around separators.
func under(value string, _ time.Time) (matcher, error) {
	parent := foldDN(value)
	return func(s Subject) bool {
		dn := foldDN(target(s))
		return dn == parent || strings.HasSuffix(dn, ","+parent)
	}, nil
}

func foldDN(dn string) string {
	parts := strings.Split(strings.ToLower(dn), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, ",")
}

func attribute(value string, _ time.Time) (matcher, error) {
	return func(s Subject) bool {
		if s.Operation.Search == nil {
			return false
		}
		names := s.Operation.Search.Attributes
		if value == "*" {
			return len(names) == 0 || slices.Contains(names, "*")
		}
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, value) })
	}, nil
}

func code(value string, _ time.Time) (matcher, error) {
	negated := strings.HasPrefix(value, "!")
	wanted := strings.Split(strings.TrimPrefix(value, "!"), ",")
	for _, w := range wanted {
		number, _, _ := strings.Cut(w, "/")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			if n < 0 {
				return nil, errors.New("a result code is not negative")
			}
		} else if number == "" {
			return nil, errors.New("a result code is a number or a name")
		}
	}
	return func(s Subject) bool {
		r := s.Operation.Result
		if !r.Received && r.Error == "" {
			return false
		}
		found := slices.ContainsFunc(wanted, func(w string) bool {
			number, sub, hasSub := strings.Cut(w, "/")
			if hasSub && !strings.EqualFold(sub, r.SubCode) {
				return false
			}
			if n, err := strconv.ParseInt(number, 10, 64); err == nil {
				return r.Received && r.Code == n
			}
			return strings.EqualFold(number, r.Name) || strings.EqualFold(number, r.Error)
		})
		return found != negated
	}, nil
}

func shape(value string, _ time.Time) (matcher, error) {
	value = strings.ToLower(value)
	return func(s Subject) bool {
		return s.Operation.Shape != nil && strings.HasPrefix(fmt.Sprintf("%016x", s.Operation.Shape.ID), value)
	}, nil
}

func status(value string, _ time.Time) (matcher, error) {
	if len(value) != 3 {
		return nil, errors.New("a status has three digits, or a digit and xx")
	}
	return func(s Subject) bool {
		if s.Request == nil {
			return false
		}
		text := strconv.Itoa(s.Request.Status)
		return text == value || value[1:] == "xx" && text[0] == value[0] && len(text) == 3
	}, nil
}

func caller(depth int) func(string, time.Time) (matcher, error) {
	return func(value string, _ time.Time) (matcher, error) {
		needle := strings.ToLower(value)
		return func(s Subject) bool {
			frames := s.Operation.Callers()
			return slices.ContainsFunc(frames[:min(depth, len(frames))], func(f instrument.Frame) bool {
				return strings.Contains(strings.ToLower(f.Function+" "+f.File), needle)
			})
		}, nil
	}
}

func control(value string, _ time.Time) (matcher, error) {
	return func(s Subject) bool {
		return slices.ContainsFunc(s.Operation.Controls, func(c instrument.Control) bool {
			return c.OID == value || strings.Contains(strings.ToLower(c.Name), strings.ToLower(value))
		})
	}, nil
}

func is(value string, _ time.Time) (matcher, error) {
	m, ok := states[value]
	if !ok {
		return nil, errors.New("unknown state")
	}
	return m, nil
}

var states = map[string]matcher{
	"running":    func(s Subject) bool { return s.Operation.State == instrument.StateRunning },
	"error":      func(s Subject) bool { return s.Operation.Result.Failed() },
	"slow":       func(s Subject) bool { return s.Operation.Duration >= Slow },
	"paged":      func(s Subject) bool { return s.Operation.Search != nil && s.Operation.Search.Page > 0 },
	"referral":   func(s Subject) bool { return len(s.Operation.Result.Referrals) > 0 },
	"duplicate":  func(s Subject) bool { return s.Operation.Repeat > 0 },
	"inferred":   func(s Subject) bool { return s.Operation.Inferred },
	"background": func(s Subject) bool { return strings.HasPrefix(s.Operation.RequestID, instrument.Background) },
}

func since(value string, now time.Time) (matcher, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return nil, errors.New("a time is written as 30s, 5m or 2h")
	}
	from := now.Add(-d)
	return func(s Subject) bool { return s.Operation.Start.After(from) }, nil
}
