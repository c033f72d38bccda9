// SPDX-License-Identifier: MIT

package main_test

import "testing"

// redraws draws planned trees over one another, each made by chance from a few words, and compares every one with the same
// tree in a new element. It returns the first that differs.
const redraws = `(async () => {
	const { plan, redraw } = await import(new URL("assets/js/plan.js", document.baseURI));
	let seed = 7;
	const pick = (...of) => of[(seed = (seed * 1103515245 + 12345) % 2147483648) % 65521 % of.length];
	const text = () => pick("", "a", "b", 0, 42, null, false, undefined);
	const tree = (depth) => {
		if (depth === 0 || pick(true, false, false)) return text();
		const props = { title: pick("one", "two", null, undefined), hidden: pick(true, false), wide: pick("10%", "90%", undefined) };
		for (const key of Object.keys(props)) if (pick(true, false)) delete props[key];
		return { tag: pick("span", "b", "span.one", "span.two.three"), props, children: Array.from({ length: pick(0, 1, 2, 3) }, () => tree(depth - 1)), icon: pick(true, false, false) };
	};
	const planned = (t) => t && typeof t === "object" ? plan(t.tag, t.props, ...t.children.map(planned), t.icon && document.createElement("i")) : t;
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
