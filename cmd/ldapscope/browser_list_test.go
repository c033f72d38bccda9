// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// redraws draws planned trees over one another, each made by chance from a few words, and compares every one with the same
// tree in a new element. It returns the first that differs.
const redraws = `(async () => {
	const { plan, redraw, symbol } = await import(new URL("assets/js/plan.js", document.baseURI));
	let seed = 7;
	const pick = (...of) => of[(seed = (seed * 1103515245 + 12345) % 2147483648) % 65521 % of.length];
	const text = () => pick("", "a", "b", 0, 42, null, false, undefined);
	const tree = (depth) => {
		if (depth === 0 || pick(true, false, false)) return text();
		const props = { title: pick("one", "two", null, undefined), hidden: pick(true, false), wide: pick("10%", "90%", undefined) };
		for (const key of Object.keys(props)) if (pick(true, false)) delete props[key];
		return { tag: pick("span", "b", "span.one", "span.two.three"), props, children: Array.from({ length: pick(0, 1, 2, 3) }, () => tree(depth - 1)), icon: pick("right", "down", false) };
	};
	const planned = (t) => t && typeof t === "object" ? plan(t.tag, t.props, ...t.children.map(planned), t.icon && symbol(t.icon)) : t;
	const old = document.createElement("p");
	for (let n = 0; n < 2000; n++) {
		const trees = Array.from({ length: pick(1, 2, 3) }, () => tree(3));
		const make = () => plan("p", {}, ...trees.map(planned)).children;
		redraw(old, make());
		const fresh = document.createElement("p");
		redraw(fresh, make());
		for (const el of [old, fresh]) for (const e of el.querySelectorAll("*")) for (const name of ["style", "class"]) if (e.getAttribute(name) === "") e.removeAttribute(name);
		if (!old.isEqualNode(fresh)) return n + ": " + old.outerHTML + " instead of " + fresh.outerHTML;
	}
	return old.outerHTML.length > 20 ? "" : "nothing was drawn";
})()`

// TestBrowserRedraw holds elements that show something else than before to be what new ones would be.
func TestBrowserRedraw(t *testing.T) {
	t.Parallel()
	_, b := opensDemo(t, 800, 600)
	if wrong := asks[string](b, redraws); wrong != "" {
		t.Error(wrong)
	}
}

// TestBrowserReadsNoLayout holds the list to never ask the page for its measures when operations come: that would make the page lay itself
// out twice for every frame.
func TestBrowserReadsNoLayout(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	b.lists(r)
	asks[bool](b, `(() => {
		window.readings = [];
		const list = document.querySelector("[data-testid=live-list]");
		for (const name of ["scrollTop", "clientHeight", "clientWidth", "offsetHeight", "getBoundingClientRect"]) {
			const from = Object.getOwnPropertyDescriptor(Element.prototype, name) ?? Object.getOwnPropertyDescriptor(HTMLElement.prototype, name);
			Object.defineProperty(list, name, { get() { window.readings.push(name); return (from.get ?? (() => from.value)).call(list); }, set(v) { from.set?.call(list, v); } });
		}
		return list.scrollTop === 0 && window.readings.length === 1;
	})()`)
	r.visit("/people?q=ada")
	r.visit("/groups")
	b.lists(r)
	b.await("the rows", `document.querySelector("[data-testid=live-list]").innerText.includes("/groups")`)
	if read := asks[[]string](b, "window.readings"); len(read) != 1 {
		t.Errorf("the list read %v", read[1:])
	}
}

