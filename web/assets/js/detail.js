// SPDX-License-Identifier: MIT
import { h, fill, ask, copy, icon, say, Failure, why } from "./dom.js";
import { card } from "./advice.js";
import { showCompared } from "./differences.js";
import { bytes, clock, codes, count, duration, failed, result, sentence, value } from "./format.js";
import { elsewhere } from "./elsewhere.js";
import { entries } from "./entries.js";
import { facts, section } from "./facts.js";
import { editors, preference } from "./settings.js";

/** The forms of an operation for pasting elsewhere, as the API names them. @type {Record<string, string>} */
const forms = {
  ldapsearch: "ldapsearch", ldapmodify: "ldapmodify", ldapcompare: "ldapcompare", ldapwhoami: "ldapwhoami", powershell: "PowerShell", go: "Go", url: "LDAP URL",
  ldif: "change as LDIF", entries_ldif: "entries as LDIF", markdown: "Markdown",
};

/** What a key copies: the first of these that the operation has. @type {Record<string, string[]>} */
const keyed = { command: ["ldapsearch", "ldapmodify", "ldapcompare", "ldapwhoami"], ldif: ["ldif", "entries_ldif"], go: ["go"], url: ["url"], markdown: ["markdown"] };

/** The drawer with one operation whole. */
export class Drawer {
  /**
   * @param {HTMLElement} host @param {import("./store.js").Store} store
   * @param {{close: () => void, filter: (q: string) => void, request: (id: string) => void, operation: (seq: number) => void, pinned: () => void}} actions
   */
  constructor(host, store, actions) {
    this.host = host;
    this.store = store;
    this.actions = actions;
    this.seq = 0;
    this.state = "";
    this.asks = false; // whether the host lets people repeat questions
    this.op = /** @type {any} */ (null);
    this.first = /** @type {any} */ (null); // of two to compare
    /** @type {ReturnType<typeof setTimeout>|undefined} */ this.again = undefined;
  }

  /** @param {number} seq */
  async show(seq) {
    if (seq === this.seq && this.state === "ended") return;
    clearTimeout(this.again);
    this.seq = seq;
    this.host.hidden = false;
    try {
      const op = await ask(`operations/${seq}`);
      const { findings } = await ask(`findings?request=${encodeURIComponent(op.request_id)}`).catch(() => ({ findings: [] }));
      if (this.seq !== seq) return;
      this.state = op.state === "running" ? "running" : "ended";
      this.op = op;
      this.draw(op, findings.filter((/** @type {any} */ f) => f.operations.includes(seq)));
      if (this.state === "running") this.again = setTimeout(() => { if (this.seq === seq) this.show(seq); }, 500);
    } catch (e) {
      if (this.seq !== seq) return;
      this.op = null;
      const gone = e instanceof Failure && e.status === 410;
      fill(this.host, this.bar(h("b", {}, gone ? `Operation #${seq} is gone` : `Operation #${seq}`)),
        h("p.note", {}, why(e)));
    }
  }

  /** Shows an operation of another run that somebody pinned. @param {string} name run and number */
  async pinned(name) {
    clearTimeout(this.again);
    this.seq = 0;
    this.state = "";
    this.host.hidden = false;
    const [run, seq] = name.split(".");
    try {
      const pin = (await ask("pins")).pins.find((/** @type {any} */ p) => p.run === run && String(p.seq) === seq);
      if (!pin?.operation) throw new Error("This pin has been given up");
      this.op = pin.operation;
      this.draw(this.op, []);
    } catch (e) {
      fill(this.host, this.bar(h("b", {}, `Operation #${seq}`)), h("p.note", {}, why(e)));
    }
  }

  /** Keeps an operation beyond the recorder and the process, or gives it up. @param {any} op @param {boolean} wanted */
  async keep(op, wanted) {
    const { seq } = op;
    try {
      await (wanted ? ask("pins", { method: "POST", body: JSON.stringify({ seq }) }) : ask(`pins/${seq}`, { method: "DELETE" }));
      op.pinned = wanted;
      this.actions.pinned();
      if (this.op === op) this.host.querySelector(".pin[aria-pressed]")?.setAttribute("aria-pressed", String(wanted));
      say(wanted ? `Pinned #${seq}` : `#${seq} is no longer pinned`, h("button", { onclick: () => this.keep(op, !wanted) }, "Undo"), 8000);
    } catch (e) {
      say(why(e));
    }
  }

