// SPDX-License-Identifier: MIT
import { h } from "./dom.js";
import { chosen, columns, fitting, template } from "./columns.js";
import { drawRow } from "./row.js";


/** @type {Rows} */
const none = { count: 0, at: () => undefined, find: () => -1 };

/**
 * A treegrid that draws only the rows in sight. Rows have one height; the newest are at the top. While it is scrolled
 * away from the top, what is read stays where it is and a pill counts what came.
 */
export class List {
  /**
   * @param {HTMLElement} host
   * @param {{open: (row: Row) => void, toggle: (row: Row) => void, load: (row: Row) => void}} actions
   */
  constructor(host, actions) {
    this.actions = actions;
    this.rows = none;
    this.selected = "";
    this.height = 28;
    this.missed = 0;
    this.shown = chosen("");
    this.drawn = /** @type {string[]} */ ([]);
    this.pool = /** @type {HTMLElement[]} */ ([]);
    this.space = h("div.space", { role: "presentation" });
    this.head = h("div.row.head", { role: "row", "aria-rowindex": "1" });
    this.view = h("div.list", { role: "treegrid", "aria-label": "LDAP operations", tabindex: "0", "data-testid": "live-list" }, this.head, this.space);
    this.pill = h("button.pill", { hidden: true, onclick: () => this.top() });
    this.empty = h("div.empty", { "data-testid": "empty" });
    host.append(this.view, this.pill, this.empty);
    this.view.addEventListener("scroll", () => this.draw(), { passive: true });
    this.view.addEventListener("click", (e) => this.click(e));
    new ResizeObserver(() => this.fit()).observe(this.view);
    this.columns("");
  }

  /** Shows the columns that the address asks for. @param {string} text */
  columns(text) {
    this.shown = chosen(text);
    this.fit();
  }

  /** Shows as many of them as there is room for. */
  fit() {
    const width = this.view.clientWidth;
    const ids = fitting(this.shown, width);
    this.view.style.setProperty("--columns", template(ids, width));
    if (ids.join() !== this.drawn.join()) {
      this.drawn = ids;
      this.head.replaceChildren(...columns.filter((c) => ids.includes(c.id)).map((c) => h(`span.cell.${c.id}`, { role: "columnheader" }, c.title)));
      for (const el of this.pool) el.dataset.drawn = "";
    }
    this.draw();
  }

  /** @param {Rows} rows @param {Node} [hint] what to say when there are none */
  show(rows, hint) {
    const anchor = this.scrolled() ? this.rows.at(this.topRow()) : undefined;
    const offset = this.view.scrollTop - this.topRow() * this.height;
    const before = this.rows.count;
    this.rows = rows;
    this.view.setAttribute("aria-rowcount", String(rows.count + 1));
    this.space.style.height = `${rows.count * this.height}px`;
    if (anchor) {
      const at = rows.find(anchor.id);
      if (at >= 0) this.view.scrollTop = at * this.height + offset;
      this.missed += Math.max(0, rows.count - before);
    } else this.missed = 0;
    this.empty.hidden = rows.count > 0;
    if (rows.count === 0 && hint) this.empty.replaceChildren(hint);
    this.draw();
  }

  scrolled() {
    return this.view.scrollTop > 4;
  }

  topRow() {
    return Math.floor(this.view.scrollTop / this.height);
  }

  top() {
    this.view.scrollTop = 0;
    this.missed = 0;
    this.draw();
  }

  draw() {
    if (!this.scrolled()) this.missed = 0;
    this.pill.hidden = this.missed === 0;
    this.pill.textContent = `▲ ${this.missed} new`;
    const first = Math.max(0, this.topRow() - 4);
    const visible = Math.ceil(this.view.clientHeight / this.height) + 8;
    const last = Math.min(this.rows.count, first + visible);
    while (this.pool.length < last - first) {
      const el = h("div.row", { role: "row" });
      el.id = `row-${this.pool.length}`;
      this.pool.push(el);
      this.space.appendChild(el);
    }
    const rows = Array.from({ length: last - first }, (_, i) => /** @type {Row} */ (this.rows.at(first + i)));
    this.assign(rows);
    let active = "";
    for (const el of this.pool) {
      const i = rows.findIndex((row) => row.id === el.dataset.id);
      if (el.hidden !== i < 0) el.hidden = i < 0;
      if (i < 0) {
        el.removeAttribute("data-testid");
        el.dataset.drawn = "";
        continue;
      }
      el.style.transform = `translateY(${(first + i) * this.height}px)`;
      el.setAttribute("aria-rowindex", String(first + i + 2));
      const selected = rows[i].id === this.selected;
      el.setAttribute("aria-selected", String(selected));
      if (selected) active = el.id;
      drawRow(el, rows[i], this.drawn);
    }
    if (active) this.view.setAttribute("aria-activedescendant", active);
    else this.view.removeAttribute("aria-activedescendant");
  }

  /** Gives each row an element, the one that shows it already where there is one. @param {Row[]} rows */
  assign(rows) {
    const wanted = new Set(rows.map((row) => row.id));
    const free = [];
    for (const el of this.pool) {
      if (!wanted.delete(el.dataset.id ?? "")) free.push(el);
    }
    for (const el of free) el.dataset.id = "";
    for (const id of wanted) /** @type {HTMLElement} */ (free.pop()).dataset.id = id;
  }

  /** @param {MouseEvent} e */
  click(e) {
    const target = /** @type {HTMLElement} */ (e.target);
    const el = /** @type {HTMLElement|null} */ (target.closest(".row[data-id]"));
    const row = el && this.rows.at(this.rows.find(el.dataset.id ?? ""));
    if (!row || getSelection()?.type === "Range") return;
    this.selected = row.id;
    if (target.closest(".twist") || row.type === "sum") this.actions.toggle(row);
    else if (row.type === "gap") this.actions.load(row);
    else this.actions.open(row);
    this.draw();
  }

  get current() {
    return this.rows.at(this.rows.find(this.selected));
  }

  /** Moves the selection. @param {number} by @param {string} [type] only to rows of this type */
  move(by, type) {
    let at = this.rows.find(this.selected);
    if (at < 0) at = by > 0 ? -1 : 0;
    do at += by;
    while (type && at >= 0 && at < this.rows.count && this.rows.at(at)?.type !== type);
    const row = this.rows.at(at);
    if (!row) return;
    this.selected = row.id;
    const y = at * this.height;
    const room = this.view.clientHeight - this.head.offsetHeight;
    if (y < this.view.scrollTop) this.view.scrollTop = y;
    if (y + this.height > this.view.scrollTop + room) this.view.scrollTop = y + this.height - room;
    this.draw();
  }
}
