// SPDX-License-Identifier: MIT
import { fromAPI, micros } from "./protocol.js";

const atOnce = 500; // rows: a browser reads and orders so many within some 8 ms

/**
 * Fetches what a gap left out, in parts and in the order of the changes: between two of them the page draws and answers, and the gap gets smaller.
 * It ends early when nobody shows the gap any more.
 * @param {(path: string) => Promise<any>} ask @param {import("./store.js").Store} store @param {Gap} gap @param {string} q
 * @returns {Promise<number>} how many operations came
 */
export async function load(ask, store, gap, q) {
  const { id, from, to } = gap;
  const coming = parts(ask, "requests", from - 1, "");
  /** @type {Map<string, any>} */
  const requests = new Map();
  let n = 0;
  for await (const rows of parts(ask, "operations", from - 1, `&q=${encodeURIComponent(q)}`)) {
    const own = rows.filter((op) => op.updated <= to);
    const ids = [...new Set(own.map((op) => op.request_id))];
    // A request changes with its operations or after them, so that it is not far ahead.
    while (ids.some((r) => !requests.has(r) && !store.groups.has(r))) {
      const next = await coming.next();
      if (next.done) break;
      for (const r of next.value) requests.set(r.id, r);
    }
    const last = own.length < rows.length || rows.length < atOnce ? to : own[own.length - 1].updated;
    if (!store.fill(id, own.map(fromAPI), ids.flatMap((r) => requests.get(r) ?? []).map(requestFromAPI), last)) return n;
    n += own.length;
    if (last === to) return n;
  }
  store.fill(id, [], [], to);
  return n;
}

/** Rows of a list of the API by their last change. @param {(path: string) => Promise<any>} ask @param {string} what @param {number} after @param {string} more @returns {AsyncGenerator<any[]>} */
async function* parts(ask, what, after, more) {
  for (;;) {
    const rows = (await ask(`${what}?after=${after}&limit=${atOnce}${more}`))[what];
    if (rows.length) yield rows;
    if (rows.length < atOnce) return;
    after = rows.reduce((/** @type {number} */ last, /** @type {any} */ row) => Math.max(last, row.updated), after);
  }
}

/** @param {any} q @returns {HTTPRequest} */
function requestFromAPI(q) {
  return { method: "", route: "", path: "", name: "", status: 0, user: "", findings: 0, severity: "", ...q, start: micros(q.start) };
}
