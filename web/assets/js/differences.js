// SPDX-License-Identifier: MIT
import { h } from "./dom.js";
import { bytes, clock, duration, result } from "./format.js";

/** What people compare of two operations, in the order of the drawer. @type {[string, (op: any) => any][]} */
const facts = [
  ["Operation", (op) => op.kind], ["Base", (op) => op.search?.base], ["Scope", (op) => op.search?.scope], ["Filter", (op) => op.search?.filter],
  ["Attributes", (op) => op.search && (op.search.attributes.join(", ") || "all")], ["Page", (op) => op.search?.page], ["Entry", (op) => op.dn], ["Name", (op) => op.bind?.name],
  ["Changes", (op) => op.changes?.map((/** @type {any} */ c) => `${c.operation} ${c.attribute}`).join(", ")], ["Result", result], ["Message", (op) => op.result?.diagnostic],
  ["Entries", (op) => op.kind === "search" && op.entries], ["Received", (op) => bytes(op.bytes_received)], ["Start", (op) => clock(op.start)],
  ["Wait for a connection", (op) => duration(op.timing.wait_pool_us)], ["First answer", (op) => duration(op.timing.first_us)], ["Whole", (op) => duration(op.duration_us)],
  ["Domain", (op) => op.domain], ["Server", (op) => op.server], ["Connection", (op) => op.conn], ["HTTP request", (op) => op.request_id], ["Step", (op) => op.step],
  ["Called from", (op) => op.callers?.[0] && `${op.callers[0].function.split("/").pop()}:${op.callers[0].line}`],
];

/**
 * Two operations beside each other; what neither has is left out.
 * @param {any} one @param {any} other
 * @returns {{name: string, one: string, other: string, same: boolean}[]}
 */
export function compared(one, other) {
  const text = (/** @type {any} */ v) => (v || v === 0 ? String(v) : "");
  return facts.map(([name, of]) => ({ name, one: text(of(one)), other: text(of(other)) })).filter((f) => f.one || f.other).map((f) => ({ ...f, same: f.one === f.other }));
}

/** Shows two operations beside each other. @param {any} one @param {any} other */
export function showCompared(one, other) {
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog.wide", { "aria-label": "Two operations" }, h("h2", {}, `#${one.seq} and #${other.seq}`),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, ""), h("th", { scope: "col" }, `#${one.seq}`), h("th", { scope: "col" }, `#${other.seq}`))),
      h("tbody", {}, ...compared(one, other).map((f) => h(f.same ? "tr.dim" : "tr", {}, h("th", { scope: "row" }, f.same ? f.name : `≠ ${f.name}`), h("td", {}, f.one), h("td", {}, f.other))))),
    h("form", { method: "dialog" }, h("button", { autofocus: true }, "Close"))));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}
