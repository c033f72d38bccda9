// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../assets/js/store.js";
import { Tree } from "../assets/js/tree.js";
import { batch, filled, op, request } from "./made.mjs";

/** @param {{count: number, at: (i: number) => any}} tree */
const rows = (tree) => Array.from({ length: tree.count }, (_, i) => tree.at(i));
const ids = (/** @type {any} */ tree) => rows(tree).map((row) => row.id);

function two() {
  return filled(new Store(), [op(1), op(3), op(5, { request_id: "r2" })], [request("r1", { start: 1, updated: 4 }), request("r2", { start: 2, updated: 6 })]);
}

test("the newest HTTP request is first, its operations in order", () => {
  const tree = new Tree(two()).refresh();
  assert.deepEqual(ids(tree), ["q-r2", "o-5", "q-r1", "o-1", "o-3"]);
  for (let i = 0; i < tree.count; i++) assert.equal(tree.find(/** @type {any} */ (tree.at(i)).id), i);
  assert.equal(tree.find("o-99"), -1);
  assert.equal(tree.at(5), undefined);
});

test("folding leaves the head", () => {
  const tree = new Tree(two()).refresh();
  assert.ok(tree.toggle(/** @type {any} */ (tree.at(2)), false));
  assert.deepEqual(ids(tree.refresh()), ["q-r2", "o-5", "q-r1"]);
  assert.equal(tree.toggle(/** @type {any} */ (tree.at(2)), false), false, "it is folded already");
  assert.equal(tree.find("o-3"), -1);
  tree.all(false);
  assert.deepEqual(ids(tree.refresh()), ["q-r2", "q-r1"]);
  tree.all(true);
  assert.equal(tree.refresh().count, 5);
});

test("what comes after everything was folded is folded too, in that grouping alone", () => {
  const store = two();
  const tree = new Tree(store).refresh();
  tree.all(false);
  store.apply(batch(6, 8, [op(7, { request_id: "r3" })], [request("r3", { start: 3, updated: 8 })]));
  assert.deepEqual(ids(tree.refresh()), ["q-r3", "q-r2", "q-r1"]);
  assert.ok(tree.toggle(/** @type {any} */ (tree.at(0)), true));
  assert.deepEqual(ids(tree.refresh()), ["q-r3", "o-7", "q-r2", "q-r1"]);
  tree.by = "shape";
  tree.all(true);
  assert.ok(rows(tree.refresh()).some((row) => row.id === "o-7"));
  tree.by = "request";
  assert.deepEqual(ids(tree.refresh()), ["q-r3", "q-r2", "q-r1"]);
});

test("rows are made anew only where something changed", () => {
  const store = two();
  const tree = new Tree(store).refresh();
  const before = rows(tree);
  store.apply(batch(6, 8, [op(7, { request_id: "r2" })], [request("r2", { start: 2, updated: 8 })]));
  const after = rows(tree.refresh());
  assert.equal(after.length, 6);
  assert.equal(after[3], before[2], "the head of the other request");
  assert.notEqual(after[0], before[0]);
});

test("steps have a row where they begin", () => {
  const store = filled(new Store(), [op(1), op(3, { step: "a" }), op(5, { step: "a" }), op(7, { step: "b" }), op(9)], [request("r1", { updated: 10 })]);
  assert.deepEqual(rows(new Tree(store).refresh()).map((row) => [row.type, row.level]), [["request", 1], ["operation", 2], ["step", 2], ["operation", 3], ["operation", 3], ["step", 2], ["operation", 3], ["operation", 2]]);
});

test("the pages of a search are one row, also with others in between", () => {
  const store = filled(new Store(), [op(1, { call: 1, page: 1, entries: 100 }), op(3), op(5, { call: 1, page: 2, entries: 30 }), op(7, { call: 7, page: 1 }), op(9, { call: 1, page: 3, entries: 3, state: "error", result: { code: 4, error: "x" } })], [request("r1", { updated: 10 })]);
  const list = rows(new Tree(store).refresh()).filter((row) => row.type === "operation");
  assert.deepEqual(list.map((row) => [row.op.seq, row.pages, row.op.entries, row.op.state]), [[1, 3, 133, "error"], [3, 1, 1, "done"], [7, 1, 1, "done"]]);
  assert.equal(store.operations.get(1)?.entries, 100, "the operation itself is not changed");
});

test("a page whose first page is gone stands alone", () => {
  const store = filled(new Store(), [op(5, { call: 1, page: 2 })], [request("r1", { updated: 6 })]);
  assert.deepEqual(ids(new Tree(store).refresh()), ["q-r1", "o-5"]);
});

test("flat shows operations alone, the newest first", () => {
  const store = two();
  const tree = new Tree(store);
  tree.by = "flat";
  assert.deepEqual(ids(tree.refresh()), ["o-5", "o-3", "o-1"]);
  assert.equal(tree.find("o-3"), 1);
  assert.equal(tree.find("q-r1"), -1);
  store.hidden = 4;
  assert.deepEqual(ids(tree.refresh()), ["o-5"]);
});

