// SPDX-License-Identifier: MIT
import { h, breakable, fill, ask, icon, why } from "./dom.js";
import { chart } from "./charts.js";
import { bytes, count, duration, moment, plural } from "./format.js";

const seconds = 60; // that the charts look back

/** The page of domains: connection facts, pool, and every usage counter. */
export class DomainsPage {
  /** @param {HTMLElement} host @param {import("./store.js").Store} store */
  constructor(host, store) {
    this.host = host;
    this.store = store;
    /** @type {ReturnType<typeof setTimeout>|undefined} */ this.timer = undefined;
  }

  async show() {
    clearTimeout(this.timer);
    try {
      const { domains, export: exporting } = await ask("domains");
      const shut = new Set([...this.host.querySelectorAll("details:not([open])")].map((d) => d.id));
      fill(this.host, h("header.pagehead", {}, h("h1", {}, "Domains")), ...domains.map((/** @type {any} */ d) => card(d, this.store)),
        domains.length ? null : h("p.note.pad", {}, "No domain has been used yet."), exportCard(exporting));
      for (const id of shut) document.getElementById(id)?.removeAttribute("open");
    } catch (e) {
      document.getElementById("gone")?.remove();
      this.host.prepend(h("p.note.pad", { id: "gone" }, why(e))); // above what is known from before
    }
    this.timer = setTimeout(() => { if (!this.host.hidden && !document.hidden) this.show(); }, 2000);
  }
}

/** @param {any} e */
function exportCard(e) {
  const words = /** @type {Record<string, string>} */ ({
    off: "Traces stay here: no OTEL_EXPORTER_OTLP_ENDPOINT is set.", waiting: "Nothing has been sent yet.",
    sent: `${count(e.spans)} spans sent, the last ${moment(e.last)}.`, failed: "The export fails.",
  });
  return h(e.state === "failed" ? "section.card.bad-card" : "section.card", {},
    h("h2", {}, "Trace export ", h(`span.chip.${e.state === "failed" ? "error" : e.state === "sent" ? "ok" : "plain"}`, {}, e.state)),
    h("p", {}, words[e.state] ?? "", e.endpoint ? h("code", {}, ` ${e.endpoint}`) : null),
    e.last_error ? h("p", {}, h("code", {}, e.last_error)) : null, e.hint ? h("p.warn", {}, e.hint) : null);
}

/** The counters by group, as people read them: key, name, and how it reads. @type {Record<string, [string, string, string?][]>} */
export const groups = {
  Bytes: [["bytes_received", "Received", "size"], ["bytes_transmitted", "Sent", "size"]],
  Messages: [["messages_received", "Messages received"], ["messages_transmitted", "Messages sent"], ["entries", "Entries"], ["references", "References"], ["pages", "Pages"]],
  Sockets: [["servers_from_pool", "Servers from pool"], ["open_sockets", "Opened"], ["closed_sockets", "Closed"], ["wrapped_sockets", "Wrapped in TLS"], ["dial_failures", "Failed to connect"]],
  Operations: [["operations", "All"], ["search_operations", "Search"], ["compare_operations", "Compare"], ["bind_operations", "Bind"], ["unbind_operations", "Unbind"],
    ["abandon_operations", "Abandon"], ["extended_operations", "Extended"], ["add_operations", "Add"], ["delete_operations", "Delete"], ["modify_operations", "Modify"], ["modify_dn_operations", "Modify DN"]],
  Referrals: [["referrals_received", "Received"], ["referrals_followed", "Followed"], ["referrals_connections", "Connections"]],
  "Restartable tries": [["restartable_failures", "Retries failed"], ["restartable_successes", "Retries succeeded"]],
  Trouble: [["errors", "Errors"], ["bind_failures", "Binds refused"], ["abandoned", "Abandoned waits"], ["timeouts", "Timeouts"], ["notices", "Notices"], ["malformed_messages", "Malformed messages"],
    ["pool_waits", "Waits for a connection"], ["pool_wait_us", "Waited", "time"], ["pool_timeouts", "Waits given up"]],
};

/** The rows of some counters. @param {any} d @param {[string, string, string?][]} fields */
export function numbers(d, fields) {
  return fields.map(([key, name, how]) => {
    const n = d.counters[key] ?? 0;
    return [name, how === "size" ? bytes(n) : how === "time" ? duration(Number(n)) : count(n), key, String(n)];
  });
}

