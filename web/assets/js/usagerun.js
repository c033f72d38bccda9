// SPDX-License-Identifier: MIT
import { h, ask } from "./dom.js";
import { chart } from "./charts.js";
import { bytes, count, duration, moment } from "./format.js";
import { groups, list, numbers, shapeTable } from "./domains.js";

/** What each group of counters says, in a line. @type {Record<string, string>} */
const meanings = {
  General: "which program used which domain", Time: "when, by the clock of its host", Server: "servers and sockets", Bytes: "what went over the wire", Messages: "LDAP messages, entries and pages",
  Operations: "by kind", Referrals: "which servers named others", "Restartable tries": "retries, and what went wrong",
};

/** @param {string} text how to go back */
const crumb = (/** @type {() => void} */ back, text = "Usage history") => h("button.link", { onclick: back }, text);

/** One run whole. @param {string} id @param {() => void} back @param {() => void} forget */
export async function whole(id, back, forget) {
  const { run, domains, series } = await ask(`runs/${encodeURIComponent(id)}`);
  return [h("header.pagehead", {}, crumb(back), h("h1", {}, `${run.app} on ${run.host}`), h("span.dim", {}, `process ${run.pid} · ${moment(run.start)} to ${run.end ? moment(run.end) : "now"} · ${run.ended}`),
    h("span.buttons", {}, run.ended === "running" ? null : h("button", { onclick: forget }, "Delete this run"))),
  ...domains.map((/** @type {any} */ d) => h("section.card", { "data-testid": "run-domain" }, h("h2", {}, d.name), overTime(series.filter((/** @type {any} */ p) => p.domain === d.name)),
    h("div.counters", {}, ...eight(run, d).map(([title, rows]) => list(title, rows, meanings[title]))), shapeTable(d.shapes)))];
}

/** The counters of a run in eight groups, as administrators know them. @param {any} run @param {any} d @returns {[string, string[][]][]} */
function eight(run, d) {
  const t = d.times;
  const of = (/** @type {string} */ name) => numbers(d, groups[name]);
  return [["General", [["Run", run.run.slice(0, 8)], ["Program", [run.app, run.version].filter(Boolean).join(" ")], ["Host, process", `${run.host}, ${run.pid}`], ["Ended", run.ended]]],
    ["Time", [["Elapsed", duration(d.elapsed_us)], ["First socket", moment(t.initial_connection_start_time)], ["Newest socket", moment(t.open_socket_start_time)],
      ["Last socket closed", t.connection_stop_time ? moment(t.connection_stop_time) : "still open"], ["Last sent", moment(t.last_transmitted_time)], ["Last received", moment(t.last_received_time)]]],
    ["Server", [["Server", d.server], ...of("Sockets")]], ["Bytes", of("Bytes")], ["Messages", of("Messages")], ["Operations", of("Operations")], ["Referrals", of("Referrals")],
    ["Restartable tries", [...of("Restartable tries"), ...of("Trouble")]]];
}

/** @param {any[]} points */
function overTime(points) {
  if (points.length < 3) return null;
  const span = `${moment(points[0].at)} to ${moment(points.at(-1).at)}`;
  return h("div.sparks", {}, chart("Operations", points.map((p) => Number(p.operations)), count, span), chart("Errors", points.map((p) => Number(p.errors)), count, span), chart("Received", points.map((p) => Number(p.bytes_received)), bytes, span));
}

/** Runs side by side. @param {string} ids @param {() => void} back */
export async function compared(ids, back) {
  const { runs, domains } = await ask(`compare?runs=${encodeURIComponent(ids)}`);
  const letter = (/** @type {number} */ i) => String.fromCharCode(65 + i);
  return [h("header.pagehead", {}, crumb(back), h("h1", {}, `${runs.length} runs compared`), h("span.dim", {}, "change of the last against the first; what chance explains is dim")),
    h("div.pad.scroll", {}, h("table", {}, h("tbody", {}, ...runs.map((/** @type {any} */ r, /** @type {number} */ i) => h("tr", {}, h("th", { scope: "row" }, letter(i)), h("td", {}, moment(r.start)), h("td", {}, `${r.app} ${r.version}`), h("td.dim", {}, `${r.host}, ${r.pid}`), h("td", {}, i === 0 ? "baseline" : r.ended)))))),
    ...domains.map((/** @type {any} */ d) => h("section.card", { "data-testid": "compared" }, h("h2", {}, d.domain), differences("Counters", d.counters, runs.length, (name, n) => (name.startsWith("bytes") ? bytes(n) : name.endsWith("_us") ? duration(n) : count(n))),
      differences("Latency", d.latency, runs.length, (_, n) => duration(n)), differences("Searches", d.shapes, runs.length, (_, n) => count(n))))];

  /** @param {string} title @param {any[]} rows @param {number} n @param {(name: string, n: number) => string} format */
  function differences(title, rows, n, format) {
    if (!rows.length) return null;
    const notable = rows.toSorted((a, b) => Number(b.notable) - Number(a.notable)).slice(0, 60);
    return h("div.scroll", { tabindex: "0", role: "region", "aria-label": title }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, title), ...Array.from({ length: n }, (_, i) => h("th.num", { scope: "col" }, letter(i))), h("th.num", { scope: "col" }, "Change"))),
      h("tbody", {}, ...notable.map((d) => h(d.notable ? "tr" : "tr.dim", {}, h("td", {}, d.text ? h("code", {}, d.text) : d.name.replace(/_us$/, "").replaceAll(/[._]/g, " ")), ...d.values.map((/** @type {number} */ v) => h("td.num", {}, format(d.name, v))), h(d.notable ? "td.num.warn" : "td.num", {}, change(d)))))));
  }
}

/** @param {any} d */
function change(d) {
  if (d.values[0] === 0) return d.values.at(-1) ? "new" : "";
  return `${d.change > 0 ? "+" : ""}${(d.change * 100).toFixed(d.change > 9 ? 0 : 1)} %`;
}
