// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../assets/js/advice.js";
import { holds, toggle } from "../assets/js/chips.js";
import { chosen, fitting, named, template } from "../assets/js/columns.js";
import { offers, quoted, wordAt } from "../assets/js/complete.js";
import { compared } from "../assets/js/differences.js";
import { groupBy } from "../assets/js/requesttabs.js";
import { Router } from "../assets/js/router.js";
import { op } from "./made.mjs";

test("chips add their clause and take it out", () => {
  assert.equal(toggle("", "is:error"), "is:error");
  assert.equal(toggle("op:bind  is:slow", "is:error"), "op:bind is:slow is:error");
  assert.equal(toggle("is:error op:bind", "is:error"), "op:bind");
  assert.equal(toggle("-is:error", "is:error"), "-is:error is:error");
  assert.ok(holds("op:bind is:slow", "is:slow"));
  assert.ok(!holds("is:slower", "is:slow"));
});

test("columns: the usual set has no name in the address", () => {
  assert.equal(named(chosen("")), "");
  assert.deepEqual(chosen("kind,time"), ["kind", "main", "time"]);
  assert.equal(named(["main", "time", "kind"]), "kind,main,time");
  assert.deepEqual(chosen("nonsense"), ["main"]);
});

test("columns: little room leaves the kind, the subject and the time", () => {
  assert.deepEqual(fitting(chosen(""), 320), ["kind", "main", "time"]);
  assert.deepEqual(fitting(chosen(""), 1400), chosen(""));
  assert.equal(template(["kind", "main"], 1400), "48px minmax(100px, 1fr)");
});

test("completion: the word in which the cursor stands", () => {
  assert.deepEqual(wordAt("op:search du", 12), { from: 10, to: 12, word: "du" });
  assert.deepEqual(wordAt("op:sea dur:1", 6), { from: 0, to: 6, word: "op:sea" });
  assert.deepEqual(wordAt("(op:b", 5), { from: 1, to: 5, word: "op:b" });
});

test("completion: keys, then values with how often they occur", () => {
  const keys = [{ name: "dur", meaning: "duration" }, { name: "dup", meaning: "repeats" }, { name: "op", meaning: "kind" }, { name: "is", meaning: "state", values: ["error", "slow"] }, { name: "advice", meaning: "advice", values: ["high", "high+", "A01"] }];
  const operations = [op(1), op(3), op(5, { kind: "bind", domain: "MY DOMAIN" })];
  assert.deepEqual(offers("du", keys, operations).map((o) => o.text), ["dur:", "dup:"]);
  assert.deepEqual(offers("-du", keys, operations).map((o) => o.text), ["-dur:", "-dup:"]);
  assert.deepEqual(offers("op:", keys, operations), [{ text: "op:search", more: "2×" }, { text: "op:bind", more: "1×" }]);
  assert.deepEqual(offers("dom:my", keys, operations), [{ text: 'dom:"MY DOMAIN"', more: "1×" }]);
  assert.deepEqual(offers("is:s", keys, operations).map((o) => o.text), ["is:slow"]);
  assert.deepEqual(offers("-advice:a", keys, operations).map((o) => o.text), ["-advice:A01"]);
  assert.deepEqual(offers("advice:high", keys, operations).map((o) => o.text), ["advice:high+"]);
  assert.deepEqual(offers("nothing:x", keys, operations), []);
  const worded = [...keys, { name: "srv", meaning: "server", words: ["server", "host"] }];
  assert.deepEqual(offers("hos", worded, operations), [{ text: "srv:", more: "server" }]);
  assert.deepEqual(offers("-host:dc1", worded, operations), [{ text: "-srv:dc1", more: "server" }]);
  assert.equal(quoted("plain"), "plain");
});

test("groups keep their order and leave out what has no key", () => {
  assert.deepEqual([...groupBy([{ k: "a" }, { k: "" }, { k: "b" }, { k: "a" }], (o) => o.k)].map(([k, list]) => [k, list.length]), [["a", 2], ["b", 1]]);
});

test("advice as the text of an issue", () => {
  const finding = { rule: "A02", title: "N+1", severity: "high", route: "GET /groups", evidence: "39 searches", shape_text: "search (uid=?)", why: "slow", fix: "ask once" };
  assert.equal(text(/** @type {any} */ (finding)), "## N+1 (A02, high)\n\nGET /groups: 39 searches.\n\n    search (uid=?)\n\nWhy: slow\n\nWhat to do: ask once\n");
});

test("the router keeps the state of the view in the address", () => {
  const calls = /** @type {[string, string][]} */ ([]);
  const place = { pathname: "/debug/ldap/", search: "?q=op%3Abind" };
  const go = (/** @type {string} */ how) => (/** @type {any} */ _state, /** @type {any} */ _title, /** @type {string} */ address) => {
    calls.push([how, address]);
    place.search = address.slice(place.pathname.length);
  };
  Object.assign(globalThis, { location: place, history: { pushState: go("push"), replaceState: go("replace") }, addEventListener: () => {} });
  const router = new Router();
  let changes = 0;
  router.addEventListener("change", () => changes++);
  assert.equal(router.screen, "live");
  router.go({ screen: "request", id: "a b" });
  router.go({ q: null, op: "7" }, "adjust");
  router.go({ screen: null, id: null, op: null });
  assert.deepEqual(calls, [["push", "/debug/ldap/?q=op%3Abind&screen=request&id=a+b"], ["replace", "/debug/ldap/?screen=request&id=a+b&op=7"], ["push", "/debug/ldap/"]]);
  assert.equal(changes, 3);
});

test("two operations are compared by what at least one of them has", () => {
  const one = { seq: 1, kind: "search", search: { base: "dc=x", scope: "sub", filter: "(a=1)", attributes: [] }, entries: 0, bytes_received: 10, start: 0, duration_us: 500, timing: {}, result: { code: 0, name: "success" }, domain: "X" };
  const rows = compared(one, { ...one, seq: 2, search: { ...one.search, filter: "(a=2)" }, entries: 3 });
  assert.deepEqual(rows.filter((f) => !f.same).map((f) => [f.name, f.one, f.other]), [["Filter", "(a=1)", "(a=2)"], ["Entries", "0", "3"]]);
  assert.ok(rows.some((f) => f.name === "Attributes" && f.one === "all" && f.same));
  assert.ok(!rows.some((f) => f.name === "Entry"));
});
