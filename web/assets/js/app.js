// SPDX-License-Identifier: MIT
import { h, ask, by, say, Failure, why } from "./dom.js";
import { AdvicePage } from "./advice.js";
import { chips, holds, toggle } from "./chips.js";
import { columns, chosen, named } from "./columns.js";
import { Completion } from "./complete.js";
import { Drawer } from "./detail.js";
import { DomainsPage } from "./domains.js";
import { clock, plural } from "./format.js";
import { load } from "./gap.js";
import { listen, showHelp } from "./keys.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { RequestList } from "./requestlist.js";
import { RequestPage } from "./requestpage.js";
import { Router } from "./router.js";
import { apply, preference, rowHeight, showSettings, toggleTheme, turnDrawer } from "./settings.js";
import { Store } from "./store.js";
import { Toolbar } from "./toolbar.js";
import { groupings, Tree } from "./tree.js";
import { UsagePage } from "./usage.js";
import { UsersPage } from "./users.js";

apply();

const titles = /** @type {Record<string, string>} */ ({ live: "Live", requests: "HTTP requests", request: "HTTP request", advice: "Advice", domains: "Domains", users: "Users", usage: "Usage history", settings: "Settings" });
const store = new Store();
const router = new Router();
const live = new Live(store, () => router.params.get("q") ?? "");
const tree = new Tree(store);
const box = by("filter");

const openOperation = (/** @type {number} */ seq) => router.go({ op: String(seq) }, router.params.has("op") ? "adjust" : "step");
const openRequest = (/** @type {string} */ id) => router.go({ screen: "request", id, op: null, tab: null });
const drawer = new Drawer(by("drawer"), store, { close: () => router.go({ op: null, pin: null }, "adjust"), filter: (q) => query(q), request: openRequest, operation: openOperation, pinned: () => { if (router.screen === "usage") usage.show(router.params); } });
const list = new List(by("live"), { open: openRow, toggle: (row) => tree.toggle(row) && toolbar.unless(show), load: loadGap, later: paint });
const requestPage = new RequestPage(by("request"), { open: openOperation, tab: (tab) => router.go({ tab: tab === "Waterfall" ? null : tab }, "adjust") });
const requestList = new RequestList(by("requests"), store, { open: openRequest, load: loadGap });
const advicePage = new AdvicePage(by("advice"), { request: openRequest, operation: openOperation, counted: (n) => badge(n) });
const domains = new DomainsPage(by("domains"), store);
const usage = new UsagePage(by("usage"), { go: (changes) => router.go({ screen: "usage", ...changes }) });
const users = new UsersPage(by("users"), { request: openRequest });
const still = () => {
  toolbar.began = store.operations.size;
  list.show(tree.refresh().frozen(), emptyHint());
};
const toolbar = new Toolbar(store, live, { paint, thaw: show, freeze: still });
new Completion(box, store);
let painting = false;
let again = false; // something has changed since it was drawn
let linked = router.screen === "live" ? Number(router.params.get("op")) : 0; // the operation of the address, until the list shows its row
let asked = false; // a query, whose answer is shown in a view that stands still too
let summed = 0; // when sums were made last; they cost a look at every operation

/** @param {Row} row */
function openRow(row) {
  if (row.type === "operation" && !row.past) openOperation(row.op.seq);
  else if (row.type === "request" && !row.past) openRequest(row.group);
  else if ("past" in row) say("Made before the application restarted: only this line is left");
}

/** Draws at most once a frame, in a task of its own: together with the frame's layout and paint it would hold the page up for too long. */
function paint() {
  again = true;
  if (painting || document.hidden) return;
  painting = true;
  setTimeout(() => {
    draw();
    requestAnimationFrame(() => {
      painting = false;
      if (again) paint();
    });
  });
}

function draw() {
  again = false;
  if (router.screen === "live" && toolbar.paused) list.draw();
  else if (router.screen === "live") show();
  if (router.screen === "requests") requestList.show();
}

function show() {
  if (tree.by !== "request" && tree.by !== "flat" && store.operations.size > 5000) {
    const wait = 500 - (performance.now() - summed);
    if (wait > 0) {
      setTimeout(paint, wait);
      return;
    }
    summed = performance.now();
  }
  list.show(tree.refresh(), emptyHint());
  if (linked && store.last) bring();
}

/** Brings the list to the operation of a link, once: then it goes where its reader does. Where it is older than what the list begins with, that is fetched. */
async function bring() {
  const seq = linked;
  linked = 0;
  const older = store.gaps().find((gap) => gap.reason === "older");
  if (older && !store.operations.has(seq)) await loadGap(older);
  if (Number(router.params.get("op")) !== seq) return; // its reader has gone on
  const id = tree.unfold(seq);
  list.show(tree.refresh());
  list.reveal(id);
}

