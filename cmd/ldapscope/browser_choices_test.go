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
	r.visit("/groups")
	before := b.lists(r)
	heads := `[...document.querySelectorAll("[data-testid=live-list] .row.head .cell")].map(e => e.innerText).join()`
	usual := asks[string](b, heads)
	b.press("the columns", `document.querySelector("[popovertarget=columns]")`)
	b.press("the first answer", `document.querySelector("#columns input[value=first]")`)
	b.await("one column more", heads+` === `+quote(strings.Replace(usual, "Received,", "Received,First answer,", 1)))
	for _, more := range []string{"domain", "conn"} {
		b.press(more, `document.querySelector("#columns input[value=`+more+`]")`)
	}
	b.await("every column", heads+`.includes("Domain,Conn.")`)
	if cut := asks[[]string](b, `[...document.querySelectorAll("[data-testid=live-list] .row.head .cell, .base")].filter(e => e.innerText.length < 14 && e.scrollWidth > e.clientWidth).map(e => e.innerText)`); len(cut) > 0 {
		t.Errorf("short words are cut: %q", cut)
	}
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

// TestBrowserAdvised reads the advice on an open operation: it is a sentence, and leads to the other operations that it is about.
func TestBrowserAdvised(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/groups")
	_, ops := r.last("/groups")
	own := of("search", ops)[1].Seq
	b.visit(fmt.Sprintf("%s/?op=%d", r.panel, own))
	finding := `document.querySelector("#drawer [data-testid=finding]")`
	b.await("the advice", finding)
	for _, evidence := range asks[[]string](b, `[...document.querySelectorAll("#drawer [data-testid=finding] h2 + p")].map(e => e.innerText)`) {
		if evidence[:1] != strings.ToUpper(evidence[:1]) {
			t.Errorf("no sentence: %q", evidence)
		}
	}
	other := asks[string](b, `[...`+finding+`.querySelectorAll("button.link")].find(e => e.innerText.startsWith("#") && e.innerText !== "#`+fmt.Sprint(own)+`").innerText`)
	b.press("another operation", `[...`+finding+`.querySelectorAll("button.link")].find(e => e.innerText === "`+other+`")`)
	b.await("that operation", drawer+`.querySelector(".drawerbar b").innerText === "`+other+`"`)
}
