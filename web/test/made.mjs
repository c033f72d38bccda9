// SPDX-License-Identifier: MIT
// Rows for tests.

/** @param {number} seq @param {object} [more] @returns {any} */
export function op(seq, more = {}) {
  return {
    seq, updated: seq + 1, start: seq * 1000, duration_us: 500, request_id: "r1", kind: "search", state: "done", domain: "EXAMPLE", server: "s", conn: "1", subject: `(uid=${seq})`,
    about: "dc=x", manner: "sub", shape: "aa", shape_text: "search (uid=?)", result: { code: 0, name: "success", error: "", sub_code: "", hint: "" }, entries: 1, bytes_received: 100, first_us: 400,
    repeat: 0, step: "", call: 0, page: 0, inferred: false, ...more,
  };
}

/** @param {string} id @param {object} [more] @returns {any} */
export function request(id, more = {}) {
  return {
    id, updated: 1, kind: "http", method: "GET", route: "", path: `/${id}`, name: "", status: 200, user: "", start: 0, duration_us: 1000, running: false, operations: 1, errors: 0,
    duplicates: 0, similar: 0, shapes: 1, entries: 1, bytes_received: 100, ldap_us: 500, dropped: 0, domains: ["EXAMPLE"], findings: 0, severity: "", ...more,
  };
}

/** @param {number} from @param {number} to @param {any[]} operations @param {any[]} [requests] @param {object} [more] */
export function batch(from, to, operations, requests = [], more = {}) {
  return { type: "batch", epoch: "e1", from, to, operations, requests, ...more };
}

/** @param {import("../assets/js/store.js").Store} store @param {any[]} operations @param {any[]} requests */
export function filled(store, operations, requests) {
  store.apply({ type: "welcome", epoch: "e1" });
  store.apply({ type: "backfill", epoch: "e1", reset: true, from: 0, to: Math.max(0, ...operations.map((o) => o.updated), ...requests.map((q) => q.updated)), operations, requests });
  return store;
}
