// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// opensDemo starts a demo without traffic of its own and opens its start link.
func opensDemo(t *testing.T, width, height int64) (*running, *tab) {
	t.Helper()
	b := opensBrowser(t, width, height)
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	t.Cleanup(func() { b.visit("about:blank") }) // before the program ends, whose page would complain
	b.visit(r.panel + "/?t=" + panelToken)
	b.await("the first operation on the page", `document.querySelector("[data-testid=op-row]")`)
	return r, b
}

// TestBrowserStart opens the start link of a program that is a process of its own. It says how long that took, which
// depends on the machine.
func TestBrowserStart(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	start := time.Now()
	p := startProcess(t, nil, "ldapscope", anywhere...)
	b.visit(p.panel + "/?t=" + panelToken)
	b.await("the first operation on the page", `document.querySelector("[data-testid=op-row]")`)
	t.Logf("from the program's start to its first operation on the page: %v", time.Since(start).Round(time.Millisecond))
	if address := asks[string](b, "location.href"); strings.Contains(address, panelToken) {
		t.Errorf("the token stays in the address %s", address)
	}
	b.visit("about:blank")
	p.stop()
}

// TestBrowserLive follows a login: the list, the drawer and the HTTP request's page show what the API says.
func TestBrowserLive(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.submit("/login", "username", "ada", "password", "lovelace")
	r.visit("/people?q=grace")
	b.lists(r)
	b.await("the rows of the login", `document.querySelector("[data-testid=live-list]").innerText.includes("POST /login")`)
	b.press("the row of the search", `[...document.querySelectorAll("[data-testid=op-row]")].find(e => e.innerText.includes("*grace*"))`)
	b.await("the drawer", `document.querySelector("[data-testid=drawer] [data-testid=entries-table]")`)
	drawer := b.text("[data-testid=drawer]")
	_, ops := r.last("/people")
	op := filtered("*grace*", ops)[0]
	for _, part := range []string{"(cn=*grace*)", "contains “grace”", "dc=example,dc=org", "success", "Entries", "Grace", "First answer", "Called from", "people"} {
		if !strings.Contains(drawer, part) {
			t.Errorf("the drawer lacks %q:\n%s", part, drawer)
		}
	}
	if rows := b.count("[data-testid=entries-table] tbody tr"); rows == 0 || rows != min(op.Entries, 50) {
		t.Errorf("the drawer shows %d entries of %d", rows, op.Entries)
	}
	b.keys(kb.Escape)
	b.await("the drawer to close", `document.querySelector("[data-testid=drawer]").hidden`)

	login, ops := r.last("/login")
	b.visit(r.panel + "/?screen=request&id=" + login.ID)
	b.await("the waterfall", `document.querySelector("[data-testid=waterfall] .segment.wait")`)
	if bars := b.count("[data-testid=waterfall] [data-testid=fall-row]"); bars != len(ops) {
		t.Errorf("the waterfall has %d bars for %d operations", bars, len(ops))
	}
	page := b.text("#request")
	for _, part := range []string{"POST /login", "303", fmt.Sprint(len(ops)), "until the first answer", "ada"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page of the HTTP request lacks %q:\n%s", part, page)
		}
	}
	b.click(`[data-tab="Steps"]`)
	b.await("the steps", `document.querySelector("#request").innerText.includes("login.bind")`)
}

// TestBrowserRepeats holds the deliberate N+1 of the groups page to be folded and named.
func TestBrowserRepeats(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/groups")
	q, _ := r.last("/groups")
	b.visit(r.panel + "/?screen=request&id=" + q.ID)
	b.await("the folded repeats", `[...document.querySelectorAll("[data-testid=fall-row]")].some(e => /×\d\d/.test(e.innerText))`)
	if bars := b.count("[data-testid=fall-row]"); bars > 3 {
		t.Errorf("%d bars although %d of %d operations have one shape", bars, q.Operations-1, q.Operations)
	}
	ticks := `[...document.querySelectorAll(".tick")].map(e => e.innerText).join(" ")`
	first := asks[string](b, ticks)
	b.do(clicks(`document.querySelector("[aria-label=Lanes]").dispatchEvent(new Event("change"))`))
	if again := asks[string](b, ticks); again != first {
		t.Errorf("the axis says %q when it is drawn first, and %q when it is drawn again", first, again)
	}
	others := q.Operations - 2 - q.Duplicates
	if page := b.text("#request"); q.Duplicates < 1 || !strings.Contains(page, fmt.Sprint(others)+" more with other values") {
		t.Errorf("%d operations of two shapes with %d exact repeats are counted as\n%s", q.Operations, q.Duplicates, page)
	}
	b.click(`[data-tab="Duplicates"]`)
	b.await("the card of the shape", `document.querySelector("#request .card")?.innerText.includes("more than asking once")`)
	b.visit(r.panel + "/")
	b.await("both counts in the row", fmt.Sprintf(`[...document.querySelectorAll("[data-testid=request-row]")].some(e => e.innerText.includes("%d repeat") && e.innerText.includes("%d alike"))`, q.Duplicates, others))
	b.await("both counts beside the screens", fmt.Sprintf(`document.querySelector("[data-testid=repeat-count]").innerText === "%d · %d"`, q.Duplicates, others))
}

