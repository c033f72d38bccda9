// SPDX-License-Identifier: MIT

const mostPast = 2000; // operations from before a restart

/** What the browser knows: rows of operations and HTTP requests, in order, bounded. Frames may be applied twice. */
export class Store extends EventTarget {
  constructor(limit = 100_000, now = () => Date.now() * 1000) {
    super();
    this.limit = limit;
    this.now = now;
    this.epoch = "";
    this.last = 0; // the cursor: every change up to here is known
    this.hidden = 0; // what was updated before was cleared by this browser
    this.version = 0;
    /** @type {Map<number, Operation>} by seq */
    this.operations = new Map();
    /** @type {Map<string, Group>} by id */
    this.groups = new Map();
    /** @type {Map<string, Operation[]>} operations whose request is not known yet */
    this.orphans = new Map();
    /** @type {Item[]} by start, the oldest first */
    this.items = [];
    /** @type {Operation[]} by seq */
    this.sequence = [];
  }

  /**
   * Applies a frame. The answer is "resume" when something is missing in between.
   * @param {any} frame
   */
  apply(frame) {
    switch (frame.type) {
      case "welcome":
        if (this.epoch && this.epoch !== frame.epoch) this.restart();
        this.epoch = frame.epoch;
        break;
      case "backfill":
        if (frame.reset) this.forget();
        this.rows(frame.operations, frame.requests);
        this.last = frame.to;
        break;
      case "batch":
        if (frame.epoch !== this.epoch || frame.from > this.last) return "resume";
        this.rows(frame.operations, frame.requests);
        if (frame.left) this.gap(frame.from + 1, frame.to, "skipped", frame.left);
        this.last = Math.max(this.last, frame.to);
        break;
      case "gap":
        this.gap(frame.from, frame.to, frame.reason, 0);
        this.last = Math.max(this.last, frame.to);
        break;
      case "cleared":
        this.clear(frame.seq);
        break;
      default:
        return "";
    }
    this.changed();
    return "";
  }

  changed() {
    this.version++;
    this.dispatchEvent(new Event("change"));
  }

  /** Forgets all but what was made before a restart that this page has just seen. */
  forget() {
    const seam = this.items.findLastIndex((item) => item.type === "restart");
    this.items = seam >= 0 && this.operations.size === 0 ? this.items.slice(0, seam + 1) : [];
    this.operations.clear();
    this.groups.clear();
    this.orphans.clear();
    this.sequence = [];
    this.last = 0;
  }

  /** The application restarted: what was there stays in sight and can no longer be asked for. */
  restart() {
    let left = mostPast;
    const kept = [];
    for (const item of this.items.toReversed()) {
      if (item.type === "group") {
        left -= item.operations.length;
        if (left < 0) break;
        kept.push({ ...item, id: item.past ? item.id : `${this.epoch} ${item.id}`, past: true, rows: undefined });
      } else if (item.type === "restart") kept.push(item);
    }
    this.operations.clear();
    this.forget();
    this.hidden = 0;
    this.items = kept.reverse();
    this.items.push({ type: "restart", id: `restart ${this.epoch}`, start: this.now() });
  }

  /** @param {Operation[]} operations @param {HTTPRequest[]} requests */
  rows(operations, requests) {
    for (const q of requests) this.request(q);
    for (const op of operations) this.operation(op);
    this.bound();
  }

  /** @param {HTTPRequest} q */
  request(q) {
    let group = this.groups.get(q.id);
    if (group) {
      if (group.request.updated <= q.updated) {
        group.request = q;
        group.version++;
      }
      return;
    }
    group = { type: "group", id: q.id, start: q.start, request: q, operations: this.orphans.get(q.id) ?? [], version: 1, past: false };
    this.orphans.delete(q.id);
    this.groups.set(q.id, group);
    this.insert(group);
  }

  /** Puts an item in its place by start. @param {Item} item */
  insert(item) {
    let i = this.items.length;
    while (i > 0 && this.items[i - 1].start > item.start) i--;
    this.items.splice(i, 0, item);
  }

  /** @param {Operation} op */
  operation(op) {
    const known = this.operations.get(op.seq);
    if (known && known.updated > op.updated) return;
    this.operations.set(op.seq, op);
    put(this.sequence, op);
    const group = this.groups.get(op.request_id);
    if (group) {
      put(group.operations, op);
      group.version++;
      return;
    }
    let list = this.orphans.get(op.request_id);
    if (!list) this.orphans.set(op.request_id, (list = []));
    put(list, op);
  }

  /** @param {number} from @param {number} to @param {string} reason @param {number} left */
  gap(from, to, reason, left) {
    const before = this.items.at(-1);
    if (left && before?.type === "gap" && before.left && before.to + 1 >= from) {
      before.to = to;
      before.left += left;
      return;
    }
    this.insert({ type: "gap", id: `gap-${from}`, start: this.now(), from, to, reason, left });
  }

  /** What a gap left out has been fetched. @param {string} id @param {Operation[]} operations @param {HTTPRequest[]} requests */
  fill(id, operations, requests) {
    this.items = this.items.filter((item) => item.id !== id);
    this.rows(operations, requests);
    this.changed();
  }

  /** Forgets whole requests, the oldest first, and some more than needed, so that it is not done for each frame. */
  bound() {
    if (this.operations.size <= this.limit) return;
    const until = Math.floor(this.limit * 0.95);
    let n = 0;
    while (n < this.items.length - 1 && this.operations.size > until) {
      const item = this.items[n++];
      if (item.type === "group") this.drop(item);
    }
    this.items.splice(0, n);
    this.prune();
  }

  /** @param {Group} group */
  drop(group) {
    if (group.past) return;
    for (const op of group.operations) this.operations.delete(op.seq);
    this.groups.delete(group.id);
  }

  prune() {
    this.sequence = this.sequence.filter((op) => this.operations.has(op.seq));
  }

  /** Forgets what has ended and was updated before seq. @param {number} seq */
  clear(seq) {
    this.items = this.items.filter((item) => {
      if (item.type !== "group") return false;
      const ended = item.past || (item.request.updated <= seq && (!item.request.running || item.request.kind === "background"));
      if (ended) this.drop(item);
      return !ended;
    });
    this.prune();
  }

  /** Groups in the view, the oldest first. */
  visible() {
    return this.items.filter((item) => item.type !== "group" || item.past || item.request.updated > this.hidden);
  }
}

/** Puts an operation in its place by seq, over an older form of itself. @param {Operation[]} list @param {Operation} op */
function put(list, op) {
  let low = 0;
  let high = list.length;
  if (high === 0 || list[high - 1].seq < op.seq) {
    list.push(op);
    return;
  }
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].seq < op.seq) low = middle + 1;
    else high = middle;
  }
  if (list[low]?.seq === op.seq) list[low] = op;
  else list.splice(low, 0, op);
}
