// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel/query"
)

// section maps the keys of one level to what reads their values.
type section map[string]reader

type reader = func(w *walker, n *yaml.Node, at []string)

// walker reads a tree of YAML strictly and collects what is wrong. With show set it does the opposite: the same readers tell
// what their targets hold, so that every key that can be read can be shown.
type walker struct {
	file     string
	lines    map[string]int    // line of every key, by its path
	env      map[string]string // environment variable of every value that came from one, by its path
	problems []error
	show     func(at []string, values []string) // nil while reading; values are nil where nothing is set
}

// shows tells what a target holds, and reports whether that was the task.
func (w *walker) shows(at []string, values ...string) bool {
	if w.show != nil {
		w.show(at, values)
	}
	return w.show != nil
}

// showsSet is shows for a single value that may not be set.
func (w *walker) showsSet(at []string, set bool, value string) bool {
	if !set {
		return w.shows(at)
	}
	return w.shows(at, value)
}

func (w *walker) fail(n *yaml.Node, at []string, problem string) {
	w.problems = append(w.problems, fmt.Errorf("%s:%d: %s %s", w.file, n.Line, strings.Join(at, "."), problem))
}

// resolved follows an alias, and reads {env: NAME} from the environment: any single value may be written so, and a list as a
// whole, with commas or blanks between. It returns nil where that fails.
func (w *walker) resolved(n *yaml.Node, at []string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[0].Value != "env" || n.Content[1].Kind != yaml.ScalarNode {
		return n
	}
	name := n.Content[1].Value
	value, ok := os.LookupEnv(name)
	if !ok {
		w.fail(n, at, "comes from the environment variable "+name+", which is not set")
		return nil
	}
	w.env[strings.Join(at, ".")] = name
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: n.Line}
}

// each calls read for every key of a mapping.
func (w *walker) each(n *yaml.Node, at []string, read func(name string, value *yaml.Node, at []string)) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		w.fail(n, at, "must be a list of keys with values, one to a line and indented")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		below := append(slices.Clone(at), key.Value)
		if seen[key.Value] {
			w.fail(key, below, "is there twice")
			continue
		}
		seen[key.Value] = true
		w.lines[strings.Join(below, ".")] = key.Line
		read(key.Value, value, below)
	}
}

// section reads a mapping whose keys are known.
func (w *walker) section(n *yaml.Node, at []string, keys section) {
	if w.show != nil {
		for _, name := range slices.Sorted(maps.Keys(keys)) {
			keys[name](w, nil, append(slices.Clone(at), name))
		}
		return
	}
	w.each(n, at, func(name string, value *yaml.Node, below []string) {
		read, ok := keys[name]
		if !ok {
			known := slices.Sorted(maps.Keys(keys))
			problem := "is no key that ldapscope knows"
			if closest := query.Closest(name, known); closest != "" {
				problem += "; did you mean " + closest + "?"
			} else {
				problem += "; here are known: " + strings.Join(known, ", ")
			}
			key := *value
			key.Line = w.lines[strings.Join(below, ".")]
			w.fail(&key, below, problem)
			return
		}
		read(w, value, below)
	})
}

func nested(keys section) reader {
	return func(w *walker, n *yaml.Node, at []string) { w.section(n, at, keys) }
}

func scalar(w *walker, n *yaml.Node, at []string, what string, set func(string) bool) {
	if n = w.resolved(n, at); n == nil {
		return
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		w.fail(n, at, "has no value: write "+what+", or remove the line to inherit")
	case n.Kind != yaml.ScalarNode || !set(n.Value):
		w.fail(n, at, "must be "+what)
	}
}

func text(target *string) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if !w.showsSet(at, *target != "", *target) {
			scalar(w, n, at, "a text", func(s string) bool { *target = s; return true })
		}
	}
}

func texts(target *[]string) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.shows(at, *target...) {
			return
		}
		list := []string{}
		if n = w.resolved(n, at); n == nil {
			return
		}
		switch {
		case w.env[strings.Join(at, ".")] != "":
			list = append(list, strings.FieldsFunc(n.Value, func(r rune) bool { return r == ',' || r == ' ' })...)
		case n.Kind != yaml.SequenceNode:
			w.fail(n, at, "must be a list, such as [one, two]")
			return
		}
		for _, item := range n.Content {
			if item = w.resolved(item, at); item == nil {
				return
			}
			if item.Kind != yaml.ScalarNode {
				w.fail(item, at, "must be a list of texts")
				return
			}
			list = append(list, item.Value)
		}
		*target = list
	}
}

func boolean(target *bool) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.showsSet(at, *target, "true") {
			return
		}
		scalar(w, n, at, "true or false", func(s string) bool {
			if s == "true" || s == "false" {
				*target = s == "true"
				return true
			}
			return false
		})
	}
}

func pointer(target **bool) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.showsSet(at, *target != nil, strconv.FormatBool(*target != nil && **target)) {
			return
		}
		var value bool
		before := len(w.problems)
		if boolean(&value)(w, n, at); len(w.problems) == before {
			*target = &value
		}
	}
}

func integer(target *int) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.showsSet(at, *target != 0, strconv.Itoa(*target)) {
			return
		}
		scalar(w, n, at, "a whole number, not below 0", func(s string) bool {
			v, err := strconv.Atoi(s)
			if err != nil || v < 0 {
				return false // and nothing is kept that would be refused once more
			}
			*target = v
			return true
		})
	}
}

func duration(target *time.Duration) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.showsSet(at, *target != 0, durationText(*target)) {
			return
		}
		scalar(w, n, at, "a time with its unit, such as 500ms, 30s or 10m, not below 0", func(s string) bool {
			v, err := time.ParseDuration(s)
			if err != nil || v < 0 {
				return false
			}
			*target = v
			return true
		})
	}
}

// durationText writes 10m and not 10m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func logLevel(target *string) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.showsSet(at, *target != "", *target) {
			return
		}
		var least *slog.Level
		before := len(w.problems)
		if leastLevel(&least)(w, n, at); len(w.problems) == before {
			*target = n.Value
		}
	}
}

func leastLevel(target **slog.Level) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		var least slog.Level
		if *target != nil {
			least = **target
		}
		if w.showsSet(at, *target != nil, strings.ToLower(least.String())) {
			return
		}
		scalar(w, n, at, "debug, info, warn or error", func(s string) bool {
			var least slog.Level
			*target = &least
			return least.UnmarshalText([]byte(s)) == nil
		})
	}
}

func level(target *instrument.Level) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		if w.shows(at, target.String()) {
			return
		}
		scalar(w, n, at, "names, shapes, hashes or values", func(s string) bool {
			v, err := instrument.ParseLevel(s)
			*target = v
			return err == nil
		})
	}
}
