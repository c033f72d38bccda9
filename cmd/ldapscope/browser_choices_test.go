// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestBrowserChoices chooses columns and the height of rows, which stay over a reload, and brings back a list that was cleared.
func TestBrowserChoices(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/people?q=ada")
	before := b.lists(r)
	heads := `[...document.querySelectorAll("[data-testid=live-list] .row.head .cell")].map(e => e.innerText).join()`
	usual := asks[string](b, heads)
	b.press("the columns", `document.querySelector("[popovertarget=columns]")`)
	b.press("the first answer", `document.querySelector("#columns input[value=first]")`)
	b.await("one column more", heads+` === `+quote(strings.Replace(usual, "Received,", "Received,First answer,", 1)))
	b.visit(r.panel + "/" + asks[string](b, "location.search"))
	b.lists(r)
	b.await("the columns of the address", heads+`.includes("First answer")`)
	for height, name := range map[int]string{24: "Compact", 36: "Comfortable"} {
		b.visit(r.panel + "/?screen=settings")
		b.press(name, `[...document.querySelectorAll("input[name=density]")].find(e => e.parentElement.innerText.trim() === `+quote(name)+`)`)
		b.visit(r.panel + "/")
		b.lists(r)
		b.await(name+" rows", fmt.Sprintf(`[...document.querySelectorAll("[data-testid=op-row]")].every(e => e.getBoundingClientRect().height === %d)`, height))
	}
	b.press("clear", `document.querySelector("#clear")`)
	b.await("an empty list", `!document.querySelector("[data-testid=op-row]")`)
	b.press("the way back", `document.querySelector("#undo")`)
	b.await("the list", `document.querySelector("[data-testid=op-row]")`)
	if after := b.lists(r); len(after) < len(before) {
		t.Errorf("%d operations came back of %d", len(after), len(before))
	}
}