test("sums by shape and by connection", () => {
  const store = filled(new Store(), [op(1, { duration_us: 100 }), op(3, { shape: "bb", shape_text: "bind", kind: "bind", conn: "2", result: { error: "x" } }), op(5, { duration_us: 300, repeat: 1 })], [request("r1", { updated: 6 })]);
  const tree = new Tree(store);
  tree.by = "shape";
  assert.deepEqual(ids(tree.refresh()), ["shape-aa", "shape-bb"]);
  const { sum } = /** @type {any} */ (tree.at(0));
  assert.deepEqual([sum.operations.length, sum.total, sum.longest, sum.repeats, sum.errors], [2, 400, 300, 1, 0]);
  tree.toggle(/** @type {any} */ (tree.at(0)));
  assert.deepEqual(ids(tree.refresh()), ["shape-aa", "o-5", "o-1", "shape-bb"]);
  assert.equal(tree.find("shape-bb"), 3);
  tree.by = "conn";
  tree.version = -1;
  assert.deepEqual(rows(tree.refresh()).map((row) => row.sum.title), ["connection 1 of EXAMPLE, s", "connection 2 of EXAMPLE, s"]);
});

test("a frozen view stands still", () => {
  const store = two();
  const still = new Tree(store).refresh().frozen();
  const before = JSON.stringify(rows(still));
  store.apply(batch(6, 20, [op(5, { request_id: "r2", updated: 9, state: "error" }), op(11, { request_id: "r4" })], [request("r4", { start: 5, updated: 12 }), request("r1", { updated: 19, start: 1 })]));
  assert.equal(JSON.stringify(rows(still)), before);
});

test("gaps and restarts have rows", () => {
  const store = filled(new Store(1000, () => 10), [op(1)], [request("r1", { updated: 2, start: 1 })]);
  store.apply({ type: "gap", epoch: "e1", from: 3, to: 9, reason: "evicted" });
  store.apply({ type: "welcome", epoch: "e2" });
  store.apply({ type: "backfill", epoch: "e2", reset: true, from: 0, to: 2, operations: [op(1)], requests: [request("r1", { start: 20, updated: 2 })] });
  const list = rows(new Tree(store).refresh());
  assert.deepEqual(list.map((row) => row.type), ["request", "operation", "restart", "request", "operation"]);
  assert.deepEqual(list.filter((row) => row.type === "operation").map((row) => row.past), [false, true]);
});

test("what is not listed stands at the end in the groupings without requests", () => {
  const store = new Store(1000, () => 10);
  store.apply({ type: "backfill", epoch: "e1", reset: true, more: true, from: 4, to: 20, operations: [op(5), op(7)], requests: [request("r1", { start: 1, updated: 8 })] });
  store.apply({ type: "gap", epoch: "e1", from: 21, to: 29, reason: "skipped" });
  const tree = new Tree(store);
  for (const [by, want] of /** @type {[string, string[]][]} */ ([["request", ["gap-21", "q-r1", "o-5", "o-7", "gap-older"]], ["flat", ["o-7", "o-5", "gap-21", "gap-older"]], ["shape", ["shape-aa", "gap-21", "gap-older"]]])) {
    tree.by = by;
    tree.version = -1;
    assert.deepEqual(ids(tree.refresh()), want, by);
    assert.deepEqual(want.map((id) => tree.find(id)), [...want.keys()], by);
  }
  tree.by = "flat";
  store.hidden = 29;
  assert.deepEqual(ids(tree.refresh()), []);
});

test("100,000 operations are listed without making rows for all of them again", (t) => {
  const store = filled(new Store(200_000), [], []);
  for (let r = 0; r < 10_000; r++) store.rows(Array.from({ length: 10 }, (_, i) => op(r * 20 + i, { request_id: `r${r}` })), [request(`r${r}`, { start: r })]);
  const tree = new Tree(store).refresh();
  const start = performance.now();
  for (let i = 0; i < 20; i++) {
    store.rows([op(300_000 + i, { request_id: "r9999" })], []);
    tree.refresh();
  }
  const each = (performance.now() - start) / 20;
  t.diagnostic(`a refresh at 100,000 operations takes ${each.toFixed(2)} ms`);
  assert.equal(tree.count, 110_020);
});

test("the row that shows an operation, in every grouping", () => {
  const pages = [op(1, { call: 1, page: 1 }), op(3), op(5, { call: 1, page: 2, shape: "bb", conn: "2" })];
  for (const [by, want, place] of /** @type {[string, string, number][]} */ ([["request", "o-1", 1], ["flat", "o-5", 0], ["shape", "o-5", 2], ["conn", "o-5", 2]])) {
    const tree = new Tree(filled(new Store(), pages, [request("r1", { updated: 6 })]));
    tree.by = by;
    const id = tree.refresh().unfold(5);
    assert.equal(id, want, by);
    assert.equal(tree.refresh().find(id), place, by);
    assert.equal(tree.unfold(7), "", "an operation that is not here");
  }
});