function emptyHint() {
  const q = router.params.get("q");
  if (q) return h("p", {}, "No operation matches ", h("code", {}, q), ". ", h("button", { onclick: () => query("") }, "Remove the filter"));
  return h("p", {}, toolbar.recording ? "Waiting for LDAP traffic. Operations appear here as the application makes them." : "Recording is stopped: what the application does now is not kept.");
}

/** Asks another query; it stands in the address. @param {string} q */
function query(q) {
  box.value = q;
  router.go({ q: q || null, screen: router.screen === "requests" ? "requests" : null, id: null, tab: null }, "adjust");
  asked = true;
  if (!live.send({ type: "query", q })) say("The filter is asked when the program can be reached again");
}

/** Fetches what a gap left out. @param {Gap} gap */
async function loadGap(gap) {
  if (gap.reason === "evicted") return;
  try {
    say(`Loaded ${plural(await load(ask, store, gap, box.value), "operation")}`);
  } catch (e) {
    say(why(e));
  }
}

/** @param {number} n findings */
function badge(n) {
  by("advicecount").textContent = n ? String(n) : "";
}

store.addEventListener("change", () => {
  toolbar.counted();
  paint();
});

live.addEventListener("frame", (e) => {
  const frame = /** @type {CustomEvent} */ (e).detail;
  if (frame.type === "welcome") {
    by("navusage").hidden = !frame.features.history;
    by("navusers").hidden = !frame.features.users;
    drawer.asks = frame.features.replay;
    if (store.epoch && store.epoch !== frame.epoch) say(`The application restarted at ${clock(frame.now)}`);
  }
  if (frame.type === "backfill" && router.screen === "domains") domains.show(); // its charts look at operations
  if (frame.type === "backfill" && asked) {
    asked = false;
    if (toolbar.paused) setTimeout(still); // when the store has it
  }
  if (frame.type === "problem") box.setCustomValidity(frame.query ? frame.message : "");
});

/** A connection may be refused because the token has changed with the program: then the page must be opened anew. */
live.addEventListener("state", async (e) => {
  if (/** @type {CustomEvent} */ (e).detail.state !== "down") return;
  try {
    await ask("operations?limit=1");
  } catch (failure) {
    if (failure instanceof Failure && failure.status === 401) location.reload();
  }
});

/** Shows the screen that the address names. */
function route() {
  const { params } = router;
  const shown = router.screen in titles ? router.screen : "live";
  for (const id of Object.keys(titles)) by(id).hidden = id !== shown;
  document.body.dataset.screen = shown;
  for (const link of document.querySelectorAll("nav a")) {
    const own = /** @type {HTMLElement} */ (link).dataset.screen;
    if (own === shown || (own === "requests" && shown === "request")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const q = params.get("q") ?? "";
  if (document.activeElement !== box) box.value = q;
  for (const chip of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("button[data-clause]"))) chip.setAttribute("aria-pressed", String(holds(q, chip.dataset.clause ?? "")));
  const group = params.get("group") ?? "request";
  by("group").value = group in groupings ? group : "request";
  tree.version = -1;
  if (tree.by !== by("group").value) {
    tree.by = by("group").value;
    tree.refresh(); // the list may draw before the next frame
    if (toolbar.paused) still();
    list.top();
  }
  if (list.shown.join() !== chosen(params.get("cols") ?? "").join()) list.columns(params.get("cols") ?? "");
  const op = Number(params.get("op"));
  const pin = params.get("pin");
  if (op) drawer.show(op);
  else if (pin) drawer.pinned(pin);
  else drawer.hide();
  if (shown === "request") requestPage.show(params.get("id") ?? "", params.get("tab") ?? "");
  else requestPage.hide();
  if (shown === "advice") advicePage.show();
  if (shown === "domains") domains.show();
  if (shown === "users") users.show();
  if (shown === "usage") usage.show(params);
  if (shown === "settings") showSettings(by("settings"), toolbar.about());
  document.title = `${titles[shown]} · ldapscope`;
  paint();
}

function navigation() {
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav a"))) {
    link.addEventListener("click", (e) => {
      if (/** @type {MouseEvent} */ (e).ctrlKey || /** @type {MouseEvent} */ (e).metaKey) return;
      e.preventDefault();
      screen(link.dataset.screen ?? "live");
    });
  }
}

/** @param {string} name */
function screen(name) {
  router.go({ screen: name === "live" ? null : name, id: null, op: null, run: null, tab: null, compare: null, view: null, pin: null });
}

