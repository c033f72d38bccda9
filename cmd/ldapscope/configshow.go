// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// showEach shows a mapping key by key, and reports whether that was the task.
func showEach[V any](w *walker, all map[string]V, at []string, texts func(V) []string) bool {
	if w.show == nil {
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w.show(append(slices.Clone(at), name), texts(all[name]))
	}
	if all == nil {
		w.show(at, nil)
	}
	return true
}

// fieldText is a field in the notation of the file.
func fieldText(f ldapmgr.Field) []string {
	var parts []string
	for _, p := range []struct{ name, value string }{
		{"attribute", f.Attribute}, {"template", f.Template}, {"transform", f.Transform}, {"default", f.Default},
	} {
		if p.value != "" {
			parts = append(parts, p.name+": "+p.value)
		}
	}
	if f.Required {
		parts = append(parts, "required: true")
	}
	if f.Keep {
		parts = append(parts, "keep: true")
	}
	if len(parts) == 1 && f.Attribute != "" {
		return []string{f.Attribute}
	}
	return []string{"{" + strings.Join(parts, ", ") + "}"}
}

// placeTexts are places in the notation of the file.
func placeTexts(places []ldapmgr.Place) []string {
	if places == nil {
		return nil
	}
	all := []string{}
	for _, p := range places {
		text := p.Base
		if p.Scope != "" {
			text += " scope: " + p.Scope
		}
		if p.Filter != "" {
			text += " filter: " + p.Filter
		}
		all = append(all, strings.TrimSpace(text))
	}
	return all
}

// showExtra shows the application's own settings. What is named like a secret is hidden: nobody else knows what it is.
func showExtra(w *walker, extra map[string]any, at []string) {
	if extra == nil {
		w.show(at, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		encoded, err := json.Marshal(concealed(name, extra[name]))
		if err != nil {
			encoded = []byte("cannot be shown: " + err.Error())
		}
		w.show(append(slices.Clone(at), name), []string{string(encoded)})
	}
}

var secretWords = []string{"password", "passwd", "secret", "token", "credential", "key"}

func concealed(name string, value any) any {
	if slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(strings.ToLower(name), word) }) {
		return "[hidden]"
	}
	switch value := value.(type) {
	case map[string]any:
		shown := map[string]any{}
		for name, inner := range value {
			shown[name] = concealed(name, inner)
		}
		return shown
	case []any:
		shown := make([]any, len(value))
		for i, inner := range value {
			shown[i] = concealed("", inner)
		}
		return shown
	}
	return value
}
