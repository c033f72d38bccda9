// SPDX-License-Identifier: MIT

/**
 * What was made of the operations of a request. Of operation n, seen has the form that is shown and at says where its row stands; pages
 * knows the rows of paged searches by the number of their first page; whole is what their bars are a part of.
 * @typedef {{version: number, open: boolean, whole: number, list: Row[], seen: Operation[], at: number[], step: string, pages: Map<number, number>}} Made
 */

/** Operations up to which all rows are made anew: that takes less than to remember what each was made of. */
const few = 200;

/** @returns {Made} */
const blank = () => ({ version: 0, open: false, whole: 0, list: [], seen: [], at: [], step: "", pages: new Map() });
const forgotten = Object.freeze(blank());

/**
 * The rows of a request: itself, then its operations with their steps, where the pages of a search are one row. They are kept, and what came since
 * is added: everything outside of any HTTP request is one group, whose hundred thousand operations cannot be looked at for each frame.
 * @param {Group} group @param {boolean} open @param {number} [small] @returns {Row[]}
 */
export function rowsOf(group, open, small = few) {
  const made = group.rows;
  if (made?.version === group.version && made.open === open) return made.list;
  const { kind, running, duration_us } = group.request;
  const whole = kind === "background" || running ? 0 : duration_us;
  const next = made?.open === open && made.whole === whole && made.seen.length ? made : blank();
  next.open = open;
  next.whole = whole;
  next.list[0] = { type: "request", id: `q-${group.id}`, group: group.id, request: group.request, past: group.past, open, level: 1 };
  next.version = group.version;
  if (open) follow(next, group);
  if (group.operations.length <= small) {
    const { seen, at, pages } = forgotten;
    Object.assign(next, { seen, at, pages });
  }
  group.rows = next;
  return next.list;
}

/** @param {Made} made @param {Group} group */
function follow(made, group) {
  const { operations } = group;
  const { seen, list, at } = made;
  for (let n = 0; n < seen.length; n++) {
    if (seen[n] === operations[n]) continue;
    if (alike(seen[n], operations[n])) list[at[n]] = single((seen[n] = operations[n]), list[at[n]].level, group.past, made.whole);
    else forget(made, n);
  }
  for (let n = seen.length; n < operations.length; n++) add(made, group, n);
}

/** Whether one form of an operation stands where the other does. @param {Operation} was @param {Operation|undefined} is */
function alike(was, is) {
  return was.seq === is?.seq && was.step === is.step && !was.page && !is.page;
}

/** Forgets the rows from operation n on; all of them where some are of several operations. @param {Made} made @param {number} n */
function forget(made, n) {
  const from = made.pages.size ? 0 : n;
  made.pages.clear();
  made.step = from ? made.seen[from - 1].step : "";
  made.list.length = from ? made.at[from - 1] + 1 : 1;
  made.seen.length = made.at.length = from;
}

/** @param {Made} made @param {Group} group @param {number} n */
function add(made, group, n) {
  const { list, seen, at, pages, whole } = made;
  const op = group.operations[n];
  seen.push(op);
  const first = op.page > 1 ? pages.get(op.call) : undefined;
  if (first !== undefined) {
    const row = /** @type {OperationRow} */ (list[first]);
    list[first] = { ...row, op: page(row.op, op), pages: row.pages + 1 };
    at.push(first);
    return;
  }
  if (op.step !== made.step) {
    made.step = op.step;
    if (op.step) list.push({ type: "step", id: `s-${group.id} ${op.seq}`, name: op.step, level: 2 });
  }
  if (op.page) pages.set(op.call, list.length);
  at.push(list.length);
  list.push(single(op, op.step ? 3 : 2, group.past, whole));
}

/** @param {Operation} op @param {number} level @param {boolean} past @param {number} [whole] time of its HTTP request, as soon as that has ended @returns {OperationRow} */
export function single(op, level, past, whole = 0) {
  return { type: "operation", id: past ? `p-${op.seq}` : `o-${op.seq}`, op, level, pages: 1, past, whole };
}

/** The pages of a search as one: sums, the newest result, the first page's name. @param {Operation} first @param {Operation} next @returns {Operation} */
function page(first, next) {
  return {
    ...first, entries: first.entries + next.entries, bytes_received: first.bytes_received + next.bytes_received,
    duration_us: first.duration_us + next.duration_us, result: next.result, state: next.state,
  };
}
