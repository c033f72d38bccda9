// SPDX-License-Identifier: MIT
import { h, fill } from "./dom.js";
import { codes, duration, elide, failed, plural, result } from "./format.js";
import { micros } from "./protocol.js";
import { layout, moved, scale, ticks, zoomed } from "./waterfall.js";

const segmentNames = /** @type {Record<string, string>} */ ({ pool: "waits for a connection", dial: "connects", tls: "TLS", bind: "service bind", wait: "until the first answer", stream: "first to last answer" });
const modes = /** @type {Record<string, string>} */ ({ fold: "Repeats folded", each: "Each operation", lanes: "By connection" });

/** Draws the waterfall of one HTTP request and zooms it. */
export class Waterfall {
  /** @param {(seq: number) => void} open */
  constructor(open) {
    this.open = open;
    this.host = h("div.waterfall", { "data-testid": "waterfall" });
    /** @type {"each"|"fold"|"lanes"} */ this.mode = "fold";
    this.shorten = true;
    /** @type {Span|null} what is shown; null for all */ this.window = null;
    this.request = /** @type {any} */ (null);
    this.operations = /** @type {any[]} */ ([]);
  }

  /** @param {any} request @param {any[]} operations */
  show(request, operations) {
    if (this.request?.id !== request.id) this.window = null;
    this.request = request;
    this.operations = operations;
    this.draw();
    return this.host;
  }

  /** @param {"in"|"out"|"all"|"left"|"right"} how */
  zoom(how) {
    if (!this.request) return;
    const { span } = this.whole();
    const shown = this.window ?? { from: 0, to: span };
    const next = { in: () => zoomed(shown, 0.5, span), out: () => zoomed(shown, 2, span), all: () => null, left: () => moved(shown, -0.25, span), right: () => moved(shown, 0.25, span) }[how]();
    this.window = next && next.to - next.from < span ? next : null;
    this.draw();
  }

  /** All of the time, which may begin before the HTTP request where a connection was waited for. */
  whole() {
    const plan = layout(this.request, this.operations, this.mode);
    return { plan, span: plan.span };
  }

  draw() {
    const { plan, span } = this.whole();
    const shown = this.window ?? { from: Math.min(0, ...plan.bars.map((b) => b.from)), to: span };
    const { at, breaks } = scale(shown, plan.busy, this.shorten && !this.window);
    const place = (/** @type {HTMLElement} */ el, /** @type {number} */ from, /** @type {number} */ to) => {
      const left = Math.max(at(Math.max(from, shown.from)), 0);
      const right = Math.min(at(Math.min(to, shown.to)), 1);
      el.style.left = `min(${left * 100}%, 100% - 2px)`; // what begins at the end is seen too
      el.style.width = `max(2px, ${(right - left) * 100}%)`;
      return el;
    };
    const seen = (/** @type {Span} */ s) => s.to >= shown.from && s.from <= shown.to;
    const axis = h("div.lane.axis", {}, ...ticks(shown, { at, breaks }).map((mark) => {
      const tick = h(`span.tick.${mark.lanes.join(".")}`, {}, duration(mark.t));
      tick.style.setProperty("--at", `${mark.at * 100}%`);
      return tick;
    }));
    const gaps = () => breaks.map((b) => place(h("span.gapmark", { title: `${duration(b.to - b.from)} without LDAP, drawn shorter` }), b.from, b.to));
    const q = this.request;
    const rows = plan.bars.filter(seen).map((b) => h("div.fall", { "data-testid": "fall-row" }, this.label(b),
      h("div.lane", {}, ...gaps(), ...b.segments.filter(seen).map((s) => place(h(`span.segment.${s.name}${b.critical ? ".critical" : ""}`, { title: `${segmentNames[s.name]}: ${duration(s.to - s.from)}` }), s.from, s.to))),
      h("span.num", {}, duration(b.ops.reduce((s, op) => s + op.duration_us, 0)))));
    const wait = breaks.length ? ` · ${breaks.map((b) => `${duration(b.to - b.from)} without LDAP`).join(", ")} drawn shorter` : "";
    fill(this.host, this.tools(shown, span), h("div.fall", {}, h("span.falllabel.dim", {}, `Wall clock${wait}`), axis, h("span.num")),
      h("div.fall", {}, h("span.falllabel", {}, h("b", {}, q.kind === "http" ? "HTTP request" : "Whole")), h("div.lane", {}, ...gaps(), place(h("span.segment.http", { title: duration(q.duration_us) }), 0, q.duration_us)), h("span.num", {}, duration(q.duration_us))),
      ...this.steps(place, seen), ...rows, this.legend(plan));
  }

