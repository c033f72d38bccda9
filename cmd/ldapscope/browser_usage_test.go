// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// savedRuns asks the API which runs are saved, the newest first.
func (r *running) savedRuns() (runs []string) {
	r.t.Helper()
	var list struct {
		Runs []struct {
			Run string `json:"run"`
		} `json:"runs"`
	}
	r.get("/api/v1/runs", &list)
	for _, run := range list.Runs {
		runs = append(runs, run.Run)
	}
	return runs
}

// TestBrowserUsage looks at two runs of a program: the list, its filters, one whole, both compared, and one deleted.
func TestBrowserUsage(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	kept := append(slices.Clone(anywhere), "--quiet", "--db", filepath.Join(t.TempDir(), "usage.db"))
	first := startHere(t, nil, nil, kept...)
	first.visit("/people?q=ada")
	first.stop()
	r := startHere(t, nil, nil, kept...)
	t.Cleanup(func() { b.visit("about:blank") })
	r.visit("/groups")
	r.await("two saved runs", func() bool { return len(r.savedRuns()) == 2 })
	old := r.savedRuns()[1]
	b.visit(r.panel + "/?t=" + panelToken)
	b.visit(r.panel + "/?screen=usage")
	rows := `document.querySelectorAll("[data-testid=runs] tbody tr").length`
	b.await("both runs", rows+" === 2")
	for _, part := range []string{"EXAMPLE", "running", "clean", "ldapscope demo", "Sockets", "Messages", "p95"} {
		if page := b.text("#usage"); !strings.Contains(page, part) {
			t.Errorf("the list lacks %q:\n%s", part, page)
		}
	}
	b.visit(r.panel + "/?screen=usage&to=2000-01-01")
	b.await("that no run is that old", `document.querySelector("#usage").innerText.includes("No run is selected")`)
	b.visit(r.panel + "/?screen=usage&dom=EXAMPLE&from=2020-01-01")
	b.await("both runs of the domain", rows+" === 2")

	b.do(clicks(`document.querySelectorAll("[data-testid=runs] input[type=checkbox]").forEach(e => e.click())`))
	b.click("[data-testid=compare]")
	b.await("the comparison", `document.querySelector("[data-testid=compared]")?.innerText.includes("search operations")`)
	if address := asks[string](b, "location.search"); !strings.Contains(address, old+"%2C") && !strings.Contains(address, old+",") {
		t.Errorf("chosen from the newest on, the runs are compared as %s, want the older one first", address)
	}
	if page := b.text("#usage"); strings.Contains(page, " us\t") || !strings.Contains(page, "search p95\t") {
		t.Errorf("times are named with a unit that they do not have:\n%s", page)
	}
	b.visit(r.panel + "/?screen=usage&run=" + old)
	for _, group := range []string{"General", "Time", "Server", "Bytes", "Messages", "Operations", "Referrals", "Restartable tries"} {
		b.await("the group "+group, `[...document.querySelectorAll("[data-testid=run-domain] h3")].some(e => e.innerText === `+quote(group)+`)`)
	}

	b.visit(r.panel + "/?screen=usage")
	remove := fmt.Sprintf(`[data-run=%q] button[aria-label^=Delete]`, old)
	b.click(remove)
	b.await("one run", rows+" === 1")
	b.press("the way back", `document.querySelector("#status button")`)
	b.await("it to come back", rows+" === 2")
	b.click(remove)
	b.await("one run", rows+" === 1")
	r.await("the run to be deleted", func() bool { return !slices.Contains(r.savedRuns(), old) })
}