/** @param {any} d @param {import("./store.js").Store} store */
function card(d, store) {
  const times = d.times;
  const clocks = [["First socket", times.initial_connection_start_time], ["Newest socket", times.open_socket_start_time], ["Last socket closed", times.connection_stop_time],
    ["Last sent", times.last_transmitted_time], ["Last received", times.last_received_time]];
  const of = (/** @type {string} */ title, /** @type {string[]} */ ...names) => list(title, names.flatMap((name) => numbers(d, groups[name])));
  return h("section.card", { "data-testid": "domain-card" },
    h("h2", {}, d.name, " ", h(`span.chip.${d.state === "up" ? "ok" : d.state === "down" ? "error" : "plain"}`, {}, d.state),
      d.security === "none" ? h("span.chip.warn", { title: "not encrypted" }, icon("unlocked"), "clear text") : d.security ? h("span.chip", {}, icon("lock"), d.security === "start_tls" ? "StartTLS" : d.security.replace("_", " ")) : null,
      h("span.chip", {}, d.read_only ? "read-only" : "may write")),
    d.reason ? h("p.bad", {}, d.reason) : null,
    h("p.dim", {}, [d.server, d.bind && `as ${d.bind}`, d.vendor, d.aliases.length && `also ${d.aliases.join(", ")}`, d.naming_contexts.join("; ")].filter(Boolean).join(" · ")),
    ...d.warnings.map((/** @type {string} */ w) => h("p.warn", {}, w)), sparks(d.name, store),
    h("div.counters", {}, list("Connections", [["Elapsed", duration(d.elapsed_us)], ...clocks.map(([name, t]) => /** @type {[string, string]} */ ([name, name === "Last socket closed" && !t ? "still open" : moment(t)]))]),
      d.pool ? list("Pool", [["In use", `${d.pool.in_use} of ${d.pool.max}`], ["Idle", String(d.pool.idle)], ["Waiting", String(d.pool.waiting)],
        ["Opened", count(d.pool.opened)], ["Closed", count(d.pool.closed)]]) : null,
      of("Traffic", "Bytes", "Messages"), of("Operations", "Operations"), of("Sockets", "Sockets"), of("Trouble", "Trouble"), of("Referrals and retries", "Referrals", "Restartable tries"),
      d.codes.length ? list("Result codes", d.codes.slice(0, 10).map((/** @type {any} */ c) => [`${c.code} ${c.name}`, count(c.count)])) : null),
    servers(d), faults(d), latency(d), shapes(d));
}

/** What happened in the last minute, as far as this page has seen it. @param {string} domain @param {import("./store.js").Store} store */
function sparks(domain, store) {
  const now = Math.floor(store.now() / 1e6);
  const rows = Array.from({ length: seconds }, () => ({ n: 0, errors: 0, time: 0 }));
  for (let i = store.sequence.length - 1; i >= 0; i--) {
    const op = store.sequence[i];
    const row = rows[seconds - 1 - (now - Math.floor(op.start / 1e6))];
    if (op.start < (now - 2 * seconds) * 1e6) break;
    if (!row || op.domain !== domain) continue;
    row.n++;
    row.errors += op.result?.error ? 1 : 0;
    row.time += op.duration_us;
  }
  const span = "last minute";
  return h("div.sparks", {}, chart("Operations a second", rows.map((r) => r.n), count, span), chart("Mean duration", rows.map((r) => r.time / Math.max(r.n, 1)), duration, span), chart("Errors a second", rows.map((r) => r.errors), count, span));
}

/** @param {string} title @param {string[][]} rows @param {string} [meaning] */
export function list(title, rows, meaning) {
  return h("div", {}, h("h3", {}, title), meaning ? h("p.dim", {}, meaning) : null,
    h("dl.count", {}, ...rows.flatMap(([name, text, key, n]) => [h("dt", {}, name), h(text === "0" ? "dd.dim" : "dd", { "data-counter": key, "data-value": n }, text)])));
}

/** @param {string} id @param {string} title @param {HTMLElement} body */
const open = (id, title, body) => {
  if (body.matches(".scroll")) Object.assign(body, { tabIndex: 0, role: "region", ariaLabel: `${title} of ${id.replace(/^\w+-/, "")}` }); // for the keys that scroll
  return h("details", { id, open: true }, h("summary", {}, title), body);
};