function view() {
  for (const chip of chips) {
    by("chips").append(h("button", { "data-clause": chip.clause, "aria-pressed": "false", title: `${chip.clause} (key ${chip.key})`, onclick: () => query(toggle(box.value, chip.clause)) }, chip.name));
  }
  by("filterform").addEventListener("submit", (/** @type {Event} */ e) => { e.preventDefault(); query(box.value.trim()); });
  box.addEventListener("input", () => { box.setCustomValidity(""); if (box.value === "") query(""); });
  const group = by("group");
  for (const [value, title] of Object.entries(groupings)) group.append(h("option", { value }, title));
  group.onchange = () => grouping(group.value);
  by("columns").append(h("b", {}, "Columns"), ...columns.filter((c) => c.id !== "main").map((c) => h("label", {}, h("input", { type: "checkbox", value: c.id, checked: list.shown.includes(c.id), onchange: pickColumns }), ` ${c.title}`)));
  addEventListener("preference", () => { list.height = rowHeight(); paint(); });
  list.height = rowHeight();
}

function pickColumns() {
  const ids = ["main", ...[...by("columns").querySelectorAll("input:checked")].map((el) => /** @type {HTMLInputElement} */ (el).value)];
  router.go({ cols: named(ids) || null }, "adjust");
}

/** @param {string} name */
function grouping(name) {
  router.go({ group: name === "request" ? null : name, screen: null, id: null, tab: null }, "adjust");
}

/** @param {boolean} open */
function foldAll(open) {
  tree.all(open);
  list.anchor.id = ""; // what comes is not new
  toolbar.unless(show);
}

function start() {
  navigation();
  view();
  by("help").onclick = showHelp;
  by("theme").onclick = toggleTheme;
  router.addEventListener("change", route);
  document.addEventListener("visibilitychange", paint);
  const fold = (/** @type {boolean} */ open) => list.current && tree.toggle(list.current, open) && toolbar.unless(show);
  const isLive = (/** @type {() => any} */ act) => () => (router.screen === "live" ? act() : false);
  const falls = (/** @type {"in"|"out"|"all"|"left"|"right"} */ how, /** @type {() => any} */ other = () => false) => () => (router.screen === "request" ? requestPage.waterfall.zoom(how) : other());
  const isRequest = (/** @type {Row} */ row) => row.type === "request";
  const advised = (/** @type {Row} */ row) => row.type === "request" && row.request.findings > 0;
  const move = (/** @type {number} */ steps, /** @type {((row: Row) => boolean)|undefined} */ fits = undefined) => isLive(() => {
    list.move(steps, fits);
    const row = list.current; // an open drawer goes with it
    if (router.params.has("op") && row?.type === "operation" && !row.past) openOperation(row.op.seq);
  });
  const enter = isLive(() => list.current && openRow(list.current));
  listen({
    j: move(1), ArrowDown: move(1), k: move(-1), ArrowUp: move(-1), J: move(1, isRequest), K: move(-1, isRequest), n: move(1, advised), N: move(-1, advised), Enter: enter, o: enter,
    PageDown: isLive(() => list.page(1)), PageUp: isLive(() => list.page(-1)), Home: isLive(() => list.top()), X: () => router.go({ op: null, pin: null }, "adjust"), r: () => drawer.repeat(),
    ArrowLeft: falls("left", () => fold(false)), ArrowRight: falls("right", () => fold(true)), h: () => fold(false), l: () => fold(true), "[": () => foldAll(false), "]": () => foldAll(true),
    "+": falls("in"), "-": falls("out"), 0: falls("all"), "/": () => { if (router.screen !== "requests") screen("live"); box.focus(); },
    Escape: () => { if (router.params.has("op") || router.params.has("pin")) router.go({ op: null, pin: null }, "adjust"); else if (document.activeElement === box) box.blur(); else if (router.params.has("q")) query(""); },
    Space: isLive(toolbar.pause), p: isLive(toolbar.pause), P: toolbar.record, x: isLive(toolbar.clear), s: () => drawer.pin(), v: () => drawer.compare(), t: toggleTheme, T: turnDrawer, "?": showHelp, End: isLive(() => list.top()),
    "g l": () => screen("live"), "g r": () => screen("requests"), "g a": () => screen("advice"), "g d": () => screen("domains"), "g m": () => screen("usage"), "g ,": () => screen("settings"),
    "b r": () => grouping("request"), "b f": () => grouping("flat"), "b s": () => grouping("shape"), "b c": () => grouping("conn"),
    "y c": () => drawer.copy("command"), "y l": () => drawer.copy("ldif"), "y g": () => drawer.copy("go"), "y u": () => drawer.copy("url"), "y m": () => drawer.copy("markdown"),
    ...Object.fromEntries(chips.map((c) => [c.key, () => query(toggle(box.value, c.clause))])),
  }, () => preference("keys") === "off");
  route();
  live.connect();
  advicePage.count();
}

start();

export { list, store };