// draws gives the list of a page more operations than it can show, then half as many of the same form, twenty times, with their jobs in places
// where operations stood. It returns how many rows were made in one go and how many drawn, how many elements were made to show others than before,
// how many rows still show others at the end, and how far they reach down.
const draws = `(async () => {
	const { store } = await ` + app + `;
	const space = document.querySelector("[data-testid=live-list] .space");
	const frames = async (n) => { while (n-- > 0) await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); };
	const found = { Rows: 0, Drawn: 0, Elements: 0, Late: 0, Short: 0 };
	new MutationObserver((changes) => {
		const made = changes.flatMap((c) => [...c.addedNodes]).filter((node) => node.nodeType === Node.ELEMENT_NODE);
		found.Rows = Math.max(found.Rows, made.filter((el) => el.parentNode === space).length);
		found.Elements += made.length;
	}).observe(space, { childList: true, subtree: true });
	new MutationObserver((changes) => {
		found.Drawn = Math.max(found.Drawn, new Set(changes.map((c) => c.target)).size);
	}).observe(space, { attributes: true, attributeFilter: ["data-drawn"], subtree: true });
	let seq = store.last;
	const job = (n) => {
		const id = "job" + seq, from = store.last, start = store.now();
		const operations = Array.from({ length: n }, () => ({ seq: ++seq, updated: seq, start, duration_us: seq % 97, request_id: id, kind: "search", state: "done", domain: "X", server: "s", conn: "1", subject: "(uid=" + seq + ")",
			about: "dc=x", manner: "sub", shape: "a", shape_text: "", result: { code: 0, name: "success", error: "", sub_code: "", hint: "" }, entries: 1, bytes_received: seq, first_us: 1, repeat: 0, step: "", call: 0, page: 0, inferred: false }));
		store.apply({ type: "batch", epoch: store.epoch, from, to: seq, operations, requests: [{ id, updated: seq, kind: "job", method: "", route: "", path: "", name: id, status: 0, user: "", start, duration_us: seq, running: false,
			operations: n, errors: 0, duplicates: 0, shapes: 1, entries: n, bytes_received: seq, ldap_us: seq, dropped: 0, domains: ["X"], findings: 1, severity: "high" }] });
	};
	for (let i = 0; i < 5; i++) job(18);
	await frames(9);
	found.Elements = 0;
	for (let i = 0; i < 20; i++) { job(i % 2 ? 18 : 14); await frames(2); }
	found.Late = [...space.children].filter((row) => !row.hidden && !row.dataset.drawn.startsWith(row.dataset.id + " ")).length;
	found.Short = space.parentNode.getBoundingClientRect().bottom - Math.max(...[...space.children].filter((row) => !row.hidden).map((row) => row.getBoundingClientRect().bottom));
	return found;
})()`

// TestBrowserDrawsLittle holds a frame to a share of the work: rows come to be a few at a time, a screen full of other rows is drawn in two
// frames, and a row that shows another operation of the same form keeps every element that it has.
func TestBrowserDrawsLittle(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	t.Cleanup(func() { b.visit("about:blank") })
	b.visit(r.panel + "/?t=" + panelToken)
	b.await("the connection", `document.querySelector("[data-testid=conn-state]").dataset.state === "live"`)
	found := asks[struct {
		Rows, Drawn, Elements, Late int
		Short                       float64
	}](b, draws)
	if found.Rows > 5 {
		t.Errorf("%d rows were made in one frame, want at most 5", found.Rows)
	}
	if found.Drawn > 16 {
		t.Errorf("%d rows were drawn in one frame, want at most half of a screen, 16", found.Drawn)
	}
	if found.Late > 0 {
		t.Errorf("%d rows show another than is theirs", found.Late)
	}
	if found.Elements > 0 {
		t.Errorf("%d elements were made to show other operations", found.Elements)
	}
	if found.Short > 0 {
		t.Errorf("the rows end %v pixels above the end of the list", found.Short)
	}
}

// inSight tells whether the chosen row is.
const inSight = `(() => { const row = ` + chosenRow + `?.getBoundingClientRect(), list = document.querySelector("[data-testid=live-list]").getBoundingClientRect(); return row && row.top >= list.top + 28 && row.bottom <= list.bottom; })()`

