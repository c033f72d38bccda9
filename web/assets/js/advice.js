// SPDX-License-Identifier: MIT
import { h, fill, ask, copy, icon, why } from "./dom.js";
import { clock, count, duration, plural, sentence } from "./format.js";

const countEvery = 5000;
const outside = "outside of any HTTP request"; // as the API names what belongs to none

/** The page of advice: what was found in the newest HTTP requests, then every rule. */
export class AdvicePage {
  /** @param {HTMLElement} host @param {{request: (id: string) => void, operation: (seq: number) => void, counted: (n: number) => void}} actions */
  constructor(host, actions) {
    this.host = host;
    this.actions = actions;
  }

  /** Asks only how much there is, for the badge beside the screen's name; again once in a while. */
  async count() {
    try {
      if (!document.hidden) this.actions.counted((await ask("findings")).findings.length);
    } catch {
      // the state of the connection is shown elsewhere
    }
    setTimeout(() => this.count(), countEvery);
  }

  async show() {
    try {
      const { findings, rules, requests } = await ask("findings");
      this.actions.counted(findings.length);
      const passing = rules.filter((/** @type {any} */ r) => r.findings === 0);
      fill(this.host, h("header.pagehead", {}, h("h1", {}, "Advice"), h("span.dim", {}, `${plural(findings.length, "finding")} in the newest ${plural(requests, "HTTP request")} and jobs`)),
        ...findings.map((/** @type {Finding} */ f) => card(f, this.actions)),
        findings.length ? null : h("p.note.pad", {}, requests ? "Nothing to improve was found in what is recorded." : "Nothing is recorded yet. Advice appears once an HTTP request has ended."),
        h("section.card.rules", {}, h("h2", {}, `Rules that found nothing (${passing.length} of ${rules.length})`),
          h("ul.plain", {}, ...passing.map((/** @type {any} */ r) => h("li", {}, icon("check"), h("code", {}, r.id), " ", r.title)))));
    } catch (e) {
      fill(this.host, h("p.note.pad", {}, why(e)));
    }
  }
}

/**
 * One piece of advice.
 * @param {Finding} f @param {{request?: (id: string) => void, operation: (seq: number) => void}} actions
 */
export function card(f, actions) {
  const { request } = actions;
  const named = f.operations.slice(0, 6);
  return h("article.card.finding", { "data-testid": "finding", "data-rule": f.rule },
    h("h2", {}, h(`span.chip.severity.${f.severity}`, {}, icon(f.severity), f.severity), " ", f.title, " ", h("code.dim", {}, f.rule)),
    h("p", {}, f.requests > 1 ? "In the newest: " : "", h("b", {}, f.requests > 1 ? f.evidence : sentence(f.evidence)), "."),
    f.shape_text ? h("p", {}, h("code", {}, f.shape_text)) : null,
    h("p", {}, f.why),
    h("p.fix", {}, icon("right"), h("span", {}, f.fix)),
    h("p.dim", {}, request ? h("span", {}, h("button.link", { onclick: () => request(f.request_id) }, f.route), ` · ${f.route === outside ? "" : `${plural(f.requests, "HTTP request")} · `}last ${clock(f.last)} · `) : null,
      ...named.flatMap((seq) => [h("button.link", { onclick: () => actions.operation(seq) }, `#${seq}`), " "]),
      f.count > named.length ? `and ${count(f.count - named.length)} more · ` : "· ", f.wasted_us > 0 ? `would save up to ${duration(f.wasted_us)} · ` : "", `${f.confidence} · `,
      h("button.link", { onclick: () => copy(text(f), "advice") }, "copy")));
}

/** The finding as the text of an issue. @param {Finding} f */
export function text(f) {
  return [`## ${f.title} (${f.rule}, ${f.severity})`, "", `${f.route}: ${f.evidence}.`, "", f.shape_text ? `    ${f.shape_text}\n` : "", `Why: ${f.why}`, "", `What to do: ${f.fix}`, ""].join("\n");
}