  /** Pins the open operation, or gives it up. */
  pin() {
    if (this.seq && this.op) this.keep(this.op, !this.op.pinned);
  }

  /** Asks the open operation again, where that is possible and meant. */
  repeat() {
    if (this.asks && this.seq && ["search", "compare"].includes(this.op?.kind) && confirm("Ask the directory the same again?")) this.replay(this.seq);
  }

  /** Remembers the open operation, or shows it beside the one that was remembered. */
  compare() {
    if (!this.op) return;
    if (this.first && this.first.seq !== this.op.seq) {
      showCompared(this.first, this.op);
      this.first = null;
      return;
    }
    this.first = this.op;
    say(`#${this.op.seq} is the first of two: open another operation and press v again`);
  }

  /** @param {number} seq */
  async replay(seq) {
    try {
      const r = await ask("replay", { method: "POST", body: JSON.stringify({ seq }) });
      const names = [...r.added.map((/** @type {string} */ dn) => `+ ${dn}`), ...r.removed.map((/** @type {string} */ dn) => `− ${dn}`)].slice(0, 5).join(", ");
      say(`Asked again: ${r.error || r.answer || `${r.entries} entries, before ${r.before}`}, ${duration(r.duration_us)}, before ${duration(r.before_us)}. ${names}`, h("button", { onclick: () => this.actions.request(r.request_id) }, "Show"), 10_000);
    } catch (e) {
      say(why(e));
    }
  }

  hide() {
    clearTimeout(this.again);
    this.seq = 0;
    this.op = null;
    this.state = "";
    if (this.host.contains(document.activeElement)) /** @type {HTMLElement|null} */ (document.querySelector("[data-testid=live-list]"))?.focus();
    this.host.hidden = true;
    this.host.replaceChildren();
  }

  /** Copies a form of the open operation. @param {string} what */
  copy(what) {
    const form = keyed[what].find((name) => this.op?.copies[name]);
    if (form) copy(this.op.copies[form], forms[form]);
    else say(this.op ? "This operation has no such form" : "Open an operation first");
  }

  /** @param {...any} children */
  bar(...children) {
    return h("header.drawerbar", {}, ...children, h("button.plain", { "aria-label": "Close", onclick: this.actions.close }, icon("close")));
  }

  /** @param {any} op @param {any[]} findings */
  draw(op, findings) {
    const request = this.store.groups.get(op.request_id)?.request;
    if (!request) this.awaits(op, findings);
    const scroll = this.host.querySelector(".drawerbody")?.scrollTop ?? 0;
    fill(this.host,
      this.bar(h(`span.badge.${op.kind}`, {}, codes[op.kind] ?? op.kind), h("b", {}, `#${op.seq}`), h(failed(op) ? "span.bad" : "span", {}, result(op)), h("span.dim", {}, duration(op.duration_us)),
        this.asks && ["search", "compare"].includes(op.kind) ? h("button.pin", { title: "ask the same once more and compare", onclick: () => this.replay(op.seq) }, "Ask again") : null,
        this.seq && "pinned" in op ? h("button.pin", { "aria-pressed": String(op.pinned), title: "keep it beyond the recorder and the end of the program, or give it up (s)", onclick: () => this.pin() }, "Pin") : null),
      h("div.drawerbody", { tabindex: "0", role: "region", "aria-label": "Operation" },
        op.result?.hint ? h("p.note", {}, sentence(op.result.hint)) : null,
        asked(op, op.copies ?? {}),
        answer(op),
        entries(op),
        findings.length ? section("Advice", ...findings.map((f) => card(f, { operation: this.actions.operation }))) : null,
        section("Time", times(op), this.likes(op), this.pages(op)),
        section("Connection", facts([["Domain", op.domain], ["Server", op.server], ["Connection", op.conn], ["Encryption", op.security === "none" ? "none" : op.security?.replace("_", " ")], ["Message id", op.message_id],
          ["Sent, received", `${bytes(op.bytes_sent)}, ${bytes(op.bytes_received)}`]])),
        callers(op),
        elsewhere(op, request, this.actions),
        copyButtons(op)));
    const body = this.host.querySelector(".drawerbody");
    if (body) body.scrollTop = scroll;
  }