// TestBrowserPin pins an operation, which then outlives the recorder and the program, and opens it from the list of pins.
func TestBrowserPin(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/people?q=grace")
	b.lists(r)
	ops := filtered("*grace*", r.operations("op:search"))
	b.visit(fmt.Sprintf("%s/?op=%d", r.panel, ops[0].Seq))
	b.await("the drawer", `document.querySelector("[data-testid=drawer]").innerText.includes("Copy as")`)
	look := func() string {
		return asks[string](b, `(s => s.backgroundColor + " " + s.color)(getComputedStyle(document.querySelector(".pin")))`)
	}
	loose := map[string]string{}
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		loose[theme] = look()
	}
	pressed := func(want string) {
		t.Helper()
		b.await("the button to be pressed: "+want, `document.querySelector(".pin")?.ariaPressed === "`+want+`"`)
	}
	pressed("false")
	b.click(".pin")
	b.await("that it is pinned", `document.querySelector("#status").innerText.includes("Pinned")`)
	pressed("true")
	b.click(".pin")
	b.await("that it is given up", `document.querySelector("#status").innerText.includes("no longer pinned")`)
	pressed("false")
	b.press("the way back", `document.querySelector("#status button")`)
	pressed("true")
	b.visit(fmt.Sprintf("%s/?op=%d", r.panel, ops[0].Seq))
	pressed("true")
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		if got := look(); got == loose[theme] {
			t.Errorf("in the %s theme the button looks the same pressed and not: %s", theme, got)
		}
		b.shot(filepath.Join(shotsFolder(t), "pinned-"+theme+".png"))
	}
	b.visit(r.panel + "/?screen=usage&view=pins")
	b.click("[data-testid=pins] button.link")
	b.click(".pin")
	b.await("the list to be empty", `document.querySelector("#usage").innerText.includes("Nothing is pinned")`)
	b.click(".pin")
	b.click("[data-testid=pins] button.plain")
	b.await("nothing to be open that says it is pinned", `document.querySelector("#usage").innerText.includes("Nothing is pinned") && !document.querySelector(".pin")`)
	b.visit(fmt.Sprintf("%s/?op=%d", r.panel, ops[0].Seq))
	b.click(".pin")
	pressed("true")
	asks[bool](b, `fetch("api/v1/clear", { method: "POST" }).then(r => r.ok)`)
	b.allow("status of 404") // the advice on a request that is gone
	b.visit(r.panel + "/?screen=usage&view=pins")
	b.await("the pin", `document.querySelector("[data-testid=pins]")?.innerText.includes("grace")`)
	b.click("[data-testid=pins] button.link")
	b.await("the pinned operation", `document.querySelector("[data-testid=drawer]").innerText.includes("Copy as")`)
	pressed("true")
	b.visit("about:blank")
	r.stop()
	later := startHere(t, nil, []string{"XDG_STATE_HOME=" + r.home}, append(anywhere, "--quiet")...)
	t.Cleanup(func() { b.visit("about:blank") })
	b.visit(later.panel + "/?t=" + panelToken)
	b.visit(later.panel + "/?screen=usage&view=pins")
	b.click("[data-testid=pins] button.link")
	b.await("the operation of the program before", `document.querySelector("[data-testid=drawer]").innerText.includes("grace") && document.querySelector("[data-testid=drawer]").innerText.includes("Copy as")`)
	if address := asks[string](b, "location.search"); !strings.Contains(address, "pin=") {
		t.Errorf("a pin of a program before has the address %s, which names an operation of this one", address)
	}
}

// TestBrowserHandle opens the handle in a page of the application, where it also finds what the page asks later.
func TestBrowserHandle(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1280, 800)
	b.visit(r.app + "/groups")
	if asks[bool](b, `Boolean(document.querySelector("ldapscope-handle"))`) {
		t.Error("a browser that has not opened the panel of the application sees its handle")
	}
	b.visit(r.app + "/debug/ldap/?t=" + panelToken)
	b.visit(r.app + "/groups")
	root := `document.querySelector("ldapscope-handle").shadowRoot`
	b.await("the handle", `/^\d+ ops · .* · \d+ repeats? · \d+ alike · \d+ advice$/.test(document.querySelector("ldapscope-handle")?.shadowRoot?.lastElementChild.innerText)`)
	b.await("that nothing was asked before it is opened", `performance.getEntriesByType("resource").every(e => !e.name.includes("/api/"))`)
	b.do(clicks(root + `.lastElementChild.click()`))
	b.await("the numbers", root+`.textContent.includes("Members read one by one") && `+root+`.querySelectorAll("li").length > 10`)
	b.await("how many it does not list", `(n => n > 20 && `+root+`.textContent.includes("and " + (n - 20) + " more, quicker"))(parseInt(`+root+`.lastElementChild.innerText))`)
	asks[bool](b, `fetch("/people?q=later").then(r => r.ok)`)
	b.await("the later request", root+`.textContent.includes("/people") && [...`+root+`.querySelectorAll("a")].some(a => a.href.includes("screen=request&id="))`)
	b.do(clicks(`document.body.replaceChildren(); document.dispatchEvent(new Event("turbo:load"))`))
	b.await("the handle in a new body", `document.body.querySelector("ldapscope-handle")`)
}
