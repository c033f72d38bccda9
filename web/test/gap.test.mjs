// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../assets/js/gap.js";
import { fromAPI, micros } from "../assets/js/protocol.js";
import { Store } from "../assets/js/store.js";
import { batch, filled, op, request } from "./made.mjs";

const when = (/** @type {number} */ us) => new Date(us / 1000).toISOString();

/** A program with n operations, 40 to a request, whose list changes come in order. @param {number} n */
function program(n) {
  const operations = [];
  const requests = [];
  for (let i = 0; i < n; i++) operations.push({ ...op(10 + i * 2, { request_id: `r${Math.floor(i / 40)}`, updated: 11 + i * 2 }), start: when(i * 1000), timing: { first_us: 1 } });
  for (let i = 0; i * 40 < n; i++) requests.push({ ...request(`r${i}`, { updated: 12 + (Math.min(n, i * 40 + 40) - 1) * 2 }), start: when(i * 40_000) });
  /** @type {Record<string, any[]>} */
  const lists = { operations, requests };
  let asked = 0;
  /** @param {string} path */
  const ask = async (path) => {
    asked++;
    const [what, query] = path.split("?");
    const params = new URLSearchParams(query);
    await new Promise((r) => { setImmediate(r); });
    return { [what]: lists[what].filter((row) => row.updated > Number(params.get("after"))).slice(0, Number(params.get("limit"))) };
  };
  return { operations, requests, ask, asked: () => asked };
}

/** A page that was told of a gap before what it has. @param {number} to */
function behind(to) {
  const store = filled(new Store(100_000, () => 3e15), [op(1)], [request("r0-before", { updated: 2 })]);
  store.apply({ type: "gap", epoch: "e1", from: 3, to, reason: "skipped" });
  store.apply(batch(to, to + 9, [op(to + 1, { request_id: "new" })], [request("new", { start: 4e15, updated: to + 9 })]));
  const gap = store.items.find((item) => item.type === "gap");
  assert.ok(gap?.type === "gap");
  return { store, gap };
}

const listed = (/** @type {Store} */ store) => store.items.map((item) => (item.type === "group" ? [item.id, ...item.operations.map((o) => o.seq)] : [item.type]));

test("a gap of 20,000 operations is filled in parts, and the page may draw in between", async () => {
  const { ask, operations, requests } = program(20_000);
  const to = 12 + 20_000 * 2;
  const { store, gap } = behind(to);
  const sizes = /** @type {number[]} */ ([]);
  store.addEventListener("change", () => sizes.push(store.operations.size));
  let turns = 0; // what else runs on the page
  let going = true;
  const turn = () => { turns++; if (going) setImmediate(turn); };
  setImmediate(turn);
  assert.equal(await load(ask, store, gap, ""), 20_000);
  going = false;
  const steps = sizes.map((n, i) => n - (sizes[i - 1] ?? 2));
  assert.ok(Math.max(...steps) <= 500, `${Math.max(...steps)} operations at once`);
  assert.ok(turns >= 40, `the page had ${turns} turns`);

  const atOnce = behind(to);
  atOnce.store.fill(atOnce.gap.id, operations.map(fromAPI), requests.map((q) => ({ ...q, start: micros(q.start) })));
  assert.deepEqual(listed(store), listed(atOnce.store));
  assert.deepEqual(store.sequence.map((o) => o.seq), atOnce.store.sequence.map((o) => o.seq));
  assert.equal(store.sequence.length, 20_002);
  assert.ok(!store.items.some((item) => item.type === "gap"));
});

test("a gap gets smaller with each part, and what comes while it is filled stays one", async () => {
  const { ask } = program(1200);
  const to = 12 + 800 * 2;
  const { store, gap } = behind(to);
  const froms = /** @type {number[]} */ ([]);
  store.addEventListener("change", () => froms.push(gap.from));
  gap.to += 100; // more was left out meanwhile
  await load(ask, store, { ...gap, to }, "");
  assert.deepEqual(froms, [11 + 499 * 2 + 1, to + 1]);
  assert.ok(store.items.includes(gap), "what was not asked for is still to be told");
  assert.equal(store.operations.size, 2 + 801);
});

test("nobody fetches more for a gap that was cleared away", async () => {
  const { ask, asked } = program(20_000);
  const { store, gap } = behind(12 + 20_000 * 2);
  store.addEventListener("change", () => { store.items = store.items.filter((item) => item !== gap); }, { once: true });
  assert.equal(await load(ask, store, gap, ""), 500);
  assert.ok(asked() < 8, `asked ${asked()} times`);
});
