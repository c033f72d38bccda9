// SPDX-License-Identifier: MIT

/**
 * What an element is to be. A list that moves shows other texts in the same elements twenty times a second: to change what differs takes
 * a browser half of the time that new elements take.
 * @typedef {{tag: string, className: string, props: Record<string, any>, children: Plan[], text: string, node: any}} Plan
 * @typedef {Plan|Node|string|number|null|undefined|false} Child
 */

/** @type {WeakMap<Element, Plan[]>} what elements hold */
const held = new WeakMap();

/**
 * Plans an element, as h() of dom.js makes one, without listeners.
 * @param {string} tag @param {Record<string, any>} props attributes; false and null leave out, "wide" is the width of its style
 * @param {...Child} children nodes among them are put in as they are
 * @returns {Plan}
 */
export function plan(tag, props, ...children) {
  const [name, ...classes] = tag.split(".");
  return { tag: name, className: classes.join(" "), props, children: children.filter((c) => c || c === 0 || c === "").map(planned), text: "", node: null };
}

/** @param {any} child @returns {Plan} */
function planned(child) {
  if (child instanceof Node) return { tag: "#node", className: "", props: {}, children: [], text: "", node: child };
  return typeof child === "object" ? child : { tag: "#text", className: "", props: {}, children: [], text: String(child), node: null };
}

/** Makes an element hold what is planned. @param {Element} el @param {Plan[]} next */
export function redraw(el, next) {
  const before = held.get(el) ?? [];
  held.set(el, next);
  next.forEach((is, i) => {
    const was = before[i];
    if (!was) el.appendChild(make(is));
    else if (!become(was, is)) el.replaceChild(make(is), was.node);
  });
  for (const was of before.slice(next.length)) was.node.remove();
}

/** @param {Plan} is @returns {Node} */
function make(is) {
  if (is.node) return is.node;
  if (is.tag === "#text") return (is.node = document.createTextNode(is.text));
  is.node = document.createElement(is.tag);
  become({ ...is, className: "", props: {}, children: [] }, is);
  return is.node;
}

/** Turns the node of one plan into that of another, where it can. @param {Plan} was @param {Plan} is */
function become(was, is) {
  if (was.tag !== is.tag || is.tag === "#node") return false;
  const node = (is.node = was.node);
  if (is.tag === "#text") {
    if (was.text !== is.text) node.nodeValue = is.text;
    return true;
  }
  if (was.className !== is.className) node.className = is.className;
  for (const [key, value] of Object.entries({ ...blank(was.props), ...is.props })) {
    if (value === was.props[key]) continue;
    if (key === "wide") node.style.width = value ?? "";
    else if (value === false || value === null || value === undefined) node.removeAttribute(key);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  redraw(node, is.children);
  return true;
}

/** @param {Record<string, any>} props */
const blank = (props) => Object.fromEntries(Object.keys(props).map((key) => [key, null]));