  /** Draws once more when the stream tells of the HTTP request: whoever follows a link is here before it. @param {any} op @param {any[]} findings */
  awaits(op, findings) {
    const known = () => {
      if (this.op === op && !this.store.groups.has(op.request_id)) return;
      this.store.removeEventListener("change", known);
      if (this.op === op) this.draw(op, findings);
    };
    this.store.addEventListener("change", known);
  }

  /** The pages of one paged search, each by itself. @param {any} op */
  pages(op) {
    const own = this.store.operations.get(op.seq);
    if (!own?.call) return null;
    const all = this.store.sequence.filter((o) => o.call === own.call);
    return h("table", {}, h("thead", {}, h("tr", {}, ...["Page", "Entries", "Received", "Time"].map((t) => h("th.num", { scope: "col" }, t)))), h("tbody", {}, ...all.slice(0, 100).map((o) => h("tr", {},
      h("td.num", {}, o.seq === op.seq ? h("b", {}, `${o.page}`) : h("button.link", { onclick: () => this.actions.operation(o.seq) }, `${o.page}`)), h("td.num", {}, count(o.entries)), h("td.num", {}, bytes(o.bytes_received)), h("td.num", {}, duration(o.duration_us))))));
  }

  /** Where the duration stands among those of the same shape. @param {any} op */
  likes(op) {
    const all = this.store.sequence.filter((o) => o.shape === op.shape && op.shape && o.state !== "running").map((o) => o.duration_us).sort((a, b) => a - b);
    if (all.length < 5) return null;
    const at = (/** @type {number} */ share) => all[Math.min(all.length - 1, Math.floor(all.length * share))];
    const most = Math.max(all[all.length - 1], op.duration_us, 1);
    const strip = h("div.strip", { "aria-hidden": "true" });
    for (const [name, us] of /** @type {[string, number][]} */ ([["half", at(0.5)], ["most", at(0.95)], ["own", op.duration_us]])) {
      const mark = h(`i.${name}`);
      mark.style.left = `${(us / most) * 100}%`;
      strip.append(mark);
    }
    const rank = all.filter((us) => us <= op.duration_us).length / all.length;
    return h("div", {}, strip, h("p.dim", {}, `Of ${count(all.length)} of this shape here: p50 ${duration(at(0.5))}, p95 ${duration(at(0.95))}; this one is slower than ${Math.max(0, Math.round((rank - 1 / all.length) * 100))} %.`));
  }
}

/** The scopes of a search in words. @type {Record<string, string>} */
const scopes = { base: "the entry itself", one: "one level below the base", sub: "the base and all below it", children: "all below the base" };

/** @param {any} op @param {any} copies */
function asked(op, copies) {
  const s = op.search;
  if (s) {
    return section("Search", copies.filter_pretty ? h("pre.filter", {}, copies.filter_pretty) : h("pre.filter", {}, s.filter),
      copies.filter_english ? h("p.english", {}, copies.filter_english) : null,
      facts([["Base", h("code", {}, s.base || "(root)")], ["Scope", [s.scope, scopes[s.scope]].filter(Boolean).join(": ")],
        ["Attributes", s.attributes.length ? h("span", {}, ...s.attributes.map((/** @type {string} */ a) => h("span.chip", {}, a))) : h("span.warn", {}, "all attributes")],
        ["Size limit", s.size_limit || "none"], ["Time limit", s.time_limit ? `${s.time_limit} s` : "none"],
        ["Aliases", ["never followed", "followed below the base", "followed to the base", "always followed"][s.deref]],
        ["Types only", s.types_only ? "yes" : "no"], ["Page", s.page ? `${s.page}, of ${s.page_size} entries` : null], ["Controls", controls(op)]]));
  }
  const title = op.kind.replace("_dn", " DN");
  return section(title[0].toUpperCase() + title.slice(1), facts([["Entry", op.dn && h("code", {}, op.dn)],
    ["Name", op.bind && h("code", {}, op.bind.name || "(anonymous)")], ["Method", op.bind?.method], ["Mechanism", op.bind?.mechanism],
    ["Operation", op.extended && (op.extended.name || op.extended.oid)], ["OID", op.extended?.oid], ["Controls", controls(op)]]), changes(op));
}

