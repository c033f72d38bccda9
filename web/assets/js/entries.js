// SPDX-License-Identifier: MIT
import { h, fill, icon } from "./dom.js";
import { bytes, value } from "./format.js";

/**
 * The entries of an operation, as a table, as LDIF or as JSON.
 * @param {any} op
 */
export function entries(op) {
  const list = op.entry_list ?? [];
  if (!list.length) return null;
  const body = h("div.entries");
  const tabs = h("div.tabs", { role: "tablist", "aria-label": "Form of the entries" });
  /** @type {Record<string, () => Node>} */
  const forms = {
    Table: () => table(list),
    LDIF: () => h("pre", {}, op.copies?.entries_ldif ?? ""),
    JSON: () => h("pre", {}, JSON.stringify(list.map(plain), null, 2)),
  };
  /** @param {string} name */
  const show = (name) => {
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.textContent === name));
    fill(body, forms[name]());
  };
  for (const name of Object.keys(forms)) tabs.append(h("button", { role: "tab", onclick: () => show(name) }, name));
  show("Table");
  const all = op.entry_list_bounded ? `Entries (first ${list.length} of ${op.entries})` : `Entries (${list.length})`;
  return h("section", {}, h("h2", {}, all, tabs), body, weights(list));
}

const mostWeighed = 8;

/** How many bytes of the entries each attribute takes. @param {any[]} list */
function weights(list) {
  /** @type {Map<string, number>} */
  const sizes = new Map();
  for (const e of list) {
    for (const a of e.attributes) {
      const size = a.values.reduce((/** @type {number} */ s, /** @type {any} */ v) => s + (v.encoding === "base64" ? (v.text.length * 3) / 4 : new Blob([v.text]).size), 0);
      sizes.set(a.name, (sizes.get(a.name) ?? 0) + size);
    }
  }
  if (sizes.size < 2) return null;
  const order = [...sizes].sort((a, b) => b[1] - a[1]);
  const most = Math.max(order[0][1], 1);
  return h("details", {}, h("summary", {}, "Bytes by attribute"), h("dl.weights", {}, ...order.slice(0, mostWeighed).flatMap(([name, size]) => {
    const bar = h("span.bar", { "aria-hidden": "true" });
    bar.style.backgroundSize = `${(size / most) * 100}% 100%`;
    return [h("dt", {}, name), h("dd", {}, bar, bytes(Math.round(size)))];
  })));
}

/** @param {any} entry */
function plain(entry) {
  return { dn: entry.dn, ...Object.fromEntries(entry.attributes.map((/** @type {any} */ a) => [a.name, a.values.map((/** @type {any} */ v) => v.decoded || v.text)])) };
}

/** @param {any[]} list */
function table(list) {
  const columns = [...new Set(list.flatMap((e) => e.attributes.map((/** @type {any} */ a) => a.name)))];
  const head = h("tr", {}, h("th", { scope: "col" }, "DN"), ...columns.map((c) => h("th", { scope: "col" }, c)));
  const rows = list.map((e) => h("tr", {}, h("th", { scope: "row", title: e.dn }, e.dn), ...columns.map((c) => cell(e.attributes.find((/** @type {any} */ a) => a.name === c)))));
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": "Entries" }, h("table", { "data-testid": "entries-table" }, h("thead", {}, head), h("tbody", {}, ...rows)));
}

/** @param {any} attribute */
function cell(attribute) {
  if (!attribute) return h("td.dim", {}, "–");
  const shown = attribute.values.slice(0, 3).map((/** @type {any} */ v) => {
    if (v.encoding === "hidden") return h("div", { title: "kept at no level" }, icon("lock"), v.text);
    return h("div", { title: v.decoded && v.encoding === "utf8" ? v.decoded : v.text }, value(v), v.decoded && v.encoding === "utf8" ? h("span.dim", {}, ` ${v.decoded}`) : null);
  });
  if (attribute.values.length > 3) shown.push(h("div.dim", {}, `and ${attribute.values.length - 3} more`));
  return h("td", {}, ...shown);
}