// TestBrowserDrawer holds an operation that somebody was sent a link to, to say where it belongs, what was asked before, and
// nothing that is not there.
func TestBrowserDrawer(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/groups")
	_, ops := r.last("/groups")
	says := func(op operationRow) string {
		b.visit(r.panel + "/?op=" + fmt.Sprint(op.Seq))
		b.await("the drawer", drawer+`.innerText.includes("Copy as")`)
		b.lists(r)
		return strings.Join(strings.Fields(b.text("[data-testid=drawer]")), " ")
	}
	text := says(ops[len(ops)-1])
	for _, part := range []string{"Scope base: the entry itself", "Types only no", "HTTP request GET /groups, ", fmt.Sprintf("Same shape asked %d times before in this HTTP request", len(ops)-2)} {
		if !strings.Contains(text, part) {
			t.Errorf("the drawer lacks %q: %s", part, text)
		}
	}
	for _, part := range []string{"Wait for a connection", "Connect 0", "TLS 0", "Service bind"} {
		if strings.Contains(text, part) {
			t.Errorf("the drawer tells of %q, which did not happen: %s", part, text)
		}
	}
	r.visit("/failing")
	_, ops = r.last("/failing")
	says(ops[len(ops)-1])
	message := `[...document.querySelectorAll("[data-testid=drawer] dt")].find(e => e.innerText === "Message").nextElementSibling.textContent`
	if said := asks[string](b, message); !strings.HasSuffix(said, "'DC=example,DC=org'") {
		t.Errorf("the server's message is shown as %q", said)
	}
	b.allow("net::ERR_")
	r.stop()
	b.press("another operation", `document.querySelector("[data-testid=op-row]")`)
	b.await("what is said without the program", `document.querySelector("[data-testid=drawer]")?.innerText.includes("The program cannot be reached")`)
}

// TestBrowserPause holds the view still while operations go on, and shows them after.
func TestBrowserPause(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	b.click("[data-testid=pause]")
	b.await("the pause", `document.querySelector("[data-testid=pause]").getAttribute("aria-pressed") === "true"`)
	before := b.text("[data-testid=live-list]")
	for range 3 {
		r.visit("/people?q=ada")
	}
	b.await("the count of what waits", `/\d/.test(document.querySelector("[data-testid=pause]").innerText)`)
	b.lists(r) // they are here and not shown
	if after := b.text("[data-testid=live-list]"); after != before {
		t.Errorf("the list moved while it was paused, from\n%s\nto\n%s", before, after)
	}
	b.click("[data-testid=pause]")
	b.await("what came meanwhile", `document.querySelector("[data-testid=live-list]").innerText.split("GET /people").length > 3`)
}

func TestBrowserFilter(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/people?q=ada")
	r.visit("/failing")
	b.lists(r)
	listed := app + `.then(({ store }) => [...store.operations.keys()].sort((a, b) => a - b))`
	for _, query := range []string{"op:bind", "is:error", "(sAMAccountName=*)", "op:search n:>5"} {
		b.types(query)
		r.await("what "+query+" chooses", func() bool {
			want := seqs(r.operations(query))
			return len(want) > 0 && slices.Equal(want, asks[[]uint64](b, listed))
		})
		if address := asks[string](b, `new URLSearchParams(location.search).get("q")`); address != query {
			t.Errorf("the address says %q, want %q", address, query)
		}
	}
	shown := asks[[]uint64](b, listed)
	b.types("durr:>1s")
	b.await("the error", `document.querySelector("[role=alert]:not([hidden])")?.innerText.includes("did you mean dur:")`)
	if said := b.text("[role=alert]:not([hidden])"); !strings.HasPrefix(said, "The query does not parse") {
		t.Errorf("the page says %q, which is no sentence", said)
	}
	if after := asks[[]uint64](b, listed); !slices.Equal(shown, after) {
		t.Errorf("a query that does not parse changes the list from %v to %v", shown, after)
	}
	b.types("")
	b.lists(r)
	b.await("the error to go", `!document.querySelector("[role=alert]:not([hidden])")`)
	b.click(`[data-clause="is:error"]`)
	b.await("only errors", `document.querySelectorAll("[data-testid=op-row]").length === document.querySelectorAll("[data-testid=op-row].failed").length`)
	b.await("the clause in the box", `document.querySelector("[data-testid=filter-box]").value === "is:error"`)
	b.click(`[data-clause="is:error"]`)
	b.lists(r)
	b.types("op:search (mail=nobody@nowhere)")
	b.await("why nothing is listed", `document.querySelector("[data-testid=empty]")?.innerText.includes("(mail=nobody@nowhere)")`)
}

