// SPDX-License-Identifier: MIT
import { h, fill, ask, say, why } from "./dom.js";
import { bytes, count, duration, moment } from "./format.js";
import { shapeTable } from "./domains.js";
import { compared, whole } from "./usagerun.js";

const undoFor = 8000;
const comparedMost = 6;

/** The names of the filters in the address, and in the API. @type {[string, string, string, string][]} */
const filters = [["dom", "domain", "Domain", "text"], ["pid", "pid", "Process", "number"], ["from", "since", "From", "date"], ["to", "until", "To", "date"]];

/** The page of saved usage: runs, one run whole, several side by side, and what took most time in all of them. */
export class UsagePage {
  /** @param {HTMLElement} host @param {{go: (changes: Record<string, string|null>) => void}} actions */
  constructor(host, actions) {
    this.host = host;
    this.actions = actions;
    this.chosen = /** @type {Set<string>} */ (new Set());
    this.leaving = /** @type {Map<string, ReturnType<typeof setTimeout>>} */ (new Map()); // runs that are about to be deleted
    addEventListener("pagehide", () => this.leaving.forEach((_, run) => this.remove(run)));
  }

  /** @param {URLSearchParams} params of the address */
  async show(params) {
    this.params = params;
    const [run, compare, view] = ["run", "compare", "view"].map((name) => params.get(name) ?? "");
    try {
      fill(this.host, ...(run ? await whole(run, () => this.actions.go({ run: null }), () => this.forget(run)) : compare ? await compared(compare, () => this.actions.go({ compare: null })) : view === "top" ? await this.top() : view === "pins" ? await this.pins() : await this.all()));
    } catch (e) {
      fill(this.host, h("header.pagehead", {}, h("h1", {}, "Usage history"), h("button", { onclick: () => this.actions.go({ run: null, compare: null, view: null, dom: null, pid: null, from: null, to: null }) }, "All runs")),
        h("p.note.pad", {}, why(e)));
    }
  }

  /** What the filters ask of the API. */
  query() {
    const query = new URLSearchParams({ limit: "500" });
    for (const [name, key] of filters) {
      const value = this.params?.get(name);
      if (value) query.set(key, value);
    }
    return query.toString();
  }

  async all() {
    const query = this.query();
    const { runs } = await ask(`runs?${query}`);
    const left = runs.filter((/** @type {any} */ r) => !this.leaving.has(r.run));
    const head = ["", "Start", "Domain", "Program", "Host, process", "Ended", "Elapsed", "Operations", "Sockets", "Bytes", "Messages", "Errors", "p50", "p95", ""];
    const titles = /** @type {Record<string, string>} */ ({ Sockets: "opened / closed / wrapped in TLS", Bytes: "received / sent", Messages: "received / sent" });
    const oldestFirst = () => [...new Set(left.map((/** @type {any} */ r) => r.run))].filter((run) => this.chosen.has(run)).reverse(); // the first is what the others are compared with
    const compare = h("button", { "data-testid": "compare", onclick: () => this.actions.go({ compare: oldestFirst().join(",") }) }, "Compare");
    const choose = () => {
      /** @type {any} */ (compare).disabled = this.chosen.size < 2 || this.chosen.size > comparedMost;
      compare.textContent = this.chosen.size ? `Compare ${this.chosen.size}` : "Compare";
    };
    this.chosen.clear();
    choose();
    return [h("header.pagehead", {}, h("h1", {}, "Usage history"), h("span.dim", {}, "what programs used of their directories, also after they are gone"), h("span.buttons", {}, compare,
      h("button", { onclick: () => this.actions.go({ view: "pins" }) }, "Pinned"), h("button", { onclick: () => this.actions.go({ view: "top" }) }, "Top searches"), h("a.button", { href: `api/v1/runs?${query}&format=csv`, download: "" }, "CSV"), h("a.button", { href: `api/v1/runs?${query}&format=json`, download: "" }, "JSON"), this.importer())),
    this.form(), left.length ? h("div.scroll.pad", { tabindex: "0", role: "region", "aria-label": "Runs" }, h("table.runs", { "data-testid": "runs" },
      h("thead", {}, h("tr", {}, ...head.map((t, i) => (t ? h(i > 5 ? "th.num" : "th", { scope: "col", title: titles[t] }, t) : h("td", {}))))),
      h("tbody", {}, ...left.map((/** @type {any} */ r, /** @type {number} */ i) => this.row(r, i === 0 || left[i - 1].run !== r.run, choose)))))
      : h("p.note.pad", {}, runs.length || query.includes("&") ? "No run is selected by these filters." : "Nothing is saved yet. A run appears here within a second of its first operation.")];
  }

