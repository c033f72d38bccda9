// SPDX-License-Identifier: MIT

/**
 * A duration with three digits and its unit.
 * @param {number} us microseconds
 * @returns {string}
 */
export function duration(us) {
  if (us < 0) return `−${duration(-us)}`; // what was waited for before an HTTP request began
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 999_500) return `${three(us / 1000)} ms`;
  if (us < 60_000_000) return `${three(us / 1_000_000)} s`;
  const s = Math.round(us / 1_000_000);
  const m = Math.floor(s / 60);
  return m < 60 ? `${m} min ${s % 60} s` : `${Math.floor(m / 60)} h ${m % 60} min`;
}

/** @param {number} n */
function three(n) {
  return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

/** Bytes in decimal units. @param {number|string} size */
export function bytes(size) {
  let n = Number(size);
  if (n < 1000) return `${n} B`;
  for (const unit of ["kB", "MB", "GB", "TB", "PB"]) {
    n /= 1000;
    if (n < 999.5 || unit === "PB") return `${three(n)} ${unit}`;
  }
  return "";
}

/** A count with thin groups of three; strings are counters beyond JavaScript's exact numbers. @param {number|string} n */
export function count(n) {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** Time of day with milliseconds. @param {string|number|null|undefined} time as the API writes it, or microseconds since 1970 */
export function clock(time) {
  if (!time) return "";
  const d = new Date(typeof time === "number" ? time / 1000 : time);
  const p = (/** @type {number} */ n, w = 2) => String(n).padStart(w, "0");
  return `${p(d.getHours())}:${p(d.getMinutes())}:${p(d.getSeconds())}.${p(d.getMilliseconds(), 3)}`;
}

/** A number where there is room for little. @param {number} n */
export function short(n) {
  return n < 1000 ? String(n) : `${Math.floor(n / 1000)}k`;
}

/** Date and time. @param {string|null|undefined} iso */
export function moment(iso) {
  if (!iso) return "–";
  const d = new Date(iso);
  const p = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${d.getFullYear()}-${p(d.getMonth() + 1)}-${p(d.getDate())} ${p(d.getHours())}:${p(d.getMinutes())}:${p(d.getSeconds())}`;
}

/**
 * Shortens a DN in the middle: its first part and its end matter most.
 * @param {string} dn
 * @param {number} most characters
 */
export function elide(dn, most) {
  if (dn.length <= most) return dn;
  const tail = Math.floor((most - 1) / 3);
  return `${dn.slice(0, most - 1 - tail)}…${dn.slice(-tail)}`;
}

/** The three letters of an operation's kind. @type {Record<string, string>} */
export const codes = {
  search: "SRCH", bind: "BIND", modify: "MOD", add: "ADD", delete: "DEL", modify_dn: "MDN", compare: "CMP", extended: "EXT",
  abandon: "ABD", unbind: "UNB", notice: "NOTE",
};

/** A value as text. @param {any} v */
export function value(v) {
  if (!v) return "";
  if (v.encoding === "base64") return v.decoded || `(${Math.floor((v.text.length * 3) / 4)} bytes)`;
  return v.text;
}

/** The result in words. @param {any} op */
export function result(op) {
  if (op.state === "running") return "running";
  const r = op.result;
  if (!r) return "";
  if (r.code < 0) return op.kind === "unbind" || op.kind === "abandon" || op.kind === "notice" ? (r.error || "sent") : r.error || "no answer";
  return r.code === 0 ? "success" : `${r.code}${r.sub_code ? `/${r.sub_code}` : ""} ${r.name}`;
}

/** Whether an operation failed. @param {any} op */
export function failed(op) {
  return Boolean(op.result?.error);
}

/** What the program says in a few words, as a sentence of a page begins. @param {string} text */
export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A number with its noun. @param {number} n @param {string} noun */
export function plural(n, noun) {
  return n === 1 ? `1 ${noun}` : `${count(n)} ${/[^aeo]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}
