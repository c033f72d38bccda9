// SPDX-License-Identifier: MIT
import { h, fill, ask, copy, why } from "./dom.js";
import { card } from "./advice.js";
import { bytes, clock, codes, count, duration, failed, plural, result } from "./format.js";
import { duplicates, sites, steps } from "./requesttabs.js";
import { requestName } from "./row.js";
import { layout } from "./waterfall.js";
import { Waterfall } from "./waterfallview.js";

/** The page of one HTTP request: numbers, waterfall, operations, duplicates, advice, steps and call sites. */
export class RequestPage {
  /** @param {HTMLElement} host @param {{open: (seq: number) => void, tab: (name: string) => void}} actions */
  constructor(host, actions) {
    this.host = host;
    this.actions = actions;
    this.waterfall = new Waterfall(actions.open);
    this.tab = "Waterfall";
    this.id = "";
  }

  /** @param {string} id @param {string} tab */
  async show(id, tab) {
    const same = this.id === id && this.shown;
    this.id = id;
    this.tab = tab || "Waterfall";
    if (same) return this.draw();
    try {
      const [{ request, operations }, { findings }] = await Promise.all([ask(`requests/${encodeURIComponent(id)}`), ask(`findings?request=${encodeURIComponent(id)}`)]);
      if (this.id !== id) return;
      this.shown = { request, operations, findings };
      this.draw();
    } catch (e) {
      this.shown = undefined;
      fill(this.host, h("header.pagehead", {}, h("h1", {}, "HTTP request")), h("p.note.pad", {}, why(e)));
    }
  }

  /** Forgets what it shows, so that it is asked for anew. */
  hide() {
    this.shown = undefined;
  }

  draw() {
    if (!this.shown) return;
    const { request: q, operations, findings } = this.shown;
    /** @type {Record<string, {more: string, body: () => Node}>} */
    const tabs = {
      Waterfall: { more: "", body: () => this.waterfall.show(q, operations) },
      Operations: { more: String(operations.length), body: () => list(operations, this.actions.open) },
      Duplicates: { more: q.duplicates ? String(q.duplicates) : "", body: () => duplicates(operations, this.actions.open) },
      Advice: { more: findings.length ? String(findings.length) : "", body: () => advice(findings, this.actions.open) },
      Steps: { more: q.steps.length ? String(q.steps.length) : "", body: () => steps(q, operations) },
      "Call sites": { more: "", body: () => sites(operations, this.actions.open) },
    };
    const names = Object.keys(tabs);
    if (!tabs[this.tab]) this.tab = "Waterfall";
    const bar = h("div.tabs", { role: "tablist", "aria-label": "Views", onkeydown: (/** @type {KeyboardEvent} */ e) => this.key(e, names) }, ...names.map((name) =>
      h("button", { role: "tab", id: `tab-${name}`, "data-tab": name, "aria-controls": "tabbody", "aria-selected": String(name === this.tab), tabindex: name === this.tab ? "0" : "-1", onclick: () => this.actions.tab(name) },
        name, tabs[name].more ? h("span.dim", {}, ` ${tabs[name].more}`) : null)));
    const body = h("div.tabbody", { role: "tabpanel", id: "tabbody", tabindex: "-1", "aria-labelledby": `tab-${this.tab}` }, tabs[this.tab].body());
    fill(this.host, this.head(q), numbers(q, operations), bar, body);
  }

  /** @param {any} q */
  head(q) {
    const text = `${requestName(q)}: ${plural(q.operations, "LDAP operation")}, ${duration(q.ldap_us)} of ${duration(q.duration_us)}, ${plural(q.duplicates, "repeat")}, ${plural(q.errors, "error")}`;
    return h("header.pagehead", {}, h("h1", {}, requestName(q)), h("span.dim", {}, [q.status || (q.running ? "running" : ""), clock(q.start), q.user, q.route !== q.path ? q.route : ""].filter(Boolean).join(" · ")),
      h("span.buttons", {}, q.trace_url ? h("a", { href: q.trace_url, target: "_blank", rel: "noreferrer" }, "Trace in Jaeger") : null,
        h("button", { onclick: () => copy(text, "a summary") }, "Copy summary"), h("button", { onclick: () => copy(location.href, "the link") }, "Copy link"),
        ...["HAR", "JSONL", "LDIF"].map((form) => h("a.button", { href: `api/v1/export?format=${form.toLowerCase()}&q=${encodeURIComponent(`req:${q.id}`)}`, download: "" }, form))));
  }

  /** @param {KeyboardEvent} e @param {string[]} names */
  key(e, names) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!by) return;
    e.preventDefault();
    this.actions.tab(names[(names.indexOf(this.tab) + by + names.length) % names.length]);
    /** @type {HTMLElement|null} */ (this.host.querySelector("[role=tab][aria-selected=true]"))?.focus();
  }
}

/** @param {any} q @param {any[]} operations */
function numbers(q, operations) {
  const plan = layout(q, operations, "each");
  const kpi = (/** @type {string} */ name, /** @type {string} */ number, more = "", kind = "") => h("div.kpi", {}, h("span.dim", {}, name), h(kind ? `b.${kind}` : "b", {}, number), h("small.dim", {}, more));
  return h("div.kpis", {}, kpi("Whole", duration(q.duration_us)),
    kpi("LDAP", duration(plan.union), plan.sum > plan.union * 1.05 ? `${(plan.sum / plan.union).toFixed(1)} at once` : `${Math.round((plan.union / Math.max(q.duration_us, 1)) * 100)} % of the whole`),
    kpi("Operations", count(q.operations), plural(q.shapes, "shape")), kpi("Repeats", count(q.duplicates), q.similar ? `${count(q.similar)} more with other values` : "", q.duplicates ? "warn" : ""), kpi("Errors", count(q.errors), "", q.errors ? "bad" : ""),
    kpi("Received", bytes(q.bytes_received), plural(q.entries, "entry")));
}

/** @param {any[]} operations @param {(seq: number) => void} open */
function list(operations, open) {
  return h("div.scroll.pad", { tabindex: "0", role: "region", "aria-label": "Operations" }, h("table", {}, h("thead", {}, h("tr", {}, ...["#", "Kind", "Operation", "About", "Result", "Entries", "Received", "Time"].map((t, i) => h(i > 4 ? "th.num" : "th", { scope: "col" }, t)))),
    h("tbody", {}, ...operations.map((op) => h(failed(op) ? "tr.failed" : "tr", {}, h("td.num", {}, String(op.seq)), h("td", {}, h(`span.badge.${op.kind}`, {}, codes[op.kind])),
      h("td", {}, h("button.link", { onclick: () => open(op.seq) }, h("code", {}, op.subject))), h("td.dim", {}, h("code", {}, op.about ?? "")), h(failed(op) ? "td.bad" : "td", {}, result(op)),
      h("td.num", {}, op.kind === "search" ? count(op.entries) : ""), h("td.num", {}, bytes(op.bytes_received)), h("td.num", {}, duration(op.duration_us)))))));
}

/** @param {any[]} findings @param {(seq: number) => void} open */
function advice(findings, open) {
  return findings.length ? h("div", {}, ...findings.map((f) => card(f, { operation: open }))) : h("p.note.pad", {}, "Nothing to improve was found in this HTTP request.");
}
