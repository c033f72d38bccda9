// SPDX-License-Identifier: MIT
import { h } from "./dom.js";
import { chosen, columns, fitting, template } from "./columns.js";
import { drawRow, stale } from "./row.js";

const headHeight = 28; // as the style sheet has it
const around = 4; // rows drawn above and below what is in sight, for whoever scrolls
const below = 1; // the same at the top, where nobody scrolls and every operation moves all rows
const mostMade = 5; // elements made in one frame: a screen full of new ones takes a browser as long as three frames
const turns = 2; // frames in which a screen full of other rows is drawn: in one of them a browser would do nothing else for too long

/** @type {Rows} */
const none = { count: 0, at: () => undefined, find: () => -1 };

/**
 * A treegrid that draws only the rows in sight. Rows have one height; the newest are at the top. While it is scrolled
 * away from the top, what is read stays where it is (the chosen row if it is in sight, else the first) and a pill counts what came above.
 */
export class List {
  /**
   * @param {HTMLElement} host
   * @param {{open: (row: Row) => void, toggle: (row: Row) => void, load: (gap: Gap) => void, later: () => void}} actions later: asks to be drawn again in the next frame
   */
  constructor(host, actions) {
    this.actions = actions;
    this.rows = none;
    this.selected = "";
    this.height = 28;
    this.missed = 0;
    this.anchor = { id: "", at: 0 }; // the row that stays, and where it was drawn: the rows themselves change before they are shown
    this.from = 0; // how far it is scrolled
    this.room = 0; // the height of what is in sight; both are kept, since asking the page after a change makes it lay out at once
    this.shown = chosen("");
    this.drawn = /** @type {string[]} */ ([]);
    this.pool = /** @type {HTMLElement[]} */ ([]);
    this.most = 0; // elements that there may be in this frame
    this.left = 0; // rows that it may still draw
    this.next = -1; // the row that the next frame goes on with, where this one left some as they were
    this.frame = /** @type {any} */ (null);
    this.space = h("div.space", { role: "presentation" });
    this.head = h("div.row.head", { role: "row", "aria-rowindex": "1" });
    this.view = h("div.list", { role: "treegrid", "aria-label": "LDAP operations", tabindex: "0", "data-testid": "live-list" }, this.head, this.space);
    this.pill = h("button.pill", { hidden: true, onclick: () => this.top() });
    this.empty = h("div.empty", { "data-testid": "empty" });
    host.append(this.view, this.pill, this.empty);
    this.view.addEventListener("scroll", () => this.follow(), { passive: true });
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
    this.room = this.view.clientHeight;
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
    this.rows = rows;
    this.view.setAttribute("aria-rowcount", String(rows.count + 1));
    this.space.style.height = `${rows.count * this.height}px`;
    if (this.scrolled()) this.stay();
    this.empty.hidden = rows.count > 0;
    if (rows.count === 0 && hint) this.empty.replaceChildren(hint);
    this.draw();
  }

  /** Leaves what is read where it is, and counts what came above it. */
  stay() {
    const at = this.rows.find(this.anchor.id);
    if (at < 0) return;
    this.missed += Math.max(0, at - this.anchor.at);
    this.scroll(this.from + (at - this.anchor.at) * this.height);
  }

  /** Remembers what is to stay: the rows may be others before they are shown the next time. @param {Row[]} rows as they are drawn @param {number} first */
  hold(rows, first) {
    const top = Math.ceil(this.from / this.height);
    const own = first + rows.findIndex((row) => row.id === this.selected);
    const at = own >= Math.max(top, first) && (own + 1) * this.height <= this.from + this.room - headHeight ? own : top;
    this.anchor = { id: rows[at - first]?.id ?? "", at };
  }

  scrolled() {
    return this.from > 4;
  }

  topRow() {
    return Math.floor(this.from / this.height);
  }

  /** @param {number} y */
  scroll(y) {
    if (y === this.from) return;
    this.view.scrollTop = y;
    this.from = this.view.scrollTop;
  }

  /** Draws what has been scrolled into sight. */
  follow() {
    this.from = this.view.scrollTop;
    this.draw();
  }

  top() {
    this.scroll(0);
    this.missed = 0;
    this.draw();
  }

  draw() {
    if (!this.scrolled()) this.missed = 0;
    this.pill.hidden = this.missed === 0;
    if (this.missed) this.pill.textContent = `▲ ${this.missed} new`;
    const first = Math.max(0, this.topRow() - around);
    const last = Math.min(this.rows.count, this.topRow() + Math.ceil(this.room / this.height) + (this.scrolled() ? around : below));
    const wanted = Math.max(last - first, 0);
    this.begin(wanted);
    const n = Math.min(wanted, this.most);
    this.make(n);
    const rows = Array.from({ length: n }, (_, i) => /** @type {Row} */ (this.rows.at(first + i)));
    this.assign(rows);
    this.fill(rows, first);
    this.hold(rows, first);
    if (n < wanted || this.next >= 0) this.actions.later();
  }

