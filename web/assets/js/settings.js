// SPDX-License-Identifier: MIT
import { h, fill } from "./dom.js";
import { help } from "./keys.js";

/**
 * What a person prefers in this browser; the address holds the state of the view.
 * @type {Record<string, {title: string, values: [string, string][], more?: string}>}
 */
const choices = {
  theme: { title: "Theme", values: [["", "As the system"], ["light", "Light"], ["dark", "Dark"]] },
  density: { title: "Rows", values: [["compact", "Compact"], ["", "Usual"], ["comfortable", "Comfortable"]] },
  drawer: { title: "Open operation", values: [["", "At the side"], ["below", "Below"]] },
  editor: { title: "Links to source", values: [["", "VS Code"], ["goland", "GoLand"], ["zed", "Zed"], ["off", "None"]] },
  keys: { title: "Single keys", values: [["", "On"], ["off", "Off"]], more: "Off for speech input and other aids that send single letters. Enter, Escape and the arrows always work." },
  tell: { title: "Spoken news", values: [["", "Off"], ["on", "On"]], more: "Says how many operations came, at most every ten seconds." },
};

/** How each editor is asked to open a line of a file. @type {Record<string, (path: string, line: number) => string>} */
export const editors = { vscode: (path, line) => `vscode://file${path}:${line}`, goland: (path, line) => `goland://open?file=${path}&line=${line}`, zed: (path, line) => `zed://file${path}:${line}` };

const heights = /** @type {Record<string, number>} */ ({ compact: 24, "": 28, comfortable: 36 });

/** @param {string} name */
export function preference(name) {
  return localStorage.getItem(`ldapscope-${name}`) ?? "";
}

/** @param {string} name @param {string} value */
export function prefer(name, value) {
  if (value) localStorage.setItem(`ldapscope-${name}`, value);
  else localStorage.removeItem(`ldapscope-${name}`);
  apply();
  dispatchEvent(new Event("preference"));
}

/** The height of a row in pixels. */
export function rowHeight() {
  return heights[preference("density")] ?? 28;
}

/** Makes the page look as preferred. */
export function apply() {
  const root = document.documentElement;
  const theme = preference("theme");
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  root.dataset.drawer = preference("drawer");
  root.style.setProperty("--row", `${rowHeight()}px`);
}

/** Changes between light and dark. */
export function toggleTheme() {
  const chosen = preference("theme");
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  prefer("theme", dark ? "light" : "dark");
}

/** Puts the open operation below the list, or beside it again. */
export function turnDrawer() {
  prefer("drawer", preference("drawer") ? "" : "below");
}

/** The page of settings. @param {HTMLElement} host @param {{version: string, epoch: string, level: string, limits: string}} about */
export function showSettings(host, about) {
  const field = (/** @type {string} */ name) => {
    const { title, values, more } = choices[name];
    return h("fieldset.choice", {}, h("legend", {}, title),
      ...values.map(([value, text]) => h("label", {}, h("input", { type: "radio", name, checked: preference(name) === value, onchange: () => prefer(name, value) }), ` ${text}`)),
      more ? h("p.dim", {}, more) : null);
  };
  fill(host, h("header.pagehead", {}, h("h1", {}, "Settings"), h("span.dim", {}, "of this browser")),
    h("section.card", {}, h("h2", {}, "Appearance"), field("theme"), field("density"), field("drawer"), field("editor")),
    h("section.card", {}, h("h2", {}, "Access"), field("keys"), field("tell")),
    h("section.card", {}, h("h2", {}, "Keys"), h("dl.facts.keys", {}, ...help.flatMap(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)]))),
    h("section.card", {}, h("h2", {}, "About"), h("dl.facts", {}, ...Object.entries({
      Version: about.version, "Recorder": about.limits, "Level of redaction": about.level, "Run of the application": about.epoch,
    }).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))));
}
