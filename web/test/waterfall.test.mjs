// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { layout, moved, scale, ticks, zoomed } from "../assets/js/waterfall.js";

const request = { start: "2026-11-21T14:02:11.000500Z", duration_us: 50_000 };
const none = { wait_pool_us: 0, dial_us: 0, tls_us: 0, setup_bind_us: 0, first_us: 0, stream_us: 0 };

/** @param {number} from microseconds after the request's start @param {number} duration @param {object} [more] @returns {any} */
function op(from, duration, more = {}) {
  const at = 500 + from;
  const start = `2026-11-21T14:02:11.${String(at).padStart(6, "0")}Z`;
  return { start, duration_us: duration, domain: "A", conn: "1", shape: "aa", timing: { ...none, first_us: duration }, ...more };
}

test("bars stand where the wall clock says, to the microsecond", () => {
  const { bars, span } = layout(request, [op(1, 10), op(7, 3)], "each");
  assert.equal(span, 50_000);
  assert.deepEqual(bars.map((b) => [b.from, b.to]), [[1, 11], [7, 10]]);
});

test("the time of overlapping operations counts once", () => {
  const plan = layout(request, [op(0, 100), op(50, 100), op(60, 10), op(1000, 50)], "each");
  assert.deepEqual([plan.union, plan.sum], [200, 260]);
  assert.deepEqual(plan.busy, [{ from: 0, to: 150 }, { from: 1000, to: 1050 }]);
});

test("what was waited for before an operation stands before it and is not part of the union", () => {
  const waits = { wait_pool_us: 100, dial_us: 20, tls_us: 30, setup_bind_us: 5, first_us: 40, stream_us: 10 };
  const { bars, union } = layout(request, [op(500, 50, { timing: waits })], "each");
  assert.deepEqual(bars[0].segments, [
    { name: "pool", from: 345, to: 445 }, { name: "dial", from: 445, to: 465 }, { name: "tls", from: 465, to: 495 }, { name: "bind", from: 495, to: 500 },
    { name: "wait", from: 500, to: 540 }, { name: "stream", from: 540, to: 550 },
  ]);
  assert.equal(union, 50);
});

test("three of one shape in a row fold, two do not", () => {
  const list = [op(0, 5), op(10, 5), op(20, 5), op(30, 5, { shape: "bb" }), op(40, 5), op(50, 5)];
  assert.deepEqual(layout(request, list, "fold").bars.map((b) => b.ops.length), [3, 1, 1, 1]);
  assert.deepEqual(layout(request, list, "each").bars.length, 6);
  const [folded] = layout(request, list, "fold").bars;
  assert.deepEqual([folded.from, folded.to, folded.segments.length], [0, 25, 3]);
});

test("operations without a shape do not fold", () => {
  assert.equal(layout(request, [op(0, 5, { shape: undefined }), op(10, 5, { shape: undefined }), op(20, 5, { shape: undefined })], "fold").bars.length, 3);
});

test("a lane for each connection", () => {
  const { bars } = layout(request, [op(0, 5), op(2, 5, { conn: "2" }), op(10, 5)], "lanes");
  assert.deepEqual(bars.map((b) => [b.lane, b.ops.length]), [["A connection 1", 2], ["A connection 2", 1]]);
});

test("the critical path leaves out what others outlast, and is not marked where all is in a row", () => {
  const side = layout(request, [op(0, 100), op(10, 20), op(100, 50)], "each");
  assert.deepEqual(side.bars.map((b) => b.critical), [true, false, true]);
  assert.deepEqual(layout(request, [op(0, 10), op(20, 10)], "each").bars.map((b) => b.critical), [false, false]);
});

test("an operation beyond the request's end widens the whole", () => {
  assert.equal(layout(request, [op(49_000, 5000)], "each").span, 54_000);
});

test("nothing was asked", () => {
  const plan = layout(request, [], "fold");
  assert.deepEqual([plan.bars, plan.union, plan.span], [[], 0, 50_000]);
});

test("long times without LDAP are drawn shorter, in order and within the width", () => {
  const busy = [{ from: 0, to: 1000 }, { from: 40_000, to: 41_000 }];
  const { at, breaks } = scale({ from: 0, to: 50_000 }, busy, true);
  assert.deepEqual(breaks, [{ from: 1000, to: 40_000 }]);
  const points = [0, 500, 1000, 20_000, 40_000, 41_000, 50_000].map(at);
  assert.deepEqual(points, points.toSorted((a, b) => a - b));
  assert.equal(points[0], 0);
  assert.ok(Math.abs(points[6] - 1) < 1e-9);
  assert.ok(Math.abs(points[4] - points[2] - 0.05) < 1e-9, "the gap takes a twentieth");
  assert.ok(Math.abs((points[2] - points[0]) - (points[5] - points[4])) < 1e-9, "equal times are equally wide");
});

test("times are in proportion where nothing is shortened", () => {
  const { at, breaks } = scale({ from: 100, to: 1100 }, [{ from: 200, to: 300 }], false);
  assert.deepEqual(breaks, []);
  assert.deepEqual([100, 350, 1100].map(at), [0, 0.25, 1]);
});

test("short gaps stay", () => {
  assert.deepEqual(scale({ from: 0, to: 1000 }, [{ from: 0, to: 400 }, { from: 500, to: 1000 }], true).breaks, []);
});

/** The numbers of an axis in lanes of one width. @param {Span} window @param {Span[]} busy */
function numbers(window, busy, lane = "wide") {
  return ticks(window, scale(window, busy, true)).filter((m) => m.lanes.includes(lane)).map((m) => m.t / 1000);
}

test("the axis has round numbers, fewer of them in narrow lanes", () => {
  const all = (/** @type {Span} */ window, lane = "wide") => numbers(window, [window], lane);
  assert.deepEqual(all({ from: 0, to: 50_000 }), [0, 10, 20, 30, 40, 50]);
  assert.deepEqual(all({ from: 0, to: 50_000 }, "narrow"), [0, 20, 40]);
  assert.deepEqual(all({ from: -60_000, to: 140_000 }, "narrow"), [-50, 50]);
  assert.deepEqual(all({ from: 1500, to: 2700 }), [1.6, 1.8, 2, 2.2, 2.4, 2.6]);
});

test("the axis has no number within a shortened gap, and none upon another", () => {
  const window = { from: 0, to: 60_000 };
  const late = Array.from({ length: 20 }, (_, i) => ({ from: 19_500 + 2000 * i, to: 21_000 + 2000 * i }));
  assert.equal(scale(window, late, true).breaks.length, 1);
  assert.deepEqual(numbers(window, late), [0, 30, 40, 50, 60], "the gap is 5 % wide, so that 20 would stand upon 0");
  const early = Array.from({ length: 10 }, (_, i) => ({ from: 2000 * i, to: 2000 * i + 1500 }));
  assert.deepEqual(numbers(window, early), [0, 10, 60]);
});

test("zooming stays within the whole", () => {
  assert.deepEqual(zoomed({ from: 0, to: 1000 }, 0.5, 1000), { from: 250, to: 750 });
  assert.deepEqual(zoomed({ from: 0, to: 500 }, 2, 1000), { from: 0, to: 1000 });
  assert.deepEqual(zoomed({ from: 0, to: 500 }, 4, 1000), { from: 0, to: 1000 });
  assert.deepEqual(moved({ from: 0, to: 500 }, -0.25, 1000), { from: 0, to: 500 });
  assert.deepEqual(moved({ from: 400, to: 900 }, 0.5, 1000), { from: 500, to: 1000 });
});
