// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestBrowserChoosesWhilePaused: a view that stands still shows another grouping and another query at once, as of that moment.
func TestBrowserChoosesWhilePaused(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/failing")
	b.lists(r)
	b.click("[data-testid=pause]")
	b.await("the pause", `document.querySelector("[data-testid=pause]").getAttribute("aria-pressed") === "true"`)
	b.do(clicks(`(g => { g.value = "shape"; g.dispatchEvent(new Event("change")); })(document.querySelector("[data-testid=group]"))`))
	b.await("sums of shapes", `document.querySelector("[data-testid=sum-row]")`)
	b.do(clicks(`(g => { g.value = "flat"; g.dispatchEvent(new Event("change")); })(document.querySelector("[data-testid=group]"))`))
	b.types("op:bind")
	b.await("binds alone", `(rows => rows.length && rows.every(e => e.innerText.includes("BIND")))([...document.querySelectorAll("[data-testid=op-row]")])`)
	before, known := b.text("[data-testid=live-list]"), len(b.listsOf(r, "op:bind"))
	r.submit("/login", "username", "ada", "password", "lovelace")
	came := len(b.listsOf(r, "op:bind")) - known
	b.await("the count of what waits", fmt.Sprintf(`document.querySelector("#waiting").innerText === "%d"`, came))
	if after := b.text("[data-testid=live-list]"); after != before {
		t.Errorf("the list moved while it was paused, from\n%s\nto\n%s", before, after)
	}
}

// TestBrowserAddressWithoutSense: a query that an address brings is told to be wrong as one that is typed.
func TestBrowserAddressWithoutSense(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	b.visit(r.panel + "/?q=opp:x")
	b.lists(r)
	b.await("the error", `document.querySelector("[role=alert]:not([hidden])")?.innerText.includes("did you mean op:")`)
}

// TestBrowserAsksAsItIs: Enter asks for what is typed, and the list of completions is out of the way.
func TestBrowserAsksAsItIs(t *testing.T) {
	t.Parallel()
	_, b := opensDemo(t, 1440, 900)
	b.click("[data-testid=filter-box]")
	b.await("the words of the program", `performance.getEntriesByType("resource").some(e => e.name.endsWith("/keys") && e.responseEnd)`)
	b.keys("op:se")
	b.await("completions", `!document.querySelector("#offers").hidden`)
	b.keys(kb.Enter)
	b.await("none", `document.querySelector("#offers").hidden && new URLSearchParams(location.search).get("q") === "op:se"`)
}

// TestBrowserGone: without the program the page says so, shows what it has, and lets go of it.
func TestBrowserGone(t *testing.T) {
	t.Parallel()
	r, b, g := opensBehindGate(t)
	r.visit("/people?q=ada")
	b.lists(r)
	b.await("the rate", `document.querySelector("#rate").innerText`)
	g.close(true)
	b.await("the loss to be told", `document.querySelector("[data-testid=conn-state]").dataset.state === "down"`)
	if rate := b.text("#rate"); rate != "" {
		t.Errorf("without the program there are %s", rate)
	}
	b.types("op:bind")
	b.await("why the list stays", `document.body.innerText.includes("when the program can be reached again")`)
	b.press("an operation", `document.querySelector("[data-testid=op-row]")`)
	b.await("that it cannot be read", `document.querySelector("[data-testid=drawer]").innerText.includes("cannot be reached")`)
	closes := `document.querySelector("[data-testid=drawer] [aria-label=Close]")`
	b.await("the icon of its button", closes+`.querySelector("use").getBBox().width > 0`)
	b.press("its button", closes)
	b.await("the drawer to close", `document.querySelector("[data-testid=drawer]").hidden`)
	b.click("[data-testid=nav-domains]")
	b.await("that domains cannot be read", `document.querySelector("#domains").innerText.includes("cannot be reached")`)
	g.close(false)
	b.await("the domain", `document.querySelector("#domains .card") && !document.querySelector("#gone")`)
	g.close(true)
	b.await("that it cannot be read again, beside what is known", `document.querySelector("#gone") && document.querySelector("#domains .card")`)
}

// TestBrowserDrawerFollows: who goes through the list with the keys reads each operation in the open drawer.
func TestBrowserDrawerFollows(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/failing")
	b.visit(r.panel + "/?group=flat")
	b.lists(r)
	of := func(n int) string {
		return asks[string](b, fmt.Sprintf(`document.querySelectorAll("[data-testid=op-row]")[%d].dataset.id.slice(2)`, n))
	}
	b.press("the newest operation", `document.querySelector("[data-testid=op-row]")`)
	b.await("its drawer", fmt.Sprintf(`document.querySelector("[data-testid=drawer]").innerText.includes("#%s")`, of(0)))
	b.keys("j")
	b.await("the drawer of the next one", fmt.Sprintf(`document.querySelector("[data-testid=drawer]").innerText.includes("#%s")`, of(1)))
	b.keys("X")
	b.await("the drawer to close", `document.querySelector("[data-testid=drawer]").hidden`)
	b.keys("j")
	if asks[bool](b, `!document.querySelector("[data-testid=drawer]").hidden`) {
		t.Error("going through the list opens the drawer")
	}
}

// TestBrowserStepsStandAroundTheirOperations holds the line of steps to the times of what was done in them.
func TestBrowserStepsStandAroundTheirOperations(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.submit("/login", "username", "ada", "password", "lovelace")
	login, ops := r.last("/login")
	b.visit(r.panel + "/?screen=request&id=" + login.ID)
	b.await("the waterfall", `document.querySelector("[data-testid=waterfall] .stepspan")`)
	for _, name := range []string{"login.find", "login.bind", "login.groups"} {
		of := -1
		for i, op := range ops {
			if op.Step == name {
				of = i
			}
		}
		if of < 0 {
			t.Fatalf("no operation of %s", name)
		}
		outside := asks[float64](b, fmt.Sprintf(`(({ left, right }, bar) => Math.max(left - bar.left, bar.left - right))(
			[...document.querySelectorAll(".stepspan")].find(e => e.innerText === %q).getBoundingClientRect(),
			document.querySelectorAll("[data-testid=fall-row]")[%d].querySelector(".segment").getBoundingClientRect())`, name, of))
		if outside > 1 {
			t.Errorf("%s stands %.1f pixels beside its operation", name, outside)
		}
	}
}

// TestBrowserRequestsStandStill: HTTP requests do not move away under the pointer, and their numbers go on.
func TestBrowserRequestsStandStill(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	for range 3 {
		r.visit("/people?q=ada")
	}
	b.visit(r.panel + "/?screen=requests")
	b.lists(r)
	listed := func() string {
		return asks[string](b, `[...document.querySelectorAll("#requests tbody button.link")].map(e => e.id).join()`)
	}
	of := func(n int) string {
		return fmt.Sprintf(`document.querySelector("#requests").innerText.includes("of %d")`, n)
	}
	b.await("three of them", of(3))
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 700, 200))
	b.await("the pointer above a row", `document.querySelector("#requests tbody:hover")`)
	before := listed()
	r.visit("/groups")
	b.await("the fourth to be counted", of(4))
	if after := listed(); after != before {
		t.Errorf("below the pointer the list became %s, from %s", after, before)
	}
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 700, 20))
	b.await("the fourth", `document.querySelector("#requests tbody").innerText.includes("/groups")`)
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 700, 200))
	b.click("#sort-ops")
	b.await("the one with most operations above", `document.querySelector("#requests tbody tr").innerText.includes("/groups")`)
}