/** @param {any} op */
function controls(op) {
  if (!op.controls?.length) return null;
  return h("span", {}, ...op.controls.map((/** @type {any} */ c) => h("span.chip", { title: c.oid }, (c.name || c.oid) + (c.critical ? " (critical)" : ""))));
}

/** @param {any} op */
function changes(op) {
  if (!op.changes?.length) return null;
  return h("ol.changes", {}, ...op.changes.map((/** @type {any} */ c) => h("li", {}, `${c.operation} `, h("b", {}, c.attribute), " ",
    ...(c.values ?? []).map((/** @type {any} */ v) => chip(v)))));
}

/** @param {any} v */
function chip(v) {
  if (v.encoding === "hidden") return h("span.chip.hidden", { title: "kept at no level: see Redaction" }, icon("lock"), v.text);
  return h("span.chip", { title: v.decoded ?? "" }, value(v));
}

const ending = /[\s\p{Cc}]+$/u; // Active Directory ends its messages with a line feed and a NUL

/** @param {any} op */
function answer(op) {
  const r = op.result;
  if (!r) return section("Answer", h("p.note", {}, "No answer yet."));
  return section("Answer", facts([["Result", r.code >= 0 ? `${r.code} ${r.name}` : r.error || "none is sent"], ["Sub-code", r.sub_code], ["Matched DN", r.matched_dn && h("code", {}, r.matched_dn)],
    ["Message", r.diagnostic && h("code", {}, r.diagnostic.replace(ending, ""))], ["Entries", op.kind === "search" ? op.entries : null], ["References", op.references || null],
    ["Referrals", r.referrals?.length ? r.referrals.join(", ") : null]]));
}

/** @param {any} op */
function times(op) {
  const t = op.timing;
  const spent = (/** @type {number} */ us) => (us ? duration(us) : null); // what took no time did not happen
  return facts([["Start", clock(op.start)], ["Wait for a connection", spent(t.wait_pool_us)], ["Connect", spent(t.dial_us)], ["TLS", spent(t.tls_us)], ["Service bind", spent(t.setup_bind_us)],
    ["First answer", duration(t.first_us)], ["First to last answer", spent(t.stream_us)], ["Whole", h("b", {}, duration(op.duration_us))]]);
}

/** @param {any} op */
function callers(op) {
  if (!op.callers?.length) return null;
  return section("Called from", h("ol.stack", {}, ...op.callers.slice(0, 12).map((/** @type {any} */ f) =>
    h("li", {}, h("code", {}, f.function.split("/").pop()), " ", place(f)))));
}

/** A line of source, which the preferred editor opens. @param {{file: string, line: number}} frame */
export function place({ file, line }) {
  const text = `${file.split("/").pop()}:${line}`;
  const editor = /** @type {((path: string, line: number) => string)|undefined} */ (editors[preference("editor") || "vscode"]);
  return editor && file.startsWith("/") ? h("a", { href: editor(file.split("/").map(encodeURIComponent).join("/"), line), title: `${file}:${line}` }, text) : h("span.dim", { title: file }, text);
}

/** @param {any} op */
function copyButtons(op) {
  const copies = op.copies ?? {};
  const buttons = Object.entries(forms).filter(([key]) => copies[key]).map(([key, name]) => h("button", { onclick: () => copy(copies[key], name) }, name));
  const plain = { ...op, copies: undefined };
  return section("Copy as", h("div.buttons", {}, ...buttons, h("button", { onclick: () => copy(JSON.stringify(plain, null, 2), "JSON") }, "JSON"), h("button", { onclick: () => copy(location.href, "the link") }, "Link")));
}
