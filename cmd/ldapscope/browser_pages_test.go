// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
)

// TestBrowserDomains holds the page of domains to every counter there is, with its number.
func TestBrowserDomains(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.submit("/login", "username", "ada", "password", "lovelace")
	r.visit("/failing")
	b.keys("gd")
	b.await("the card of the domain", `document.querySelector("[data-testid=domain-card]")?.innerText.includes("Active Directory")`)
	counted := func() map[string]string {
		return asks[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("[data-testid=domain-card] [data-counter]")].map(e => [e.dataset.counter, e.dataset.value]))`)
	}
	all, _ := r.domains()
	r.await("the page to show the counters of the API", func() bool {
		all, _ = r.domains()
		return counted()["operations"] == fmt.Sprint(all["EXAMPLE"].Counters["operations"])
	})
	shown := counted()
	for _, f := range instrument.CounterFields {
		if want := fmt.Sprint(all["EXAMPLE"].Counters[f.Name]); shown[f.Name] != want {
			t.Errorf("counter %s is shown as %q, the API says %q", f.Name, shown[f.Name], want)
		}
	}
	page := b.text("#domains")
	for _, part := range []string{"EXAMPLE", "up", "clear text", "may write", "also example.org", "Elapsed", "First socket", "Newest socket", "Last socket closed", "still open", "Last sent", "Last received",
		"In use", "49 invalidCredentials", "Trace export", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page of domains lacks %q:\n%s", part, page)
		}
	}
}

// TestBrowserScreens opens every screen in both themes and holds each to what it is for. The heading changes with the screen.
func TestBrowserScreens(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.submit("/login", "username", "ada", "password", "lovelace")
	r.visit("/groups")
	q, _ := r.last("/groups")
	tests := []struct{ name, address, shows string }{
		{"requests", "?screen=requests", "/groups"},
		{"request", "?screen=request&id=" + q.ID, "HTTP request"},
		{"operations of a request", "?screen=request&tab=Operations&id=" + q.ID, "success"},
		{"call sites of a request", "?screen=request&tab=Call+sites&id=" + q.ID, "app.(*App).groups"},
		{"advice of a request", "?screen=request&tab=Advice&id=" + q.ID, "Members read one by one"},
		{"advice", "?screen=advice", "Members read one by one"},
		{"usage", "?screen=usage", "Usage history"},
		{"settings", "?screen=settings", "Single keys"},
		{"by shape", "?group=shape", "search base CN=?"},
		{"by connection", "?group=conn", " of EXAMPLE, 127.0.0.1"},
		{"flat", "?group=flat", "SRCH"},
		{"request that is not there", "?screen=request&id=nope", "evicted"},
	}
	b.allow("status of 404") // of the last one
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		want := map[string]string{"light": "rgb(255, 255, 255)", "dark": "rgb(15, 18, 22)"}[theme]
		for _, tt := range tests {
			b.visit(r.panel + "/" + tt.address)
			b.await(tt.name, `document.querySelector("main").innerText.includes(`+quote(tt.shows)+`)`)
			if got := asks[string](b, "getComputedStyle(document.body).backgroundColor"); got != want {
				t.Errorf("%s in the %s theme is %s, want %s", tt.name, theme, got, want)
			}
			if asks[bool](b, "document.documentElement.scrollWidth > innerWidth") {
				t.Errorf("%s scrolls sideways as a whole", tt.name)
			}
		}
	}
	b.click("[data-testid=theme]")
	b.await("the other theme", `getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`)
	b.visit(r.panel + "/")
	b.await("the chosen theme after a reload", `getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`)
}

// TestBrowserSource holds the page to work with its scripts as they are written, too, and the style that is served to mean
// what the written one does.
func TestBrowserSource(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	b.visit(r.panel + "/?source")
	b.await("the first operation on the page", `document.querySelector("[data-testid=op-row]")`)
	b.await("the modules", `performance.getEntriesByType("resource").filter(e => e.name.includes("/assets/js/")).length > 20`)
	b.keys("gd")
	b.await("another screen", `document.querySelector("[data-testid=domain-card]")`)
	written, err := os.ReadFile(filepath.Join(root(t), "web", "assets", "app.css"))
	if err != nil {
		t.Fatal(err)
	}
	rules := func(text string) []string {
		return asks[[]string](b, `(async given => {
			const text = await given;
			const sheet = new CSSStyleSheet();
			sheet.replaceSync(text);
			const all = [];
			// No background is none with a place, which is the same.
			const probe = document.body.appendChild(document.createElement("p"));
			const says = (style) => { probe.style.cssText = style.cssText; return [...style].sort().filter(name => !name.startsWith("background-position")).map(name => name + ":" + getComputedStyle(probe).getPropertyValue(name)).join(";"); };
			const add = (list, at) => { for (const r of list) { const head = at + r.cssText.split("{")[0]; if (r.style) all.push((head + says(r.style)).replace(/\s+/g, "").toLowerCase()); if (r.cssRules?.length) add(r.cssRules, head); } };
			add(sheet.cssRules, "");
			return all;
		})(`+text+")")
	}
	want := rules(quote(string(written)))
	if diff := cmp.Diff(want, rules(`fetch("assets/app.css").then(r => r.text())`)); diff != "" || len(want) < 200 {
		t.Errorf("of %d rules the style that is served says other than the written one (-written +served):\n%s", len(want), diff)
	}
}

// TestBrowserNarrow uses the page at the width of a small telephone.
func TestBrowserNarrow(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 320, 640)
	r.submit("/login", "username", "ada", "password", "lovelace")
	login, _ := r.last("/login")
	r.visit("/people?q=ada")
	b.lists(r)
	fits := func(what string) {
		t.Helper()
		if wide := asks[string](b, `[...document.querySelectorAll("body *")].filter(e => e.checkVisibility() && !e.closest(".scroll, .list, pre, .unseen, .skip") && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className).slice(0, 5).join(" ")`); wide != "" {
			t.Errorf("%s: wider than the window: %s", what, wide)
		}
	}
	for _, screen := range []string{"", "?screen=requests", "?screen=advice", "?screen=domains", "?screen=usage", "?screen=settings", "?screen=request&tab=Steps&id=" + login.ID, "?screen=request&tab=Call+sites&id=" + login.ID} {
		b.visit(r.panel + "/" + screen)
		b.await("the screen", `document.querySelector("main > :not([hidden])")?.innerText.length > 20`)
		fits("screen " + screen)
	}
	b.visit(r.panel + "/")
	b.click("[data-testid=op-row]")
	b.await("the drawer", `document.querySelector("[data-testid=drawer]").innerText.includes("Copy as")`)
	fits("the drawer")
	b.click(`[data-testid=drawer] [aria-label="Close"]`)
	b.await("the drawer to close", `document.querySelector("[data-testid=drawer]").hidden`)
	if h := asks[float64](b, `Math.min(...[...document.querySelectorAll("button, select, nav a")].filter(e => e.checkVisibility() && !e.classList.contains("link") && !e.classList.contains("twist")).map(e => e.getBoundingClientRect().height))`); h < 24 {
		t.Errorf("a target is %v pixels high, want at least 24", h)
	}
}
