// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// The places where keys are tried, and what they change.
const (
	chosenRow = `document.querySelector(".row[aria-selected=true]")`
	inOrder   = `[...document.querySelectorAll("[data-testid=live-list] .row[data-id]:not([hidden])")].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)`
	address   = `new URLSearchParams(location.search)`
	drawer    = `document.querySelector("[data-testid=drawer]")`
	zoomed    = `!document.querySelector('[title="all of it (0)"]').disabled`
)

// stroke is keys and what must come true of them. Go waits for that, so later keys find it.
type stroke struct{ keys, becomes string }

// keyboards say, for each line of the help, what its keys do, beginning on one of the screens.
var keyboards = map[string]struct {
	at      string // live, operation or request
	strokes []stroke
}{
	"j k, ↓ ↑": {"live", []stroke{
		{"j", chosenRow + "?.ariaRowIndex === '2'"}, {"j", chosenRow + "?.ariaRowIndex === '3'"}, {"k", chosenRow + "?.ariaRowIndex === '2'"},
		{kb.ArrowDown, chosenRow + "?.ariaRowIndex === '3'"}, {kb.ArrowUp, chosenRow + "?.ariaRowIndex === '2'"},
	}},
	"J K": {"live", []stroke{
		{"J", chosenRow + "?.classList.contains('request')"}, {"J", chosenRow + "?.classList.contains('request') && " + chosenRow + "?.ariaRowIndex > 2"},
		{"K", chosenRow + "?.ariaRowIndex === '2'"},
	}},
	"n N": {"live", []stroke{
		{"n", chosenRow + "?.querySelector('.severity')"}, {"jN", chosenRow + "?.querySelector('.severity')"},
	}},
	"PgUp PgDn": {"live", []stroke{{kb.PageDown, chosenRow + "?.ariaRowIndex > 10"}, {kb.PageUp, chosenRow + "?.ariaRowIndex === '2'"}}},
	"Enter, o":  {"live", []stroke{{"jj" + kb.Enter, "!" + drawer + ".hidden"}, {kb.Escape, drawer + ".hidden"}, {"o", "!" + drawer + ".hidden"}}},
	"← →, h l": {"live", []stroke{
		{"j" + kb.ArrowLeft, chosenRow + "?.ariaExpanded === 'false'"}, {kb.ArrowRight, chosenRow + "?.ariaExpanded === 'true'"},
		{"h", chosenRow + "?.ariaExpanded === 'false'"}, {"l", chosenRow + "?.ariaExpanded === 'true'"},
	}},
	"/":        {"live", []stroke{{"/", `document.activeElement.dataset.testid === "filter-box"`}}},
	"Esc":      {"operation", []stroke{{kb.Escape, drawer + ".hidden"}, {"e", address + `.get("q") === "is:error"`}, {kb.Escape, "!" + address + `.has("q")`}}},
	"Shift+X":  {"operation", []stroke{{"X", drawer + ".hidden"}}},
	"Space, p": {"live", []stroke{{" ", `document.querySelector("#pause").ariaPressed === "true"`}, {"p", `document.querySelector("#pause").ariaPressed === "false"`}}},
	"e w d":    {"live", []stroke{{"e", address + `.get("q") === "is:error"`}, {"ew", address + `.get("q") === "is:slow"`}, {"wd", address + `.get("q") === "is:duplicate"`}}},
	"x":        {"live", []stroke{{"x", `!document.querySelector("#undo").hidden && !` + inOrder + `.length`}}},
	"Shift+P": {"live", []stroke{
		{"P", `!document.querySelector("#stopped").hidden && document.querySelector("#record").innerText === "Start recording"`},
		{"P", `document.querySelector("#stopped").hidden && document.querySelector("#record").innerText === "Stop recording"`},
	}},
	"[ ]": {"live", []stroke{{"[", inOrder + `.every(e => e.ariaExpanded === "false")`}, {"]", inOrder + `.some(e => e.dataset.testid === "op-row")`}}},
	"b r, b f, b s, b c": {"live", []stroke{
		{"bf", address + `.get("group") === "flat"`}, {"bs", address + `.get("group") === "shape"`}, {"bc", address + `.get("group") === "conn"`}, {"br", "!" + address + `.has("group")`},
	}},
	"g l, g r, g a, g d, g m, g ,": {"live", []stroke{
		{"gr", address + `.get("screen") === "requests"`}, {"ga", address + `.get("screen") === "advice"`}, {"gd", address + `.get("screen") === "domains"`},
		{"gm", address + `.get("screen") === "usage"`}, {"g,", address + `.get("screen") === "settings"`}, {"gl", "!" + address + `.has("screen")`},
	}},
	"y c, y l, y g, y u, y m": {"operation", []stroke{
		{"yc", `window.copied.startsWith("ldapsearch ")`}, {"yl", `window.copied.includes("dn: ")`}, {"yg", `window.copied.includes("ldap.NewSearchRequest")`},
		{"yu", `window.copied.startsWith("ldap://")`}, {"ym", `window.copied.includes("**") || window.copied.includes("|")`},
	}},
	"+ - 0": {"request", []stroke{{"+", zoomed}, {"0", "!" + zoomed}, {"+", zoomed}, {"-", "!" + zoomed}}},
	"s":     {"operation", []stroke{{"s", `document.querySelector("#status").innerText.includes("Pinned")`}}},
	"r":     {"operation", []stroke{{"r", "window.meant === 1 && document.querySelector('#status').innerText.length > 0"}}},
	"v": {"operation", []stroke{
		{"v", `document.querySelector("#status").innerText.includes("first of two")`}, {"jjo", address + `.get("op") !== first && ` + drawer + `.querySelector(".drawerbar b")?.innerText === "#" + ` + address + `.get("op")`},
		{"v", `document.querySelector("dialog[open] tbody")?.innerText.includes("≠ Start")`}, {kb.Escape, `!document.querySelector("dialog[open]")`},
	}},
	"Shift+T": {"operation", []stroke{
		{"T", drawer + `.getBoundingClientRect().top > 400 && ` + drawer + `.getBoundingClientRect().width > 1000`}, {"T", drawer + `.getBoundingClientRect().top < 200`},
	}},
	"t":         {"live", []stroke{{"t", `document.documentElement.dataset.theme === "dark"`}, {"t", `document.documentElement.dataset.theme === "light"`}}},
	"Home, End": {"live", []stroke{{kb.PageDown + kb.PageDown + kb.End, inOrder + `[0].ariaRowIndex === "2"`}, {kb.PageDown + kb.PageDown + kb.Home, inOrder + `[0].ariaRowIndex === "2"`}}},
	"?":         {"live", []stroke{{"?", `document.querySelector("dialog[open]")`}, {kb.Escape, `!document.querySelector("dialog[open]")`}}},
}

