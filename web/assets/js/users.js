// SPDX-License-Identifier: MIT
import { h, fill, ask, say, why } from "./dom.js";
import { moment } from "./format.js";
import { differences } from "./requesttabs.js";

/** The page of the application's users: when each was synced, and what a sync changes. */
export class UsersPage {
  /** @param {HTMLElement} host @param {{request: (id: string) => void}} actions */
  constructor(host, actions) {
    this.host = host;
    this.actions = actions;
    this.q = "";
  }

  async show() {
    try {
      const { users } = await ask(`users?q=${encodeURIComponent(this.q)}`);
      const find = h("input", { type: "search", value: this.q, "aria-label": "Name or domain", placeholder: "Name or domain", onchange: (/** @type {any} */ e) => { this.q = e.target.value; this.show(); } });
      fill(this.host, h("header.pagehead", {}, h("h1", {}, "Users"), h("span.dim", {}, "of the application, from the directory")), h("div.filters", {}, find),
        users.length ? h("div.scroll.pad", { tabindex: "0", role: "region", "aria-label": "Table of users" }, h("table", { "data-testid": "users" }, h("thead", {}, h("tr", {}, ...["User", "Domain", "Last sync", "Last error", "Trace", "Sync"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, ...users.map((/** @type {any} */ u) => this.row(u)))))
          : h("p.note.pad", {}, this.q ? "No user matches." : "No user is known yet: the first login or sync of one makes the account."));
    } catch (e) {
      fill(this.host, h("p.note.pad", {}, why(e)));
    }
  }

  /** @param {any} u */
  row(u) {
    const result = h("div", { "aria-live": "polite" });
    const last = h("td", {}, moment(u.last_sync));
    const sync = (/** @type {boolean} */ apply) => async () => {
      try {
        const done = await ask(`users/${encodeURIComponent(u.id)}/sync`, { method: "POST", body: JSON.stringify({ apply }) });
        fill(result, changes(done), h("button.link", { onclick: () => this.actions.request(done.request_id) }, "its operations"));
        if (!apply) return;
        fill(last, moment(new Date().toISOString()));
        say(`Synced ${u.name}`);
      } catch (e) {
        fill(result, h("p.bad", {}, why(e)));
      }
    };
    return h("tr", {}, h("td", {}, u.name), h("td", {}, u.domain), last, h("td.bad", {}, u.last_error ?? ""),
      h("td", {}, u.trace_url ? h("a", { href: u.trace_url, target: "_blank", rel: "noreferrer" }, "in Jaeger") : ""), h("td", {}, h("span.buttons", {}, h("button", { onclick: sync(false) }, "Plan"), h("button", { onclick: sync(true) }, "Apply")), result));
  }
}

/** What a sync changes. @param {any} done */
function changes({ applied, changed, diffs }) {
  return changed || diffs.length ? h("div", {}, h("p.dim", {}, applied ? "Changed:" : "Would change:"), ...differences({ diffs })) : h("p.dim", {}, "Nothing changes.");
}