/** @param {any} d */
function latency(d) {
  const kinds = Object.entries(d.latency);
  if (!kinds.length) return null;
  return open(`latency-${d.name}`, "Latency by kind", h("div.scroll", {}, h("table.narrow", {}, h("thead", {}, h("tr", {}, ...["Kind", "Count", "Mean", "p50", "p95", "p99", "Slowest"].map((t, i) => h(i ? "th.num" : "th", { scope: "col" }, t)))),
    h("tbody", {}, ...kinds.map(([kind, l]) => h("tr", {}, h("td", {}, kind), h("td.num", {}, count(l.count)), ...["mean_us", "p50_us", "p95_us", "p99_us", "max_us"].map((k) => h("td.num", {}, duration(l[k])))))))));
}

/** @param {any} d */
function servers(d) {
  if (!d.endpoints.length) return null;
  return open(`servers-${d.name}`, "Servers", h("div.scroll", {}, h("table.narrow", {}, h("tbody", {}, ...d.endpoints.map((/** @type {any} */ e) =>
    h("tr", {}, h("td", {}, h("code", {}, e.url), e.tls ? secured(e.tls) : null), h("td", {}, h(`span.chip.${e.state === "up" ? "ok" : e.state === "down" ? "error" : "plain"}`, {}, e.state)), h("td", {}, e.reason ?? ""), h("td.dim", {}, e.since ? `since ${moment(e.since)}` : "")))))));
}

const checks = /** @type {Record<string, string>} */ ({ system: "checked against the system's authorities", ca_file: "checked against the CA file", pinned: "checked by its pinned fingerprint", insecure: "not checked: anybody may answer in the server's place" });

/** What the last handshake with a server agreed on. @param {any} t */
function secured(t) {
  const left = t.days_left;
  const until = h(left < 0 ? "b.bad" : left < 30 ? "b.warn" : "span", {}, left < 0 ? "ended" : `ends in ${plural(left, "day")}`);
  return h("dl.facts", { "data-testid": "tls" }, ...Object.entries({
    Encryption: [`${t.version}, ${t.cipher}`], Certificate: [h("code", {}, t.subject || t.names.join(", ")), ", ", h(t.verification === "insecure" ? "b.bad" : "span", {}, checks[t.verification] ?? t.verification)],
    Names: [t.names.join(", ") || "none"], Issuer: [h("code", {}, t.issuer)], Validity: [until, h("span.dim", {}, ` on ${moment(t.expires)}`)], "SHA-256": [h("code", {}, t.sha256)],
  }).flatMap(([name, parts]) => [h("dt", {}, name), h("dd", {}, ...parts)]));
}

/** What went wrong lately, the newest first. @param {any} d */
function faults(d) {
  if (!d.faults?.length) return null;
  return open(`faults-${d.name}`, "Faults", h("div.scroll", {}, h("table.narrow", {}, h("tbody", {}, ...d.faults.map((/** @type {any} */ f) =>
    h("tr", {}, h("td", {}, h("code", {}, f.server ?? "")), h("td", {}, h("span.chip.error", {}, f.class)), h("td", {}, f.reason), h("td.num", {}, `${count(f.count)} times`), h("td.dim", {}, `since ${moment(f.first)}`)))))));
}

/** @param {any} d */
function shapes(d) {
  if (!d.shapes.length) return null;
  return open(`shapes-${d.name}`, "Operations by total time", shapeTable(d.shapes));
}

/** @param {any[]} shapeRows */
export function shapeTable(shapeRows) {
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": "Operations by total time" }, h("table.shapes", {}, h("thead", {}, h("tr", {}, ...["Operation", "Count", "Errors", "Total", "Slowest", "Entries"].map((t, i) => h(i ? "th.num" : "th", { scope: "col" }, t)))),
    h("tbody", {}, ...shapeRows.map((s) => h("tr", {}, h("td", {}, h("code", {}, ...breakable(s.text))), h("td.num", {}, count(s.count)), h(s.errors ? "td.num.bad" : "td.num.dim", {}, count(s.errors)), h("td.num", {}, duration(s.total_us)),
      h("td.num", {}, duration(s.max_us)), h("td.num", {}, count(s.entries)))))));
}
