// SPDX-License-Identifier: MIT
import { sentence } from "./format.js";

/**
 * Makes an element. Everything that comes from outside is set as text or attribute, never as markup.
 * @param {string} tag element name, with classes behind dots: "span.badge.error"
 * @param {Record<string, any>} [props] attributes; names that begin with "on" are listeners, false and null leave out
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
  const [name, ...classes] = tag.split(".");
  const el = document.createElement(name);
  if (classes.length) el.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else el.setAttribute(key, value === true ? "" : String(value));
  }
  put(el, ...children);
  return el;
}

/** A text of a directory's, which may be broken after its commas. @param {string} text @returns {(Node|string)[]} */
export function breakable(text) {
  return text.split(/(?<=,)/).flatMap((part) => [part, document.createElement("wbr")]);
}

/** The element of an id, which is there. @param {string} id @returns {any} */
export const by = (id) => document.getElementById(id);

/**
 * Appends children; text becomes text nodes.
 * @param {Node} el
 * @param {...(Node|string|number|null|undefined|false)} children
 */
export function put(el, ...children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    el.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Replaces all children.
 * @param {Element} el
 * @param {...(Node|string|number|null|undefined|false)} children
 */
export function fill(el, ...children) {
  el.replaceChildren();
  put(el, ...children);
}

/** Of the page's files: what it has once, it has for good, also when the program is gone. */
const version = new URL(import.meta.url).search;

/**
 * An icon of the sprite; decorative unless it has a label.
 * @param {string} name
 * @param {string} [label]
 * @returns {SVGElement}
 */
export function icon(name, label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `assets/icons.svg${version}#${name}`);
  svg.appendChild(use);
  return svg;
}

/**
 * Asks the panel's API.
 * @param {string} path relative to api/v1/
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
export async function ask(path, init) {
  const response = await fetch(`api/v1/${path}`, init).catch(() => { throw new Failure(0, "the program cannot be reached", {}); }); // browsers say each something else
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Failure(response.status, body?.error?.message ?? `the program answers ${response.status}`, body);
  return body;
}

/** An answer that is an error, in the program's own words. */
export class Failure extends Error {
  /** @param {number} status @param {string} message @param {any} body */
  constructor(status, message, body) {
    super(sentence(message));
    this.status = status;
    this.body = body;
  }
}

/** What failed, in words. @param {unknown} e what was thrown */
export function why(e) {
  return e instanceof Error ? e.message : String(e);
}

/**
 * Copies text and says so.
 * @param {string} text
 * @param {string} what
 */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}`);
  } catch {
    say("The browser does not allow copying here");
  }
}

/** Says something in the one status region and, for a moment, on the page. @param {string} text @param {Node} [more] such as a button @param {number} [time] */
export function say(text, more, time = 4000) {
  const region = document.getElementById("status");
  if (!region) return;
  fill(region, text, more);
  region.dataset.shown = "true";
  clearTimeout(Number(region.dataset.timer));
  region.dataset.timer = String(setTimeout(() => { region.dataset.shown = "false"; region.replaceChildren(); }, time));
}
