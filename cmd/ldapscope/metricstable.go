// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// screen is the width in which tables stay.
const screen = 80

// table is lines of cells for people, the head first; all lines have as many cells.
type table [][]string

// widths are those of the columns.
func (t table) widths() []int {
	widths := make([]int, len(t[0]))
	for _, line := range t {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// width is that of all columns but one, with two blanks between each; of all for a column that there is not.
func (t table) width(but int) int {
	width := -2
	for i, w := range t.widths() {
		if i != but {
			width += w + 2
		}
	}
	return width
}

func (t table) cut(column, most int) {
	for _, line := range t {
		line[column] = cut(line[column], most)
	}
}

// right moves the columns between first and last to their right edge, where numbers belong.
func (t table) right(first, last int) {
	widths := t.widths()
	for _, line := range t {
		for i := first; i <= last; i++ {
			line[i] = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(line[i])) + line[i]
		}
	}
}

func (t table) without(column int) table {
	rest := make(table, len(t))
	for i, line := range t {
		rest[i] = slices.Delete(slices.Clone(line), column, column+1)
	}
	return rest
}

// leastLast is how narrow the last column may get before a table is wider than the screen.
const leastLast = 20

// folded goes on below with what the last column has too much for the screen.
func (t table) folded() table {
	last := len(t[0]) - 1
	room := max(screen-t.width(last)-2, leastLast)
	var all table
	for _, line := range t {
		for i, part := range fold(line[last], room) {
			next := make([]string, len(line))
			if i == 0 {
				copy(next, line)
			}
			next[last] = part
			all = append(all, next)
		}
	}
	return all
}

// print writes the lines with columns two blanks apart.
func (t table) print(w io.Writer) error {
	widths := t.widths()
	for _, line := range t {
		var text strings.Builder
		for i, cell := range line {
			fmt.Fprintf(&text, "%-*s  ", widths[i], cell)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(text.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:max(most-1, 0)]) + "…"
	}
	return s
}

// fold breaks a text into parts of so many characters at most.
func fold(s string, most int) []string {
	var parts []string
	runes := []rune(s)
	for len(runes) > most {
		at := crease(runes, most)
		parts = append(parts, strings.TrimRight(string(runes[:at]), " "))
		runes = []rune(strings.TrimLeft(string(runes[at:]), " "))
	}
	return append(parts, string(runes))
}

// crease is where a text of more than so many characters is best broken: at a blank near the edge, else after a comma or
// before a parenthesis, else at the edge.
func crease(runes []rune, most int) int {
	for i := most; i > most*2/3; i-- {
		if runes[i] == ' ' {
			return i
		}
	}
	for i := most; i > most/2; i-- {
		if runes[i] == ' ' || runes[i-1] == ',' || runes[i] == '(' && runes[i-1] != '(' {
			return i
		}
	}
	return most
}
