// SPDX-License-Identifier: MIT
import { h } from "./dom.js";

/** @param {string} title @param {...any} children */
export function section(title, ...children) {
  const shown = children.filter(Boolean);
  return shown.length ? h("section", {}, h("h2", {}, title), ...shown) : null;
}

/** A list of names with values; empty ones are left out. @param {[string, any][]} rows */
export function facts(rows) {
  const list = h("dl.facts");
  for (const [name, v] of rows) {
    if (v === null || v === undefined || v === "" || v === false) continue;
    list.append(h("dt", {}, name), h("dd", {}, v));
  }
  return list.childElementCount ? list : null;
}