  /** @param {any} r @param {boolean} first of its run @param {() => void} choose */
  row(r, first, choose) {
    const n = (/** @type {string} */ text) => h("td.num", {}, text);
    const pair = (/** @type {string} */ received, /** @type {string} */ sent) => h("td.num.pair", {}, h("span", {}, received), " / ", h("span", {}, sent));
    const box = h("input", { type: "checkbox", "aria-label": `Compare the run of ${moment(r.start)}`, onchange: (/** @type {any} */ e) => { this.chosen[e.target.checked ? "add" : "delete"](r.run); choose(); } });
    return h("tr", { "data-run": r.run }, h("td", {}, first ? box : null), h("td", {}, first ? h("button.link", { onclick: () => this.actions.go({ run: r.run }) }, moment(r.start)) : ""), h("td", {}, r.domain), h("td", {}, r.app), h("td.dim", {}, `${r.host}, ${r.pid}`),
      h("td", {}, h(`span.chip.${r.ended === "unclean" ? "warn" : r.ended === "running" ? "ok" : "plain"}`, {}, r.ended)), n(duration(r.elapsed_us)), n(count(r.operations)),
      n(`${r.open_sockets} / ${r.closed_sockets} / ${r.wrapped_sockets}`), pair(bytes(r.bytes_received), bytes(r.bytes_transmitted)), pair(count(r.messages_received), count(r.messages_transmitted)),
      h(r.errors ? "td.num.bad" : "td.num.dim", {}, count(r.errors)), n(duration(r.p50_us)), n(duration(r.p95_us)),
      h("td", {}, first && r.ended !== "running" ? h("button.plain", { "aria-label": `Delete the run of ${moment(r.start)}`, onclick: () => this.forget(r.run) }, "Delete") : null));
  }

  /** The filters. */
  form() {
    const set = (/** @type {string} */ name) => (/** @type {any} */ e) => this.actions.go({ [name]: e.target.value || null });
    return h("div.filters", { role: "group", "aria-label": "Filters" }, ...filters.map(([name, , title, type]) =>
      h("label", {}, `${title} `, h("input", { type, value: this.params?.get(name) ?? "", "data-filter": name, onchange: set(name) }))));
  }

  /** A button that takes the file of another database in. */
  importer() {
    const file = h("input", { type: "file", "aria-label": "Database file", hidden: true, accept: ".db", "data-testid": "import", onchange: async (/** @type {any} */ e) => {
      try {
        const { runs } = await ask("import", { method: "POST", body: e.target.files[0] });
        say(`Imported; the file holds ${runs} runs`);
        this.actions.go({});
      } catch (failure) {
        say(failure instanceof Error ? failure.message : "The program cannot be reached.");
      }
    } });
    return h("span", {}, h("button", { title: "take in the database file of another host", onclick: () => file.click() }, "Import"), file);
  }

  async top() {
    const { shapes } = await ask("shapes");
    return [h("header.pagehead", {}, h("button.link", { onclick: () => this.actions.go({ view: null }) }, "Usage history"), h("h1", {}, "Top searches"), h("span.dim", {}, "what took most time, over all saved runs")), h("div.pad", {}, shapeTable(shapes))];
  }

  async pins() {
    const { pins } = await ask("pins");
    const give = async (/** @type {any} */ p) => { await ask(`pins/${p.seq}?run=${p.run}`, { method: "DELETE" }); this.actions.go({ op: null, pin: null }); };
    const open = (/** @type {any} */ p) => this.actions.go(p.run ? { pin: `${p.run}.${p.seq}` } : { op: String(p.seq) });
    return [h("header.pagehead", {}, h("button.link", { onclick: () => this.actions.go({ view: null }) }, "Usage history"), h("h1", {}, "Pinned operations"), h("span.dim", {}, "kept beyond the recorder and the end of their program")),
      pins.length ? h("div.scroll.pad", { tabindex: "0", role: "region", "aria-label": "Pinned operations" }, h("table", { "data-testid": "pins" }, h("tbody", {}, ...pins.map((/** @type {any} */ p) => h("tr", {}, h("td", {}, h("button.link", { onclick: () => open(p) }, `#${p.seq}`)), h("td", {}, moment(p.start)), h("td", {}, p.domain), h("td", {}, p.kind),
        h("td", {}, h("code", {}, p.operation?.subject ?? "")), h("td.dim", {}, p.note), h("td.num", {}, duration(p.duration_us)), h("td", {}, h("button.plain", { onclick: () => give(p) }, "Unpin"))))))) : h("p.note.pad", {}, "Nothing is pinned. The key s pins the operation that is open.")];
  }

  /** Deletes a run in a while, unless somebody undoes it. @param {string} run */
  forget(run) {
    this.leaving.set(run, setTimeout(() => this.remove(run), undoFor));
    const back = h("button", { onclick: () => {
      clearTimeout(this.leaving.get(run));
      this.leaving.delete(run);
      this.actions.go({});
    } }, "Undo");
    say("The run is deleted", back, undoFor);
    this.actions.go({ run: null });
  }

  /** @param {string} run */
  remove(run) {
    clearTimeout(this.leaving.get(run));
    ask(`runs/${encodeURIComponent(run)}`, { method: "DELETE", keepalive: true }).catch((e) => say(e instanceof Error ? e.message : "The run was not deleted."))
      .finally(() => this.leaving.delete(run));
  }
}
