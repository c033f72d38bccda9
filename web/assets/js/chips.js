// SPDX-License-Identifier: MIT

/** The one-key filters: each is a clause of the query that can be seen and removed there. */
export const chips = [
  { key: "e", name: "Errors", clause: "is:error" },
  { key: "w", name: "Slow", clause: "is:slow" },
  { key: "d", name: "Repeats", clause: "is:duplicate" },
];

/** Whether a query holds a clause. @param {string} query @param {string} clause */
export function holds(query, clause) {
  return query.split(/\s+/).includes(clause);
}

/** Adds a clause to a query, or takes it out. @param {string} query @param {string} clause */
export function toggle(query, clause) {
  const words = query.split(/\s+/).filter(Boolean);
  return (words.includes(clause) ? words.filter((w) => w !== clause) : [...words, clause]).join(" ");
}
