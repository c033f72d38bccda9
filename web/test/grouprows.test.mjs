// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf } from "../assets/js/grouprows.js";
import { op, request } from "./made.mjs";

/** @param {any[]} operations @returns {any} */
const group = (operations) => ({ type: "group", id: "r1", start: 0, request: request("r1", { kind: "background" }), operations, version: 1, past: false });

/** Numbers by chance, the same in every run. @param {number} seed */
function chance(seed) {
  return (/** @type {number} */ below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % 65521 % below;
}

test("rows to which was added are those that were made at once", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const pick = chance(seed);
    const paged = seed % 3 === 0;
    const grown = group([]);
    const numbers = new Set();
    for (let turn = 0; turn < 40; turn++) {
      for (let i = pick(5); i > 0; i--) numbers.add(numbers.size === 0 || pick(4) ? 10 * turn + i : pick(400));
      grown.operations = [...numbers].sort((a, b) => a - b).map((seq) => {
        const known = grown.operations.find((/** @type {any} */ o) => o.seq === seq);
        if (known && pick(6)) return known;
        const page = paged ? pick(3) : 0;
        return op(seq, { updated: turn, state: pick(2) ? "done" : "running", step: known && pick(3) ? known.step : ["", "", "login", "sync"][pick(4)], page, call: page && 100 * pick(3) });
      });
      grown.version++;
      const open = pick(8) > 0;
      assert.deepEqual(rowsOf(grown, open, 0), rowsOf(group(grown.operations), open), `seed ${seed}, turn ${turn}`);
    }
  }
});

test("what comes to a large request costs what it brings", () => {
  const large = group(Array.from({ length: 150_000 }, (_, i) => op(i)));
  const before = [...rowsOf(large, true)];
  large.operations.push(op(150_000));
  large.operations[149_990] = op(149_990, { updated: 1e6, state: "error" });
  large.version++;
  const after = rowsOf(large, true);
  const fresh = after.filter((row, i) => row !== before[i]);
  assert.deepEqual(fresh.map((row) => row.id), ["q-r1", "o-149990", "o-150000"]);
});

test("rows that somebody holds are not changed", () => {
  const pages = group([op(1, { call: 1, page: 1, entries: 5 })]);
  const [, first] = rowsOf(pages, true, 0);
  pages.operations.push(op(3, { call: 1, page: 2, entries: 7 }));
  pages.version++;
  assert.equal(/** @type {any} */ (rowsOf(pages, true, 0)[1]).op.entries, 12);
  assert.equal(/** @type {any} */ (first).op.entries, 5);
});

test("the bars of operations are part of the time of their HTTP request, as soon as that has ended", () => {
  for (const size of [3, 300]) {
    const g = group(Array.from({ length: size }, (_, i) => op(i)));
    const wholes = (/** @type {any} */ q) => {
      g.request = request("r1", q);
      g.version++;
      return [...new Set(rowsOf(g, true).slice(1).map((/** @type {any} */ row) => row.whole))];
    };
    assert.deepEqual(wholes({ kind: "http", running: true, duration_us: 10 }), [0]);
    assert.deepEqual(wholes({ kind: "http", running: false, duration_us: 5000 }), [5000]);
    assert.deepEqual(wholes({ kind: "background", running: false, duration_us: 5000 }), [0]);
  }
});
