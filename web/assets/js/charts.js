// SPDX-License-Identifier: MIT
import { h } from "./dom.js";

const space = "http://www.w3.org/2000/svg";

/** @param {string} name @param {Record<string, string>} attributes */
function draw(name, attributes) {
  const el = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  return el;
}

/**
 * A line over equal steps, as high as its box.
 * @param {number[]} values @param {string} label what it shows, in words
 */
export function line(values, label) {
  const most = Math.max(...values, 0) || 1;
  const last = Math.max(values.length - 1, 1);
  const points = values.map((v, i) => `${((i / last) * 100).toFixed(2)},${(29 - (v / most) * 28).toFixed(2)}`);
  const svg = draw("svg", { class: "chart", viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": label });
  svg.append(draw("polygon", { class: "area", points: `0,30 ${points.join(" ")} 100,30` }), draw("polyline", { class: "line", points: points.join(" ") }));
  return svg;
}

/**
 * A small chart with its title and the numbers that it is read by.
 * @param {string} title @param {number[]} values @param {(n: number) => string} format @param {string} [span] what time it covers
 */
export function chart(title, values, format, span = "") {
  const most = format(Math.max(...values, 0));
  return h("figure.spark", {}, h("figcaption", {}, h("span", {}, title), h("b.num", {}, `${format(values.at(-1) ?? 0)}`)), line(values, `${title}: now ${format(values.at(-1) ?? 0)}, at most ${most}`), h("small.dim", {}, [`at most ${most}`, span].filter(Boolean).join(", ")));
}
