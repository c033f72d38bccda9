// SPDX-License-Identifier: MIT
import { h as make, icon } from "./dom.js";
import { bytes, clock, codes, count, duration, elide, failed, plural, result } from "./format.js";
import { plan as h, redraw, symbol } from "./plan.js";

/** Whether an element shows anything else than a row as it is now. @param {HTMLElement} el @param {Row} row */
export function stale(el, row) {
  return el.dataset.drawn !== signature(row);
}

/**
 * Draws one row of the list into an element that may have shown another.
 * @param {HTMLElement} el @param {Row} row @param {string[]} columns
 */
export function drawRow(el, row, columns) {
  el.dataset.drawn = signature(row);
  const { classes, cells, test } = content(row);
  const name = `row ${classes}`;
  if (el.className !== name) el.className = name;
  attribute(el, "aria-level", String(row.level));
  attribute(el, "aria-expanded", "open" in row ? String(row.open) : null);
  attribute(el, "data-testid", test || null);
  redraw(el, columns.map((id) => h(`span.cell.${id}`, gridcell, ...(cells[id] ?? []))));
}

const slow = 100_000; // microseconds; the scale of bars that are part of no HTTP request
const gridcell = { role: "gridcell" };

/** Sets an attribute that an element may have already: to set it once more would have its styles looked up again. @param {Element} el @param {string} name @param {string|null} value */
function attribute(el, name, value) {
  if (el.getAttribute(name) === value) return;
  if (value === null) el.removeAttribute(name);
  else el.setAttribute(name, value);
}

/** What a row shows, in short; equal ones look the same. @param {Row} row */
function signature(row) {
  switch (row.type) {
    case "operation": return `${row.id} ${row.op.updated} ${row.op.state} ${row.pages} ${row.level} ${row.whole}`;
    case "request": return `${row.id} ${row.request.updated} ${row.request.findings} ${row.open}`;
    case "sum": return `${row.id} ${row.sum.operations.length} ${row.sum.total} ${row.open}`;
    case "gap": return `${row.id} ${row.gap.from} ${row.gap.to} ${row.gap.left}`;
    default: return row.id;
  }
}

/** @param {Row} row @returns {{classes: string, cells: Record<string, any[]>, test: string}} */
function content(row) {
  switch (row.type) {
    case "request": return { classes: row.past ? "request past" : "request", cells: request(row), test: "request-row" };
    case "sum": return { classes: "request sum", cells: sum(row), test: "sum-row" };
    case "step": return { classes: "step", cells: { kind: [h("span.badge.step", {}, "STEP")], main: [h("span.dim", {}, row.name)] }, test: "" };
    case "gap": return { classes: row.gap.reason === "evicted" ? "gap" : "gap loadable", cells: { main: gap(row.gap) }, test: "gap-row" };
    case "restart": return { classes: "restart", cells: { when: [clock(row.at)], main: [h("b", {}, "The application restarted. What is below was made before.")] }, test: "restart-row" };
    default: return { classes: operationClasses(row), cells: operation(row), test: "op-row" };
  }
}

/** The name of an HTTP request or job. @param {any} q */
export function requestName(q) {
  return q.kind === "http" ? `${q.method} ${q.path}` : q.kind === "job" ? `Job ${q.name}` : "Outside of any HTTP request";
}

/** A badge of advice. @param {number} findings @param {string} severity @param {(tag: string, props: any, ...children: any[]) => any} [of] @param {(name: string) => any} [mark] */
export function advice(findings, severity, of = make, mark = icon) {
  return findings ? of(`span.chip.severity.${severity}`, { title: `${plural(findings, "piece")} of advice, the worst ${severity}` }, mark(severity), String(findings)) : null;
}

/** What was asked more than once. @param {number} exact @param {number} [alike] @returns {any[]} */
function repeats(exact, alike = 0) {
  return [exact ? h("span.chip.warn", { title: "operations that repeat an earlier one of their HTTP request exactly" }, plural(exact, "repeat")) : null,
    alike ? h("span.chip", { title: "operations that ask as an earlier one, with other values" }, `${count(alike)} alike`) : null];
}