// TestBrowserKeys tries every key that the help names, and holds the help to name those that are tried.
func TestBrowserKeys(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	r := startHere(t, nil, nil, append(anywhere, "--quiet", "--replay")...)
	t.Cleanup(func() { b.visit("about:blank") })
	b.visit(r.panel + "/?t=" + panelToken)
	b.theme("light")
	b.await("the connection", `document.querySelector("[data-testid=conn-state]").dataset.state === "live"`)
	r.visit("/people?q=ada")
	r.visit("/groups")
	b.lists(r)
	groups, _ := r.last("/groups")
	_, ops := r.last("/people")
	at := map[string]string{"live": "", "operation": "?op=" + fmt.Sprint(ops[0].Seq), "request": "?screen=request&id=" + groups.ID}
	ready := map[string]string{
		"live": inOrder + ".length > 20", "operation": drawer + `.innerText.includes("Copy as")`, "request": `document.querySelector("[data-testid=fall-row]")`,
	}
	for _, line := range slices.Sorted(maps.Keys(keyboards)) {
		k := keyboards[line]
		b.visit(r.panel + "/" + at[k.at])
		b.await("the screen for "+line, ready[k.at])
		asks[bool](b, `(() => { window.copied = ""; window.meant = 0; window.first = new URLSearchParams(location.search).get("op"); navigator.clipboard.writeText = async (text) => { window.copied = text; }; window.confirm = () => { window.meant++; return true; }; localStorage.clear(); return true; })()`)
		for _, s := range k.strokes {
			for _, key := range s.keys {
				b.keys(string(key))
			}
			b.await(line+", after "+s.keys, s.becomes)
		}
	}
	b.visit(r.panel + "/")
	b.await("the live screen", ready["live"])
	asks[bool](b, `[..."bfbsbcbr"].every(key => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })))`) // faster than it draws
	b.visit(r.panel + "/?screen=settings")
	b.await("the help", `document.querySelector("#settings .keys")`)
	named := asks[[]string](b, `[...document.querySelectorAll("#settings .keys kbd")].map(e => e.innerText)`)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(keyboards)), slices.Sorted(slices.Values(named))); diff != "" {
		t.Errorf("the help names other keys than are tried (-tried +named):\n%s", diff)
	}
}

// TestBrowserKeysLeftAlone holds the page to take no key that is the browser's or somebody else's.
func TestBrowserKeysLeftAlone(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/people?q=ada")
	b.lists(r)
	taken := func(key, on string, modifiers ...string) bool {
		return asks[bool](b, `(() => { const e = new KeyboardEvent("keydown", { key: `+quote(key)+`, bubbles: true, cancelable: true, `+strings.Join(modifiers, ", ")+` }); (document.querySelector(`+quote(on)+`) ?? document.body).dispatchEvent(e); return e.defaultPrevented; })()`)
	}
	for _, key := range []string{"Tab", "F5", "Backspace", "q", "PageDown"} {
		if got := taken(key, "body"); got != (key == "PageDown") {
			t.Errorf("on the live screen %s is taken: %v", key, got)
		}
	}
	for _, modifier := range []string{"ctrlKey: true", "metaKey: true", "altKey: true"} {
		if taken("e", "body", modifier) {
			t.Errorf("e is taken with %s", modifier)
		}
	}
	if taken("e", "#filter") {
		t.Error("a letter that is typed into the filter is taken")
	}
	b.press("an operation", `document.querySelector("[data-testid=op-row]")`)
	b.await("the drawer", drawer+`.innerText.includes("Copy as")`)
	if taken("ArrowDown", ".drawerbody") || taken("PageDown", ".drawerbody") {
		t.Error("a key that scrolls the drawer is taken from it")
	}
	b.keys("gd")
	b.await("the domains", `document.querySelector("[data-testid=domain-card]")`)
	for _, key := range []string{"ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "+", "-", " ", "p", "x"} {
		if taken(key, "#domains") {
			t.Errorf("%s is taken on a screen where it does nothing", key)
		}
	}
	b.do(chromedp.Evaluate[chromedp.Void](`localStorage.setItem("ldapscope-keys", "off")`, chromedp.EvalIgnoreExceptions))
	b.visit(r.panel + "/")
	b.await("the rows", `document.querySelector("[data-testid=op-row]")`)
	if taken("e", "body") || taken("p", "body") || !taken("ArrowDown", "body") {
		t.Error("single letters are taken although they are switched off, or arrows are not")
	}
}
