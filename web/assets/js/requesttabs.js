// SPDX-License-Identifier: MIT
import { h } from "./dom.js";
import { place } from "./detail.js";
import { count, duration, elide, value } from "./format.js";

/** @param {string} text @param {boolean} [numeric] */
const th = (text, numeric) => h(numeric ? "th.num" : "th", { scope: "col" }, text);
const sum = (/** @type {any[]} */ ops) => ops.reduce((s, op) => s + op.duration_us, 0);

/** Groups operations by a key; those without are left out. @param {any[]} operations @param {(op: any) => string|undefined} key */
export function groupBy(operations, key) {
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const op of operations) {
    const k = key(op);
    if (!k) continue;
    const list = groups.get(k);
    if (list) list.push(op);
    else groups.set(k, [op]);
  }
  return groups;
}

/** The operations of each shape; the pages of a search count once. @param {any[]} operations */
function askedShapes(operations) {
  return groupBy(operations, (op) => ((op.call?.n ?? 1) > 1 ? undefined : op.shape));
}

/** One card for each shape that was asked more than once, with the literals that differ. @param {any[]} operations @param {(seq: number) => void} open */
export function duplicates(operations, open) {
  const cards = [...askedShapes(operations).values()].filter((ops) => ops.length > 1).sort((a, b) => b.length - a.length).map((ops) => {
    const total = sum(ops);
    const slowest = Math.max(...ops.map((op) => op.duration_us));
    const exact = [...groupBy(ops, (op) => op.exact).values()].sort((a, b) => b.length - a.length);
    return h("article.card", {}, h("h2", {}, `×${ops.length} `, h("code", {}, ops[0].shape_text)),
      h("p", {}, `${duration(total)} in all; ${duration(total - slowest)} more than asking once. ${exact.length === 1 ? "The question is the same each time." : `${count(exact.length)} different questions.`}`),
      h("div.scroll", { tabindex: "0", role: "region", "aria-label": ops[0].shape_text }, h("table", {}, h("thead", {}, h("tr", {}, th("Asked"), th("About"), th("Times", true), th("Entries", true), th("Time", true))),
        h("tbody", {}, ...exact.slice(0, 50).map((same) => h("tr", {},
          h("td", {}, h("button.link", { onclick: () => open(same[0].seq) }, h("code", {}, same[0].subject))), h("td.dim", {}, elide(same[0].about ?? "", 48)),
          h("td.num", {}, same.length > 1 ? h("b.warn", {}, String(same.length)) : "1"), h("td.num", {}, count(same[0].entries)), h("td.num", {}, duration(sum(same)))))))),
      exact.length > 50 ? h("p.dim", {}, `and ${count(exact.length - 50)} more`) : null);
  });
  return cards.length ? h("div", {}, ...cards) : h("p.note.pad", {}, "No question was asked twice in this HTTP request, not even with other literals.");
}

/** @param {any} q @param {any[]} operations */
export function steps(q, operations) {
  if (!q.steps.length) return h("p.note.pad", {}, "The application named no steps; ", h("code", {}, "instrument.Step(ctx, name)"), " does.");
  const depth = (/** @type {any} */ s) => {
    let n = 0;
    for (let parent = s.parent; parent && n < 8; n++) parent = q.steps.find((/** @type {any} */ o) => o.name === parent)?.parent;
    return n;
  };
  return h("div.scroll.pad", { tabindex: "0", role: "region", "aria-label": "Steps" }, h("table", {}, h("thead", {}, h("tr", {}, th("Step"), th("Operations", true), th("LDAP", true), th("Time", true), th("Without LDAP", true))),
    h("tbody", {}, ...q.steps.flatMap((/** @type {any} */ s) => {
      const own = operations.filter((op) => op.step === s.name);
      const ldap = sum(own);
      const row = h("tr", {}, h(`td.depth${Math.min(depth(s), 3)}`, {}, s.name, s.running ? " (running)" : ""), h("td.num", {}, String(own.length)), h("td.num", {}, duration(ldap)), h("td.num", {}, duration(s.duration_us)), h("td.num.dim", {}, duration(Math.max(0, s.duration_us - ldap))));
      return s.diffs ? [row, h("tr", {}, h("td", { colspan: "5" }, ...differences(s)))] : [row];
    }))));
}

const hows = /** @type {Record<string, string>} */ ({ added: "+ added", removed: "− removed", changed: "~ changed", held: "! held back" });

/** What a step changed, account by account. @param {any} s */
export function differences(s) {
  const accounts = [...groupBy(s.diffs, (d) => value(d.of) || "account")];
  return [...accounts.map(([of, lines]) => h("div.diff", {}, h("h2", {}, of === "?" ? "accounts, redacted" : of), ...lines.map(difference))),
    s.diffs_left ? h("p.dim", {}, `and ${count(s.diffs_left)} more`) : null].filter((n) => n !== null);
}

/** @param {any} d */
function difference(d) {
  const held = d.how === "held";
  return h(`p.${d.how}`, {}, h("b", {}, hows[d.how] ?? d.how), h("span.dim", {}, d.what), h("span", {}, d.name ? h("code", {}, d.name, d.from || d.to ? " " : "") : null,
    d.from ? h(held ? "code" : "del", {}, value(d.from)) : null, d.from && d.to ? " → " : null, d.to ? h("ins", {}, value(d.to)) : null, d.reason ? h("span.dim", {}, ` ${d.reason}`) : null));
}

/** Operations by the place in the application's source that made them. @param {any[]} operations @param {(seq: number) => void} open */
export function sites(operations, open) {
  const groups = [...groupBy(operations, (op) => (op.caller ? `${op.caller.function} ${op.caller.line}` : "unknown"))].sort((a, b) => sum(b[1]) - sum(a[1]));
  return h("div.scroll.pad", { tabindex: "0", role: "region", "aria-label": "Call sites" }, h("table", {}, h("thead", {}, h("tr", {}, th("Function"), th("Place"), th("Operations", true), th("Shapes", true), th("LDAP", true))),
    h("tbody", {}, ...groups.map(([, ops]) => {
      const c = ops[0].caller;
      return h("tr", {}, h("td", {}, h("button.link", { onclick: () => open(ops[0].seq) }, h("code", {}, c ? c.function.split("/").pop() : "not known: the call went around the instrumented client"))), h("td", {}, c ? place(c) : ""),
        h("td.num", {}, String(ops.length)), h("td.num", {}, String(groupBy(ops, (op) => op.shape).size)), h("td.num", {}, duration(sum(ops))));
    }))));
}