/** @param {RequestRow} row @returns {Record<string, any[]>} */
function request(row) {
  const q = row.request;
  const timed = q.kind !== "background";
  const share = q.ldap_us / Math.max(q.duration_us, 1);
  return {
    when: [twist(row.open), clock(q.start)],
    kind: [h("span.badge", {}, q.kind === "http" ? "HTTP" : q.kind === "job" ? "JOB" : "BG")],
    main: [h("b", {}, requestName(q)), q.route && q.route !== q.path ? h("span.dim", {}, q.route) : null, q.user ? h("span.dim", {}, q.user) : null, ...repeats(q.duplicates, q.similar)],
    domain: [q.domains.join(", ")],
    notes: [advice(q.findings, q.severity, h, symbol), q.errors > 0 ? h("span.chip.error", { title: plural(q.errors, "error") }, `${q.errors} err`) : null,
      q.dropped > 0 ? h("span.chip", { title: "operations that left the recorder before the request ended" }, `${q.dropped} gone`) : null],
    n: [plural(q.operations, "op")],
    code: [q.status ? h(q.status >= 500 ? "span.bad" : "span", {}, String(q.status)) : q.running && timed ? "running" : ""],
    size: [bytes(q.bytes_received)],
    time: timed ? [h("span.spent", { title: `${duration(q.ldap_us)} of ${duration(q.duration_us)} with an LDAP operation open` }, h("span", {}, duration(q.ldap_us)), h("span.whole", {}, ` / ${duration(q.duration_us)}`)), bar(share)] : [],
  };
}

/** @param {SumRow} row @returns {Record<string, any[]>} */
function sum(row) {
  const s = row.sum;
  return {
    when: [twist(row.open), `×${count(s.operations.length)}`],
    kind: [s.kind === "shape" ? h(`span.badge.${s.operations[0].kind}`, {}, codes[s.operations[0].kind]) : h("span.badge", {}, "CONN")],
    main: [h(s.kind === "shape" ? "span.subject" : "b", { title: s.title }, s.title), ...repeats(s.repeats)],
    notes: [s.errors ? h("span.chip.error", {}, `${s.errors} err`) : null],
    n: [count(s.entries)],
    size: [bytes(s.bytes)],
    time: [h("span.spent", { title: `${duration(s.total)} in all, ${duration(s.total / s.operations.length)} each, ${duration(s.longest)} the slowest` }, h("span", {}, duration(s.total)), h("span.whole", {}, ` / ${duration(s.total / s.operations.length)}`)), bar(s.total / s.operations.length / slow)],
  };
}

/** @param {Gap} g */
function gap(g) {
  if (g.reason === "evicted") return [h("span.said.dim", {}, `Changes ${count(g.from)} to ${count(g.to)} left the recorder before this page read them`)];
  if (g.reason === "older") return [h("span.said", {}, "Older operations are not listed"), h("button.link", { tabindex: "-1" }, "Load these")];
  return [h("span.said", {}, g.left ? `${plural(g.left, "operation")} counted and not listed` : `Changes ${count(g.from)} to ${count(g.to)} were passed over`), h("button.link", { tabindex: "-1" }, "Load these")];
}

/** @param {OperationRow} row */
function operationClasses(row) {
  const op = row.op;
  return ["operation", row.level === 3 ? "deep" : "", failed(op) ? "failed" : "", op.state === "running" ? "running" : "", row.past ? "past" : ""].filter(Boolean).join(" ");
}

/** @param {OperationRow} row @returns {Record<string, any[]>} */
function operation(row) {
  const op = row.op;
  return {
    when: [row.level === 1 ? clock(op.start) : `#${op.seq}`],
    kind: [h(`span.badge.${op.kind}`, {}, codes[op.kind] ?? op.kind)],
    main: [h("span.subject", { title: op.subject }, op.subject), op.about || op.manner ? h("span.base", { title: op.about }, [elide(op.about, 44), op.manner].filter(Boolean).join(" · ")) : null],
    domain: [op.domain],
    conn: [op.conn],
    notes: [row.pages > 1 ? h("span.chip", {}, `${row.pages} pages`) : null,
      op.repeat > 0 ? h("span.chip.warn", { title: "the same question was asked before in this HTTP request" }, `repeat ${op.repeat + 1}`) : null,
      op.inferred ? h("span.chip", { title: "the call carried no context: the HTTP request is guessed" }, "inferred") : null],
    n: [op.kind === "search" ? count(op.entries) : ""],
    code: [op.result?.hint ? h(failed(op) ? "span.bad" : "span", { title: op.result.hint }, result(op)) : failed(op) ? h("span.bad", {}, result(op)) : result(op)],
    size: [op.bytes_received ? bytes(op.bytes_received) : ""],
    first: [op.first_us ? duration(op.first_us) : ""],
    time: [op.state === "running" ? "…" : duration(op.duration_us), bar(op.duration_us / (row.whole || slow), op.duration_us >= slow)],
  };
}

/** @param {boolean} open */
function twist(open) {
  return h("button.twist", { "aria-label": open ? "Fold" : "Unfold", tabindex: "-1" });
}

/** A bar of a share from 0 to 1, in whole percent: finer than that nobody sees. @param {number} share @param {boolean} [long] */
function bar(share, long) {
  return h(long ? "span.bar.slow" : "span.bar", { "aria-hidden": "true", wide: `${Math.round(Math.max(0, Math.min(1, share)) * 100)}% 100%` });
}
