// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../assets/js/store.js";
import { batch, filled, op, request } from "./made.mjs";

const seqs = (/** @type {Store} */ store) => [...store.operations.keys()].sort((a, b) => a - b);
const listed = (/** @type {Store} */ store) => store.items.map((item) => (item.type === "group" ? [item.id, ...item.operations.map((o) => o.seq)] : [item.type]));

test("a frame read twice does no harm", () => {
  const store = filled(new Store(), [op(1), op(3)], [request("r1", { updated: 4 })]);
  const frame = batch(4, 8, [op(5, { updated: 8 }), op(3, { updated: 7, entries: 9 })], [request("r1", { updated: 8, operations: 3 })]);
  store.apply(structuredClone(frame));
  const once = JSON.stringify([listed(store), store.last]);
  assert.equal(store.apply(structuredClone(frame)), "");
  assert.equal(JSON.stringify([listed(store), store.last]), once);
  assert.deepEqual(seqs(store), [1, 3, 5]);
  assert.equal(store.operations.get(3)?.entries, 9);
  assert.equal(store.sequence.length, 3);
});

test("an older form does not replace a newer one", () => {
  const store = filled(new Store(), [op(1, { updated: 9, state: "done" })], [request("r1", { updated: 9, operations: 2 })]);
  store.apply(batch(0, 9, [op(1, { updated: 2, state: "running" })], [request("r1", { updated: 3, operations: 1 })]));
  assert.equal(store.operations.get(1)?.state, "done");
  assert.equal(store.groups.get("r1")?.request.operations, 2);
  assert.equal(store.groups.get("r1")?.operations[0].state, "done");
});

test("a hole asks for a resume and changes nothing", () => {
  const store = filled(new Store(), [op(1)], [request("r1", { updated: 2 })]);
  assert.equal(store.apply(batch(5, 9, [op(7)])), "resume");
  assert.deepEqual(seqs(store), [1]);
  assert.equal(store.last, 2);
  assert.equal(store.apply(batch(1, 9, [op(7)])), "", "an overlap is no hole");
  assert.deepEqual(seqs(store), [1, 7]);
});

test("a batch of another epoch asks for a resume", () => {
  const store = filled(new Store(), [op(1)], [request("r1", { updated: 2 })]);
  assert.equal(store.apply({ ...batch(2, 4, [op(3)]), epoch: "e2" }), "resume");
});

test("operations may come before their request, in any order", () => {
  const store = filled(new Store(), [], []);
  store.apply(batch(0, 9, [op(7, { request_id: "r2" }), op(3, { request_id: "r2" })]));
  assert.deepEqual(listed(store), []);
  store.apply(batch(9, 10, [op(5, { request_id: "r2" })], [request("r2", { updated: 10 })]));
  assert.deepEqual(listed(store), [["r2", 3, 5, 7]]);
});

test("requests stand by their start", () => {
  const store = filled(new Store(), [], [request("late", { start: 30 }), request("early", { start: 10 })]);
  store.apply(batch(1, 2, [], [request("middle", { start: 20 })]));
  assert.deepEqual(listed(store).flat(), ["early", "middle", "late"]);
});

test("a gap is told, and what it left out can be filled in", () => {
  const store = filled(new Store(1000, () => 5000), [op(1)], [request("r1", { updated: 2 })]);
  store.apply({ type: "gap", epoch: "e1", from: 3, to: 20, reason: "skipped" });
  assert.equal(store.last, 20);
  assert.deepEqual(listed(store), [["r1", 1], ["gap"]]);
  assert.equal(store.apply(batch(20, 30, [op(25, { request_id: "r3" })], [request("r3", { start: 9000, updated: 30 })])), "");
  const gap = store.items.find((item) => item.type === "gap");
  store.fill(gap?.id ?? "", [op(11, { request_id: "r2" })], [request("r2", { start: 2000, updated: 12 })]);
  assert.deepEqual(listed(store), [["r1", 1], ["r2", 11], ["r3", 25]]);
  assert.equal(store.last, 30, "filling a gap does not move the cursor");
});

test("what is older than the list begins with is told below it, and can be loaded", () => {
  const store = new Store(1000, () => 5000);
  const begin = (more = {}) => store.apply({ type: "backfill", epoch: "e1", from: 40, to: 60, reset: true, ...more, operations: [op(50, { request_id: "r2" })], requests: [request("r2", { start: 2000, updated: 60 })] });
  begin();
  assert.deepEqual(listed(store), [["r2", 50]], "that is all there is");
  begin({ more: true });
  assert.deepEqual(listed(store), [["gap"], ["r2", 50]]);
  begin({ more: true });
  assert.deepEqual(listed(store), [["gap"], ["r2", 50]], "told once");
  store.fill("gap-older", [op(11)], [request("r1", { start: 1000, updated: 12 })], 20);
  assert.deepEqual(listed(store), [["gap"], ["r1", 11], ["r2", 50]], "the rest is still to come");
  store.hidden = 60;
  assert.deepEqual(store.visible(), [], "who clears the list does not want what is older either");
  store.fill("gap-older", [], [], 40);
  assert.deepEqual(listed(store), [["r1", 11], ["r2", 50]]);
});

test("operations that were left out are counted in one place", () => {
  const store = filled(new Store(), [], []);
  store.apply(batch(0, 100, [], [], { left: 40 }));
  store.apply(batch(100, 200, [], [], { left: 60 }));
  const gaps = store.items.filter((item) => item.type === "gap");
  assert.deepEqual(gaps.map((g) => [g.from, g.to, g.left]), [[1, 200, 100]]);
});

