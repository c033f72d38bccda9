// SPDX-License-Identifier: MIT
import { h } from "./dom.js";
import { facts, section } from "./facts.js";
import { clock, count } from "./format.js";
import { requestName } from "./row.js";

/**
 * Where else an operation is seen: its HTTP request, what is like it, its trace.
 * @param {any} op @param {any} request the HTTP request, where the page has it
 * @param {{filter: (q: string) => void, request: (id: string) => void}} actions
 */
export function elsewhere(op, request, actions) {
  const link = (/** @type {string} */ text, /** @type {() => void} */ act, title = "") => h("button.link", { title, onclick: act }, text);
  return section("Elsewhere", facts([
    ["HTTP request", link(request ? `${requestName(request)}, ${clock(request.start)}` : op.request_id, () => actions.request(op.request_id), op.request_id)],
    ["Shape", op.shape ? link(op.shape_text, () => actions.filter(`shape:${op.shape}`), "only operations of this shape") : null],
    ["Same shape", op.similar > (op.repeat ?? 0) ? link(askedBefore(op.similar), () => actions.filter(`shape:${op.shape} req:${op.request_id}`)) : null],
    ["Same question", op.repeat ? link(askedBefore(op.repeat), () => actions.filter(`exact:${op.exact}`)) : null],
    ["Trace", op.trace_id ? trace(op) : null],
  ]));
}

/** @param {number} n */
function askedBefore(n) {
  return `asked ${n === 1 ? "once" : `${count(n)} times`} before in this HTTP request`;
}

/** @param {any} op */
function trace(op) {
  if (op.trace_url) return h("a", { href: op.trace_url, target: "_blank", rel: "noreferrer" }, `${op.trace_id} in Jaeger`);
  return h("code", {}, op.trace_id);
}
