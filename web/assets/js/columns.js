// SPDX-License-Identifier: MIT

/**
 * The columns of the list. The subject is always there and takes what the others leave.
 * @type {{id: string, title: string, width: string, narrow?: string, number?: boolean, off?: boolean}[]}
 */
export const columns = [
  { id: "when", title: "Time", width: "116px" },
  { id: "kind", title: "Kind", width: "48px" },
  { id: "main", title: "Operation", width: "minmax(100px, 1fr)" },
  { id: "domain", title: "Domain", width: "96px", off: true },
  { id: "conn", title: "Conn.", width: "56px", number: true, off: true },
  { id: "notes", title: "Notes", width: "104px", narrow: "96px" },
  { id: "n", title: "Entries", width: "56px", number: true },
  { id: "code", title: "Result", width: "168px", narrow: "120px" },
  { id: "size", title: "Received", width: "68px", number: true },
  { id: "first", title: "First answer", width: "84px", number: true, off: true },
  { id: "time", title: "Time taken", width: "200px", narrow: "136px", number: true },
];

/** The columns that an address asks for; "" is the usual set. @param {string} text ids with commas */
export function chosen(text) {
  const ids = new Set(text.split(",").filter(Boolean));
  return columns.filter((c) => c.id === "main" || (ids.size ? ids.has(c.id) : !c.off)).map((c) => c.id);
}

/** How an address names a set; "" for the usual one. @param {string[]} ids */
export function named(ids) {
  const text = columns.filter((c) => ids.includes(c.id)).map((c) => c.id).join(",");
  return text === chosen("").join(",") ? "" : text;
}

/** What goes first where there is little room, and from which width on. @type {[number, string[]][]} */
const dropped = [[1150, ["first"]], [1050, ["domain", "conn"]], [960, ["size"]], [860, ["notes"]], [720, ["n"]], [520, ["when", "code"]]];

/** The chosen columns that a width has room for. @param {string[]} ids @param {number} width */
export function fitting(ids, width) {
  const gone = new Set(dropped.filter(([from]) => width < from).flatMap(([, list]) => list));
  return ids.filter((id) => !gone.has(id));
}

/** The value of grid-template-columns, the same in every row. @param {string[]} ids @param {number} width */
export function template(ids, width) {
  return columns.filter((c) => ids.includes(c.id)).map((c) => c.id === "time" && width < 860 ? "92px" : c.id === "main" && width < 520 ? "minmax(0, 1fr)" : (width < 1000 && c.narrow) || c.width).join(" ");
}