test("after a restart what was there stays in sight, apart", () => {
  const store = filled(new Store(1000, () => 50), [op(1)], [request("r1", { updated: 2 })]);
  store.apply({ type: "welcome", epoch: "e2" });
  assert.deepEqual(seqs(store), []);
  store.apply({ type: "backfill", epoch: "e2", reset: true, from: 0, to: 2, operations: [op(1, { request_id: "r1", subject: "new" })], requests: [request("r1", { start: 30, updated: 2 })] });
  assert.deepEqual(store.items.map((item) => item.type), ["group", "restart", "group"], "what began before this page was connected again is of the new program too");
  const [old, , fresh] = /** @type {any[]} */ (store.items);
  assert.deepEqual([old.past, old.operations[0].subject, fresh.past, fresh.operations[0].subject], [true, "(uid=1)", false, "new"]);
  assert.notEqual(old.id, fresh.id);
  store.apply({ type: "backfill", epoch: "e2", reset: true, from: 0, to: 2, operations: [], requests: [] });
  assert.deepEqual(store.items, [], "another query forgets it");
});

test("the same epoch is no restart", () => {
  const store = filled(new Store(), [op(1)], [request("r1", { updated: 2 })]);
  store.apply({ type: "welcome", epoch: "e1" });
  assert.deepEqual(seqs(store), [1]);
});

test("clearing forgets what has ended before", () => {
  const store = filled(new Store(), [op(1), op(3, { request_id: "r2" }), op(5, { request_id: "r3" })],
    [request("r1", { updated: 2 }), request("r2", { updated: 4, running: true }), request("r3", { updated: 6 })]);
  store.apply({ type: "cleared", epoch: "e1", seq: 5 });
  assert.deepEqual([seqs(store), [...store.groups.keys()], store.sequence.map((o) => o.seq)], [[3, 5], ["r2", "r3"], [3, 5]]);
});

test("the bound forgets whole requests, the oldest first", () => {
  const store = filled(new Store(100), [], []);
  for (let r = 0; r < 40; r++) {
    const operations = Array.from({ length: 5 }, (_, i) => op(r * 10 + i, { request_id: `r${r}` }));
    store.apply(batch(store.last, r * 10 + 9, operations, [request(`r${r}`, { start: r, updated: r * 10 + 9 })]));
  }
  assert.ok(store.operations.size <= 100 && store.operations.size >= 90, `${store.operations.size}`);
  assert.equal(store.sequence.length, store.operations.size);
  assert.equal(store.items.length, store.groups.size);
  for (const group of store.groups.values()) assert.equal(group.operations.length, 5, "no request is cut");
  assert.ok(store.groups.has("r39") && !store.groups.has("r0"));
});

test("one request above the bound is kept", () => {
  const store = filled(new Store(10), [], []);
  store.apply(batch(0, 99, Array.from({ length: 30 }, (_, i) => op(i)), [request("r1", { updated: 99 })]));
  assert.equal(store.operations.size, 30);
});

test("hiding is of this browser alone and can be undone", () => {
  const store = filled(new Store(), [op(1)], [request("r1", { updated: 2 })]);
  store.hidden = store.last;
  assert.equal(store.visible().length, 0);
  store.hidden = 0;
  assert.equal(store.visible().length, 1);
});

test("what is late stands in its place, and is put there at once", () => {
  const store = filled(new Store(), [], []);
  const [even, odd] = [0, 1].map((from) => Array.from({ length: 3000 }, (_, i) => op(10 + from + i * 2, { request_id: `r${i % 7}` })));
  const requests = Array.from({ length: 7 }, (_, i) => request(`r${i}`));
  store.apply(batch(0, 9000, even, requests));
  let moved = 0;
  const { splice } = store.sequence;
  store.sequence.splice = (...all) => { moved++; return splice.apply(store.sequence, /** @type {any} */ (all)); };
  store.apply(batch(9000, 9001, [...odd, { ...odd[5], updated: 1e6 }], requests));
  assert.deepEqual(store.sequence.map((o) => o.seq), Array.from({ length: 6000 }, (_, i) => 10 + i));
  assert.equal(store.sequence[11].updated, 1e6, "the newer of two forms stands");
  assert.equal(moved, 1);
  for (const group of store.groups.values()) assert.deepEqual(group.operations.map((o) => o.seq), group.operations.map((o) => o.seq).sort((a, b) => a - b));
});

test("forgetting the oldest looks at no more operations than it forgets", () => {
  const store = filled(new Store(20_000), [], []);
  let most = 0;
  for (let r = 0; r < 1000; r++) {
    const operations = Array.from({ length: 40 }, (_, i) => op(r * 40 + i, { request_id: `r${r}` }));
    let looks = 0;
    store.operations.has = (seq) => { looks++; return Map.prototype.has.call(store.operations, seq); };
    store.apply(batch(store.last, r * 40 + 41, operations, [request(`r${r}`, { start: r, updated: r * 40 + 41 })]));
    most = Math.max(most, looks);
  }
  assert.ok(most <= 500, `looked at ${most} of 20,000`);
  assert.deepEqual(store.sequence.map((o) => o.seq), seqs(store));
  assert.ok(store.operations.size > 19_000);
});
