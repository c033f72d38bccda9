// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// axe holds a page to the rules of axe-core.
type axe struct{ source string }

func opensAxe(t *testing.T) axe {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root(t), "web", "_dev", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		require.Missing(t, "node", "axe-core is not installed: bash .ci/js install does that")
	}
	return axe{string(source)}
}

// violations says which rules the page breaks where.
func (a axe) violations(b *tab) []string {
	b.t.Helper()
	if !asks[bool](b, "'axe' in window") {
		b.do(chromedp.Evaluate[chromedp.Void](a.source, chromedp.EvalIgnoreExceptions))
	}
	return asks[[]string](b, `axe.run(document, { resultTypes: ["violations"] }).then(r => r.violations.flatMap(v => v.nodes.map(n => v.impact + " " + v.id + ": " + n.target.join(" ") + " " + n.failureSummary.split("\n").slice(1, 2))))`)
}

// cutOff lists texts that lie outside of the window, or are clipped by what they stand in without an ellipsis, which stands at
// their end alone. What scrolls by itself may be longer than it shows; the page as a whole does not scroll.
const cutOff = `(() => {
	const found = [];
	const clips = (el) => el && (getComputedStyle(el).overflowX !== "visible" || clips(el.parentElement));
	if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways to " + document.documentElement.scrollWidth + " of " + innerWidth + " for " +
		[...document.querySelectorAll("body *")].filter(el => el.getBoundingClientRect().right > innerWidth && !clips(el.parentElement)).map(el => el.tagName + "." + el.className));
	if (document.documentElement.scrollHeight > innerHeight) found.push("the page as a whole scrolls down to " + document.documentElement.scrollHeight + " of " + innerHeight);
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let text = texts.nextNode(); text; text = texts.nextNode()) {
		const own = text.parentElement;
		if (!text.data.trim() || !own.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || own.closest(".unseen, .skip, option, select") || getComputedStyle(own).clipPath !== "none") continue;
		const range = document.createRange();
		range.selectNodeContents(text);
		const box = range.getBoundingClientRect();
		if (box.width === 0) continue;
		const say = (by) => found.push(JSON.stringify(text.data.trim().slice(0, 40)) + " by " + by + " at " + [box.left, box.right, box.top, box.bottom].map(Math.round));
		for (let el = own, right = box.right; ; el = el.parentElement) {
			if (el === document.documentElement) {
				if (right > innerWidth + 1 || box.left < -1) say("the window");
				break;
			}
			const style = getComputedStyle(el);
			if (/auto|scroll/.test(style.overflowX + style.overflowY)) break;
			const clips = /hidden|clip/.test(style.overflowX + style.overflowY);
			if (!clips && !/strict|content|paint/.test(style.contain)) continue;
			const room = el.getBoundingClientRect();
			if (clips && style.textOverflow === "ellipsis") right = Math.min(right, room.right); // what goes on is where the ellipsis ends
			if (right <= room.left || box.left >= room.right || box.bottom <= room.top || box.top >= room.bottom) { say("being outside of " + el.tagName + "." + el.className); break; }
			if (right > room.right + 1 || box.left < room.left - 1 || box.bottom > room.bottom + 2 || box.top < room.top - 2) { say(el.tagName + "." + el.className); break; }
		}
	}
	return [...new Set(found)];
})()`

