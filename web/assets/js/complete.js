// SPDX-License-Identifier: MIT
import { h, ask } from "./dom.js";
import { count } from "./format.js";

/** Values that a key can have, out of what the page knows. @type {Record<string, (op: any) => string>} */
const values = {
  op: (op) => op.kind, dom: (op) => op.domain, conn: (op) => op.conn, srv: (op) => op.server, scope: (op) => (op.kind === "search" ? op.manner : ""), base: (op) => (op.kind === "search" ? op.about : ""),
  code: (op) => (op.result && op.result.code >= 0 ? op.result.name : ""), step: (op) => op.step, f: (op) => (op.kind === "search" ? op.subject : ""),
};
const mostOffered = 12;
const looked = 5000;

/** The word of a query in which the cursor stands. @param {string} text @param {number} at */
export function wordAt(text, at) {
  let from = at;
  while (from > 0 && !/[\s(]/.test(text[from - 1])) from--;
  let to = at;
  while (to < text.length && !/[\s)]/.test(text[to])) to++;
  return { from, to, word: text.slice(from, at) };
}

/** Quotes a value where the query needs it. @param {string} value */
export function quoted(value) {
  return /[\s()"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value;
}

/**
 * What may be meant by the beginning of a word.
 * @param {string} word @param {{name: string, meaning: string, words?: string[], values?: string[]}[]} keys @param {Iterable<any>} operations newest first
 * @returns {{text: string, more: string}[]}
 */
export function offers(word, keys, operations) {
  const minus = word.startsWith("-") ? "-" : "";
  const [key, value] = word.slice(minus.length).split(/:(.*)/s);
  if (value === undefined) {
    const meant = (/** @type {{words?: string[]}} */ k) => key.length > 1 && k.words?.some((w) => w.startsWith(key));
    return keys.filter((k) => (k.name.startsWith(key) && k.name !== key) || meant(k)).slice(0, mostOffered).map((k) => ({ text: `${minus}${k.name}:`, more: k.meaning }));
  }
  const meant = keys.find((k) => k.words?.includes(key));
  if (meant) return [{ text: `${minus}${meant.name}:${value}`, more: meant.meaning }];
  const all = keys.find((k) => k.name === key)?.values;
  if (all) return all.filter((v) => v.toLowerCase().startsWith(value.toLowerCase()) && v !== value).slice(0, mostOffered).map((v) => ({ text: `${minus}${key}:${v}`, more: "" }));
  const of = values[key];
  if (!of) return [];
  /** @type {Map<string, number>} */
  const counts = new Map();
  let n = 0;
  for (const op of operations) {
    if (++n > looked) break;
    const v = of(op);
    if (v && v.length < 120 && v.toLowerCase().includes(value.replaceAll('"', "").toLowerCase())) counts.set(v, (counts.get(v) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, mostOffered).filter(([v]) => v !== value).map(([v, times]) => ({ text: `${minus}${key}:${quoted(v)}`, more: `${count(times)}×` }));
}

/** Offers completions below a text field: arrows choose, Enter or Tab takes, Escape closes. */
export class Completion {
  /** @param {HTMLInputElement} box @param {import("./store.js").Store} store */
  constructor(box, store) {
    this.box = box;
    this.store = store;
    /** @type {{name: string, meaning: string, example: string, words?: string[], values?: string[]}[]} */ this.keys = [];
    this.list = h("ul.offers", { role: "listbox", id: "offers", "aria-label": "Completions", hidden: true });
    /** @type {{text: string, more: string}[]} */ this.offered = [];
    this.at = -1;
    box.after(this.list);
    for (const [name, v] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", "offers"], ["aria-expanded", "false"]]) box.setAttribute(name, v);
    box.addEventListener("input", () => this.offer());
    box.addEventListener("keydown", (e) => this.key(e));
    box.addEventListener("blur", () => this.close());
    box.addEventListener("focus", () => this.load());
  }

  async load() {
    if (this.keys.length) return;
    try {
      this.keys = (await ask("keys")).keys;
    } catch {
      this.keys = []; // the field works without
    }
  }

  offer() {
    const { word } = wordAt(this.box.value, this.box.selectionStart ?? 0);
    this.offered = word.length ? offers(word, this.keys, this.store.sequence.toReversed()) : [];
    this.at = -1;
    this.draw();
  }

  draw() {
    this.list.hidden = this.offered.length === 0;
    this.box.setAttribute("aria-expanded", String(!this.list.hidden));
    this.box.removeAttribute("aria-activedescendant");
    this.list.replaceChildren(...this.offered.map((o, i) => h("li", {
      role: "option", id: `offer-${i}`, "aria-selected": String(i === this.at), onmousedown: (/** @type {Event} */ e) => { e.preventDefault(); this.take(i); },
    }, h("code", {}, o.text), h("span.dim", {}, o.more))));
    if (this.at >= 0) this.box.setAttribute("aria-activedescendant", `offer-${this.at}`);
  }

  close() {
    this.offered = [];
    this.draw();
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    if (this.list.hidden) return;
    const n = this.offered.length;
    if (e.key === "ArrowDown") this.at = (this.at + 1) % n;
    else if (e.key === "ArrowUp") this.at = (Math.max(this.at, 0) + n - 1) % n;
    else if ((e.key === "Enter" || e.key === "Tab") && this.at >= 0) this.take(this.at);
    else if (e.key === "Escape") this.close();
    else {
      if (e.key === "Enter") this.close(); // it is asked as it is
      return;
    }
    e.preventDefault();
    e.stopPropagation();
    this.draw();
  }

  /** @param {number} i */
  take(i) {
    const { from, to } = wordAt(this.box.value, this.box.selectionStart ?? 0);
    const text = this.offered[i].text;
    this.box.setRangeText(text, from, to, "end");
    this.close();
    if (text.endsWith(":")) this.offer();
  }
}
