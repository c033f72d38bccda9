// SPDX-License-Identifier: MIT
import { icon } from "./dom.js";

/**
 * What an element is to be. A list that moves shows other texts in the same elements twenty times a second: to change what differs takes
 * a browser half of the time that new elements take. Nothing is copied on the way: what a draw leaves behind, the collector takes
 * from a later one.
 * @typedef {{tag: string, className: string, props: Record<string, any>, children: Plan[], text: string, node: any}} Plan
 * @typedef {Plan|string|number|null|undefined|false} Child
 */

/** @type {WeakMap<Element, Plan[]>} what elements hold */
const held = new WeakMap();

/** @type {Map<string, {name: string, className: string}>} tags that were taken apart; they stand in the source, so there are few */
const tags = new Map();

/** @type {Plan[]} */
const nothing = [];
/** @type {Record<string, any>} */
const bare = {};

/**
 * Plans an element, as h() of dom.js makes one, without listeners.
 * @param {string} tag @param {Record<string, any>} props attributes; false and null leave out, "wide" is how far a bar is filled
 * @param {...Child} children
 * @returns {Plan}
 */
export function plan(tag, props, ...children) {
  let known = tags.get(tag);
  if (!known) {
    const [name, ...classes] = tag.split(".");
    tags.set(tag, (known = { name, className: classes.join(" ") }));
  }
  const list = [];
  for (const c of children) if (c || c === 0 || c === "") list.push(planned(c));
  return { tag: known.name, className: known.className, props, children: list, text: "", node: null };
}

/** Plans an icon. It stays where it is as long as it is the same: a new one is looked up in the sprite, and drawn once more when it has come. @param {string} name @returns {Plan} */
export function symbol(name) {
  return { tag: "#icon", className: "", props: bare, children: nothing, text: name, node: null };
}

/** @param {Plan|string|number} child @returns {Plan} */
function planned(child) {
  return typeof child === "object" ? child : { tag: "#text", className: "", props: bare, children: nothing, text: String(child), node: null };
}

/** Makes an element hold what is planned. @param {Element} el @param {Plan[]} next */
export function redraw(el, next) {
  hold(el, held.get(el) ?? nothing, next);
  held.set(el, next);
}

/** @param {Element} el @param {Plan[]} before @param {Plan[]} next */
function hold(el, before, next) {
  for (let i = 0; i < next.length; i++) {
    if (i >= before.length) el.appendChild(make(next[i]));
    else if (!become(before[i], next[i])) el.replaceChild(make(next[i]), before[i].node);
  }
  for (let i = next.length; i < before.length; i++) before[i].node.remove();
}

/** @param {Plan} is @returns {Node} */
function make(is) {
  if (is.tag === "#text") return (is.node = document.createTextNode(is.text));
  if (is.tag === "#icon") return (is.node = icon(is.text));
  const el = (is.node = document.createElement(is.tag));
  if (is.className) el.className = is.className;
  for (const key in is.props) set(el, key, is.props[key]);
  hold(el, nothing, is.children);
  return el;
}

/** Turns the node of one plan into that of another, where it can. @param {Plan} was @param {Plan} is */
function become(was, is) {
  if (was.tag !== is.tag || (is.tag === "#icon" && was.text !== is.text)) return false;
  const node = (is.node = was.node);
  if (was.text !== is.text) node.nodeValue = is.text;
  if (was.className !== is.className) node.className = is.className;
  if (was.props !== is.props) {
    for (const key in is.props) if (is.props[key] !== was.props[key]) set(node, key, is.props[key]);
    for (const key in was.props) if (!(key in is.props)) set(node, key, null);
  }
  hold(node, was.children, is.children);
  return true;
}

/** @param {HTMLElement} el @param {string} key @param {any} value */
function set(el, key, value) {
  const gone = value === false || value === null || value === undefined;
  if (key === "wide") el.style.backgroundSize = gone ? "" : value;
  else if (gone) el.removeAttribute(key);
  else el.setAttribute(key, value === true ? "" : String(value));
}
