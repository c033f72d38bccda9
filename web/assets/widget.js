// SPDX-License-Identifier: MIT
// The handle in an application's page: how many LDAP operations made it, and the way to the panel. It asks nothing before it
// is opened, and finds later requests of the page by their Server-Timing header alone: nothing of the page is patched.

const own = /** @type {HTMLElement|null} */ (document.querySelector("script[data-base][data-request]"));
const { base = "", request = "", ...sent } = own?.dataset ?? {}; // the numbers left with the page, before its request ended
const corners = ["bottom right", "bottom left", "top left", "top right"]; // the style sheet reads their ends

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { --bg: light-dark(#fff, #1d222a); position: fixed; z-index: 2147483647; font: 12px/18px system-ui, sans-serif; color-scheme: light dark; color: light-dark(#1b1f24, #e6e9ee); }
:host([data-corner^=b]) { bottom: 12px; } :host([data-corner^=t]) { top: 12px; } :host([data-corner$=right]) { right: 12px; } :host([data-corner$=left]) { left: 12px; }
button, a { font: inherit; color: light-dark(#1b57c4, #7aa9ff); } button { min-height: 28px; padding: 0 12px; border: 1px solid #7d8794; border-radius: 14px; background: var(--bg); cursor: pointer; }
.medium, .dup { color: light-dark(#7d5000, #e8b04a); } .high, .critical, .error { color: light-dark(#b3202a, #ff8585); }
div { box-sizing: border-box; width: 322px; max-width: calc(100vw - 24px); max-height: 400px; overflow: auto; margin: 4px 0; padding: 4px 12px; border: 1px solid #7d8794; border-radius: 6px; background: var(--bg); }
ul { padding: 0; } li { display: flex; gap: 8px; } span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; flex: 1; } p, ul { margin: 4px 0; } [hidden] { display: none; }
@media print { :host { display: none; } }`);

/** @param {string} tag @param {any} props @param {...(Node|string)} children */
const make = (tag, props, ...children) => {
  const el = Object.assign(document.createElement(tag), props);
  el.append(...children);
  return el;
};
/** @param {number} n microseconds */
const time = (n) => (n < 1000 ? `${n} µs` : `${Math.round(n / 100) / 10} ms`);
/** @param {number|string|undefined} n @param {string} noun */
const some = (n, noun) => `${n} ${noun}${Number(n) === 1 ? "" : "s"}`;
/** What is said of a request if there is any. @param {...any} n repeats, operations that are alike, failed ones, pieces of advice */
const notes = (...n) => [some(n[0], "repeat"), `${n[1]} alike`, `${n[2]} failed`, `${n[3]} advice`].filter((_, i) => Number(n[i]));
/** @param {string} id */
const link = (id) => `${base}?screen=request&id=${encodeURIComponent(id)}`;
/** @param {string} path @returns {Promise<any>} */
const ask = async (path) => (await fetch(`${base}api/v1/${path}`, { credentials: "same-origin" })).json();
const kept = (/** @type {string} */ name, /** @type {string|undefined} */ value = undefined) => {
  try {
    if (value !== undefined) localStorage.setItem(`ldapscope-handle-${name}`, value);
    return localStorage.getItem(`ldapscope-handle-${name}`) ?? "";
  } catch {
    return ""; // storage is off
  }
};

class LdapscopeHandle extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return; // moved by the page
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.dataset.corner = corners.find((c) => c === kept("corner")) ?? corners[0];
    this.button = make("button", { title: "LDAP of this page (Alt+L)", onclick: () => this.toggle() });
    this.button.ariaExpanded = "false";
    this.say(sent);
    this.body = make("p", {});
    this.later = make("ul", {});
    this.panel = make("div", { hidden: true }, this.body, make("p", {}, make("a", { href: link(request), textContent: "Open in the panel" })), this.later,
      make("p", {}, make("button", { textContent: "Other corner", onclick: () => this.turn() }), " ", make("button", { textContent: "Hide on this site", onclick: () => { kept("off", "1"); this.remove(); } })));
    this.panel.ariaLabel = "LDAP of this page";
    this.panel.role = "region";
    root.append(this.panel, this.button);
    root.addEventListener("keydown", (e) => this.key(/** @type {KeyboardEvent} */ (e)));
    if (kept("open")) this.toggle();
    new PerformanceObserver((list) => list.getEntries().forEach((e) => this.found(/** @type {PerformanceResourceTiming} */ (e)))).observe({ type: "resource", buffered: true });
  }

  /** Writes the line of the handle. @param {Record<string, any>} n numbers, or their texts */
  say({ operations, us, duplicates, similar, errors, findings, severity }) {
    if (!this.button) return;
    this.button.className = Number(errors) ? "error" : severity || (Number(duplicates) ? "dup" : "");
    this.button.textContent = [some(operations, "op"), time(Number(us)), ...notes(duplicates, similar, errors, findings)].join(" · ");
  }

  /** Lists a later request of the page. @param {PerformanceResourceTiming} entry */
  found(entry) {
    const ldap = entry.serverTiming?.find((s) => s.name === "ldap");
    const [, n, dup, alike, id] = ldap?.description.match(/^(\d+) ops, (\d+) dup, (\d+) alike, ([0-9a-f]+)$/) ?? [];
    if (!id || n === "0" || !this.later || this.later.childElementCount > 49) return;
    this.later.append(make("li", {}, make("span", {}, make("a", { href: link(id), textContent: new URL(entry.name).pathname })), [some(n, "op"), ...notes(dup, alike)].join(", ")));
    if (this.later.childElementCount === 1) this.later.before(make("p", {}, "Later requests of this page"));
  }

  turn() {
    this.dataset.corner = corners[(corners.indexOf(this.dataset.corner ?? "") + 1) % corners.length];
    kept("corner", this.dataset.corner);
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    if (e.key === "Escape" && !this.panel?.hidden) this.toggle();
  }

  toggle() {
    if (!this.panel || !this.body) return;
    this.panel.hidden = !this.panel.hidden;
    if (this.button) this.button.ariaExpanded = String(!this.panel.hidden);
    kept("open", this.panel.hidden ? "" : "1");
    this.load();
  }

  /** Shows what the panel knows of the request; again after a while as long as it runs. */
  async load() {
    if (!this.panel || !this.body || this.panel.hidden || this.asked) return;
    this.asked = true;
    try {
      const [{ request: q, operations: ops }, { findings: advice }] = await Promise.all([ask(`requests/${request}`), ask(`findings?request=${request}`)]);
      const top = ops.sort((/** @type {any} */ a, /** @type {any} */ b) => b.duration_us - a.duration_us).slice(0, 20);
      const rest = ops.length - top.length;
      this.say({ ...q, us: q.ldap_us, findings: advice.length, severity: advice[0]?.severity });
      this.body.replaceChildren([some(q.operations, "operation"), `${time(q.ldap_us)} of ${time(q.duration_us)}`, ...notes(q.duplicates, q.similar, q.errors, advice.length)].join(", "), make("ul", {},
        ...advice.map((/** @type {any} */ f) => make("li", { className: f.severity }, `${f.severity}: ${f.title}`)), ...top.map((/** @type {any} */ op) => make("li", {}, make("span", { title: op.subject, textContent: op.subject }), time(op.duration_us))), ...(rest ? [make("li", {}, `and ${rest} more, quicker`)] : [])));
      this.asked = !q.running;
      if (q.running) setTimeout(() => this.load(), 1000);
    } catch {
      this.body.replaceChildren("Open the panel with its start link first.");
    }
  }
}

if (base && request && !kept("off") && !customElements.get("ldapscope-handle")) {
  customElements.define("ldapscope-handle", LdapscopeHandle);
  const handle = /** @type {LdapscopeHandle} */ (document.createElement("ldapscope-handle"));
  const put = () => { if (!handle.isConnected && !kept("off")) document.body?.append(handle); };
  put();
  new MutationObserver(put).observe(document.documentElement, { childList: true }); // bodies are swapped by some pages
  for (const swapped of ["turbo:load", "htmx:afterSettle"]) document.addEventListener(swapped, put);
  addEventListener("keydown", (e) => { if (e.altKey && e.code === "KeyL" && !(/** @type {HTMLElement} */ (e.target).closest?.("input, textarea, select"))) handle.toggle(); });
}
