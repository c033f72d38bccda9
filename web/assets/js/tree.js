// SPDX-License-Identifier: MIT
import { rowsOf, single } from "./grouprows.js";

/** The ways to group operations. @type {Record<string, string>} */
export const groupings = { request: "By HTTP request", flat: "Flat", shape: "By shape", conn: "By connection" };

const mostShown = 500; // operations of one sum

/** The rows of the list, made only where somebody looks. What does not change is not made again. */
export class Tree {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.by = "request";
    this.unfolded = new Set(["request"]); // groupings whose heads are open at first
    this.flipped = /** @type {Set<string>} */ (new Set()); // heads that are otherwise
    /** @type {Item[]} */ this.items = [];
    /** @type {Sum[]} */ this.sums = [];
    /** @type {Operation[]} */ this.flat = [];
    /** @type {Gap[]} what is not listed; by HTTP request it stands where it belongs, else at the end */ this.gaps = [];
    this.ends = /** @type {number[]} */ ([]); // number of rows up to and with each item
    this.count = 0;
    this.version = -1;
  }

  /** Follows the store. */
  refresh() {
    this.ends.length = 0;
    this.count = 0;
    this.gaps = this.by === "request" ? [] : this.store.gaps();
    if (this.by === "flat") {
      this.flat = this.store.hidden ? this.store.sequence.filter((op) => op.updated > this.store.hidden) : this.store.sequence;
      this.count = this.flat.length;
    } else if (this.by === "request") {
      this.items = this.store.visible().reverse();
      for (const item of this.items) this.ends.push((this.count += item.type === "group" ? rowsOf(item, this.open(item.id)).length : 1));
    } else {
      if (this.version !== this.store.version) this.sums = sum(this.store, this.by);
      this.version = this.store.version;
      for (const s of this.sums) this.ends.push((this.count += 1 + (this.open(s.id) ? Math.min(s.operations.length, mostShown) : 0)));
    }
    this.count += this.gaps.length;
    return this;
  }

  /** @param {number} i @returns {Row|undefined} */
  at(i) {
    if (i < 0 || i >= this.count) return undefined;
    const gap = this.gaps[i - this.count + this.gaps.length];
    if (gap) return missing(gap);
    if (this.by === "flat") return single(this.flat[this.flat.length - 1 - i], 1, false);
    const at = upper(this.ends, i);
    const within = i - (at ? this.ends[at - 1] : 0);
    if (this.by === "request") return this.rowOf(this.items[at], within);
    const s = this.sums[at];
    return within === 0 ? { type: "sum", id: s.id, sum: s, open: this.open(s.id), level: 1 } : single(s.operations[s.operations.length - within], 2, false);
  }

  /** @param {Item} item @param {number} within @returns {Row} */
  rowOf(item, within) {
    if (item.type === "gap") return missing(item);
    if (item.type === "restart") return { type: "restart", id: item.id, at: item.at, level: 1 };
    return rowsOf(item, this.open(item.id))[within];
  }

  /** Where a row stands, or -1. @param {string} id */
  find(id) {
    const gap = this.gaps.findIndex((g) => g.id === id);
    if (gap >= 0) return this.count - this.gaps.length + gap;
    if (this.by === "flat") return id.startsWith("o-") ? this.flat.length - 1 - place(this.flat, Number(id.slice(2))) : -1;
    if (this.by !== "request") {
      const at = this.sums.findIndex((s) => s.id === id);
      return at < 0 ? this.scan(id) : this.ends[at] - 1 - (this.open(id) ? Math.min(this.sums[at].operations.length, mostShown) : 0);
    }
    const owner = id.startsWith("o-") ? this.store.operations.get(Number(id.slice(2)))?.request_id : id.slice(2).replace(/ \d+$/, "");
    const item = this.store.groups.get(owner ?? "");
    const at = this.items.findIndex((other) => other === item || other.id === id);
    if (at < 0) return -1;
    const within = item ? rowsOf(item, this.open(item.id)).findIndex((row) => row.id === id) : 0;
    return within < 0 ? -1 : (at ? this.ends[at - 1] : 0) + within;
  }

  /** @param {string} id */
  scan(id) {
    for (let i = 0; i < this.count; i++) if (this.at(i)?.id === id) return i;
    return -1;
  }

  /** Makes sure that there is a row for an operation, and names it: "" where the operation is not here. @param {number} seq */
  unfold(seq) {
    const op = this.store.operations.get(seq);
    if (!op) return "";
    const s = this.by === "shape" || this.by === "conn" ? this.sums.find((one) => one.operations.includes(op)) : undefined;
    if (s && !this.open(s.id)) this.flip(s.id);
    const paged = this.by === "request" && op.page > 1 ? this.store.groups.get(op.request_id)?.operations.find((o) => o.page && o.call === op.call) : undefined; // stands for all its pages
    return `o-${(paged ?? op).seq}`;
  }

  /** Folds or unfolds. @param {Row} row @param {boolean} [open] */
  toggle(row, open) {
    if (row.type !== "request" && row.type !== "sum") return false;
    if (open === row.open) return false;
    this.flip(row.type === "request" ? row.group : row.id);
    return true;
  }

  /** @param {string} id */
  flip(id) {
    if (!this.flipped.delete(id)) this.flipped.add(id);
  }

  /** Whether a head shows what is below it. @param {string} id */
  open(id) {
    return this.flipped.has(id) !== this.unfolded.has(this.by);
  }

  /** Folds or unfolds everything, and what is still to come. @param {boolean} open */
  all(open) {
    this.flipped.clear();
    if (open) this.unfolded.add(this.by);
    else this.unfolded.delete(this.by);
  }

  /** All rows as they are now, for a view that is to stand still. @returns {Rows} */
  frozen() {
    const rows = Array.from({ length: this.count }, (_, i) => /** @type {Row} */ (this.at(i)));
    return { count: rows.length, at: (i) => rows[i], find: (id) => rows.findIndex((row) => row.id === id) };
  }
}

/** The row of what is not listed. @param {Gap} gap @returns {Row} */
function missing(gap) {
  return { type: "gap", id: gap.id, gap, level: 1 };
}

/** Sums by shape or by connection, in the order in which they came first. @param {import("./store.js").Store} store @param {string} by @returns {Sum[]} */
function sum(store, by) {
  /** @type {Map<string, Sum>} */
  const sums = new Map();
  for (const op of store.sequence) {
    if (op.updated <= store.hidden) continue;
    const key = by === "shape" ? op.shape || op.kind : `${op.domain} ${op.conn}`;
    let s = sums.get(key);
    if (!s) {
      const title = by === "shape" ? op.shape_text || op.kind.replace("_", " ") : `connection ${op.conn} of ${op.domain || "no domain"}, ${op.server}`;
      sums.set(key, (s = { id: `${by}-${key}`, kind: by === "shape" ? "shape" : "conn", key, title, operations: [], total: 0, longest: 0, errors: 0, entries: 0, bytes: 0, repeats: 0 }));
    }
    s.operations.push(op);
    s.total += op.duration_us;
    s.longest = Math.max(s.longest, op.duration_us);
    s.errors += op.result?.error ? 1 : 0;
    s.entries += op.entries;
    s.bytes += op.bytes_received;
    s.repeats += op.repeat ? 1 : 0;
  }
  return [...sums.values()];
}

/** The first place whose number is above i. @param {number[]} ends @param {number} i */
function upper(ends, i) {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > i) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Where an operation stands in a list by seq. @param {Operation[]} list @param {number} seq */
function place(list, seq) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return list[low]?.seq === seq ? low : list.length;
}