// TestBrowserKeyboard uses the page without a mouse.
func TestBrowserKeyboard(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/people?q=ada")
	r.visit("/failing")
	b.lists(r)
	b.await("both HTTP requests to be drawn", `["/failing", "/people"].every(path => document.querySelector("[data-testid=live-list]").innerText.includes(path))`)
	selected := `document.querySelector(".row[aria-selected=true]")`
	b.keys("j")
	b.await("the first row", selected)
	first := asks[string](b, selected+".dataset.id")
	b.keys("J")
	b.await("the next HTTP request", selected+`?.dataset.id !== `+quote(first)+` && `+selected+`?.classList.contains("request")`)
	b.keys(kb.ArrowLeft)
	b.await("the fold", selected+`?.getAttribute("aria-expanded") === "false"`)
	b.keys(kb.ArrowRight)
	b.await("the unfolding", selected+`?.getAttribute("aria-expanded") === "true"`)
	b.keys("j")
	b.keys(kb.Enter)
	b.await("the drawer", `!document.querySelector("[data-testid=drawer]").hidden`)
	b.keys(kb.Escape)
	b.await("the drawer to close", `document.querySelector("[data-testid=drawer]").hidden`)
	b.keys("/")
	b.await("the filter box", `document.activeElement?.dataset.testid === "filter-box"`)
	b.types("op:bind")
	b.await("the query", `new URLSearchParams(location.search).get("q") === "op:bind"`)
	b.keys(kb.Escape)
	b.await("the box to lose the focus", `document.activeElement?.dataset.testid !== "filter-box"`)
	b.keys(kb.Escape)
	b.await("the query to go", `!new URLSearchParams(location.search).has("q")`)
	for keys, screen := range map[string]string{"gd": "domains", "gr": "requests", "gm": "usage", "ga": "advice"} {
		b.keys(keys)
		b.await("the screen "+screen, `new URLSearchParams(location.search).get("screen") === "`+screen+`"`)
	}
	b.keys("gl")
	b.keys("p")
	b.await("the pause", `document.querySelector("[data-testid=pause]").getAttribute("aria-pressed") === "true"`)
	b.keys("p")
	b.keys("?")
	b.await("the help", `document.querySelector("dialog[open]")`)
	b.keys(kb.Escape)
	b.await("the help to close", `!document.querySelector("dialog[open]")`)

	// Tab goes through everything and is never caught.
	seen := map[string]bool{}
	for range 60 {
		b.keys(kb.Tab)
		seen[asks[string](b, `(e => e ? (e.dataset.testid || e.id || e.innerText || e.tagName).slice(0, 30) : "")(document.activeElement)`)] = true
	}
	for _, stop := range []string{"nav-domains", "pause", "filter-box", "theme", "live-list"} {
		if !seen[stop] {
			t.Errorf("Tab does not reach %s, only %v", stop, seen)
		}
	}
	back := asks[string](b, "document.activeElement.outerHTML")
	b.keys(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	if asks[string](b, "document.activeElement.outerHTML") == back {
		t.Error("Shift+Tab does not go back")
	}
}

// TestBrowserGap fills a gap of more operations than are fetched at once: the page ends with what the API has, each once.
func TestBrowserGap(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	for range 14 {
		r.visit("/groups") // about 40 operations
	}
	if n := len(b.lists(r)); n < 520 {
		t.Fatalf("%d operations do not need two parts", n)
	}
	asks[bool](b, app+`.then(({ store }) => {
		const to = store.last;
		store.forget();
		store.apply({ type: "gap", epoch: store.epoch, from: 1, to, reason: "skipped" });
		return store.operations.size === 0;
	})`)
	b.press("the gap", `document.querySelector("[data-testid=gap-row] button")`)
	b.lists(r)
	b.await("the gap to close", `!document.querySelector("[data-testid=gap-row]") && document.querySelector("[data-testid=live-list]").innerText.includes("GET /groups")`)
	if orphans := asks[int](b, app+`.then(({ store }) => store.orphans.size)`); orphans > 0 {
		t.Errorf("%d HTTP requests of what was fetched are not listed", orphans)
	}
}
