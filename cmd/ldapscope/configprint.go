// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// mostOrigin is how wide the place that a setting comes from gets before it goes on below.
const mostOrigin = 24

// printSettings writes one block for the program and one for each domain.
func printSettings(w io.Writer, settings []explained) error {
	for len(settings) > 0 {
		block := settings
		if end := slices.IndexFunc(settings, func(e explained) bool { return e.Domain != settings[0].Domain }); end > 0 {
			block = settings[:end]
		}
		settings = settings[len(block):]
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace("settings "+block[0].Domain))
		if lines := settingLines(block); len(lines) > 0 {
			if err := lines.print(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// settingLines lays a block out within the screen: each value on a line of its own, and below it what it has too much.
func settingLines(block []explained) (lines table) {
	key, origin := 0, 0
	for _, e := range block {
		key, origin = max(key, utf8.RuneCountInString(e.Key)), max(origin, utf8.RuneCountInString(e.Origin))
	}
	room := max(screen-len("  ")-key-len("  ")-len("  ")-min(origin, mostOrigin), leastLast)
	for _, e := range block {
		var values []string
		for _, v := range shownValues(e) {
			values = append(values, fold(v, room)...)
		}
		if len(values) == 0 {
			continue // such as a key of another way to bind
		}
		origins := fold(e.Origin, mostOrigin)
		for i := range max(len(values), len(origins)) {
			line := []string{"  ", "", ""}
			if i == 0 {
				line[0] += e.Key
			}
			if i < len(values) {
				line[1] = values[i]
			}
			if i < len(origins) {
				line[2] = origins[i]
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func shownValues(e explained) []string {
	switch {
	case e.Values == nil && e.Text == "":
		return nil
	case e.Values == nil:
		return []string{e.Text}
	case len(e.Values) == 0:
		return []string{"[]"}
	}
	return e.Values
}
