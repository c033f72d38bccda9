// SPDX-License-Identifier: MIT
import { h, fill } from "./dom.js";
import { bytes, clock, count, duration } from "./format.js";
import { advice } from "./row.js";

/** Columns that can be sorted by. @type {[string, string, (q: any) => any, boolean][]} */
const columns = [
  ["start", "Start", (q) => q.start, false], ["method", "Method", (q) => q.method || q.kind, false], ["route", "Path", (q) => q.path || q.name, false],
  ["status", "Status", (q) => q.status, true], ["wall", "Whole", (q) => q.duration_us, true], ["ldap", "LDAP", (q) => q.ldap_us, true], ["share", "Share", (q) => q.ldap_us / Math.max(1, q.duration_us), true],
  ["ops", "Operations", (q) => q.operations, true], ["dup", "Repeats", (q) => q.duplicates, true], ["alike", "Alike", (q) => q.similar, true], ["errors", "Errors", (q) => q.errors, true], ["advice", "Advice", (q) => q.findings, true], ["bytes", "Received", (q) => q.bytes_received, true],
];

const pageRows = 40;
const drawEvery = 500;

/** The page of HTTP requests and jobs, as a table that can be sorted. */
export class RequestList {
  /** @param {HTMLElement} host @param {import("./store.js").Store} store @param {{open: (id: string) => void, load: (gap: Gap) => void}} actions */
  constructor(host, store, actions) {
    this.host = host;
    this.store = store;
    this.actions = actions;
    this.by = "start";
    this.down = true;
    this.page = 0;
    /** @type {string[]} what is listed; none where it is chosen anew */ this.ids = [];
    this.drawn = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */ this.timer = undefined;
  }

  /** Draws, but not more often than people read. @param {boolean} [now] */
  show(now) {
    clearTimeout(this.timer);
    const wait = drawEvery - (performance.now() - this.drawn);
    if (wait > 0 && !now) {
      this.timer = setTimeout(() => { if (!this.host.hidden) this.show(true); }, wait);
      return;
    }
    this.drawn = performance.now();
    this.draw();
  }

  draw() {
    const key = columns.find(([name]) => name === this.by)?.[2] ?? ((q) => q.start);
    const all = [...this.store.groups.values()].map((g) => g.request).filter((q) => q.kind !== "background" && q.updated > this.store.hidden)
      .sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (this.down ? -1 : 1));
    this.page = Math.max(0, Math.min(this.page, Math.ceil(all.length / pageRows) - 1));
    const from = this.page * pageRows;
    const still = this.host.querySelector("tbody")?.matches(":hover, :focus-within"); // nothing moves away from who is about to choose
    const rows = still && this.ids.length ? this.ids.flatMap((id) => all.find((q) => q.id === id) ?? []) : all.slice(from, from + pageRows);
    this.ids = rows.map((q) => q.id);
    const scroll = this.host.scrollTop;
    const focus = this.host.contains(document.activeElement) ? document.activeElement?.id : "";
    const head = columns.map(([name, title, , numeric]) => h(numeric ? "th.num" : "th", { scope: "col", "aria-sort": this.by !== name ? null : this.down ? "descending" : "ascending" },
      h("button.plain", { id: `sort-${name}`, onclick: () => this.sort(name) }, title, this.by === name ? (this.down ? " ↓" : " ↑") : "")));
    fill(this.host, h("header.pagehead", {}, h("h1", {}, "HTTP requests and jobs"), h("span.dim", {}, all.length ? `${count(from + 1)} to ${count(from + rows.length)} of ${count(all.length)}` : ""), this.older(), this.pager(all.length)),
      all.length ? h("div.scroll.pad", { tabindex: "0", role: "region", "aria-label": "Table of HTTP requests" }, h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", { onmouseleave: () => this.show(), onfocusout: () => this.show() }, ...rows.map((q) => this.row(q)))))
        : h("p.note.pad", {}, "No HTTP request has been seen yet. Operations outside of any stand in the live list, under the background."));
    this.host.scrollTop = scroll;
    if (focus) document.getElementById(focus)?.focus();
  }

  /** What the table says of those that are not in it: to sort the others would not find the slowest of all. */
  older() {
    const gap = this.store.gaps().find((g) => g.reason !== "evicted");
    return gap ? h("span.dim", {}, "There are more than these ", h("button.link", { id: "load-older", onclick: () => this.actions.load(gap) }, "Load these")) : null;
  }

  /** @param {number} n */
  pager(n) {
    if (n <= pageRows) return null;
    const turn = (/** @type {number} */ by) => { this.page += by; this.anew(); };
    return h("span.buttons", {}, h("button", { id: "page-newer", disabled: this.page === 0, onclick: () => turn(-1) }, "Previous"), h("button", { id: "page-older", disabled: (this.page + 1) * pageRows >= n, onclick: () => turn(1) }, "Next"));
  }

  /** @param {HTTPRequest} q */
  row(q) {
    const n = (/** @type {any} */ text, kind = "") => h(`td.num${kind}`, {}, text);
    return h("tr", {}, h("td", {}, clock(q.start)), h("td", {}, q.method || q.kind), h("td", {}, h("button.link", { id: `open-${q.id}`, onclick: () => this.actions.open(q.id) }, q.path || q.name)),
      n(q.running ? "running" : String(q.status || ""), q.status >= 500 ? ".bad" : ""), n(duration(q.duration_us)), n(duration(q.ldap_us)), n(`${Math.round((q.ldap_us / Math.max(1, q.duration_us)) * 100)} %`),
      n(count(q.operations)), n(count(q.duplicates), q.duplicates ? ".warn" : ".dim"), n(count(q.similar), q.similar ? "" : ".dim"), n(count(q.errors), q.errors ? ".bad" : ".dim"), n(advice(q.findings, q.severity)), n(bytes(q.bytes_received)));
  }

  /** @param {string} name */
  sort(name) {
    this.down = this.by === name ? !this.down : true;
    this.by = name;
    this.page = 0;
    this.anew();
  }

  anew() {
    this.ids = [];
    this.show(true);
  }
}
