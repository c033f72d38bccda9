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
        if (frame.more) this.older(frame.from);
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
    const at = this.now();
    this.items.push({ type: "restart", id: `restart ${this.epoch}`, at, start: this.items.at(-1)?.start ?? at }); // before all that the program did since
  }

  /** @param {Operation[]} operations @param {HTTPRequest[]} requests */
  rows(operations, requests) {
    for (const q of requests) this.request(q);
    /** @type {Map<number, Operation>} */
    const late = new Map();
    for (const op of operations) if (this.operation(op) && !append(this.sequence, op)) late.set(op.seq, op);
    if (late.size) weave(this.sequence, [...late.values()]);
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

  /** Knows an operation, and answers whether that is news. @param {Operation} op */
  operation(op) {
    const known = this.operations.get(op.seq);
    if (known && known.updated > op.updated) return false;
    this.operations.set(op.seq, op);
    const group = this.groups.get(op.request_id);
    if (group) {
      put(group.operations, op);
      group.version++;
      return true;
    }
    let list = this.orphans.get(op.request_id);
    if (!list) this.orphans.set(op.request_id, (list = []));
    put(list, op);
    return true;
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

  /** Operations up to a change are there and not listed: a gap below all that is. @param {number} to */
  older(to) {
    this.items.push({ type: "gap", id: "gap-older", start: this.items.at(-1)?.start ?? 0, from: 1, to, reason: "older", left: 0 });
  }

  /**
   * What a gap left out has been fetched up to a change, and the gap goes on behind it. The answer is false when nobody shows the gap any more.
   * @param {string} id @param {Operation[]} operations @param {HTTPRequest[]} requests @param {number} [to]
   */
  fill(id, operations, requests, to = Infinity) {
    const gap = this.items.find((item) => item.id === id);
    if (gap?.type !== "gap") return false;
    gap.left = Math.max(0, gap.left - operations.filter((op) => !this.operations.has(op.seq)).length);
    gap.from = Math.max(gap.from, to + 1); // it may be fetched twice at the same time
    if (gap.from > gap.to) this.items = this.items.filter((item) => item !== gap);
    this.rows(operations, requests);
    this.changed();
    return true;
  }

  /** Forgets whole requests, the oldest first, and some more than needed, so that it is not done for each frame. */
  bound() {
    if (this.operations.size <= this.limit) return;
    const until = Math.floor(this.limit * 0.98);
    let n = 0;
    let newest = 0;
    while (n < this.items.length - 1 && this.operations.size > until) {
      const item = this.items[n++];
      if (item.type === "group") newest = Math.max(newest, this.drop(item));
    }
    this.items.splice(0, n);
    this.prune(newest);
  }

  /** Forgets the operations of a request, and answers with the number of the newest. @param {Group} group */
  drop(group) {
    if (group.past) return 0;
    for (const op of group.operations) this.operations.delete(op.seq);
    this.groups.delete(group.id);
    return group.operations.at(-1)?.seq ?? 0;
  }

  /** Takes out of the sequence what was dropped. Behind the newest of that nobody needs to look. @param {number} [newest] */
  prune(newest = Infinity) {
    const kept = [];
    let i = 0;
    for (; i < this.sequence.length && this.sequence[i].seq <= newest; i++) if (this.operations.has(this.sequence[i].seq)) kept.push(this.sequence[i]);
    this.sequence = kept.concat(this.sequence.slice(i));
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
    return this.items.filter((item) => item.type === "gap" ? item.to > this.hidden : item.type === "restart" || item.past || item.request.updated > this.hidden);
  }

  /** What is not in the view, the newest first. */
  gaps() {
    return this.items.filter((item) => item.type === "gap").filter((gap) => gap.to > this.hidden).reverse();
  }
}

/** Where an operation stands in a list by seq, or would stand. @param {Operation[]} list @param {number} seq */
function place(list, seq) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts an operation behind all others, or over an older form of itself; false where it belongs between others. @param {Operation[]} list @param {Operation} op */
function append(list, op) {
  if (list.length === 0 || list[list.length - 1].seq < op.seq) {
    list.push(op);
    return true;
  }
  const at = place(list, op.seq);
  if (list[at].seq !== op.seq) return false;
  list[at] = op;
  return true;
}

/** Puts an operation in its place by seq, over an older form of itself. @param {Operation[]} list @param {Operation} op */
function put(list, op) {
  if (!append(list, op)) list.splice(place(list, op.seq), 0, op);
}

/** Puts operations between those of a list by seq: what stands behind the first of them is moved once, and not for each. @param {Operation[]} list @param {Operation[]} late */
function weave(list, late) {
  late.sort((a, b) => a.seq - b.seq);
  const behind = list.splice(place(list, late[0].seq));
  let n = 0;
  for (const op of behind) {
    while (n < late.length && late[n].seq < op.seq) list.push(late[n++]);
    list.push(op);
  }
  while (n < late.length) list.push(late[n++]);
}