// TestBrowserLinked opens links to an operation far down: the list is brought to it and marks it, once, and then goes where its reader does.
func TestBrowserLinked(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	r.visit("/people?q=ada")
	_, ops := r.last("/people")
	seq := of("search", ops)[0].Seq
	for range 3 {
		r.visit("/groups")
	}
	list := `document.querySelector("[data-testid=live-list]")`
	for _, group := range []string{"", "&group=flat", "&group=shape"} {
		b.visit(fmt.Sprintf("%s/?op=%d%s", r.panel, seq, group))
		b.await("the drawer", drawer+`.innerText.includes("Copy as")`)
		b.await("the row of the operation to be chosen, in sight"+group, fmt.Sprintf(`%s?.dataset.id === "o-%d" && %s`, chosenRow, seq, inSight))
	}
	_, newest := r.last("/groups")
	b.visit(fmt.Sprintf("%s/?op=%d", r.panel, newest[3].Seq))
	b.await("the row near the top to be chosen", fmt.Sprintf(`%s?.dataset.id === "o-%d" && %s`, chosenRow, newest[3].Seq, inSight))
	for _, path := range []string{"/people?q=ada", "/computers", "/failing", "/groups"} {
		known := asks[string](b, list+".ariaRowCount")
		r.visit(path)
		b.await("what came to be counted", `document.querySelector(".pill:not([hidden])") && `+list+".ariaRowCount !== "+quote(known))
		b.lists(r)
		if !asks[bool](b, inSight) {
			t.Errorf("what came of %s pushed the row out of sight", path)
		}
		if n := b.stale(list); n > 0 {
			t.Errorf("after %s, %d pixels of the list show what was there before", path, n)
		}
	}
	b.visit(fmt.Sprintf("%s/?op=%d", r.panel, seq))
	b.await("the list to be scrolled", list+`.scrollTop > 100 && `+inSight)
	b.keys("k")
	b.await("the row above to be chosen", fmt.Sprintf(`%s.dataset.id !== "o-%d"`, chosenRow, seq))
	b.keys(kb.Home)
	b.await("the top", inOrder+`[0].ariaRowIndex === "2"`)
	top := asks[string](b, inOrder+`[0].dataset.id`)
	r.visit("/groups")
	b.await("the new rows", inOrder+`[0].dataset.id !== `+quote(top))
	if y := asks[float64](b, list+".scrollTop"); y != 0 {
		t.Errorf("the list went back to %v", y)
	}
}

// stale counts the pixels of an element that are others once the page has been painted anew.
func (b *tab) stale(element string) (n int) {
	b.t.Helper()
	frames := `new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))), 100))` // what is drawn is painted
	asks[bool](b, frames)
	folder := b.t.TempDir()
	var pictures [2]image.Image
	for i := range pictures {
		if i == 1 {
			b.do(chromedp.EmulateViewport(1440, 899), chromedp.EmulateViewport(1440, 900))
			asks[bool](b, frames)
		}
		picture, err := png.Decode(bytes.NewReader(b.shot(filepath.Join(folder, "list.png"))))
		if err != nil {
			b.t.Fatal(err)
		}
		pictures[i] = picture
	}
	box := asks[[]float64](b, `(({ left, top, right, bottom }) => [left, top, right, bottom])(`+element+`.getBoundingClientRect())`)
	for y := int(box[1]); y < int(box[3]); y++ {
		for x := int(box[0]); x < int(box[2]); x++ {
			if pictures[0].At(x, y) != pictures[1].At(x, y) {
				n++
			}
		}
	}
	return n
}