// TestBrowserAccessible holds every screen in both themes to axe-core: in a wide window, in one of 320 pixels, and in one that is
// zoomed to 200 %, which has half of the pixels, each twice as large. Nothing of it is cut off.
func TestBrowserAccessible(t *testing.T) {
	t.Parallel()
	rules := opensAxe(t)
	b := opensBrowser(t, 1280, 800)
	r := startHere(t, nil, nil, anywhere...)
	t.Cleanup(func() { b.visit("about:blank") })
	b.visit(r.panel + "/?t=" + panelToken)
	r.await("some traffic", func() bool {
		return len(r.requests("/slow")) > 0 && len(r.requests("/groups")) > 0 && len(r.requests("/login")) > 0 && len(r.savedRuns()) > 0
	})
	screens := r.screens()
	screens["pins"] = "?screen=usage&view=pins"
	screens["login"] = strings.Replace(screens["steps"], "&tab=Steps", "", 1)
	screens["advice of a request"] = screens["request"] + "&tab=Advice"
	folder := shotsFolder(t)
	for _, size := range []struct {
		name          string
		width, height int64
		scale         float64
	}{{"wide", 1280, 800, 1}, {"320 pixels", 320, 640, 1}, {"zoomed to 200 %", 640, 400, 2}} {
		b.do(chromedp.EmulateViewport(size.width, size.height, chromedp.EmulateScale(size.scale)))
		for _, name := range slices.Sorted(maps.Keys(screens)) {
			b.screen(r, screens[name])
			if pixels := asks[float64](b, "devicePixelRatio * innerWidth"); pixels != float64(size.width)*size.scale {
				t.Fatalf("%s: the window has %v pixels", size.name, pixels)
			}
			for _, theme := range []string{"light", "dark"} {
				b.theme(theme)
				wrong := append(asks[[]string](b, cutOff), rules.violations(b)...)
				for _, w := range wrong[:min(len(wrong), 6)] {
					t.Errorf("%s, %s, %s: %s", name, size.name, theme, w)
				}
				if size.scale == 2 {
					b.shot(filepath.Join(folder, name+"-zoomed-"+theme+".png"))
				}
			}
		}
	}
}

// spaced is what readers may set against any page (WCAG 1.4.12).
const spaced = `(() => {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }");
	document.adoptedStyleSheets = [sheet];
	return true;
})()`

// TestBrowserReaders holds the page to what its readers set in their system: wider text cuts nothing off, in forced colours one still sees
// which row is chosen, and who wants little motion gets none.
func TestBrowserReaders(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1280, 800)
	r.visit("/groups")
	b.lists(r)
	q, ops := r.last("/groups")
	for _, address := range []string{"", fmt.Sprint("?op=", ops[0].Seq), "?screen=requests", "?screen=request&id=" + q.ID, "?screen=advice", "?screen=domains", "?screen=settings"} {
		b.screen(r, address)
		asks[bool](b, spaced)
		for _, w := range asks[[]string](b, cutOff) {
			t.Errorf("%q with wider text: %s", address, w)
		}
	}
	b.media("forced-colors", "active")
	b.screen(r, "")
	b.keys("j")
	b.await("the chosen row to be framed", `(s => s && s.outlineStyle === "solid" && s.outlineWidth === "2px")(getComputedStyle(document.querySelector(".row[aria-selected=true]")))`)
	moves := `getComputedStyle(document.querySelector("#status")).transitionDuration`
	b.media("prefers-reduced-motion", "no-preference")
	if d := asks[string](b, moves); d != "0.12s" {
		t.Errorf("what is said fades for %s, want 0.12s", d)
	}
	b.media("prefers-reduced-motion", "reduce")
	if d := asks[string](b, moves); d != "0s" {
		t.Errorf("what is said fades for %s although motion is not wanted", d)
	}
}

// ticksOverlap lists the numbers of the axis that stand upon the one before.
const ticksOverlap = `[...document.querySelectorAll(".tick")].filter(el => el.checkVisibility()).flatMap((el, i, all) =>
	i && el.getBoundingClientRect().left < all[i - 1].getBoundingClientRect().right ? ["the numbers " + all[i - 1].innerText + " and " + el.innerText + " overlap"] : [])`

// TestBrowserAxis holds the numbers of the waterfall's axis to their lane and apart from each other, in windows of every width and
// with wider text: what a request took, and where its time without LDAP is drawn shorter, puts them anywhere.
func TestBrowserAxis(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1280, 800)
	b.lists(r)
	for _, path := range []string{"/groups", "/slow", "/people"} {
		r.visit(path)
		q, _ := r.last(path)
		b.screen(r, "?screen=request&id="+q.ID)
		asks[bool](b, spaced)
		asks[bool](b, `!document.querySelector(".falllabel.dim").append(" · 126 ms without LDAP, 88.0 ms without LDAP drawn shorter")`) // not every run has gaps
		asks[bool](b, `[...document.querySelectorAll(".tick")].every(t => { t.textContent = "−80.0 ms"; return true })`)                // no number is wider
		for width := int64(320); width <= 1600; width += 40 {
			b.do(chromedp.EmulateViewport(width, 800))
			b.await("the axis to be drawn", `document.querySelector(".tick")`)
			for _, w := range append(asks[[]string](b, cutOff), asks[[]string](b, ticksOverlap)...) {
				t.Errorf("%s, %d pixels wide: %s", path, width, w)
			}
		}
	}
}
