// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { decode, fromAPI, micros } from "../assets/js/protocol.js";

const folder = new URL("../../panel/testdata/frames/", import.meta.url);
const read = (/** @type {string} */ name) => readFileSync(new URL(`${name}.json`, folder), "utf8");

test("every golden frame is read", () => {
  const names = readdirSync(folder).map((name) => name.replace(".json", "")).filter((name) => !name.includes("."));
  assert.ok(names.length >= 9);
  for (const name of names) {
    const frame = decode(read(name));
    assert.equal(frame?.epoch, "0123456789abcdef", name);
    assert.equal(frame.type, { empty: "batch", skipped: "gap" }[name] ?? name);
  }
});

test("a row says what the API says of the same operation", () => {
  const { operations } = decode(read("backfill"));
  const api = JSON.parse(read("backfill.rows")).operations;
  assert.equal(operations.length, api.length);
  for (const [i, op] of operations.entries()) {
    const want = fromAPI(api[i]);
    const { code = null, name = "", error = "", sub_code = "", hint = "" } = want.result ?? {};
    assert.deepEqual({ ...op, result: op.result && { ...op.result } }, { ...want, result: want.result && { code, name, error, sub_code, hint } }, `row ${i}, ${op.kind}`);
  }
});

test("a request's row", () => {
  const [http, job, background] = decode(read("backfill")).requests;
  assert.deepEqual(http, {
    id: "a1b2c3d4e5f60718", updated: 1070, kind: "http", method: "GET", route: "/people/{id}", path: "/people/<script>", name: "", status: 200, user: "ada",
    start: micros("2026-11-21T14:02:11.120000Z"), duration_us: 52_000, running: false, operations: 14, errors: 2, duplicates: 1, similar: 9, shapes: 3, entries: 1036,
    bytes_received: 27_000, ldap_us: 41_000, dropped: 1, domains: ["EXAMPLE", "OTHER"], findings: 3, severity: "high",
  });
  assert.deepEqual([job.kind, job.name, job.running, job.domains, job.severity], ["job", "sync", true, [], ""]);
  assert.deepEqual([background.kind, background.id, background.running], ["background", "background-3", false]);
});

test("texts that look like groups stay texts", () => {
  const frame = { type: "batch", epoch: "e", from: 0, to: 2, first: 0, zero: 0, requests: [], words: [["A", "s", "1"], '["A","s","1"]', [0, "success", "", "", ""]] };
  const row = [1, 2, 0, 5, 0, 3, 1, 1, 2];
  for (let turn = 0; turn < 2; turn++) {
    const [op] = decode(JSON.stringify({ ...frame, operations: [row] })).operations;
    assert.equal(op.subject, '["A","s","1"]');
    assert.equal(op.domain, "A");
  }
});

test("equal texts of different frames are one", () => {
  const a = decode(read("backfill")).operations[0];
  const b = decode(read("batch")).operations[0];
  assert.equal(a.result, b.result);
});

for (const garbage of ["", "null", "[]", "7", "{", '{"type":"launch","epoch":"e"}', '{"type":"batch","epoch":"e"}', '{"type":"stats"}', '{"type":"batch","epoch":"e","operations":[],"requests":[]}']) {
  test(`garbage is no frame: ${garbage}`, () => assert.equal(decode(garbage), null));
}

test("microseconds are kept", () => {
  assert.equal(micros("2026-11-21T14:02:11.123456Z") % 1_000_000, 123_456);
  assert.equal(micros("2026-11-21T14:02:11Z") % 1_000_000, 0);
});