  /** One line with the steps of the application. @param {(el: HTMLElement, from: number, to: number) => HTMLElement} place @param {(s: Span) => boolean} seen */
  steps(place, seen) {
    const q = this.request;
    const spans = q.steps.map((/** @type {any} */ s) => {
      const from = micros(s.start) - micros(q.start);
      return { name: s.name, from, to: from + s.duration_us };
    }).filter(seen);
    if (!spans.length) return [];
    return [h("div.fall", {}, h("span.falllabel.dim", {}, "Steps"), h("div.lane.steps", {}, ...spans.map((/** @type {any} */ s) => place(h("span.stepspan", { title: `${s.name}: ${duration(s.to - s.from)}` }, s.name), s.from, s.to))), h("span.num"))];
  }

  /** @param {Bar} b */
  label(b) {
    const bad = b.ops.filter(failed).length;
    const total = b.ops.reduce((s, op) => s + op.duration_us, 0);
    const text = b.lane || (b.ops.length > 1 ? `×${b.ops.length} ${b.op.shape_text ?? b.op.subject}` : b.op.subject);
    const beside = b.lane ? plural(b.ops.length, "operation") : b.ops.length > 1 ? `${duration(total / b.ops.length)} each` : elide(b.op.about ?? "", 28);
    const times = b.segments.length < 8 ? b.segments.map((s) => `${segmentNames[s.name]} ${duration(s.to - s.from)}`).join(", ") : "";
    return h("button.falllabel", { title: `${text}\n${b.op.about ?? ""}`, onclick: () => this.open(b.op.seq) },
      b.lane ? h("span.badge", {}, "CONN") : h(`span.badge.${b.op.kind}`, {}, codes[b.op.kind]), h(b.critical ? "span.subject.critical" : "span.subject", {}, text),
      bad ? h("span.chip.error", {}, b.ops.length > 1 ? `${bad} failed` : result(b.op)) : null, h("span.dim.base", {}, beside), times ? h("span.unseen", {}, times) : null);
  }

  /** @param {Span} shown @param {number} span */
  tools(shown, span) {
    const limit = (/** @type {string} */ name, /** @type {number} */ value, /** @type {(ms: number) => Span} */ set) => h("label", {}, `${name} `, h("input.ms", {
      type: "number", min: "0", step: "any", value: (value / 1000).toFixed(1), onchange: (/** @type {any} */ e) => {
        const next = set(Number(e.target.value) * 1000);
        if (next.to > next.from) this.window = next;
        this.draw();
      },
    }), " ms");
    return h("div.falltools", {}, h("select", { "aria-label": "Lanes", onchange: (/** @type {any} */ e) => { this.mode = e.target.value; this.draw(); } },
      ...Object.entries(modes).map(([value, title]) => h("option", { value, selected: value === this.mode }, title))),
    h("span.buttons", {}, h("button", { title: "closer (+)", "aria-label": "Zoom in", onclick: () => this.zoom("in") }, "+"), h("button", { title: "wider (-)", "aria-label": "Zoom out", onclick: () => this.zoom("out") }, "−"),
      h("button", { title: "all of it (0)", disabled: !this.window, onclick: () => this.zoom("all") }, "All")),
    limit("from", shown.from, (from) => ({ from, to: shown.to })), limit("to", shown.to, (to) => ({ from: shown.from, to: Math.min(to, span) })),
    h("label", {}, h("input", { type: "checkbox", checked: this.shorten, onchange: (/** @type {any} */ e) => { this.shorten = e.target.checked; this.draw(); } }), " shorten waits"));
  }

  /** @param {ReturnType<typeof layout>} plan */
  legend(plan) {
    const used = new Set(plan.bars.flatMap((b) => b.segments.map((s) => s.name)));
    return h("div.legend", {}, ...Object.entries(segmentNames).filter(([name]) => used.has(name) || name === "wait").map(([name, text]) => h("span", {}, h(`i.segment.${name}`), text)),
      plan.bars.some((b) => b.critical) ? h("span", {}, h("span.subject.critical", {}, "underlined"), " without it the time would be shorter") : null);
  }
}
