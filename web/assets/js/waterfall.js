// SPDX-License-Identifier: MIT
import { micros } from "./protocol.js";

/** Operations of one shape in a row that fold to one bar, from this number on. */
export const foldFrom = 3;

/**
 * Lays the operations of an HTTP request out on the wall clock.
 * @param {any} request
 * @param {any[]} operations in order
 * @param {"each"|"fold"|"lanes"} mode one bar for each operation, for repeats, or for each connection
 * @returns {{span: number, bars: Bar[], union: number, sum: number, busy: Span[]}}
 */
export function layout(request, operations, mode) {
  const zero = micros(request.start);
  const bars = operations.map((op) => barOf(op, zero));
  const span = Math.max(request.duration_us, 1, ...bars.map((b) => b.to));
  const sum = operations.reduce((s, op) => s + op.duration_us, 0);
  const busy = merged(bars.map((b) => ({ from: b.to - b.op.duration_us, to: b.to })));
  const union = busy.reduce((s, b) => s + b.to - b.from, 0);
  if (sum > union * 1.05) mark(bars);
  return { span, bars: mode === "fold" ? folded(bars) : mode === "lanes" ? lanes(bars) : bars, union, sum, busy };
}

/** @param {any} op @param {number} zero @returns {Bar} */
function barOf(op, zero) {
  const start = micros(op.start) - zero;
  const t = op.timing;
  /** @type {Segment[]} */
  const segments = [];
  const waits = [["pool", t.wait_pool_us], ["dial", t.dial_us], ["tls", t.tls_us], ["bind", t.setup_bind_us]].filter(([, us]) => Number(us) > 0);
  let from = start - waits.reduce((s, [, us]) => s + Number(us), 0);
  const begin = from;
  for (const [name, us] of waits) {
    segments.push({ name: String(name), from, to: from + Number(us) });
    from += Number(us);
  }
  const first = Math.min(t.first_us || op.duration_us, op.duration_us);
  segments.push({ name: "wait", from: start, to: start + first });
  if (op.duration_us > first) segments.push({ name: "stream", from: start + first, to: start + op.duration_us });
  return { op, ops: [op], from: begin, to: start + op.duration_us, segments, critical: false, lane: "" };
}

/** Spans that touch become one. @param {Span[]} spans */
function merged(spans) {
  /** @type {Span[]} */
  const out = [];
  for (const s of spans.toSorted((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (last && s.from <= last.to) last.to = Math.max(last.to, s.to);
    else out.push({ ...s });
  }
  return out;
}

/** Marks the operations without which the time would be shorter: each goes on when all that began before have ended. @param {Bar[]} bars */
function mark(bars) {
  let end = Number.NEGATIVE_INFINITY;
  for (const b of bars.toSorted((x, y) => x.from - y.from || y.to - x.to)) {
    if (b.to > end) {
      b.critical = true;
      end = b.to;
    }
  }
}

/** @param {Bar[]} bars */
function folded(bars) {
  /** @type {Bar[]} */
  const out = [];
  for (let i = 0; i < bars.length;) {
    let j = i + 1;
    while (j < bars.length && bars[i].op.shape && bars[j].op.shape === bars[i].op.shape) j++;
    out.push(...(j - i < foldFrom ? bars.slice(i, j) : [together(bars.slice(i, j), "")]));
    i = j;
  }
  return out;
}

/** @param {Bar[]} bars */
function lanes(bars) {
  /** @type {Map<string, Bar[]>} */
  const byConn = new Map();
  for (const b of bars) {
    const lane = `${b.op.domain} connection ${b.op.conn}`;
    byConn.set(lane, [...(byConn.get(lane) ?? []), b]);
  }
  return [...byConn].map(([lane, list]) => together(list, lane));
}

/** @param {Bar[]} bars @param {string} lane @returns {Bar} */
function together(bars, lane) {
  return {
    op: bars[0].op, ops: bars.map((b) => b.op), from: Math.min(...bars.map((b) => b.from)), to: Math.max(...bars.map((b) => b.to)),
    segments: bars.flatMap((b) => b.segments), critical: bars.some((b) => b.critical), lane,
  };
}

/** How much of the width a shortened gap takes, and from what share of the whole a gap is shortened. */
const breakWidth = 0.05;
const breakFrom = 0.2;

/**
 * The horizontal scale: time to a share of the width. Long times without any operation are shortened where asked.
 * @param {Span} window what is shown
 * @param {Span[]} busy times with an operation open, in order
 * @param {boolean} shorten
 * @returns {{at: (t: number) => number, breaks: Span[]}}
 */
export function scale(window, busy, shorten) {
  const whole = window.to - window.from;
  /** @type {Span[]} */
  const breaks = [];
  if (shorten && whole > 0) {
    let before = { from: window.from, to: window.from };
    for (const next of [...busy, { from: window.to, to: window.to }]) {
      const gap = { from: Math.max(before.to, window.from), to: Math.min(next.from, window.to) };
      const around = Math.max(before.to - before.from, next.to - next.from);
      if (gap.to - gap.from > Math.max(2 * around, whole * breakFrom)) breaks.push(gap);
      before = next;
    }
  }
  const cut = breaks.reduce((s, b) => s + b.to - b.from, 0);
  const rest = Math.max(whole - cut, 1);
  const room = 1 - breaks.length * breakWidth;
  return {
    breaks,
    at(t) {
      let x = ((t - window.from) / rest) * room;
      for (const b of breaks) {
        if (t <= b.from) break;
        const inside = Math.min(t, b.to) - b.from;
        x += (inside / (b.to - b.from)) * breakWidth - (inside / rest) * room;
      }
      return x;
    },
  };
}

/** How far apart the numbers of an axis stand at least, as a share of its lane. The style sheet says how wide such a lane is. */
const apart = Object.entries({ wide: 0.16, narrow: 0.38 });

/**
 * Round numbers for an axis, where they stand, and in which lanes: none within a shortened gap, which has no scale, and none upon another.
 * @param {Span} window
 * @param {{at: (t: number) => number, breaks: Span[]}} scale
 */
export function ticks(window, { at, breaks }) {
  const rough = Math.max(window.to - window.from, 1) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough) ?? rough;
  /** @type {{t: number, at: number, lanes: string[]}[]} */
  const list = [];
  for (let t = Math.ceil(window.from / step) * step; t <= window.to; t += step) {
    if (breaks.some((b) => t > b.from && t < b.to)) continue;
    const free = (/** @type {[string, number]} */ [lane, room]) => at(t) - (list.findLast((m) => m.lanes.includes(lane))?.at ?? -1) >= room;
    list.push({ t, at: at(t), lanes: apart.filter(free).map(([lane]) => lane) });
  }
  return list.filter((m) => m.lanes.length);
}

/** A smaller or larger window around the middle of one, within the whole. @param {Span} window @param {number} factor @param {number} span */
export function zoomed(window, factor, span) {
  const size = Math.min(Math.max((window.to - window.from) * factor, 50), span);
  return moved({ from: (window.from + window.to - size) / 2, to: (window.from + window.to + size) / 2 }, 0, span);
}

/** A window moved by a share of itself, within the whole. @param {Span} window @param {number} share @param {number} span */
export function moved(window, share, span) {
  const size = window.to - window.from;
  const from = Math.min(Math.max(window.from + size * share, 0), Math.max(span - size, 0));
  return { from, to: from + size };
}