// TestBrowserStays: away from the top what is read stays where it is, however much comes above it, and a pill counts that. Where a row is chosen
// and in sight, it is that one which stays, also when its neighbours become more.
func TestBrowserStays(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	for range 3 {
		r.visit("/groups")
	}
	b.lists(r)
	list := `document.querySelector("[data-testid=live-list]")`
	place := func(id string) float64 {
		t.Helper()
		return asks[float64](b, `document.querySelector('.row[data-id="`+id+`"]:not([hidden])')?.getBoundingClientRect().top ?? -1`)
	}
	b.do(clicks(inOrder + `[0].querySelector(".twist").click()`))
	b.await("a request to be folded", inOrder+`[0].ariaExpanded === "false"`)
	folded := asks[string](b, list+".ariaRowCount")
	asks[bool](b, `(`+list+`.scrollTop = 1000, true)`)
	b.await("the rows further down", inOrder+`[0].ariaRowIndex > 20`)
	b.keys("]")
	b.await("it to be unfolded", list+".ariaRowCount !== "+quote(folded))
	if pill := asks[string](b, `document.querySelector(".pill:not([hidden])")?.innerText ?? ""`); pill != "" {
		t.Errorf("what is unfolded is counted as new: %s", pill)
	}
	read := asks[string](b, inOrder+`[10].dataset.id`)
	before := place(read)
	r.visit("/people?q=ada")
	b.await("the pill to count what came", `document.querySelector(".pill:not([hidden])")?.innerText === "▲ 2 new"`)
	if after := place(read); after != before {
		t.Errorf("what is read went from %v to %v", before, after)
	}
	b.do(clicks(inOrder + `[20].click()`))
	b.await("the row to be chosen", chosenRow)
	read = asks[string](b, chosenRow+`.dataset.id`)
	before = place(read)
	asks[bool](b, app+`.then(({ store }) => {
		const above = store.operations.get(Number(`+inOrder+`.slice(8, 18).find(e => e.dataset.testid === "op-row").dataset.id.slice(2)));
		const to = store.last + 1;
		return store.apply({ type: "batch", epoch: store.epoch, from: store.last, to, operations: [{ ...above, seq: above.seq + 0.5, updated: to }], requests: [] }) === "";
	})`)
	b.await("the row between others", `document.querySelector(".row[data-id$='.5']:not([hidden])")`)
	if after := place(read); after != before {
		t.Errorf("the chosen row went from %v to %v", before, after)
	}
	b.click(".pill")
	b.await("the top without a pill", list+`.scrollTop === 0 && document.querySelector(".pill").hidden`)
}

// TestBrowserOlder opens the page of a program that has made more operations than a page begins with. Below them it says that there are
// older ones, which come when asked for, and for a link to one of them.
func TestBrowserOlder(t *testing.T) {
	t.Parallel()
	r, b := opensDemo(t, 1440, 900)
	for range 14 {
		r.visit("/groups") // about 40 operations
	}
	b.lists(r)
	b.screen(r, "")
	b.await("what is older to be told below", `(list => { list.scrollTop = list.scrollHeight; return document.querySelector("[data-testid=gap-row]")?.innerText.startsWith("Older operations are not listed") })(document.querySelector("[data-testid=live-list]"))`)
	b.shot(filepath.Join(shotsFolder(t), "older.png"))
	b.press("what is older", `document.querySelector("[data-testid=gap-row] button")`)
	b.lists(r)
	b.await("nothing older to be left", `!document.querySelector("[data-testid=gap-row]")`)
	b.screen(r, "?screen=requests")
	b.await("what is not listed to be told beside the table", `document.querySelector("#requests .pagehead").innerText.includes("There are more than these")`)
	b.shot(filepath.Join(shotsFolder(t), "older-requests.png"))
	b.press("those", `document.querySelector("#load-older")`)
	b.lists(r)
	b.await("nothing older to be left", `!document.querySelector("#load-older")`)
	for _, old := range b.lists(r)[4:6] {
		b.visit(fmt.Sprintf("%s/?op=%d", r.panel, old))
		b.await("the row of an old operation to be chosen, in sight", fmt.Sprintf(`%s?.dataset.id === "o-%d" && %s`, chosenRow, old, inSight))
	}
}
