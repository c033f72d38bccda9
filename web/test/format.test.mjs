// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, clock, count, duration, elide, failed, moment, plural, result, value } from "../assets/js/format.js";

const tests = /** @type {[string, unknown, unknown][]} */ ([
  ["no time", duration(0), "0 µs"],
  ["microseconds", duration(870), "870 µs"],
  ["one unit further", duration(999.6), "1000 µs"],
  ["milliseconds", duration(12_400), "12.4 ms"],
  ["before the beginning", duration(-20_000), "−20.0 ms"],
  ["three digits", duration(318_000), "318 ms"],
  ["below a second", duration(999_499), "999 ms"],
  ["a second", duration(999_500), "1.00 s"],
  ["seconds", duration(1_234_000), "1.23 s"],
  ["minutes", duration(125_000_000), "2 min 5 s"],
  ["hours", duration(7_380_000_000), "2 h 3 min"],
  ["bytes", bytes(999), "999 B"],
  ["decimal units", bytes(1000), "1.00 kB"],
  ["one unit further where three digits round to it", bytes(999_600), "1.00 MB"],
  ["megabytes", bytes(26_500_000), "26.5 MB"],
  ["more than terabytes", bytes(2.5e15), "2.50 PB"],
  ["beyond the units", bytes(5e18), "5000 PB"],
  ["exact counters", bytes("9007199254740993"), "9.01 PB"],
  ["thousands", count(1204), "1\u202f204"],
  ["a counter as text", count("18446744073709551615"), "18\u202f446\u202f744\u202f073\u202f709\u202f551\u202f615"],
  ["no clock", clock(null), ""],
  ["no moment", moment(null), "–"],
  ["clock of both kinds", clock("2026-11-21T14:02:11.123456Z"), clock(Date.parse("2026-11-21T14:02:11.123Z") * 1000)],
  ["short names stay", elide("cn=x", 10), "cn=x"],
  ["long names lose their middle", elide("cn=Ada,ou=people,dc=example,dc=org", 20), "cn=Ada,ou=peo…dc=org"],
  ["one", plural(1, "entry"), "1 entry"],
  ["many", plural(2, "entry"), "2 entries"],
  ["none", plural(0, "error"), "0 errors"],
  ["a vowel before y", plural(5, "day"), "5 days"],
  ["hidden value", value({ encoding: "hidden", text: "<hidden>" }), "<hidden>"],
  ["binary with a form", value({ encoding: "base64", text: "AQID", decoded: "S-1-5" }), "S-1-5"],
  ["binary without", value({ encoding: "base64", text: "AQID" }), "(3 bytes)"],
  ["success", result({ state: "done", result: { code: 0, name: "success" } }), "success"],
  ["sub-code", result({ state: "error", result: { code: 49, name: "invalidCredentials", sub_code: "52e", error: "x" } }), "49/52e invalidCredentials"],
  ["no answer", result({ state: "timeout", kind: "search", result: { code: -1, name: "", error: "timeout" } }), "timeout"],
  ["none expected", result({ state: "done", kind: "unbind", result: { code: -1, name: "", error: "" } }), "sent"],
  ["running", result({ state: "running", result: null }), "running"],
  ["compare is no failure", failed({ result: { code: 5, error: "" } }), false],
  ["failure", failed({ result: { code: 32, error: "no_such_object" } }), true],
  ["running is no failure", failed({ result: null }), false],
]);

for (const [name, got, want] of tests) test(name, () => assert.deepEqual(got, want));

test("a clock has milliseconds", () => assert.match(clock("2026-11-21T14:02:11.123456Z"), /^\d\d:02:11\.123$/));
