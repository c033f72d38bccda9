// SPDX-License-Identifier: MIT

const types = new Set(["welcome", "backfill", "batch", "gap", "cleared", "stats", "problem"]);

/**
 * The columns of the rows in frames, frozen here and in panel/columns.go, which a test compares. Rows are arrays without
 * the zeros at their end. A column named "x word" holds a place in the frame's list of words, from 1.
 */
export const operationColumns = [
  "seq", "updated", "start", "duration_us", "request word", "kind", "state", "place word", "subject word", "about word",
  "manner word", "shape word", "result word", "entries", "bytes_received", "first_us", "repeat", "step word", "call", "page",
  "inferred",
];
export const requestColumns = [
  "id word", "updated", "kind", "label word", "status", "user word", "start", "duration_us", "running", "operations", "errors",
  "duplicates", "shapes", "entries", "bytes_received", "ldap_us", "dropped", "domains word", "findings", "severity",
  "similar",
];
export const kinds = ["", "bind", "unbind", "search", "modify", "add", "delete", "modify_dn", "compare", "abandon", "extended", "notice"];
export const states = ["running", "done", "error", "abandoned", "timeout"];
export const requestKinds = ["http", "job", "background"];
export const severities = ["", "info", "low", "medium", "high", "critical"];

/**
 * Reads one frame of the live connection; null for what is none.
 * @param {string} data
 * @returns {any}
 */
export function decode(data) {
  let frame;
  try {
    frame = JSON.parse(data);
  } catch {
    return null;
  }
  if (!frame || !types.has(frame.type) || typeof frame.epoch !== "string") return null;
  if (frame.type === "backfill" || frame.type === "batch") {
    if (!Array.isArray(frame.operations) || !Array.isArray(frame.requests) || !Array.isArray(frame.words)) return null;
    const words = frame.words.map(shared);
    frame.operations = frame.operations.map((/** @type {number[]} */ row) => operation(row, frame, words));
    frame.requests = frame.requests.map((/** @type {number[]} */ row) => request(row, frame, words));
    delete frame.words;
  }
  return frame;
}

const noPlace = ["", "", ""];
const noShape = ["", ""];
const noLabel = ["", "", "", ""];

/** @param {number[]} r @param {any} frame @param {any[]} words @returns {Operation} */
function operation(r, frame, words) {
  const word = (/** @type {number} */ i, /** @type {any} */ none = "") => (r[i] ? words[r[i] - 1] : none);
  const place = word(7, noPlace);
  const shape = word(11, noShape);
  const seq = frame.first + (r[0] ?? 0);
  return {
    seq, updated: frame.first + (r[1] ?? 0), start: frame.zero + (r[2] ?? 0), duration_us: r[3] ?? 0, request_id: word(4),
    kind: kinds[r[5]] ?? "", state: states[r[6] ?? 0] ?? "", domain: place[0], server: place[1], conn: place[2],
    subject: word(8), about: word(9), manner: word(10), shape: shape[0], shape_text: shape[1], result: word(12, null),
    entries: r[13] ?? 0, bytes_received: r[14] ?? 0, first_us: r[15] ?? 0, repeat: r[16] ?? 0, step: word(17),
    call: r[19] ? seq - (r[18] ?? 0) : 0, page: r[19] ?? 0, inferred: Boolean(r[20]),
  };
}

/** @param {number[]} r @param {any} frame @param {any[]} words @returns {HTTPRequest} */
function request(r, frame, words) {
  const word = (/** @type {number} */ i, /** @type {any} */ none = "") => (r[i] ? words[r[i] - 1] : none);
  const [method, route, path, name] = word(3, noLabel);
  return {
    id: word(0), updated: frame.first + (r[1] ?? 0), kind: requestKinds[r[2] ?? 0] ?? "", method, route, path, name, status: r[4] ?? 0,
    user: word(5), start: frame.zero + (r[6] ?? 0), duration_us: r[7] ?? 0, running: Boolean(r[8]), operations: r[9] ?? 0, errors: r[10] ?? 0,
    duplicates: r[11] ?? 0, shapes: r[12] ?? 0, entries: r[13] ?? 0, bytes_received: r[14] ?? 0, ldap_us: r[15] ?? 0, dropped: r[16] ?? 0,
    domains: word(17, []), findings: r[18] ?? 0, severity: severities[r[19] ?? 0] ?? "", similar: r[20] ?? 0,
  };
}

/** Words that came before, so that equal ones of different frames take memory once. */
const texts = new Map();
const groups = new Map();
const mostSeen = 20_000;

/** @param {any} word a text, or a group of texts */
function shared(word) {
  const seen = typeof word === "string" ? texts : groups;
  const key = typeof word === "string" ? word : JSON.stringify(word);
  let value = seen.get(key);
  if (value === undefined) {
    // Results are told from other groups by their first part, a number.
    value = typeof word[0] === "number" ? Object.freeze({ code: word[0], name: word[1], error: word[2], sub_code: word[3], hint: word[4] }) : word;
    if (seen.size >= mostSeen) seen.clear();
    seen.set(key, value);
  }
  return value;
}

/** An operation as the API tells it, as a row of the list. @param {any} op @returns {Operation} */
export function fromAPI(op) {
  return {
    seq: op.seq, updated: op.updated, start: micros(op.start), duration_us: op.duration_us, request_id: op.request_id, kind: op.kind, state: op.state,
    domain: op.domain, server: op.server, conn: op.conn, subject: op.subject, about: op.about ?? "", manner: op.manner ?? "", shape: op.shape ?? "",
    shape_text: op.shape_text ?? "", result: op.result, entries: op.entries, bytes_received: op.bytes_received, first_us: op.timing.first_us,
    repeat: op.repeat ?? 0, step: op.step ?? "", call: op.call ? Number(op.call.id) : 0, page: op.call?.n ?? 0, inferred: Boolean(op.inferred),
  };
}

/** A time of the API in microseconds since 1970. @param {string} iso */
export function micros(iso) {
  const digits = /\.\d{3}(\d{3})/.exec(iso);
  return Date.parse(iso) * 1000 + (digits ? Number(digits[1]) : 0);
}
