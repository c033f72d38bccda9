// SPDX-License-Identifier: MIT
import { h } from "./dom.js";

/** What the keys do; the help shows this list. @type {[string, string][]} */
export const help = [
  ["j k, ↓ ↑", "next or previous row"], ["J K", "next or previous HTTP request"], ["n N", "next or previous HTTP request with advice"], ["PgUp PgDn", "a page up or down"], ["Enter, o", "open"], ["← →, h l", "fold or unfold"], ["/", "filter"], ["Esc", "close, then clear the filter"], ["Shift+X", "close the open operation"],
  ["Space, p", "pause or go on"], ["e w d", "only errors, slow ones, repeats"], ["x", "clear the view"], ["Shift+P", "stop or start recording"], ["[ ]", "fold or unfold all"], ["b r, b f, b s, b c", "group by HTTP request, flat, by shape, by connection"],
  ["g l, g r, g a, g d, g m, g ,", "live, HTTP requests, advice, domains, usage, settings"], ["y c, y l, y g, y u, y m", "copy the open operation as a command, LDIF, Go, URL, Markdown"],
  ["+ - 0", "zoom the waterfall, or show all of it"], ["s", "pin the open operation, or unpin it"], ["r", "ask the open operation again, where the program allows it"], ["v", "compare the open operation with another one"], ["Shift+T", "the open operation at the side or below"], ["t", "light or dark"], ["Home, End", "follow the newest"], ["?", "this help"],
];

/** Keys that work although single keys are switched off, since no aid sends them by itself. */
const always = new Set(["Enter", "Escape", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);

/** Keys that scroll what they are pressed in. */
const scrolls = new Set(["ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

/** Keys that another one may follow. */
const prefixes = new Set(["g", "b", "y"]);

/**
 * Listens for single keys outside of text fields.
 * @param {Record<string, () => any>} actions false says that a key is of no use now, and the browser's
 * @param {() => boolean} off whether single letters are switched off
 */
export function listen(actions, off) {
  let prefix = "";
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || e.key === "Shift") return;
    const target = /** @type {HTMLElement} */ (e.target);
    if (target.closest("input, textarea, select") && e.key !== "Escape") return;
    if (target.closest("dialog, [popover]")) return;
    if (target.closest("button, a, summary, [role=tab]") && ["Enter", " ", "ArrowLeft", "ArrowRight"].includes(e.key)) return;
    if (target.closest("#drawer, .scroll") && scrolls.has(e.key)) return;
    if (off() && !always.has(e.key)) return;
    const name = prefix + (e.key === " " ? "Space" : e.key);
    const begins = prefixes.has(name);
    prefix = begins ? `${name} ` : "";
    if (actions[name] && actions[name]() !== false) e.preventDefault();
  });
}

/** The help as a dialog. */
export function showHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-label": "Keys and filter" }, h("h2", {}, "Keys"),
    h("dl.facts", {}, ...help.flatMap(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)])),
    h("h2", {}, "Filter"), h("p", {}, "Words must all occur. ", h("code", {}, "op:search dur:>100ms -code:0 (mail=*)"), " asks for searches over 100 ms that failed and filter by mail. OR and parentheses combine."),
    h("form", { method: "dialog" }, h("button", { autofocus: true }, "Close"))));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}