  /** Counts anew in each frame what it may do, however often it draws. @param {number} wanted rows */
  begin(wanted) {
    const now = document.timeline.currentTime;
    if (this.frame === now) return;
    this.frame = now;
    this.most = this.pool.length + mostMade;
    this.left = Math.max(mostMade, Math.ceil(wanted / turns));
  }

  /** Draws what this frame may, from where the last one stopped. Beyond that, elements show what they did. @param {Row[]} rows @param {number} first */
  fill(rows, first) {
    const elements = new Map(this.pool.map((el) => [el.dataset.id, el]));
    const from = Math.max(0, this.next);
    let active = "";
    this.next = -1;
    for (let k = 0; k < rows.length; k++) {
      const i = (from + k) % rows.length;
      const el = /** @type {HTMLElement} */ (elements.get(rows[i].id));
      const selected = rows[i].id === this.selected;
      this.place(el, first + i, selected);
      if (selected) active = el.id;
      if (el.hidden) el.hidden = false;
      if (!stale(el, rows[i])) continue;
      if (this.left-- > 0) drawRow(el, rows[i], this.drawn);
      else if (this.next < 0) this.next = i;
    }
    for (const el of this.pool) {
      if (el.hidden || el.dataset.id) continue;
      el.hidden = true;
      el.removeAttribute("data-testid");
      el.dataset.drawn = "";
    }
    if (active) this.view.setAttribute("aria-activedescendant", active);
    else this.view.removeAttribute("aria-activedescendant");
  }

  /** Makes elements until there are so many. @param {number} n */
  make(n) {
    while (this.pool.length < n) {
      const el = h("div.row", { role: "row" });
      el.id = `row-${this.pool.length}`;
      this.pool.push(el);
      this.space.appendChild(el);
    }
  }

  /** Puts an element where a row stands. @param {HTMLElement} el @param {number} at @param {boolean} selected */
  place(el, at, selected) {
    const place = `${at} ${this.height} ${selected}`;
    if (el.dataset.place === place) return;
    el.dataset.place = place;
    el.style.transform = `translateY(${at * this.height}px)`;
    el.setAttribute("aria-rowindex", String(at + 2));
    el.setAttribute("aria-selected", String(selected));
  }

  /** Gives each row an element: the one that shows it already, or one that shows a row of the same type, which has its parts. @param {Row[]} rows */
  assign(rows) {
    const wanted = new Map(rows.map((row) => [row.id, row.type]));
    const free = [];
    for (const el of this.pool) {
      if (!wanted.delete(el.dataset.id ?? "")) free.push(el);
    }
    for (const el of free) el.dataset.id = "";
    free.reverse(); // where all rows are others, each element keeps its place
    for (const [id, type] of wanted) {
      const [el] = free.splice(free.findLastIndex((one) => one.dataset.type === type), 1);
      el.dataset.id = id;
      el.dataset.type = type;
    }
  }

  /** @param {MouseEvent} e */
  click(e) {
    const target = /** @type {HTMLElement} */ (e.target);
    const el = /** @type {HTMLElement|null} */ (target.closest(".row[data-id]"));
    const at = this.rows.find(el?.dataset.id ?? "");
    const row = this.rows.at(at);
    if (!row || getSelection()?.type === "Range") return;
    this.selected = row.id;
    this.anchor = { id: row.id, at }; // what it unfolds comes below it
    if (target.closest(".twist") || row.type === "sum") this.actions.toggle(row);
    else if (row.type === "gap") this.actions.load(row.gap);
    else this.actions.open(row);
    this.draw();
  }

  get current() {
    return this.rows.at(this.rows.find(this.selected));
  }

  /** Moves the selection. @param {number} by @param {(row: Row) => boolean} [fits] only to such rows */
  move(by, fits) {
    let at = this.rows.find(this.selected);
    if (at < 0) at = by > 0 ? -1 : 0;
    do at += by;
    while (fits && at >= 0 && at < this.rows.count && !fits(/** @type {Row} */ (this.rows.at(at))));
    this.select(at);
  }

  /** Moves the selection by what is in sight. @param {number} by */
  page(by) {
    const step = Math.max(1, Math.floor(this.room / this.height) - 2);
    this.select(Math.max(0, Math.min(this.rows.count - 1, this.rows.find(this.selected) + by * step)));
  }

  /** Chooses a row and brings it into sight, in what room there is now; at the top itself it would soon be pushed away. @param {string} id */
  reveal(id) {
    this.fit();
    const at = this.rows.find(id);
    this.select(at);
    if (at > 0 && !this.scrolled()) this.scroll(this.height);
  }

  /** @param {number} at */
  select(at) {
    const row = this.rows.at(at);
    if (!row) return;
    this.selected = row.id;
    const y = at * this.height;
    const room = this.room - headHeight;
    if (y < this.from) this.scroll(y);
    if (y + this.height > this.from + room) this.scroll(y + this.height - room);
    this.draw();
  }
}
